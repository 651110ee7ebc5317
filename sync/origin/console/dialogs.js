// Asks people: one dialog with fields and a verb, which stays open and says why if what was asked for is refused.

import { $, button, h } from "./dom.js";
import { written } from "./notices.js";

/**
 * Open a dialog; `submit(values)` does the work, and only its success closes it.
 * A field is { name, label, type, value, options: [[value, label]], hint, … }, its rest attributes of the control.
 */
export function dialog({ title, text, fields = [], verb, danger = false, submit }) {
  const wrong = h("div", { class: "wrong", role: "alert" });
  const go = h("button", { type: "submit", class: danger ? "danger" : "primary", "data-do": "go" }, verb);
  const no = button("Cancel", "cancel", () => box.close(), { class: "quiet" });
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", { id: "asked" }, title),
    text && h("p", {}, text),
    ...fields.map(control),
    wrong,
    h("menu", {}, no, go),
  );
  const box = h("dialog", { "aria-labelledby": "asked" }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    wrong.replaceChildren();
    try {
      await submit(values(form, fields));
      box.close();
    } catch (error) {
      if (error.status === 401) box.close();
      wrong.replaceChildren(...written(error));
    } finally {
      go.disabled = false;
    }
  });
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  ($("input:not([type=checkbox]), select", form) ?? no).focus();
}

function control({ name, label, type = "text", value = "", options, hint, ...rest }) {
  if (type === "checkbox") {
    return h("label", { class: "check" }, h("input", { type, name, checked: value, ...rest }), label);
  }
  const field = options
    ? h("select", { name, ...rest }, ...options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)))
    : h("input", { type, name, value, autocomplete: "off", ...rest });
  return h("label", {}, label, field, hint && h("small", {}, hint));
}

function values(form, fields) {
  return Object.fromEntries(
    fields.map(({ name, type }) => {
      const { value, checked } = form.elements.namedItem(name);
      return [name, type === "checkbox" ? checked : value.trim()];
    }),
  );
}
