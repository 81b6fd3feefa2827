/** One map: ground, image, hatching, detections. The swipe has a second one over the first. */

import * as maplibregl from "maplibre-gl";
import type { LngLatBoundsLike, StyleSpecification } from "maplibre-gl";
import { boxOf, expression, type Filter } from "./filter";
import type { Detections, Item } from "./types";

/** A raster source: an address with {z}/{x}/{y}, and where it is to be had. */
export interface Raster {
  key: string;
  tiles: string[];
  bounds?: [number, number, number, number];
  minzoom?: number;
  maxzoom: number;
  attribution?: string;
}

export const SCORE_COLOURS = ["#fed976", "#fd8d3c", "#e31a1c", "#7a0019"];
export const ORBIT_COLOURS: Record<string, string> = {
  ascending: "#0a6cff",
  descending: "#a100c8",
};
const GROUND = { light: "#dfe3e6", dark: "#23272b" };
const NOTHING: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };
const FILL = 0.4;
type Slot = "ground" | "image" | "hatching";

export class MapView {
  readonly map: maplibregl.Map;
  readonly ready: Promise<void>;
  private rasters = new Map<Slot, string>();

  constructor(container: HTMLElement, interactive: boolean, dark: boolean) {
    this.map = new maplibregl.Map({
      container,
      interactive,
      style: baseStyle(dark),
      attributionControl: false,
      hash: interactive ? "map" : false,
      maxPitch: 0,
      dragRotate: false,
      fadeDuration: 0,
      maxZoom: 17,
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.ready = new Promise((resolve) => this.map.once("load", () => resolve()));
  }

  setDark(dark: boolean): void {
    this.map.setPaintProperty("background", "background-color", dark ? GROUND.dark : GROUND.light);
    if (this.map.getLayer("ground"))
      this.map.setPaintProperty("ground", "raster-brightness-max", dark ? 0.45 : 1);
  }

  /** Show a raster in its place in the pile; null takes away what is there. */
  setRaster(slot: Slot, raster: Raster | null, opacity: number, dark = false): void {
    const key = raster ? `${raster.key} ${raster.tiles.join(" ")}` : "";
    if (this.rasters.get(slot) !== key) {
      if (this.map.getLayer(slot)) this.map.removeLayer(slot);
      if (this.map.getSource(slot)) this.map.removeSource(slot);
      this.rasters.set(slot, key);
      if (raster) {
        this.map.addSource(slot, {
          type: "raster",
          tiles: raster.tiles,
          tileSize: 256,
          maxzoom: raster.maxzoom,
          minzoom: raster.minzoom ?? 0,
          ...(raster.bounds ? { bounds: raster.bounds } : {}),
          ...(raster.attribution ? { attribution: raster.attribution } : {}),
        });
        const above = { ground: "above-ground", image: "above-image", hatching: "above-hatching" };
        this.map.addLayer(
          { id: slot, type: "raster", source: slot, paint: { "raster-resampling": "nearest" } },
          above[slot],
        );
      }
    }
    if (!raster) return;
    this.map.setPaintProperty(slot, "raster-opacity", opacity);
    if (slot === "ground")
      this.map.setPaintProperty(slot, "raster-brightness-max", dark ? 0.45 : 1);
  }

  setDetections(detections: Detections): void {
    this.data("detections", detections);
    this.data("centres", {
      type: "FeatureCollection",
      features: detections.features.map((feature) => ({
        type: "Feature",
        properties: feature.properties,
        geometry: { type: "Point", coordinates: centreOf(feature) },
      })),
    });
  }

  setFootprints(items: Item[]): void {
    this.data("footprints", {
      type: "FeatureCollection",
      features: items.map((item) => ({
        type: "Feature",
        properties: { id: item.id },
        geometry: item.geometry,
      })),
    });
  }

  setReviews(reviews: GeoJSON.FeatureCollection): void {
    this.data("reviews", reviews);
  }

  setDrawing(drawing: GeoJSON.FeatureCollection): void {
    this.data("drawing", drawing);
  }

  setFilter(filter: Filter): void {
    const kept = expression(filter);
    const orbit = (state: string) => ["all", kept, ["==", ["get", "orbit_state"], state]];
    this.map.setFilter("detections", kept);
    this.map.setFilter("density", kept);
    this.map.setFilter("outline-ascending", orbit("ascending") as never);
    this.map.setFilter("outline-descending", orbit("descending") as never);
    this.map.setFilter("outline-other", [
      "all",
      kept,
      ["!", ["in", ["get", "orbit_state"], ["literal", ["ascending", "descending"]]]],
    ] as never);
  }

  setSelected(id: string | null): void {
    this.map.setFilter("selected", ["==", ["get", "id"], id ?? ""]);
  }

  colourBy(measure: "probability" | "score"): void {
    this.map.setPaintProperty("detections", "fill-color", rampOf(measure) as never);
  }

  show(layers: string[], shown: boolean): void {
    for (const layer of layers)
      this.map.setLayoutProperty(layer, "visibility", shown ? "visible" : "none");
  }

  setOpacity(share: number): void {
    this.map.setPaintProperty("detections", "fill-opacity", FILL * share);
    for (const name of OUTLINES) this.map.setPaintProperty(name, "line-opacity", share);
  }

  fit(bounds: LngLatBoundsLike, animate = true, maxZoom = 15): void {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.map.fitBounds(bounds, { padding: 40, maxZoom, animate: animate && !still });
  }

  private data(source: string, content: GeoJSON.FeatureCollection): void {
    (this.map.getSource(source) as maplibregl.GeoJSONSource).setData(content);
  }
}

export const OUTLINES = ["outline-ascending", "outline-descending", "outline-other"];

function centreOf(feature: GeoJSON.Feature): [number, number] {
  const [west, south, east, north] = boxOf(feature);
  return [(west + east) / 2, (south + north) / 2];
}

function rampOf(measure: "probability" | "score"): unknown {
  const value = ["coalesce", ["get", measure], ["get", "score"]];
  const low = measure === "score" ? 0.4 : 0;
  const stops = SCORE_COLOURS.map((colour, number) => [low + ((1 - low) * number) / 3, colour]);
  return ["interpolate", ["linear"], value, ...stops.flat()];
}

function baseStyle(dark: boolean): StyleSpecification {
  const empty = () => ({ type: "geojson" as const, data: NOTHING });
  const mark = (id: string) => ({
    id,
    type: "background" as const,
    layout: { visibility: "none" as const },
  });
  const outline = (id: string, colour: string, dashes?: number[]) => ({
    id,
    type: "line" as const,
    source: "detections",
    paint: {
      "line-color": colour,
      "line-width": 1.6,
      ...(dashes ? { "line-dasharray": dashes } : {}),
    },
  });
  return {
    version: 8,
    sources: {
      detections: empty(),
      centres: empty(),
      footprints: empty(),
      reviews: empty(),
      drawing: empty(),
    },
    layers: [
      {
        id: "background",
        type: "background",
        paint: { "background-color": dark ? GROUND.dark : GROUND.light },
      },
      // Layers that show nothing mark the places where rasters are slid in.
      mark("above-ground"),
      mark("above-image"),
      mark("above-hatching"),
      {
        id: "footprints",
        type: "line",
        source: "footprints",
        layout: { visibility: "none" },
        paint: { "line-color": "#5a6570", "line-width": 1, "line-dasharray": [4, 3] },
      },
      {
        id: "density",
        type: "heatmap",
        source: "centres",
        layout: { visibility: "none" },
        paint: {
          "heatmap-weight": ["get", "score"],
          "heatmap-radius": ["interpolate", ["exponential", 2], ["zoom"], 6, 6, 12, 60],
          "heatmap-intensity": 0.6,
          "heatmap-opacity": 0.75,
        },
      },
      {
        id: "detections",
        type: "fill",
        source: "detections",
        paint: { "fill-color": rampOf("score") as never, "fill-opacity": FILL },
      },
      outline("outline-ascending", ORBIT_COLOURS["ascending"] ?? ""),
      outline("outline-descending", ORBIT_COLOURS["descending"] ?? "", [2.5, 1.5]),
      outline("outline-other", "#30363c"),
      {
        id: "reviews",
        type: "line",
        source: "reviews",
        paint: {
          "line-color": [
            "match",
            ["get", "verdict"],
            "confirmed",
            "#0b8f3a",
            "redrawn",
            "#0b8f3a",
            "#5c6670",
          ],
          "line-width": 4,
          "line-opacity": 0.9,
        },
      },
      {
        id: "selected",
        type: "line",
        source: "detections",
        filter: ["==", ["get", "id"], ""],
        paint: { "line-color": "#00d5e0", "line-width": 4 },
      },
      {
        id: "drawing",
        type: "line",
        source: "drawing",
        paint: { "line-color": "#00a651", "line-width": 3 },
      },
      {
        id: "corners",
        type: "circle",
        source: "drawing",
        filter: ["==", ["geometry-type"], "Point"],
        paint: { "circle-radius": 5, "circle-color": "#00a651" },
      },
    ],
  };
}
