/** Two images side by side under one moving border: a second map over the first, cut off. */

import { byId } from "./dom";
import type { MapView } from "./view";

export class Swipe {
  private left: MapView | null = null;
  private readonly bar = byId("swipe");
  private readonly range = this.bar.querySelector("input") as HTMLInputElement;

  constructor(
    private readonly main: MapView,
    private readonly make: (container: HTMLElement) => MapView,
  ) {
    this.range.addEventListener("input", () => this.cut());
    this.main.map.on("move", () => this.follow());
  }

  get view(): MapView | null {
    return this.left;
  }

  async show(names: [string, string]): Promise<MapView> {
    const container = byId("left-map");
    container.hidden = false;
    this.bar.hidden = false;
    byId("stage").classList.add("swiping");
    this.left ??= this.make(container);
    await this.left.ready;
    this.left.map.resize();
    this.follow();
    this.cut();
    byId("swipe-left").textContent = names[0];
    byId("swipe-right").textContent = names[1];
    return this.left;
  }

  hide(): void {
    byId("left-map").hidden = true;
    this.bar.hidden = true;
    byId("stage").classList.remove("swiping");
  }

  private follow(): void {
    if (!this.left || this.bar.hidden) return;
    const { map } = this.main;
    this.left.map.jumpTo({ center: map.getCenter(), zoom: map.getZoom(), bearing: map.getBearing() });
  }

  private cut(): void {
    const share = Number(this.range.value);
    byId("left-map").style.clipPath = `inset(0 ${100 - share}% 0 0)`;
    byId("swipe-line").style.left = `${share}%`;
  }
}
