/** The detections as a list, for keyboards and screen readers, and their downloads. */

import { announce, el, section } from "./dom";
import { query } from "./filter";
import type { State } from "./state";
import type { Detection } from "./types";

const LISTED = 100;
const KINDS: [string, string][] = [
  ["geojson", "GeoJSON"],
  ["parquet", "GeoParquet"],
  ["kml", "KML"],
  ["csv", "CSV"],
];

export function listPanel(state: State, zoomTo: (detection: Detection) => void): HTMLElement {
  const { root, body } = section("Detections");
  const count = el("p", { id: "count" });
  const downloads = el("p", { class: "downloads" });
  const list = el("ol", { id: "detections" });
  body.append(count, downloads, list);
  const draw = (): void => {
    const kept = [...state.kept].sort(order);
    const all = state.detections.features.length;
    count.textContent = `${kept.length} of ${all} shown${kept.length > LISTED ? `; the first ${LISTED} are listed` : ""}.`;
    const asked = query(state.filter, state.asOf, state.view);
    downloads.replaceChildren(
      "Download what is shown: ",
      ...KINDS.flatMap(([kind, text], number) => [
        number > 0 ? " · " : "",
        el("a", { href: `detections/${encodeURIComponent(state.event)}.${kind}${asked}`, download: "" }, text),
      ]),
    );
    list.replaceChildren(...kept.slice(0, LISTED).map((one) => entry(state, one, zoomTo)));
  };
  state.on((change) => {
    if (["event", "version", "filter", "reviews"].includes(change)) {
      draw();
      announce(count.textContent ?? "");
    } else if (change === "view" && state.filter.inView) draw();
    else if (change === "selected")
      for (const button of list.querySelectorAll("button"))
        button.setAttribute("aria-pressed", String(button.dataset["id"] === state.selected));
  });
  return root;
}

function order(a: Detection, b: Detection): number {
  const rank = (one: Detection): number => Number(one.properties["priority_rank"] ?? Infinity);
  const by = rank(a) - rank(b);
  return by && !Number.isNaN(by) ? by : b.properties.score - a.properties.score;
}

function entry(state: State, one: Detection, zoomTo: (detection: Detection) => void): HTMLElement {
  const { id, score, orbit_state, track } = one.properties;
  const verdict = state.review(id)?.properties.verdict;
  const why = one.properties["priority_why"];
  return el(
    "li",
    {},
    el(
      "button",
      {
        type: "button",
        "data-id": id,
        "aria-pressed": String(id === state.selected),
        click: () => {
          state.select(id);
          zoomTo(one);
        },
      },
      el("strong", {}, score.toFixed(2)),
      ` ${orbit_state}, ${track}${verdict ? `, ${verdict}` : ""}`,
      typeof why === "string" && why ? el("span", { class: "why" }, why) : null,
    ),
  );
}
