// Dialogs with fields and a button. A dialog stays open and shows why if the origin refuses.

import { $, button, h } from "./dom.js";
import { problemElements } from "./notices.js";

/**
 * Open a dialog; `submit(values)` does the work, and only its success closes it. Without it the dialog only tells something.
 * A field is { name, label, type, value, options: [[value, label]], hint, … }, its rest attributes of the control;
 * those with `more` are in a collapsed section with that heading.
 */
export function dialog({ title, text, fields = [], more, verb, danger = false, submit }) {
  const wrong = h("div", { class: "wrong", role: "alert" });
  const go = h("button", { type: "submit", class: danger ? "danger" : "primary", "data-do": "go" }, verb);
  const no = button("Cancel", "cancel", () => box.close(), { class: "quiet" });
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", { id: "asked" }, title),
    text && h("p", {}, text),
    ...fields.filter((field) => !field.more).map(control),
    more && h("details", {}, h("summary", {}, more), ...fields.filter((field) => field.more).map(control)),
    wrong,
    h("menu", {}, submit && no, go),
  );
  const box = h("dialog", { "aria-labelledby": "asked" }, form);
  form.addEventListener("invalid", ({ target }) => target.closest("details")?.setAttribute("open", ""), true); // open the section of a wrong field
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    wrong.replaceChildren();
    try {
      await submit?.(values(form, fields));
      box.close();
    } catch (error) {
      if (error.status === 401) box.close();
      wrong.replaceChildren(...problemElements(error));
    } finally {
      go.disabled = false;
    }
  });
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  ($("input:not([type=checkbox]), select", form) ?? (submit ? no : go)).focus();
}

function control({ name, label, type = "text", value = "", options, hint, more: _, ...rest }) {
  if (type === "checkbox") {
    return h("label", { class: "check" }, h("input", { type, name, checked: value, ...rest }), h("span", {}, label, hint && h("small", {}, hint)));
  }
  const field = options
    ? h("select", { name, ...rest }, ...options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)))
    : h("input", { type, name, value, autocomplete: "off", ...rest });
  return h("label", {}, label, field, hint && h("small", {}, hint));
}

/** Return an instant as the value of a `datetime-local` field, in the time of this computer. */
export function local(iso) {
  if (!iso) return "";
  const at = new Date(iso);
  return new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** Return the value of such a field as an instant, null if it is empty. */
export const instant = (value) => (value ? new Date(value).toISOString() : null);

function values(form, fields) {
  return Object.fromEntries(
    fields.map(({ name, type }) => {
      const { value, checked } = form.elements.namedItem(name);
      return [name, type === "checkbox" ? checked : type === "password" ? value : value.trim()];
    }),
  );
}
