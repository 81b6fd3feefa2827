/** Entry of the page. */

import { setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import "maplibre-gl/dist/maplibre-gl.css";
import "./style.css";
import { askConfig } from "./api";
import { App } from "./app";
import { announce, byId } from "./dom";
import { State } from "./state";

setWorkerUrl(new URL(workerUrl, location.href).href);

const STORED = "sarlra-theme";

/** Dark or light as the reader chose, else as the system says. */
function theme(): boolean {
  const stored = localStorage.getItem(STORED);
  return stored ? stored === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

async function start(): Promise<void> {
  const state = new State(await askConfig());
  const dress = (dark: boolean): void => {
    document.documentElement.dataset["theme"] = dark ? "dark" : "light";
  };
  state.dark = theme();
  dress(state.dark);
  const app = new App(state);
  byId("theme").addEventListener("click", () => {
    localStorage.setItem(STORED, state.dark ? "light" : "dark");
    dress(!state.dark);
    app.setDark(!state.dark);
  });
  await app.start();
}

start().catch((error: unknown) => {
  const text = error instanceof Error ? error.message : String(error);
  announce(text);
  byId("panel").textContent = `The page could not be loaded: ${text}`;
});
