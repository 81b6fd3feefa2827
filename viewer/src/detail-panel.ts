/** The selected detection: numbers, patches before and after, what went in. */

import { el, facts, link, section, utc } from "./dom";
import type { State } from "./state";
import type { Acquisition, Detection, Item, Scalar } from "./types";

const NAMES: Record<string, string> = {
  score: "Score",
  probability: "Probability",
  area_ha: "Size",
  n_pre: "Images before",
  n_post: "Images after",
  valid_share: "Share with data",
  diff_vv_mean: "Mean change VV",
  diff_vv_p05: "Change VV, 5th percentile",
  diff_vv_p95: "Change VV, 95th percentile",
  diff_vh_p05: "Change VH, 5th percentile",
  diff_vh_p95: "Change VH, 95th percentile",
  diff_vh_mean: "Mean change VH",
  orbit_state: "Direction",
  track: "Track",
  priority_why: "May have hit",
  priority: "Priority",
  priority_rank: "Rank by priority",
};
/** Of use to programs, not to a reader. */
const HIDDEN = new Set(["id", "item", "row", "col", "x", "y", "epsg", "tile", "bbox"]);

export function detailPanel(state: State, extra: (detection: Detection) => HTMLElement): HTMLElement {
  const { root, body } = section("Selected detection");
  root.id = "selected";
  const draw = (): void => {
    const one = state.detection(state.selected);
    if (!one) {
      body.replaceChildren(
        el("p", { class: "hint" }, "Click a window on the map, or choose one of the list."),
      );
      return;
    }
    const item = state.items.find((other) => other.id === one.properties.item);
    body.replaceChildren(
      facts(Object.entries(one.properties).filter(([k]) => !HIDDEN.has(k)).map(([k, v]) => [NAMES[k] ?? k, shown(k, v)])),
      patches(state, one),
      ...(item ? inputs(item) : []),
      extra(one),
    );
    root.open = true;
  };
  state.on((change) => {
    if (["event", "version", "selected", "reviews"].includes(change)) draw();
  });
  return root;
}

function shown(name: string, value: Scalar): Scalar {
  if (typeof value !== "number") return value;
  if (name === "score") return value.toFixed(3);
  if (name === "area_ha") return `${value.toFixed(value < 10 ? 2 : 0)} ha`;
  if (name.startsWith("diff_")) return `${value.toFixed(1)} dB`;
  if (name.endsWith("_share")) return `${(100 * value).toFixed(0)} %`;
  return Number.isInteger(value) ? value : Number(value.toPrecision(4));
}

function patches(state: State, one: Detection): HTMLElement {
  const has = (band: string): boolean =>
    state.layers.some((layer) => layer.asset === "composite" && layer.band === band);
  const { item, x, y } = one.properties;
  const wanted: [string, string][] = [
    ["pre_vv", "before"],
    ["post_vv", "after"],
    ["diff_vv", "change"],
  ];
  return el(
    "div",
    { class: "patches" },
    ...wanted
      .filter(([band]) => has(band))
      .map(([band, text]) =>
        el(
          "figure",
          {},
          el("img", {
            src: `patches/${encodeURIComponent(item)}/${band}.png?x=${x}&y=${y}`,
            alt: `VV ${text}, the window in the middle`,
          }),
          el("span", { class: "window", "aria-hidden": "true" }),
          el("figcaption", {}, `VV ${text}`),
        ),
      ),
  );
}

function inputs(item: Item): HTMLElement[] {
  const p = item.properties;
  const rows = (acquisitions: Acquisition[] | undefined): HTMLElement =>
    el(
      "ul",
      {},
      ...(acquisitions ?? []).map((one) => el("li", {}, `${utc(one.datetime)}, ${one.platform}`)),
    );
  const files = ["quicklook", "inputs", "change", "scores", "visibility"]
    .filter((key) => item.assets[key])
    .flatMap((key) => [link(item.assets[key]?.href ?? "", key), " · "]);
  return [
    el("h3", {}, "Inputs"),
    el("p", {}, "Images before:"),
    rows(p["sarlra:acquisitions_pre"]),
    el("p", {}, "Images after:"),
    rows(p["sarlra:acquisitions_post"]),
    facts([
      ["Model", p["sarlra:model"]],
      ["Threshold", p["sarlra:threshold"]?.toFixed(3)],
      ["Version", p.version],
      ["Source", p["sarlra:source"]],
    ]),
    el(
      "p",
      { class: "downloads" },
      ...files,
      link(item.links.find((one) => one.rel === "self")?.href ?? "", "item"),
    ),
  ];
}
