/** Which detections are shown; the server filters downloads by the same numbers. */

import type { FilterSpecification } from "maplibre-gl";
import type { Detection } from "./types";

export interface Filter {
  minScore: number;
  minAreaHa: number;
  orbits: string[];
  track: string | null;
  inView: boolean;
}

export const NO_FILTER: Filter = {
  minScore: 0,
  minAreaHa: 0,
  orbits: [],
  track: null,
  inView: false,
};

export type Box = [number, number, number, number];

export function boxOf(feature: GeoJSON.Feature): Box {
  const box: Box = [180, 90, -180, -90];
  const visit = (part: unknown): void => {
    if (!Array.isArray(part)) return;
    if (typeof part[0] === "number" && typeof part[1] === "number") {
      box[0] = Math.min(box[0], part[0]);
      box[1] = Math.min(box[1], part[1]);
      box[2] = Math.max(box[2], part[0]);
      box[3] = Math.max(box[3], part[1]);
    } else part.forEach(visit);
  };
  if ("coordinates" in feature.geometry) visit(feature.geometry.coordinates);
  return box;
}

export function passes(detection: Detection, filter: Filter, view: Box | null): boolean {
  const { score, area_ha, orbit_state, track } = detection.properties;
  if (score < filter.minScore || area_ha < filter.minAreaHa) return false;
  if (filter.orbits.length > 0 && !filter.orbits.includes(orbit_state)) return false;
  if (filter.track !== null && track !== filter.track) return false;
  if (filter.inView && view) {
    const box = boxOf(detection);
    return box[0] <= view[2] && box[2] >= view[0] && box[1] <= view[3] && box[3] >= view[1];
  }
  return true;
}

/** The same for the map's own layers; what lies out of view is not drawn anyway. */
export function expression(filter: Filter): FilterSpecification {
  const parts: unknown[] = [
    "all",
    [">=", ["get", "score"], filter.minScore],
    [">=", ["get", "area_ha"], filter.minAreaHa],
  ];
  if (filter.orbits.length > 0)
    parts.push(["in", ["get", "orbit_state"], ["literal", filter.orbits]]);
  if (filter.track !== null) parts.push(["==", ["get", "track"], filter.track]);
  return parts as FilterSpecification;
}

/** The query of a download of what is shown. */
export function query(filter: Filter, asOf: string | null, view: Box | null): string {
  const asked = new URLSearchParams();
  if (asOf !== null) asked.set("as_of", asOf);
  if (filter.minScore > 0) asked.set("min_score", String(filter.minScore));
  if (filter.minAreaHa > 0) asked.set("min_area_ha", String(filter.minAreaHa));
  for (const orbit of filter.orbits) asked.append("orbit", orbit);
  if (filter.track !== null) asked.append("track", filter.track);
  if (filter.inView && view) asked.set("bbox", view.map((edge) => edge.toFixed(6)).join(","));
  const text = asked.toString();
  return text && `?${text}`;
}
