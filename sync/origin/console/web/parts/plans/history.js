// Who changed what of a plan, newest first; each change can be taken back, unless what came later builds on it.

import { useList } from "../../lib/lists.js";
import { html } from "../../lib/view.js";
import { ago, hasWords, listed, t, when } from "../../lib/words.js";
import { Dialog } from "../../ui/dialog.js";
import { attempt } from "../../ui/notify.js";
import { Loaded } from "../../ui/states.js";

const MOST_TOLD = 6;

/** `edits` is what useEdits returned; `fieldName(list, field)` says a field. Without `canEdit` it is only looked at. */
export function History({ path, edits, fieldName, canEdit, onClose }) {
  const history = useList(`${path}/history`, { limit: 30 });
  const back = async (version) => {
    if (await attempt(() => edits.takeBack(version))) onClose();
  };
  const entry = (one) => html`<li key=${one.id} class="history-entry">
    <div class="grow"><b>${one.actor.name || t("parts-somebody")}</b> <span class="faint" title=${when(one.at)}>${ago((Date.now() - Date.parse(one.at)) / 1000)}</span>
      <ul>${told(one, fieldName).map((text, at) => html`<li key=${at}>${text}</li>`)}</ul></div>
    ${canEdit && one.action === "changed" && one.version_after && html`<button type="button" class="quiet" onClick=${() => back(one.version_after)}>${t("parts-take-back")}</button>`}
  </li>`;
  return html`<${Dialog} title=${t("parts-history")} wide onClose=${onClose}>
    <${Loaded} of=${history}>${() => html`<ol class="stack tight">${history.rows.map(entry)}</ol>
      ${history.hasMore && html`<button type="button" onClick=${history.more}>${t("ui-more")}</button>`}`}<//>
  <//>`;
}

/** Return what an entry of the history changed, in sentences; without words for it the sentence of the origin. */
function told({ action, differences: found, more: unsaid, text }, fieldName) {
  const [differences, more] = [found ?? [], unsaid ?? 0];
  if (differences.length === 0) return [hasWords(`parts-did-${action}`) ? t(`parts-did-${action}`) : text];
  const sentences = differences.slice(0, MOST_TOLD).map(({ code, part, name, fields }) => {
    const list = part ? `${part}s` : "";
    const names = Object.keys(fields).map((field) => fieldName(list, field));
    const way = code.split(".").at(-1);
    if (!part) return t("parts-changed-fields", { fields: listed(names) });
    return way === "changed" ? t("parts-changed-fields-of", { name, fields: listed(names) }) : t(`parts-part-${way}`, { name });
  });
  const left = differences.length - sentences.length + more;
  return left > 0 ? [...sentences, t("parts-changed-more", { count: left })] : sentences;
}
