// What differs between what is published and what is planned, as sentences.

import { hasWords, listed, sentence, t } from "../lib/words.js";
import { html, useState } from "../lib/view.js";
import { Icon } from "../ui/icon.js";

const FIRST = 5;
const ICONS = { added: "plus", removed: "minus", moved: "grip", changed: "edit", over: "clock" };

/** Return in which way a change is one: added, removed, moved, changed or over. */
export const wayOf = ({ code, over }) => (over ? "over" : code.split(".").at(-1));

/** Return the sentence of a change. */
export function changeText(change) {
  const id = `parts-change-${change.part ? "part" : "document"}-${wayOf(change)}`;
  if (!hasWords(id)) return sentence({ ...change.text_told, text: change.text });
  const names = [...new Set(Object.keys(change.fields ?? {}).map((name) => (hasWords(`parts-field-${name}`) ? t(`parts-field-${name}`) : t("parts-field-other"))))];
  return t(id, { part: change.part, name: change.name, kind: change.document, document: change.document_name, fields: listed(names) });
}

/** The first changes, and a button for the others. */
export function ChangeList({ changes, more = 0, label }) {
  const [isOpen, setOpen] = useState(false);
  const shown = isOpen ? changes : changes.slice(0, FIRST);
  const hidden = changes.length - shown.length;
  return html`<div class="changes">
    <ul aria-label=${label}>${shown.map((one, place) => html`<li key=${place}><span class=${`way ${wayOf(one)}`}><${Icon} name=${ICONS[wayOf(one)] ?? "edit"} size=${15} /></span><span>${changeText(one)}</span></li>`)}</ul>
    ${hidden > 0 && html`<button type="button" class="quiet" onClick=${() => setOpen(true)}>${t("parts-more-changes", { count: hidden + more })}</button>`}
    ${hidden === 0 && more > 0 && html`<p class="faint">${t("parts-more-changes", { count: more })}</p>`}
  </div>`;
}
