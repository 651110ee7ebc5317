// Publications at an instant: those to come, and what became of those before.

import { api } from "../../lib/api.js";
import { useList } from "../../lib/lists.js";
import { may } from "../../lib/session.js";
import { t, when } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { Confirm } from "../../ui/dialog.js";
import { Menu } from "../../ui/menu.js";
import { Chip } from "../../ui/page.js";
import { Empty, Loaded } from "../../ui/states.js";
import { Table } from "../../ui/table.js";
import { PlanDialog } from "./plan_dialog.js";

const KINDS = { planned: "accent", running: "accent", done: "good", failed: "bad", missed: "bad", cancelled: "plain" };

/** All publications, the newest first. */
export function Planned() {
  const list = useList("/v1/publications", { sort: "-at", limit: 60 });
  const [window, setWindow] = useState(null);
  const close = () => {
    setWindow(null);
    list.reload();
  };
  const columns = [
    { key: "channel", label: t("releases-channel"), render: (one) => html`<span><b>${one.channel}</b>${one.note && html`<br /><span class="faint">${one.note}</span>`}</span>` },
    { key: "at", label: t("releases-when"), render: (one) => when(one.at, { zone: one.zone }) },
    { key: "state", label: t("releases-state"), render: (one) => html`<span class="stack tight"><${Chip} kind=${KINDS[one.state]}>${t(`releases-state-${one.state}`, { sequence: one.sequence ?? 0 })}<//>${(one.problem || one.remark) && html`<small class="faint">${one.problem ?? one.remark}</small>`}</span>` },
    { key: "by", label: t("releases-by"), render: (one) => one.planned_by },
    { key: "do", label: "", render: (one) => one.state === "planned" && may("publisher") && html`<${Menu} label=${t("releases-actions", { name: one.channel })} items=${[{ label: t("releases-change"), icon: "edit", onSelect: () => setWindow({ change: one }) }, { label: t("releases-cancel"), icon: "x", danger: true, onSelect: () => setWindow({ cancel: one }) }]} />` },
  ];
  return html`<${Loaded} of=${list}>
    ${list.rows.length === 0 ? html`<${Empty} level=${2} icon="calendar" title=${t("releases-none-planned")} text=${t("releases-none-planned-text")} />` : html`<${Table} label=${t("releases-tab-planned")} columns=${columns} rows=${list.rows} />`}
    ${list.hasMore && html`<button type="button" onClick=${list.more}>${t("ui-more")}</button>`}
    ${window?.change && html`<${PlanDialog} channel=${window.change.channel} planned=${window.change} onClose=${close} />`}
    ${window?.cancel && html`<${Confirm} title=${t("releases-cancel-title", { channel: window.cancel.channel })} text=${t("releases-cancel-text")} verb=${t("releases-cancel")} onConfirm=${() => api.remove(`/v1/publications/${window.cancel.id}`, { version: window.cancel.version })} onClose=${close} />`}
  <//>`;
}
