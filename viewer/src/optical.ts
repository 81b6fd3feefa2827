/** Sentinel-2 in true colour before and after the event, where the server allows the network. */

import { post } from "./api";
import type { Box } from "./filter";
import type { Optical } from "./types";
import type { Raster } from "./view";

interface Scene {
  id: string;
  properties: { datetime: string; "eo:cloud_cover"?: number };
}

/** The clearest scenes over a box on one side of the event; null where there are none. */
export async function findOptical(
  optical: Optical,
  box: Box,
  origin: string,
  side: "before" | "after",
): Promise<{ raster: Raster; text: string } | null> {
  const moment = new Date(origin).getTime();
  const length = optical.days * 86_400_000;
  const [from, to] = side === "before" ? [moment - length, moment] : [moment, moment + length];
  const interval = [from, to].map((time) => new Date(time).toISOString()).join("/");
  const found = await post<{ features: Scene[] }>(optical.search, {
    collections: [optical.collection],
    bbox: box,
    datetime: interval,
    limit: 100,
    filter: {
      op: "<=",
      args: [{ property: "eo:cloud_cover" }, optical.max_cloud_percent],
    },
    "filter-lang": "cql2-json",
  });
  const cloud = (scene: Scene): number => scene.properties["eo:cloud_cover"] ?? 100;
  const first = found.features.sort((a, b) => cloud(a) - cloud(b))[0];
  if (!first) return null;
  const raster: Raster = {
    key: `sentinel2-${side}`,
    tiles: [optical.tiles.replace("{item}", encodeURIComponent(first.id))],
    maxzoom: optical.maxzoom,
    attribution: optical.attribution,
  };
  return { raster, text: `Sentinel-2, ${first.properties.datetime.slice(0, 10)}` };
}
