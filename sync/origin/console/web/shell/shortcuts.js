// The list of shortcuts that are in force.

import { shortcuts } from "../lib/keys.js";
import { t } from "../lib/words.js";
import { html } from "../lib/view.js";
import { Dialog } from "../ui/dialog.js";

const EVERYWHERE = [[["Tab"], "ui-keys-tab"], [["↑", "↓"], "ui-keys-arrows"], [["Alt", "↑", "↓"], "ui-keys-move"], [["Esc"], "ui-keys-escape"]];

/** A window with all shortcuts of this view and of the page. */
export function Shortcuts({ onClose }) {
  const line = (keys, label) => html`<dt>${keys.map((key) => html`<kbd key=${key}>${key}</kbd>`)}</dt><dd>${label}</dd>`;
  return html`<${Dialog} title=${t("shell-shortcuts")} onClose=${onClose}>
    <dl class="shortcuts">${shortcuts.value.map(({ keys, label }) => line(keys, label))}${EVERYWHERE.map(([keys, id]) => line(keys, t(id)))}</dl>
  <//>`;
}
