/** Asking the server; nothing else in the page fetches, but map tiles. */

import type { Collection, Config, Detections, Item, Layer, Review } from "./types";

const MOST_ITEMS = 2000;

/** Where the page lies, with a slash at the end: everything is asked for below it. */
export const HERE = new URL("./", location.href).href;

export class AskError extends Error {}

async function ask<T>(url: string, init?: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(url, init);
  } catch {
    throw new AskError("The server gives no answer.");
  }
  if (!answer.ok) {
    const said = (await answer.json().catch(() => ({}))) as { detail?: unknown };
    const why = typeof said.detail === "string" ? said.detail : `HTTP ${answer.status}`;
    throw new AskError(why);
  }
  return (await answer.json()) as T;
}

export const askConfig = (): Promise<Config> => ask(`${HERE}config.json`);

/** Those of results: a watch has collections of its own, with its states and versions. */
export async function askCollections(): Promise<Collection[]> {
  const found = (await ask<{ collections: Collection[] }>(`${HERE}stac/collections`)).collections;
  return found.filter((one) => one["sarlra:event"] !== undefined);
}

/** All items of an event, newest first, over the pages of the API. */
export async function askItems(event: string): Promise<Item[]> {
  interface Page {
    features: Item[];
    links: { rel: string; href: string }[];
  }
  const found: Item[] = [];
  const items = `${HERE}stac/collections/${encodeURIComponent(event)}/items`;
  let url: string | undefined = `${items}?limit=200`;
  while (url && found.length < MOST_ITEMS) {
    const page: Page = await ask<Page>(url);
    found.push(...page.features);
    const next = page.links.find((link) => link.rel === "next")?.href;
    url = next && items + new URL(next).search;
  }
  return found;
}

const asOfQuery = (asOf: string | null): string =>
  asOf === null ? "" : `?as_of=${encodeURIComponent(asOf)}`;

export async function askLayers(event: string, asOf: string | null): Promise<Layer[]> {
  const url = `${HERE}tiles/${encodeURIComponent(event)}/layers.json${asOfQuery(asOf)}`;
  return (await ask<{ layers: Layer[] }>(url)).layers;
}

export function askDetections(event: string, asOf: string | null): Promise<Detections> {
  return ask(`${HERE}detections/${encodeURIComponent(event)}.geojson${asOfQuery(asOf)}`);
}

export async function askReviews(event: string): Promise<Review[]> {
  return (await ask<{ features: Review[] }>(`${HERE}reviews/${encodeURIComponent(event)}`)).features;
}

export function post<T>(url: string, body: unknown, token?: string): Promise<T> {
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (token) headers["Authorization"] = `Bearer ${token}`;
  return ask(url, { method: "POST", headers, body: JSON.stringify(body) });
}
