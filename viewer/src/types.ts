/** What the server hands out, as far as the page looks at it. */

export interface Asset {
  href: string;
  type?: string;
  title?: string;
  description?: string;
  roles?: string[];
}

export interface Link {
  rel: string;
  href: string;
}

export interface Acquisition {
  id: string;
  datetime: string;
  platform: string;
}

export interface Coverage {
  observed_share: number | null;
  distorted_share: number | null;
  no_data_share: number | null;
  visibility_unknown_share: number | null;
}

export interface ItemProperties {
  title?: string;
  datetime: string;
  version: string;
  "sat:orbit_state"?: string;
  "sarlra:track"?: string;
  "sarlra:tile"?: string;
  "sarlra:model"?: string;
  "sarlra:model_limits"?: string[];
  "sarlra:score_meaning"?: string;
  "sarlra:probability_meaning"?: string;
  "sarlra:in_domain"?: { inside?: boolean } | null;
  "sarlra:threshold"?: number;
  "sarlra:source"?: string;
  "sarlra:acquisitions_pre"?: Acquisition[];
  "sarlra:acquisitions_post"?: Acquisition[];
  "sarlra:statistics"?: Record<string, number | null>;
  [name: string]: unknown;
}

export interface Item {
  id: string;
  bbox: [number, number, number, number];
  geometry: GeoJSON.Geometry;
  properties: ItemProperties;
  assets: Record<string, Asset>;
  links: Link[];
}

export interface EventFacts {
  title?: string;
  origins?: string[];
  magnitude?: number | null;
  depth_km?: number | null;
  epicentre?: [number, number] | null;
  area_origin?: string | null;
  source?: string | null;
}

export interface Collection {
  id: string;
  title?: string;
  description?: string;
  extent: { spatial: { bbox: [number, number, number, number][] } };
  assets?: Record<string, Asset>;
  links: Link[];
  "sarlra:event"?: EventFacts;
  "sarlra:current"?: string[];
  "sarlra:statistics"?: {
    coverage?: { tracks?: Record<string, Coverage>; together?: Coverage };
    [name: string]: unknown;
  };
}

export interface Legend {
  title: string;
  unit?: string;
  low?: number;
  high?: number;
  colours?: string[];
  hatched?: string[];
  classes?: { label: string; colour: string }[];
}

/** A band of a raster that the items of the event have. */
export interface Layer {
  asset: string;
  band: string;
  title: string;
  roles: string[];
  legend: Legend;
  bounds: [number, number, number, number];
  minzoom: number;
  tracks: string[];
}

export type Scalar = string | number | boolean | null;

export interface DetectionProperties {
  id: string;
  score: number;
  area_ha: number;
  track: string;
  orbit_state: string;
  item: string;
  x: number;
  y: number;
  [name: string]: Scalar;
}

export type Detection = GeoJSON.Feature<GeoJSON.Polygon | GeoJSON.MultiPolygon, DetectionProperties>;
export type Detections = GeoJSON.FeatureCollection<
  GeoJSON.Polygon | GeoJSON.MultiPolygon,
  DetectionProperties
>;

export type Verdict = "confirmed" | "rejected" | "redrawn";

export type Review = GeoJSON.Feature<
  GeoJSON.Polygon | GeoJSON.MultiPolygon,
  {
    detection: string;
    verdict: Verdict;
    reviewer: string;
    reason: string;
    at: string;
    version: string;
    as_of?: string | null;
    /** Only in this browser, not on the server yet. */
    waiting?: boolean;
  }
>;

export interface BaseMap {
  id: string;
  title: string;
  tiles: string;
  maxzoom: number;
  attribution: string;
}

export interface Optical {
  search: string;
  collection: string;
  tiles: string;
  maxzoom: number;
  days: number;
  max_cloud_percent: number;
  attribution: string;
}

export interface Config {
  version: string;
  reading: number;
  reviews: boolean;
  reviews_writable: boolean;
  online: { basemaps: BaseMap[]; sentinel2: Optical | null } | null;
}
