/** Which layers are shown, how opaque they are, and the swipe. */

import { checkbox, choice, slider } from "./controls";
import { el, section } from "./dom";
import { layerKey, type State } from "./state";
import type { Layer } from "./types";

const HIDDEN = new Set(["hillshade/hillshade", "visibility/visibility", "composite/visibility", "data/data"]);

/** The rasters that can be chosen as the image, the most telling first. */
export function imageLayers(state: State): Layer[] {
  const order = ["diff_", "post_", "pre_", "score"];
  const rank = (layer: Layer): number => {
    const found = order.findIndex((start) => layer.band.startsWith(start));
    return found < 0 ? order.length : found;
  };
  const seen = new Set<string>();
  return state.layers
    .filter((layer) => {
      if (HIDDEN.has(layerKey(layer))) return false;
      // The same band is in the composite and in a COG, which has overviews: the COG stands.
      const name = layer.band.startsWith("n_") || layer.asset === "composite" ? layer.band : "";
      const twice = name !== "" && seen.has(name);
      seen.add(layer.band);
      return !twice;
    })
    .sort((a, b) => rank(a) - rank(b) || (a.title < b.title ? -1 : 1));
}

export function imageOptions(state: State): [string, string][] {
  const options: [string, string][] = imageLayers(state).map((layer) => [
    layerKey(layer),
    layer.title,
  ]);
  if (state.config.online?.sentinel2) {
    options.push(["optical-before", "Sentinel-2 true colour, before (other host)"]);
    options.push(["optical-after", "Sentinel-2 true colour, after (other host)"]);
  }
  return options;
}

export function groundOptions(state: State): [string, string][] {
  const options: [string, string][] = [["plain", "Plain"]];
  if (state.layers.some((layer) => layer.asset === "hillshade"))
    options.unshift(["relief", "Relief (from the elevation model)"]);
  for (const map of state.config.online?.basemaps ?? [])
    options.push([`online-${map.id}`, `${map.title} (other host)`]);
  return options;
}

export function layersPanel(state: State): HTMLElement {
  const { root, body } = section("Layers");
  const draw = (): void => {
    const { shown } = state;
    const images = imageOptions(state);
    const share = (value: number): string => `${Math.round(value * 100)} %`;
    body.replaceChildren(
      choice("Ground", groundOptions(state), shown.ground, (ground) => state.setShown({ ground })),
      choice("Image", [["", "None"], ...images], shown.image, (image) => state.setShown({ image })),
      slider(
        "Opacity of the image",
        { min: 0, max: 1, step: 0.05, value: shown.imageOpacity },
        share,
        (imageOpacity) => state.setShown({ imageOpacity }),
      ),
      checkbox("Compare two images (swipe)", shown.swipe, (swipe) => {
        state.setShown({ swipe });
        draw();
      }),
      ...(shown.swipe
        ? [
            choice("Left", images, shown.left, (left) => state.setShown({ left })),
            choice("Right", images, shown.right, (right) => state.setShown({ right })),
          ]
        : []),
      el("hr"),
      checkbox("Detections", shown.detections, (detections) => state.setShown({ detections })),
      slider(
        "Opacity of detections",
        { min: 0, max: 1, step: 0.05, value: shown.detectionsOpacity },
        share,
        (detectionsOpacity) => state.setShown({ detectionsOpacity }),
      ),
      checkbox("Where the radar could not see (hatched)", shown.hatching, (hatching) =>
        state.setShown({ hatching }),
      ),
      checkbox("Reviews", shown.reviews, (reviews) => state.setShown({ reviews })),
      checkbox("Density of detections", shown.density, (density) => state.setShown({ density })),
      checkbox("Outlines of the tiles", shown.footprints, (footprints) =>
        state.setShown({ footprints }),
      ),
    );
  };
  state.on((change) => {
    if (change === "event" || change === "version") draw();
  });
  return root;
}
