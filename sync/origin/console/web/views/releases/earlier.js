// What was published before: brought back, or kept for ever.

import { api } from "../../lib/api.js";
import { useList } from "../../lib/lists.js";
import { query as setQuery } from "../../lib/router.js";
import { may } from "../../lib/session.js";
import { bytes, number, t, when } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { loadUnpublished } from "../../parts/unpublished.js";
import { Confirm } from "../../ui/dialog.js";
import { Choice } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Menu } from "../../ui/menu.js";
import { Chip } from "../../ui/page.js";
import { attempt, notify } from "../../ui/notify.js";
import { Empty, Loaded } from "../../ui/states.js";
import { Table } from "../../ui/table.js";

/** The releases of all channels, or of `query.channel`, the newest first. */
export function Earlier({ query }) {
  const channels = useList("/v1/channels", { limit: 1000 });
  const list = useList("/v1/releases", { channel: query.channel, limit: 60 });
  const [back, setBack] = useState(null);
  const newest = Object.fromEntries(channels.rows.map((one) => [one.channel, one.sequence]));
  const isNow = (one) => newest[one.channel] === one.sequence;
  const pin = (one) => attempt(async () => {
    await api.patch(`/v1/releases/${encodeURIComponent(one.channel)}/${one.sequence}`, { pinned: !one.pinned });
    notify(t(one.pinned ? "releases-unpinned" : "releases-pinned", { sequence: one.sequence }));
    list.reload();
  });
  const bringBack = async () => {
    const { body } = await api.post("/v1/releases", { channel: back.channel, again: back.sequence });
    notify(t("releases-is-back", { channel: back.channel, again: back.sequence, sequence: body.sequence }));
    await loadUnpublished(back.channel).catch(() => {}); // the view of what waits says why
  };
  const items = (one) => [
    one.kept && !isNow(one) && { label: t("releases-bring-back"), icon: "undo", onSelect: () => setBack(one) },
    { label: t(one.pinned ? "releases-unpin" : "releases-pin"), icon: "pin", onSelect: () => pin(one) },
  ];
  const columns = [
    { key: "sequence", label: t("releases-release"), render: (one) => html`<span class="row"><b>${t("releases-number", { sequence: number(one.sequence) })}</b><span class="faint">${one.channel}</span></span>` },
    { key: "at", label: t("releases-when"), render: (one) => when(one.created_at) },
    { key: "what", label: t("releases-contents"), render: (one) => html`<span>${t("releases-holds", { items: one.items, ads: one.ads, bytes: bytes(one.asset_bytes) })}${one.note && html`<br /><span class="faint">${one.note}</span>`}</span>` },
    { key: "state", label: t("releases-state"), render: (one) => html`<span class="row tight">${isNow(one) && html`<${Chip} kind="good">${t("releases-in-force")}<//>`}${one.again && html`<${Chip} icon="undo">${t("releases-was-again", { again: one.again })}<//>`}${one.pinned && html`<${Chip} icon="pin">${t("releases-is-pinned")}<//>`}${!one.kept && html`<span class="faint small">${t("releases-gone")}</span>`}</span>` },
    { key: "do", label: "", render: (one) => may("publisher") && html`<${Menu} label=${t("releases-actions", { name: `${one.channel} ${one.sequence}` })} items=${items(one)} />` },
  ];
  const options = [{ value: "", label: t("releases-all") }, ...channels.rows.map((one) => ({ value: one.channel, label: one.channel }))];
  return html`<div class="stack">
    ${channels.rows.length > 1 && html`<div class="filter-field"><${Choice} label=${t("releases-channel")} options=${options} value=${query.channel ?? ""} onChange=${(event) => setQuery({ channel: event.target.value })} /></div>`}
    <${Loaded} of=${list}>
      ${list.rows.length === 0 ? html`<${Empty} level=${2} icon="layers" title=${t("releases-none")} text=${t("releases-none-text")} />` : html`<${Table} label=${t("releases-tab-earlier")} columns=${columns} rows=${list.rows} keyOf=${(one) => `${one.channel} ${one.sequence}`} />`}
      ${list.hasMore && html`<button type="button" onClick=${list.more}>${t("ui-more")}</button>`}
    <//>
    ${back && html`<${Confirm} title=${t("releases-back-title", { sequence: back.sequence, channel: back.channel })} text=${t("releases-back-text")} verb=${t("releases-bring-back")} danger=${false} onConfirm=${bringBack} onClose=${() => setBack(null)}><p class="faint"><${Icon} name="info" size=${17} /> ${t("releases-back-plan")}</p><//>`}
  </div>`;
}
