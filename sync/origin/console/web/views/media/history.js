// Who changed a media, newest first.

import { useList } from "../../lib/lists.js";
import { t, when } from "../../lib/words.js";
import { html } from "../../lib/view.js";
import { Card } from "../../ui/page.js";
import { Loaded } from "../../ui/states.js";

const FIRST = 8;

/** The history of the media at `path`. */
export function MediaHistory({ path }) {
  const list = useList(`${path}/history`, { limit: FIRST });
  return html`<${Card} title=${t("media-history")}>
    <${Loaded} of=${list}>
      ${list.rows.length === 0 && html`<p class="faint">${t("media-history-none")}</p>`}
      <ul class="history-list">${list.rows.map((one) => html`<li key=${one.id}><span>${t("media-done", { action: one.action.replaceAll(" ", "-") })}</span><small class="faint">${t("media-done-by", { name: one.actor.name || t("media-nobody"), at: when(one.at) })}</small></li>`)}</ul>
      ${list.hasMore && html`<button type="button" class="quiet" onClick=${list.more}>${t("media-history-more")}</button>`}
    <//>
  <//>`;
}
