/** Puts the parts together: loads an event, keeps the maps to what the state says. */

import * as maplibregl from "maplibre-gl";
import { AskError, askCollections, askConfig, askDetections, askItems, askLayers, HERE } from "./api";
import { detailPanel } from "./detail-panel";
import { announce, byId, el } from "./dom";
import { eventPanel, meaningPanel } from "./event-panel";
import { filterPanel } from "./filter-panel";
import { type Box, boxOf } from "./filter";
import { imageLayers, imageOptions, layersPanel } from "./layers-panel";
import { drawLegend } from "./legend";
import { listPanel } from "./list-panel";
import { findOptical } from "./optical";
import { Drawing } from "./drawing";
import { Reviews } from "./reviews";
import { layerKey, type State } from "./state";
import { Swipe } from "./swipe";
import type { Detection, Layer } from "./types";
import { MapView, OUTLINES, type Raster } from "./view";

const REFRESH_MS = 15_000;

export class App {
  private readonly main: MapView;
  private readonly swipe: Swipe;
  private readonly drawing: Drawing;
  private readonly reviews: Reviews;
  private epicentre: maplibregl.Marker | null = null;
  private optical = new Map<string, Raster | null>();
  private reading: number;
  /** Whether the address says where to look; the map writes its own place there at once. */
  private readonly placed = location.hash.includes("map=");

  constructor(private readonly state: State) {
    this.reading = state.config.reading;
    this.main = new MapView(byId("map"), true, state.dark);
    this.swipe = new Swipe(this.main, (container) => new MapView(container, false, state.dark));
    this.drawing = new Drawing(this.main);
    this.reviews = new Reviews(state, this.drawing);
    const { map } = this.main;
    map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
    map.addControl(new maplibregl.ScaleControl({ unit: "metric" }), "bottom-left");
    map.addControl(new maplibregl.AttributionControl({ compact: true, customAttribution: "Contains modified Copernicus Sentinel data" }), "bottom-right");
    map.getCanvas().setAttribute("aria-label", "Map: arrow keys move it, plus and minus zoom; the list of detections is in the panel");
    byId("panel").append(
      eventPanel(state),
      layersPanel(state),
      filterPanel(state, (asOf) => void this.goTo(asOf)),
      listPanel(state, (one) => this.zoomTo(one)),
      detailPanel(state, (one) => this.reviews.form(one)),
      this.reviews.panel(),
      meaningPanel(state),
      el("p", { class: "hint" }, `sarlra ${state.config.version}`),
    );
  }

  async start(): Promise<void> {
    const { state } = this;
    await this.main.ready;
    byId<HTMLDetailsElement>("legend").open = matchMedia("(min-width: 761px)").matches;
    this.listenToMap();
    state.on((change) => {
      if (change === "filter") for (const view of this.views) view.setFilter(state.filter);
      if (change === "selected") for (const view of this.views) view.setSelected(state.selected);
      if (change === "reviews")
        for (const view of this.views)
          view.setReviews({ type: "FeatureCollection", features: state.reviews });
      if (change === "layers") void this.drawLayers();
    });
    state.collections = await askCollections();
    const select = byId<HTMLSelectElement>("event");
    select.replaceChildren(
      ...state.collections.map((one) =>
        el("option", { value: one.id }, one["sarlra:event"]?.title ?? one.title ?? one.id),
      ),
    );
    select.addEventListener("change", () => void this.open(select.value, true));
    const wanted = new URLSearchParams(location.search).get("event");
    const first = state.collections.find((one) => one.id === wanted) ?? state.collections[0];
    if (!first) {
      announce("There is no event yet.");
      byId("panel").prepend(el("p", {}, "There is no event yet."));
      return;
    }
    select.value = first.id;
    await this.open(first.id, !this.placed);
    window.setInterval(() => void this.refresh(), REFRESH_MS);
  }

  private get views(): MapView[] {
    return this.swipe.view ? [this.main, this.swipe.view] : [this.main];
  }

  private async open(event: string, fit: boolean): Promise<void> {
    const { state } = this;
    state.collection = state.collections.find((one) => one.id === event) ?? null;
    state.items = await askItems(event);
    state.asOf = null;
    state.selected = null;
    this.optical.clear();
    const address = new URL(location.href);
    address.searchParams.set("event", event);
    history.replaceState(null, "", address);
    document.title = `${state.collection?.title ?? event}`;
    state.moments = [...new Set(state.items.map((item) => item.properties.datetime))].sort(
      (a, b) => Date.parse(a) - Date.parse(b),
    );
    await this.load("event");
    if (fit) this.fit();
    this.markEpicentre();
  }

  private async load(change: "event" | "version"): Promise<void> {
    const { state } = this;
    [state.detections, state.layers] = await Promise.all([
      askDetections(state.event, state.asOf),
      askLayers(state.event, state.asOf),
    ]);
    await this.reviews.load();
    this.choose();
    for (const view of this.views) view.setDetections(state.detections);
    for (const view of this.views) {
      view.setFootprints(state.itemsShown);
      view.setFilter(state.filter);
      view.setReviews({ type: "FeatureCollection", features: state.reviews });
      view.colourBy(state.measure);
    }
    state.changed(change);
    await this.drawLayers();
    document.body.dataset["ready"] = state.event;
  }

  /** Layers that the event does not have are changed for ones that it has. */
  private choose(): void {
    const { state } = this;
    const keys = imageOptions(state).map(([key]) => key);
    const first = (...starts: string[]): string =>
      starts.map((start) => keys.find((key) => key.includes(start))).find(Boolean) ?? keys[0] ?? "";
    const { shown } = state;
    if (shown.image && !keys.includes(shown.image)) shown.image = "";
    if (!keys.includes(shown.left)) shown.left = first("/pre_vv");
    if (!keys.includes(shown.right)) shown.right = first("/post_vv");
    if (shown.ground === "relief" && !state.layers.some((layer) => layer.asset === "hillshade"))
      shown.ground = "plain";
  }

  private async goTo(asOf: string | null): Promise<void> {
    this.state.asOf = asOf;
    try {
      await this.load("version");
    } catch (error) {
      announce(error instanceof AskError ? error.message : String(error));
    }
  }

  private async refresh(): Promise<void> {
    try {
      const { reading } = await askConfig();
      if (reading === this.reading) return;
      this.reading = reading;
      const { state } = this;
      state.collections = await askCollections();
      state.collection = state.collections.find((one) => one.id === state.event) ?? state.collection;
      state.items = await askItems(state.event);
      await this.load("event");
      announce("The results have changed and were loaded again.");
    } catch {
      // The next look may go well.
    }
  }

  private async drawLayers(): Promise<void> {
    const { state } = this;
    const { shown } = state;
    if (shown.swipe) {
      const names = new Map(imageOptions(state));
      const left = await this.swipe.show([names.get(shown.left) ?? "", names.get(shown.right) ?? ""]);
      left.setDetections(state.detections);
      left.setFilter(state.filter);
      left.colourBy(state.measure);
      left.setSelected(state.selected);
      left.setDark(state.dark);
      await this.drawView(left, shown.left);
    } else this.swipe.hide();
    await this.drawView(this.main, shown.swipe ? shown.right : shown.image);
    drawLegend(state);
  }

  private async drawView(view: MapView, image: string): Promise<void> {
    const { state } = this;
    const { shown } = state;
    const relief = shown.ground === "relief";
    view.setRaster("ground", this.ground(), relief ? 0.6 : 1, state.dark && relief);
    view.setRaster("image", await this.image(image), shown.imageOpacity);
    const hatched = state.layers.find((l) => l.legend.hatched && l.asset !== "composite");
    view.setRaster("hatching", shown.hatching && hatched ? this.raster(hatched) : null, 0.9);
    view.show(["detections", ...OUTLINES, "selected"], shown.detections);
    view.show(["reviews"], shown.reviews);
    view.show(["density"], shown.density);
    view.show(["footprints"], shown.footprints);
    view.setOpacity(shown.detectionsOpacity);
  }

  private ground(): Raster | null {
    const { state } = this;
    const { ground } = state.shown;
    const relief = state.layers.find((layer) => layer.asset === "hillshade");
    if (ground === "relief" && relief) return this.raster(relief, true);
    const map = state.config.online?.basemaps.find((one) => `online-${one.id}` === ground);
    return map
      ? { key: map.id, tiles: [map.tiles], maxzoom: map.maxzoom, attribution: map.attribution }
      : null;
  }

  private async image(key: string): Promise<Raster | null> {
    const layer = imageLayers(this.state).find((one) => layerKey(one) === key);
    if (layer) return this.raster(layer);
    const side = key === "optical-before" ? "before" : key === "optical-after" ? "after" : null;
    const optical = this.state.config.online?.sentinel2;
    const origin = this.state.collection?.["sarlra:event"]?.origins?.[0];
    if (!side || !optical || !origin) return null;
    if (!this.optical.has(key)) {
      try {
        const found = await findOptical(optical, this.extent(), origin, side);
        this.optical.set(key, found?.raster ?? null);
        announce(found ? found.text : `There is no clear Sentinel-2 image ${side} the event.`);
      } catch {
        announce("The other host gives no Sentinel-2 image.");
      }
    }
    return this.optical.get(key) ?? null;
  }

  private raster(layer: Layer, allTracks = false): Raster {
    const { state } = this;
    const asked = new URLSearchParams({ band: layer.band });
    if (state.asOf !== null) asked.set("as_of", state.asOf);
    if (state.filter.track !== null && !allTracks) asked.append("track", state.filter.track);
    const path = `tiles/${encodeURIComponent(state.event)}/${layer.asset}/{z}/{x}/{y}.png?${asked}`;
    return {
      key: `${layerKey(layer)} ${this.reading}`,
      tiles: [HERE + path],
      bounds: layer.bounds,
      minzoom: layer.minzoom,
      maxzoom: 15,
    };
  }

  private listenToMap(): void {
    const { map } = this.main;
    const { state } = this;
    const position = byId("position");
    const tell = (lng: number, lat: number): void => {
      position.textContent = `${lat.toFixed(4)}°, ${lng.toFixed(4)}° (lat, lon)`;
    };
    map.on("mousemove", (event) => tell(event.lngLat.lng, event.lngLat.lat));
    const moved = (): void => {
      const bounds = map.getBounds();
      state.view = [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
      const centre = map.getCenter();
      tell(centre.lng, centre.lat);
      state.changed("view");
    };
    map.on("moveend", moved);
    moved();
    map.on("click", (event) => {
      if (this.drawing.active) return;
      const found = map.queryRenderedFeatures(event.point, { layers: ["detections"] });
      const best = found.sort((a, b) => b.properties["score"] - a.properties["score"])[0];
      state.select(best ? String(best.properties["id"]) : null);
      if (best) byId("selected").scrollIntoView({ block: "start" });
    });
    map.on("mouseenter", "detections", () => (map.getCanvas().style.cursor = "pointer"));
    map.on("mouseleave", "detections", () => (map.getCanvas().style.cursor = ""));
  }

  private zoomTo(one: Detection): void {
    this.main.fit(boxOf(one), true, 13.5);
  }

  private extent(): Box {
    const boxes = this.state.itemsShown.map((item) => item.bbox);
    const first = this.state.collection?.extent.spatial.bbox[0];
    if (boxes.length === 0) return first ?? [-180, -60, 180, 75];
    return boxes.reduce((a, b) => [
      Math.min(a[0], b[0]),
      Math.min(a[1], b[1]),
      Math.max(a[2], b[2]),
      Math.max(a[3], b[3]),
    ]);
  }

  private fit(): void {
    this.main.fit(this.extent(), false);
  }

  private markEpicentre(): void {
    this.epicentre?.remove();
    const place = this.state.collection?.["sarlra:event"]?.epicentre;
    if (!place) return;
    const star = el("div", { class: "epicentre", role: "img", "aria-label": "Epicentre", title: "Epicentre" }, "★");
    this.epicentre = new maplibregl.Marker({ element: star }).setLngLat(place).addTo(this.main.map);
  }

  setDark(dark: boolean): void {
    this.state.dark = dark;
    for (const view of this.views) view.setDark(dark);
  }
}
