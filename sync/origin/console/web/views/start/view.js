// Where one begins: what is wrong now, and what is on air.

import { t } from "../../lib/words.js";
import { useList } from "../../lib/lists.js";
import { html } from "../../lib/view.js";
import { Card, Page } from "../../ui/page.js";
import { Empty, Loaded } from "../../ui/states.js";

/** The start. */
export function View() {
  const critical = useList("/v1/devices", { severity: "critical" });
  return html`<${Page} title=${t("start-title")}>
    <${Card} title=${t("start-wrong-now")}>
      <${Loaded} of=${critical}>${() => (critical.rows.length === 0 ? html`<${Empty} icon="check" title=${t("start-all-well")} />` : html`<ul class="stack">${critical.rows.map((one) => html`<li key=${one.id}>${one.name}</li>`)}</ul>`)}<//>
    <//>
  <//>`;
}
