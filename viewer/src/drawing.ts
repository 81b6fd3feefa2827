/** Drawing a polygon, by pointer or by keyboard. */

import type { MapMouseEvent } from "maplibre-gl";
import { byId, el } from "./dom";
import type { MapView } from "./view";

type Place = [number, number];

export class Drawing {
  active = false;

  constructor(private readonly view: MapView) {}

  /** The polygon that is drawn; null where it was given up. */
  polygon(): Promise<GeoJSON.Polygon | null> {
    const { map } = this.view;
    const corners: Place[] = [];
    this.active = true;
    map.doubleClickZoom.disable();
    map.getCanvas().focus();
    return new Promise((resolve) => {
      const show = (): void => {
        const line = corners.length > 2 ? [...corners, corners[0] as Place] : corners;
        this.view.setDrawing({
          type: "FeatureCollection",
          features: [
            ...(line.length > 1
              ? [{ type: "Feature" as const, properties: {}, geometry: { type: "LineString" as const, coordinates: line } }]
              : []),
            ...corners.map((corner) => ({ type: "Feature" as const, properties: {}, geometry: { type: "Point" as const, coordinates: corner } })),
          ],
        });
      };
      const end = (kept: boolean): void => {
        map.off("click", click);
        document.removeEventListener("keydown", key);
        map.doubleClickZoom.enable();
        bar.hidden = true;
        this.view.setDrawing({ type: "FeatureCollection", features: [] });
        // The click that ended it is not one that selects.
        window.setTimeout(() => (this.active = false), 300);
        const first = corners[0];
        resolve(kept && first && corners.length > 2 ? { type: "Polygon", coordinates: [[...corners, first]] } : null);
      };
      const add = (lng: number, lat: number): void => {
        corners.push([Number(lng.toFixed(7)), Number(lat.toFixed(7))]);
        show();
      };
      const click = (event: MapMouseEvent): void => add(event.lngLat.lng, event.lngLat.lat);
      const key = (event: KeyboardEvent): void => {
        if (event.key === "Escape") end(false);
        else if (event.key === "Backspace") {
          corners.pop();
          show();
        }
      };
      const bar = byId("drawing");
      bar.replaceChildren(
        "Click the corners of the landslide. ",
        el("button", { type: "button", click: () => add(map.getCenter().lng, map.getCenter().lat) }, "Corner at the middle"),
        " ",
        el("button", { type: "button", click: () => end(true) }, "Done"),
        " ",
        el("button", { type: "button", click: () => end(false) }, "Give up"),
      );
      bar.hidden = false;
      map.on("click", click);
      document.addEventListener("keydown", key);
    });
  }
}
