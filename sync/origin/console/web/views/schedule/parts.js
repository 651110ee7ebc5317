// The dayparts as a list: what the calendar shows, as text; in the order that decides between equal ones.

import { whenText } from "../../lib/calendar/day_words.js";
import { t } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { Field } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Card, Chip } from "../../ui/page.js";
import { Empty } from "../../ui/states.js";

const FEW = 12;
const MOST = 60;

/** `onOpen(part)`, `onAdd()` and `onException()` open forms. */
export function Parts({ schedule, names, hueOf, canEdit, onOpen, onAdd, onException }) {
  const { dayparts } = schedule;
  const [search, setSearch] = useState("");
  const wanted = search.toLowerCase();
  const found = dayparts.filter(({ name, playlist }) => `${name} ${names.get(playlist) ?? ""}`.toLowerCase().includes(wanted));
  const actions = canEdit && dayparts.length > 0 && html`<button type="button" onClick=${onException}><${Icon} name="calendar" />${t("schedule-exception")}</button>`;
  return html`<${Card} title=${t("schedule-dayparts")} actions=${actions}>
    ${dayparts.length > FEW && html`<${Field} label=${t("ui-search")} type="search" unseen placeholder=${t("ui-search")} value=${search} onInput=${(event) => setSearch(event.target.value)} />`}
    ${dayparts.length === 0
      ? html`<${Empty} icon="calendar" title=${t("schedule-no-dayparts")} text=${t("schedule-no-dayparts-text")}>${onAdd && html`<button type="button" class="primary" onClick=${onAdd}>${t("schedule-new")}</button>`}<//>`
      : html`<ul class="part-list">${found.slice(0, MOST).map((part) => html`<${Row} key=${part.id} ...${{ part, names, canEdit, onOpen }} hue=${hueOf(part.playlist)} />`)}</ul>
        ${found.length > MOST && html`<p class="faint">${t("schedule-more", { count: found.length - MOST })}</p>`}
        ${dayparts.length > 1 && html`<p class="faint small">${t("schedule-order")}</p>`}`}
  <//>`;
}

function Row({ part, names, hue, canEdit, onOpen }) {
  const inside = html`<span class=${`swatch hue-${hue}`} aria-hidden="true"></span>
    <span class="grow"><b class="cut-2" title=${part.name}>${part.name}</b><span class="faint">${whenText(part)}</span><span class="faint">${t("schedule-plays", { name: names.get(part.playlist) ?? t("schedule-unknown-playlist") })}</span></span>
    ${part.priority !== 0 && html`<${Chip} kind=${part.priority >= 1000 ? "warn" : "plain"} icon="up">${part.priority}<//>`}`;
  if (!canEdit) return html`<li class="part-row">${inside}</li>`;
  return html`<li><button type="button" class="quiet part-row" onClick=${() => onOpen(part)}>${inside}</button></li>`;
}
