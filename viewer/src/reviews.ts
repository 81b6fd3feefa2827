/** The analyst's part: confirm, reject or redraw, on the server or in a file. */

import { AskError, askReviews, HERE, post } from "./api";
import { announce, byId, el, section, utc } from "./dom";
import type { Drawing } from "./drawing";
import type { State } from "./state";
import type { Detection, Review, Verdict } from "./types";

const WORDS: Record<Verdict, string> = {
  confirmed: "Confirmed",
  rejected: "Rejected",
  redrawn: "Redrawn",
};

export class Reviews {
  private token = sessionStorage.getItem("sarlra-review-token") ?? "";

  constructor(
    private readonly state: State,
    private readonly drawing: Drawing,
  ) {}

  /** Reviews of the server, with those over them that wait in this browser. */
  async load(): Promise<void> {
    const { state } = this;
    const kept = state.config.reviews ? await askReviews(state.event) : [];
    const newest = new Map(kept.map((one) => [one.properties.detection, one]));
    for (const draft of this.drafts()) newest.set(draft.properties.detection, draft);
    state.reviews = [...newest.values()];
  }

  /** The form below the selected detection. */
  form(one: Detection): HTMLElement {
    const { state } = this;
    const standing = state.review(one.properties.id);
    const name = el("input", { type: "text", id: "reviewer", maxlength: "100", autocomplete: "name", value: localStorage.getItem("sarlra-reviewer") ?? "" });
    const reason = el("textarea", { id: "reason", rows: "2", maxlength: "2000" });
    const token = el("input", { type: "password", id: "token", autocomplete: "off", value: this.token });
    const said = el("p", { class: "hint", role: "status" });
    const decide = async (verdict: Verdict): Promise<void> => {
      if (!name.value.trim() || !reason.value.trim()) {
        said.textContent = "Your name and a reason are needed.";
        (name.value.trim() ? reason : name).focus();
        return;
      }
      localStorage.setItem("sarlra-reviewer", name.value.trim());
      this.token = token.value.trim();
      sessionStorage.setItem("sarlra-review-token", this.token);
      const outline = verdict === "redrawn" ? await this.drawing.polygon() : null;
      if (verdict === "redrawn" && !outline) {
        said.textContent = "Nothing was drawn.";
        return;
      }
      try {
        await this.keep(one, verdict, name.value.trim(), reason.value.trim(), outline);
        announce(`${WORDS[verdict]}.`);
      } catch (error) {
        said.textContent = error instanceof AskError ? error.message : String(error);
      }
    };
    const button = (text: string, verdict: Verdict): HTMLElement =>
      el("button", { type: "button", click: () => void decide(verdict) }, text);
    return el(
      "div",
      { class: "review" },
      el("h3", {}, "Review"),
      standing
        ? el(
            "p",
            { id: "standing" },
            `${WORDS[standing.properties.verdict]} by ${standing.properties.reviewer}, ${utc(standing.properties.at)}: ${standing.properties.reason}`,
            standing.properties.waiting ? " (only in this browser yet)" : "",
          )
        : null,
      el("label", { for: "reviewer" }, "Your name"),
      name,
      el("label", { for: "reason" }, "Reason"),
      reason,
      ...(state.config.reviews_writable
        ? [el("label", { for: "token" }, "Token of the server (else kept in this browser)"), token]
        : []),
      el("div", { class: "row" }, button("Confirm", "confirmed"), button("Reject", "rejected"), button("Redraw", "redrawn")),
      said,
    );
  }

  /** The section with all reviews, and the file of those that wait in this browser. */
  panel(): HTMLElement {
    const { state } = this;
    const { root, body } = section("Reviews", false);
    const draw = (): void => {
      const count = (verdict: Verdict): number =>
        state.reviews.filter((one) => one.properties.verdict === verdict).length;
      const drafts = this.drafts();
      body.replaceChildren(
        el("p", { id: "review-count" }, `${count("confirmed")} confirmed, ${count("rejected")} rejected, ${count("redrawn")} redrawn.`),
        el("p", { class: "hint" }, "Green outlines are confirmed or redrawn, grey ones rejected."),
        ...(drafts.length > 0
          ? [
              el("p", {}, `${drafts.length} only in this browser. `),
              el("button", { type: "button", click: () => this.download() }, "Download them as a file"),
              el("p", { class: "hint" }, "sarlra review import takes the file."),
            ]
          : []),
      );
    };
    state.on((change) => {
      if (change === "event" || change === "version" || change === "reviews") draw();
    });
    return root;
  }

  private async keep(one: Detection, verdict: Verdict, reviewer: string, reason: string, outline: GeoJSON.Polygon | null): Promise<void> {
    const { state } = this;
    const detection = one.properties.id;
    if (state.config.reviews_writable && this.token) {
      const body = { detection, verdict, reviewer, reason, as_of: state.asOf, outline };
      await post(`${HERE}reviews/${encodeURIComponent(state.event)}`, body, this.token);
    } else {
      const draft: Review = {
        type: "Feature",
        geometry: outline ?? one.geometry,
        properties: { detection, verdict, reviewer, reason, as_of: state.asOf, at: new Date().toISOString(), version: "", waiting: true },
      };
      const others = this.drafts().filter((other) => other.properties.detection !== detection);
      localStorage.setItem(this.key, JSON.stringify([...others, draft]));
    }
    await this.load();
    state.changed("reviews");
  }

  private get key(): string {
    return `sarlra-reviews-${this.state.event}`;
  }

  private drafts(): Review[] {
    try {
      return JSON.parse(localStorage.getItem(this.key) ?? "[]") as Review[];
    } catch {
      return [];
    }
  }

  private download(): void {
    const content = JSON.stringify({ type: "FeatureCollection", features: this.drafts() }, null, 1);
    const href = URL.createObjectURL(new Blob([content], { type: "application/geo+json" }));
    el("a", { href, download: `${this.state.event}-reviews.geojson` }).click();
    window.setTimeout(() => URL.revokeObjectURL(href), 10_000);
    byId("news").textContent = "The reviews were written to a file.";
  }
}
