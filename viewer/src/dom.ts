/** Elements made in code: texts of strangers only ever become text. */

type Child = Node | string | null | undefined | false;

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | boolean | ((event: Event) => void)> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child): child is Node | string => Boolean(child)));
  return made;
}

export function byId<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`there is no element ${id}`);
  return found as T;
}

/** A section of the panel that can be folded; `body` is filled again and again. */
export function section(title: string, open = true): { root: HTMLDetailsElement; body: HTMLElement } {
  const body = el("div");
  const root = el("details", { open }, el("summary", {}, el("h2", {}, title)), body);
  return { root, body };
}

/** Facts as a list of terms; entries without a value are left out. */
export function facts(pairs: [string, unknown][]): HTMLElement {
  const list = el("dl");
  for (const [name, value] of pairs) {
    if (value === null || value === undefined || value === "") continue;
    list.append(el("dt", {}, name), el("dd", {}, value instanceof Node ? value : String(value)));
  }
  return list;
}

/** A link, if the address is one that a browser may follow; else the text alone. */
export function link(href: string, text: string, attributes: Record<string, string> = {}): Node {
  let safe = false;
  try {
    safe = ["http:", "https:"].includes(new URL(href, location.href).protocol);
  } catch {
    safe = false;
  }
  return safe ? el("a", { href, ...attributes }, text) : document.createTextNode(text);
}

export function announce(text: string): void {
  byId("news").textContent = text;
}

export const percent = (share: number | null | undefined): string | null =>
  share === null || share === undefined ? null : `${Math.round(share * 1000) / 10} %`;

export function utc(text: string | undefined): string {
  const moment = new Date(text ?? "");
  if (Number.isNaN(moment.getTime())) return text ?? "";
  return `${moment.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
