// Two people changed the same: both sides stand beside each other, and a person chooses for each.

import { t } from "../../lib/words.js";
import { html, useId, useState } from "../../lib/view.js";
import { Dialog } from "../../ui/dialog.js";

/**
 * `edits` is what useEdits returned; shown while it has a clash. `fieldName(list, field)` says a field, and
 * `valueText({list, id, field, value})` one of its values, in words.
 */
export function Clash({ edits, fieldName, valueText }) {
  if (!edits.clash) return null;
  return html`<${Choosing} key=${edits.clash.problem.current} ...${{ edits, fieldName, valueText }} />`;
}

function Choosing({ edits, fieldName, valueText }) {
  const { clashes } = edits.clash.problem;
  const [mine, setMine] = useState(new Set(clashes.keys()));
  const choose = (at, isMine) => {
    const next = new Set(mine);
    if (isMine) next.add(at);
    else next.delete(at);
    setMine(next);
  };
  return html`<${Dialog} title=${t("parts-clash-title")} onClose=${edits.leave} onSubmit=${() => edits.settle(mine)} submit=${t("ui-save")}>
    <p>${t("parts-clash-text")}</p>
    ${clashes.map((clash, at) => html`<${Sides} key=${at} ...${{ clash, fieldName, valueText, isMine: mine.has(at), choose: (value) => choose(at, value) }} />`)}
  <//>`;
}

function Sides({ clash, fieldName, valueText, isMine, choose }) {
  const name = useId();
  const { list, id, field } = clash;
  const text = (value) => (value === null && field === null ? t("parts-clash-removed") : valueText({ list, id, field, value }));
  const side = (value, label, checked, pick) => html`<label class="side-choice">
    <input type="radio" name=${name} checked=${checked} onChange=${pick} /><span><b>${label}</b> ${text(value)}</span>
  </label>`;
  return html`<fieldset class="clash">
    <legend>${clash.name ? t("parts-clash-field-of", { field: fieldName(list, field), name: clash.name }) : fieldName(list, field)}</legend>
    ${side(clash.yours, t("parts-clash-mine"), isMine, () => choose(true))}
    ${side(clash.theirs, t("parts-clash-theirs"), !isMine, () => choose(false))}
    ${clash.seen !== null && html`<small class="faint">${t("parts-clash-before", { value: text(clash.seen) })}</small>`}
  </fieldset>`;
}
