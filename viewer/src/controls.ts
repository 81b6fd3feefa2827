/** Labelled form elements. */

import { el } from "./dom";

let made = 0;
const nextId = (): string => `control-${++made}`;

export function slider(
  label: string,
  range: { min: number; max: number; step: number; value: number },
  show: (value: number) => string,
  changed: (value: number) => void,
): HTMLElement {
  const id = nextId();
  const output = el("output", { for: id }, show(range.value));
  const input = el("input", {
    id,
    type: "range",
    min: String(range.min),
    max: String(range.max),
    step: String(range.step),
    value: String(range.value),
    "aria-valuetext": show(range.value),
    input: () => {
      const value = Number(input.value);
      output.textContent = show(value);
      input.setAttribute("aria-valuetext", show(value));
      changed(value);
    },
  });
  return el("div", { class: "slider" }, el("label", { for: id }, label), " ", output, input);
}

export function checkbox(
  label: string,
  checked: boolean,
  changed: (checked: boolean) => void,
): HTMLElement {
  const input = el("input", { type: "checkbox", checked, change: () => changed(input.checked) });
  return el("label", { class: "check" }, input, " ", label);
}

export function choice(
  label: string,
  options: [string, string][],
  value: string,
  changed: (value: string) => void,
): HTMLElement {
  const id = nextId();
  const select = el(
    "select",
    { id, change: () => changed(select.value) },
    ...options.map(([key, text]) => el("option", { value: key, selected: key === value }, text)),
  );
  return el("div", { class: "choice" }, el("label", { for: id }, label), select);
}
