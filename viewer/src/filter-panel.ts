/** Filters, and the slider over versions in time. */

import { checkbox, choice, slider } from "./controls";
import { el, section, utc } from "./dom";
import type { State } from "./state";

export function filterPanel(state: State, goTo: (asOf: string | null) => void): HTMLElement {
  const { root, body } = section("Filter");
  const draw = (): void => {
    const { filter } = state;
    const areas = state.detections.features.map((one) => one.properties.area_ha);
    const largest = Math.max(0, ...areas);
    const smallest = Math.min(largest, ...areas);
    const step = smallest > 20 ? 1 : 0.1;
    const orbits = [...new Set(state.detections.features.map((f) => f.properties.orbit_state))];
    const lowest = Math.floor(100 * Math.min(1, ...state.detections.features.map((f) => f.properties.score))) / 100;
    body.replaceChildren(
      ...versions(state, goTo),
      slider(
        "Score at least",
        { min: lowest, max: 1, step: 0.01, value: Math.max(lowest, filter.minScore) },
        (value) => value.toFixed(2),
        (minScore) => state.setFilter({ minScore: minScore <= lowest ? 0 : minScore }),
      ),
      slider(
        "Size at least",
        { min: 0, max: Math.ceil(largest / step) * step || 1, step, value: filter.minAreaHa },
        (value) => `${step < 1 ? value.toFixed(1) : value} ha`,
        (minAreaHa) => state.setFilter({ minAreaHa }),
      ),
      largest - smallest < 0.02 * largest
        ? el("p", { class: "hint" }, `All windows have about the same size, ${largest.toFixed(0)} ha.`)
        : el("p", { class: "hint" }, "The size is that of the changed ground inside a window."),
      ...(orbits.length > 1
        ? [
            choice(
              "Direction",
              [["", "Both"], ...orbits.map((orbit): [string, string] => [orbit, orbit])],
              filter.orbits[0] ?? "",
              (orbit) => state.setFilter({ orbits: orbit ? [orbit] : [] }),
            ),
          ]
        : []),
      ...(state.tracks.length > 1
        ? [
            choice(
              "Track (images too)",
              [["", "All"], ...state.tracks.map((track): [string, string] => [track, track])],
              filter.track ?? "",
              (track) => {
                state.setFilter({ track: track || null });
                state.changed("layers");
              },
            ),
          ]
        : []),
      checkbox("Only what the map shows", filter.inView, (inView) => state.setFilter({ inView })),
    );
  };
  state.on((change) => {
    if (change === "event" || change === "version") draw();
  });
  return root;
}

function versions(state: State, goTo: (asOf: string | null) => void): HTMLElement[] {
  const { moments } = state;
  const last = moments.length - 1;
  if (last < 1)
    return moments[0] ? [el("p", { class: "hint" }, `As of ${utc(moments[0])}, the only version.`)] : [];
  const at = state.asOf === null ? last : Math.max(0, moments.indexOf(state.asOf));
  let pending = 0;
  return [
    slider(
      "As of",
      { min: 0, max: last, step: 1, value: at },
      (number) => `${utc(moments[number])}${number === last ? " (newest)" : ""}`,
      (number) => {
        window.clearTimeout(pending);
        pending = window.setTimeout(() => goTo(number === last ? null : (moments[number] ?? null)), 250);
      },
    ),
  ];
}
