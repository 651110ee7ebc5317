// Who did what: every change, newest first, found by person, kind and time.

import { at, withQuery } from "../../lib/api.js";
import { useList } from "../../lib/lists.js";
import { query as setQuery } from "../../lib/router.js";
import { hasWords, t, when } from "../../lib/words.js";
import { html } from "../../lib/view.js";
import { SearchField } from "../../parts/search_field.js";
import { Choice, Field } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Page } from "../../ui/page.js";
import { Empty, Loaded } from "../../ui/states.js";
import { Table } from "../../ui/table.js";

const KINDS = ["playlist", "schedule", "campaign", "media", "folder", "upload", "release", "device", "plays", "space", "person", "key", "log", "trust"];

/** Return what the origin is asked: days are whole days of this computer. */
export function askedOf({ search, kind, first, last }) {
  const from = first && new Date(`${first}T00:00`).toISOString();
  const end = last && new Date(`${last}T00:00`);
  if (end) end.setDate(end.getDate() + 1);
  return { search, kind, from, until: end ? end.toISOString() : undefined };
}

/** The view of the audit log. */
export function View({ query }) {
  const asked = askedOf(query);
  const list = useList("/v1/audit", { ...asked, limit: 60 });
  const kinds = [{ value: "", label: t("audit-all-kinds") }, ...KINDS.map((value) => ({ value, label: t(`audit-kind-${value}`) }))];
  const set = (name) => (event) => setQuery({ [name]: event.target.value });
  const columns = [
    { key: "at", label: t("audit-when"), render: (one) => html`<span class="number">${when(one.at)}</span>` },
    { key: "who", label: t("audit-who"), render: (one) => html`<span>${one.actor.name || t(hasWords(`audit-actor-${one.actor.kind}`) ? `audit-actor-${one.actor.kind}` : "audit-actor-unknown")}</span>` },
    { key: "what", label: t("audit-what"), render: (one) => html`<span>${one.text}</span>` },
    { key: "kind", label: t("audit-kind"), render: (one) => html`<span class="faint">${hasWords(`audit-kind-${one.kind}`) ? t(`audit-kind-${one.kind}`) : one.kind}</span>` },
  ];
  const download = html`<a class="button" href=${at(withQuery("/v1/audit/export", { ...asked, format: "csv" }))} download><${Icon} name="download" size=${18} />${t("audit-export")}</a>`;
  return html`<${Page} title=${t("audit-title")} lead=${t("audit-lead")} actions=${download}>
    <div class="fields audit-filters">
      <${SearchField} value=${query.search ?? ""} label=${t("ui-search")} />
      <${Choice} label=${t("audit-kind")} options=${kinds} value=${query.kind ?? ""} onChange=${set("kind")} />
      <${Field} label=${t("audit-first")} type="date" value=${query.first ?? ""} onChange=${set("first")} />
      <${Field} label=${t("audit-last")} type="date" value=${query.last ?? ""} onChange=${set("last")} />
    </div>
    <${Loaded} of=${list}>
      ${list.rows.length === 0 ? html`<${Empty} level=${2} icon="search" title=${t("audit-none")} text=${t("audit-none-text")} />` : html`<${Table} label=${t("audit-title")} columns=${columns} rows=${list.rows} />`}
      ${list.hasMore && html`<button type="button" onClick=${list.more}>${t("ui-more")}</button>`}
    <//>
  <//>`;
}
