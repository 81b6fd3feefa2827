/** What the page knows and shows; its parts draw themselves again when it changes. */

import type { Box, Filter } from "./filter";
import { NO_FILTER, passes } from "./filter";
import type { Collection, Config, Detection, Detections, Item, Layer, Review } from "./types";

export interface Shown {
  ground: string;
  image: string;
  imageOpacity: number;
  detections: boolean;
  detectionsOpacity: number;
  hatching: boolean;
  density: boolean;
  footprints: boolean;
  reviews: boolean;
  swipe: boolean;
  left: string;
  right: string;
}

type Change = "event" | "version" | "filter" | "selected" | "layers" | "view" | "reviews";

export class State {
  collections: Collection[] = [];
  collection: Collection | null = null;
  items: Item[] = [];
  layers: Layer[] = [];
  detections: Detections = { type: "FeatureCollection", features: [] };
  reviews: Review[] = [];
  /** Moments as of which there are results, ascending; the last is now. */
  moments: string[] = [];
  asOf: string | null = null;
  filter: Filter = { ...NO_FILTER };
  view: Box | null = null;
  selected: string | null = null;
  dark = false;
  shown: Shown = {
    ground: "relief",
    image: "",
    imageOpacity: 0.85,
    detections: true,
    detectionsOpacity: 1,
    hatching: true,
    density: false,
    footprints: false,
    reviews: true,
    swipe: false,
    left: "",
    right: "",
  };
  private listeners: ((change: Change) => void)[] = [];

  constructor(readonly config: Config) {}

  on(listener: (change: Change) => void): void {
    this.listeners.push(listener);
  }

  changed(change: Change): void {
    for (const listener of this.listeners) listener(change);
  }

  get event(): string {
    return this.collection?.id ?? "";
  }

  /** The items that are shown: the current ones, or those that stood at the chosen moment. */
  get itemsShown(): Item[] {
    const asOf = this.asOf;
    if (asOf === null) {
      const current = new Set(this.collection?.["sarlra:current"] ?? []);
      return this.items.filter((item) => current.has(item.id));
    }
    const newest = new Map<string, Item>();
    for (const item of this.items) {
      const { datetime } = item.properties;
      if (Date.parse(datetime) > Date.parse(asOf)) continue;
      const place = `${item.properties["sarlra:tile"]} ${item.properties["sarlra:track"]}`;
      const other = newest.get(place);
      if (!other || Date.parse(other.properties.datetime) < Date.parse(datetime))
        newest.set(place, item);
    }
    return [...newest.values()];
  }

  /** What detections are coloured by: the probability where the model states one. */
  get measure(): "probability" | "score" {
    const known = (one: Detection): boolean => typeof one.properties["probability"] === "number";
    return this.detections.features.some(known) ? "probability" : "score";
  }

  get tracks(): string[] {
    return [...new Set(this.layers.flatMap((layer) => layer.tracks))].sort();
  }

  get kept(): Detection[] {
    return this.detections.features.filter((one) => passes(one, this.filter, this.view));
  }

  detection(id: string | null): Detection | undefined {
    return this.detections.features.find((one) => one.properties.id === id);
  }

  review(detection: string): Review | undefined {
    return this.reviews.find((one) => one.properties.detection === detection);
  }

  select(id: string | null): void {
    this.selected = id;
    this.changed("selected");
  }

  setFilter(part: Partial<Filter>): void {
    this.filter = { ...this.filter, ...part };
    this.changed("filter");
  }

  setShown(part: Partial<Shown>): void {
    this.shown = { ...this.shown, ...part };
    this.changed("layers");
  }
}

export const layerKey = (layer: Layer): string => `${layer.asset}/${layer.band}`;
