// The campaigns: who booked what, when it runs.

import { useList } from "../../lib/lists.js";
import { go, href, query as changeQuery } from "../../lib/router.js";
import { may } from "../../lib/session.js";
import { number, t, when } from "../../lib/words.js";
import { html } from "../../lib/view.js";
import { Choice, Field } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Chip, Page } from "../../ui/page.js";
import { Empty, Loaded } from "../../ui/states.js";
import { Table } from "../../ui/table.js";
import { WHOLE_PPM, stateOf } from "./draft.js";

const KINDS = { coming: "accent", running: "good", over: "plain" };
const ICONS = { coming: "clock", running: "play", over: "check" };
const WAIT_MS = 200;

/** `query`: `search` and `sort`. */
export function CampaignList({ query }) {
  const sort = query.sort ?? "name";
  const campaigns = useList("/v1/campaigns", { search: query.search, sort });
  const add = may("editor") && html`<a class="button primary" href=${href("campaigns", "new")}><${Icon} name="plus" />${t("campaigns-new")}</a>`;
  let timer = 0;
  const search = (event) => {
    clearTimeout(timer);
    timer = setTimeout(() => changeQuery({ search: event.target.value }), WAIT_MS);
  };
  const orders = [["name", "campaigns-by-name"], ["-starts_at", "campaigns-last-to-start"], ["ends_at", "campaigns-first-to-end"]];
  const columns = [
    { key: "name", label: t("campaigns-name"), sort: "name", render: (one) => html`<a class="name-cell" href=${href("campaigns", one.id)}><b class="cut-2" title=${one.name}>${one.name}</b><span class="faint">${one.advertiser}</span></a>` },
    { key: "state", label: t("campaigns-state"), render: (one) => html`<${State} campaign=${one} />` },
    { key: "flight", label: t("campaigns-flight"), sort: "starts_at", render: (one) => t("campaigns-from-to", { from: when(one.starts_at, { style: "day" }), to: when(Date.parse(one.ends_at) - 1, { style: "day" }) }) },
    { key: "channel", label: t("campaigns-channel"), render: (one) => one.channel ?? t("campaigns-all-channels") },
    { key: "share", label: t("campaigns-booked"), end: true, render: (one) => bookedText(one) },
  ];
  return html`<${Page} title=${t("campaigns-title")} lead=${t("campaigns-lead")} actions=${add}>
    ${(campaigns.total > 0 || query.search) && html`<div class="row list-tools">
      <div class="grow"><${Field} label=${t("ui-search")} unseen type="search" placeholder=${t("campaigns-search")} value=${query.search ?? ""} onInput=${search} /></div>
      <${Choice} label=${t("ui-sort")} unseen value=${sort} onChange=${(event) => changeQuery({ sort: event.target.value })} options=${orders.map(([value, id]) => ({ value, label: t(id) }))} />
    </div>`}
    <${Loaded} of=${campaigns}>${() =>
      campaigns.rows.length === 0
        ? html`<${Empty} level=${2} icon="megaphone" title=${t(query.search ? "campaigns-none-found" : "campaigns-none")} text=${query.search ? "" : t("campaigns-none-text")}>${!query.search && add}<//>`
        : html`<${Table} label=${t("campaigns-title")} columns=${columns} rows=${campaigns.rows} sort=${sort} onSort=${(order) => changeQuery({ sort: order })} onOpen=${({ id }) => go("campaigns", id)} />
          ${campaigns.hasMore && html`<button type="button" onClick=${campaigns.more}>${t("ui-more")}</button>`}`}
    <//>
  <//>`;
}

/** Where the flight of a campaign is, and whether it is a draft. */
export function State({ campaign }) {
  const state = stateOf(campaign, Date.now());
  return html`<span class="row tight"><${Chip} kind=${KINDS[state]} icon=${ICONS[state]}>${t(`campaigns-is-${state}`)}<//>${campaign.ready_version !== campaign.version && html`<${Chip} kind="warn" icon="edit">${t("campaigns-is-draft")}<//>`}</span>`;
}

function bookedText({ lines }) {
  const booked = lines.reduce((sum, { share_ppm: share }) => sum + (share ?? 0), 0);
  return booked > 0 ? number(booked / WHOLE_PPM, { style: "percent", maximumFractionDigits: 1 }) : t("campaigns-what-is-left");
}
