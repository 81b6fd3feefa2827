/** The legend over the map: of what is shown, and only that. */

import { byId, el } from "./dom";
import { imageLayers } from "./layers-panel";
import { layerKey, type State } from "./state";
import type { Layer, Legend } from "./types";
import { ORBIT_COLOURS, SCORE_COLOURS } from "./view";

export function drawLegend(state: State): void {
  const { shown } = state;
  const body = byId("legend").querySelector("div");
  const images = imageLayers(state);
  const keys = shown.swipe ? [shown.left, shown.right] : [shown.image];
  const drawn = keys
    .map((key) => images.find((layer) => layerKey(layer) === key))
    .filter((layer): layer is Layer => layer !== undefined);
  const looks = new Map(drawn.map((layer) => [JSON.stringify(layer.legend), layer]));
  const hatched = state.layers.find((layer) => layer.legend.hatched);
  body?.replaceChildren(
    ...(shown.detections
      ? [
          state.measure === "score"
            ? ramp("Score of a detection", SCORE_COLOURS, "0.4", "1")
            : ramp("Probability of a landslide", SCORE_COLOURS, "0", "1"),
          el(
            "p",
            { class: "key" },
            swatch(`border-color:${ORBIT_COLOURS["ascending"]}`),
            "seen ascending",
          ),
          el(
            "p",
            { class: "key" },
            swatch(`border-color:${ORBIT_COLOURS["descending"]};border-style:dashed`),
            "seen descending",
          ),
        ]
      : []),
    ...[...looks.values()].flatMap((layer) =>
      layer.legend.classes
        ? classes(layer.legend)
        : ramp(
            `${layer.legend.title}${layer.legend.unit ? `, ${layer.legend.unit}` : ""}`,
            layer.legend.colours ?? [],
            plain(layer.legend.low),
            plain(layer.legend.high),
          ),
    ),
    ...(shown.hatching && hatched
      ? [el("p", { class: "key" }, el("span", { class: "swatch hatched" }), "not seen: layover, shadow, no data")]
      : []),
    ...(shown.density ? [ramp("Density", ["#4169e1", "#00ffff", "#00ff00", "#ffff00", "#ff0000"], "few", "many")] : []),
  );
}

function classes(legend: Legend): HTMLElement[] {
  return [
    el("p", {}, legend.title),
    ...(legend.classes ?? []).map((one) =>
      el("p", { class: "key" }, swatch(`background:${one.colour}`), one.label),
    ),
  ];
}

const plain = (value: number | undefined): string =>
  value === undefined ? "" : String(Number(value.toPrecision(3)));

function swatch(style: string): HTMLElement {
  const made = el("span", { class: "swatch" });
  made.style.cssText = style;
  return made;
}

function ramp(title: string, colours: string[], low: string, high: string): HTMLElement {
  const bar = el("span", { class: "ramp" });
  bar.style.background = `linear-gradient(to right, ${colours.join(", ")})`;
  return el("div", { class: "scale" }, el("span", {}, title), bar, el("span", { class: "ends" }, el("span", {}, low), el("span", {}, high)));
}
