// All screens: the worst first, as a table or as pictures; filters, search, and what is done with several at once.

import { counts } from "../../lib/live.js";
import { useList } from "../../lib/lists.js";
import { query as setQuery } from "../../lib/router.js";
import { may } from "../../lib/session.js";
import { t } from "../../lib/words.js";
import { html, useEffect, useRef, useState } from "../../lib/view.js";
import { SearchField } from "../../parts/search_field.js";
import { Choice, Segments } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Page } from "../../ui/page.js";
import { Empty, Loaded } from "../../ui/states.js";
import { VirtualList } from "../../ui/virtual_list.js";
import { MoveDialog, PairDialog, RemoveDialog, Waiting } from "./dialogs.js";
import { ScreenRow, ScreenTile } from "./rows.js";
import { FILTERS, filterCounts } from "./state.js";

const FEW = 24; // so many are shown as pictures, unless somebody wants it otherwise
const ALL = 1000;

/** All screens; `query` has what is searched and filtered. */
export function ScreenList({ query }) {
  const { search = "", filter = "all", channel = "", sort = "worst", look = "" } = query;
  const list = useList("/v1/devices", { sort, search, channel, ...(FILTERS[filter] ?? {}) });
  const channels = useList("/v1/channels", { limit: ALL });
  useReloadWith(list);
  const [chosen, setChosen] = useState(new Map());
  const [open, setOpen] = useState(null);
  const mayChange = may("technician");
  const choose = (device) => {
    const next = new Map(chosen);
    if (!next.delete(device.id)) next.set(device.id, device);
    setChosen(next);
  };
  const isPictures = (look || (list.total !== null && list.total <= FEW ? "pictures" : "table")) === "pictures";
  const close = () => setOpen(null);
  const done = () => {
    setChosen(new Map());
    close();
  };
  const several = [...chosen.values()];
  const actions = mayChange && html`<button type="button" class="primary" onClick=${() => setOpen("pair")}><${Icon} name="plus" />${t("screens-pair")}</button>`;
  const pair = () => setOpen("pair");
  return html`<${Page} title=${t("screens-title")} lead=${t("screens-lead")} actions=${actions}>
    ${mayChange && html`<${Waiting} onPair=${pair} />`}
    <${Filters} chosen=${filter} />
    <div class="screen-tools">
      <${SearchField} value=${search} label=${t("screens-search")} />
      <${Choice} unseen label=${t("screens-channel")} value=${channel} onChange=${(event) => setQuery({ channel: event.target.value })} options=${[{ value: "", label: t("screens-all-channels") }, ...channels.rows.map((one) => ({ value: one.channel, label: one.channel }))]} />
      <${Choice} unseen label=${t("ui-sort")} value=${sort} onChange=${(event) => setQuery({ sort: event.target.value })} options=${["worst", "name", "channel", "seen_at", "-paired_at"].map((value) => ({ value, label: t("screens-sort", { sort: value }) }))} />
      <${Segments} label=${t("screens-look")} value=${isPictures ? "pictures" : "table"} onChange=${(value) => setQuery({ look: value })} options=${["table", "pictures"].map((value) => ({ value, label: t(`screens-look-${value}`) }))} />
    </div>
    <${Loaded} of=${list} lines=${8}>
      ${list.rows.length === 0
        ? html`<${Nothing} isFiltered=${search !== "" || filter !== "all" || channel !== ""} onPair=${mayChange && pair} />`
        : html`<${VirtualList} key=${isPictures} label=${t("screens-title")} rows=${list.rows} total=${list.total} onEnd=${list.more} ...${isPictures ? { size: 262, width: 230, gap: 16 } : { size: 76, gap: 0 }}
            render=${(device) => html`<${isPictures ? ScreenTile : ScreenRow} device=${device} chosen=${chosen.has(device.id)} onChoose=${mayChange && choose} />`} />`}
    <//>
    ${chosen.size > 0 && html`<div class="choice-bar" role="region" aria-label=${t("screens-chosen", { count: chosen.size })}>
      <b>${t("screens-chosen", { count: chosen.size })}</b>
      <button type="button" onClick=${() => setOpen("move")}><${Icon} name="channel" />${t("screens-move")}</button>
      <button type="button" onClick=${() => setOpen("remove")}><${Icon} name="trash" />${t("screens-remove")}</button>
      <button type="button" class="quiet" onClick=${() => setChosen(new Map())}>${t("screens-unchoose")}</button>
    </div>`}
    ${open === "pair" && html`<${PairDialog} onClose=${close} />`}
    ${open === "move" && html`<${MoveDialog} devices=${several} onClose=${close} onDone=${done} />`}
    ${open === "remove" && html`<${RemoveDialog} devices=${several} onClose=${close} onDone=${done} />`}
  <//>`;
}

/** Load the list again when other screens are bad than before: their places are others, or they come into it. */
function useReloadWith(list) {
  const { online, severity } = counts.value;
  const told = severity && JSON.stringify([online, severity]);
  const before = useRef(told);
  useEffect(() => {
    if (told !== before.current) list.reload();
    before.current = told;
  }, [told]);
}

function Filters({ chosen }) {
  const found = filterCounts(counts.value);
  return html`<div class="filters" role="group" aria-label=${t("screens-filter")}>
    ${Object.keys(FILTERS).map((filter) => html`<button key=${filter} type="button" class=${`filter ${filter}`} aria-pressed=${String(filter === chosen)} onClick=${() => setQuery({ filter: filter === "all" ? "" : filter })}>
      ${t(`screens-filter-${filter}`)}${found && html`<span class="number">${found[filter]}</span>`}
    </button>`)}
  </div>`;
}

function Nothing({ isFiltered, onPair }) {
  if (isFiltered) return html`<${Empty} level=${2} icon="search" title=${t("screens-none-found")} text=${t("screens-none-found-text")}><button type="button" onClick=${() => setQuery({ search: "", filter: "", channel: "" })}>${t("screens-show-all")}</button><//>`;
  return html`<${Empty} level=${2} icon="monitor" title=${t("screens-none")} text=${t("screens-none-text")}>${onPair && html`<button type="button" class="primary" onClick=${onPair}>${t("screens-pair")}</button>`}<//>`;
}
