/** The event's facts, how much was seen, and how sure to be. */

import { el, facts, percent, section, utc } from "./dom";
import type { State } from "./state";

export function eventPanel(state: State): HTMLElement {
  const { root, body } = section("Event");
  const draw = (): void => {
    const about = state.collection?.["sarlra:event"];
    const coverage = state.collection?.["sarlra:statistics"]?.coverage;
    const together = coverage?.together;
    const place = about?.epicentre;
    body.replaceChildren(
      facts([
        ["Name", about?.title ?? state.collection?.title],
        ["Time", about?.origins?.map(utc).join(", ")],
        ["Magnitude", about?.magnitude],
        ["Depth", about?.depth_km == null ? null : `${about.depth_km} km`],
        ["Epicentre", place ? `${place[1].toFixed(3)}°, ${place[0].toFixed(3)}° (lat, lon)` : null],
        ["Area from", about?.area_origin],
        ["Newest image", utc(state.itemsShown.map((i) => i.properties.datetime).sort().at(-1))],
        ["Radar could see", percent(together?.observed_share)],
        ["Layover or shadow", percent(together?.distorted_share)],
        ["No data", percent(together?.no_data_share)],
      ]),
      el("p", { class: "hint" }, "Nothing found is not the same as no landslide: hatched ground was not seen."),
    );
  };
  state.on((change) => {
    if (change === "event" || change === "version") draw();
  });
  return root;
}

export function meaningPanel(state: State): HTMLElement {
  const { root, body } = section("How sure to be", false);
  const draw = (): void => {
    const first = state.itemsShown[0]?.properties;
    const posts = [...new Set(state.itemsShown.map((i) => Number(i.properties["sarlra:n_post"])))];
    const fewest = Math.min(...posts);
    const known = state.itemsShown.flatMap((i) => i.properties["sarlra:in_domain"] ?? []);
    const outside = known.filter((domain) => domain.inside === false).length;
    body.replaceChildren(
      el("h3", {}, "What the score means"),
      el("p", {}, first?.["sarlra:score_meaning"] ?? "The items do not say."),
      ...(first?.["sarlra:probability_meaning"]
        ? [el("h3", {}, "What the probability means"), el("p", {}, first["sarlra:probability_meaning"])]
        : []),
      ...(outside > 0
        ? [el("p", {}, `${outside} of ${known.length} results lie outside what the model has seen in training: trust them less.`)]
        : []),
      ...(fewest === 1
        ? [el("p", {}, "There is only one image after the event: the change is noisy, and more images make it better.")]
        : []),
      el("h3", {}, "Limits of the model"),
      el("ul", {}, ...(first?.["sarlra:model_limits"] ?? ["None are stated."]).map((text) => el("li", {}, text))),
      el("p", {}, "Nothing was checked on the ground. Have somebody look before acting on one window."),
    );
  };
  state.on((change) => {
    if (change === "event" || change === "version") draw();
  });
  return root;
}
