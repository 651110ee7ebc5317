// All playlists: found, sorted, made, copied, renamed and deleted.

import { useList } from "../../lib/lists.js";
import { href, query as setQuery } from "../../lib/router.js";
import { may } from "../../lib/session.js";
import { duration, listed, t, when } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { Field } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Menu } from "../../ui/menu.js";
import { Chip, Page } from "../../ui/page.js";
import { Picture } from "../../ui/picture.js";
import { Empty, Loaded } from "../../ui/states.js";
import { Table } from "../../ui/table.js";
import { CopyPlaylist, DeletePlaylist, NewPlaylist, RenamePlaylist } from "./dialogs.js";

const PATIENCE_MS = 150; // between two letters of a search

/** The list. */
export function List({ query }) {
  const sort = query.sort ?? "name";
  const [search, setSearch] = useState(query.search ?? "");
  const [open, setOpen] = useState(null); // {what, playlist}
  const playlists = useList("/v1/playlists", { sort, search: query.search });
  const close = () => setOpen(null);
  const type = (event) => {
    const text = event.target.value;
    setSearch(text);
    clearTimeout(type.timer);
    type.timer = setTimeout(() => setQuery({ search: text }), PATIENCE_MS);
  };
  const make = html`<button type="button" class="primary" onClick=${() => setOpen({ what: "new" })}><${Icon} name="plus" />${t("playlists-new")}</button>`;
  const isEmpty = playlists.rows.length === 0 && !query.search;
  return html`<${Page} title=${t("playlists-title")} lead=${t("playlists-lead")} actions=${may("editor") && !isEmpty && make}>
    ${(!isEmpty || playlists.state === "loading") && html`<div class="row playlist-search">
      <div class="grow"><${Field} label=${t("playlists-search")} unseen type="search" placeholder=${t("playlists-search")} value=${search} onInput=${type} /></div>
      ${playlists.total !== null && html`<span class="faint number">${t("playlists-count", { count: playlists.total })}</span>`}
    </div>`}
    <${Loaded} of=${playlists} lines=${6}>
      ${() => (playlists.rows.length === 0 ? html`<${Nothing} isSearch=${Boolean(query.search)} make=${may("editor") && make} />` : html`<${Rows} ...${{ playlists, sort }} onOpen=${(what, playlist) => setOpen({ what, playlist })} />`)}
    <//>
    ${open?.what === "new" && html`<${NewPlaylist} onClose=${close} />`}
    ${open?.what === "rename" && html`<${RenamePlaylist} playlist=${open.playlist} onClose=${close} />`}
    ${open?.what === "copy" && html`<${CopyPlaylist} playlist=${open.playlist} onClose=${close} />`}
    ${open?.what === "delete" && html`<${DeletePlaylist} playlist=${open.playlist} onClose=${close} />`}
  <//>`;
}

function Nothing({ isSearch, make }) {
  if (isSearch) return html`<${Empty} level=${2} icon="search" title=${t("playlists-none-found")} text=${t("playlists-none-found-text")} />`;
  return html`<${Empty} level=${2} icon="list" title=${t("playlists-none")} text=${t("playlists-none-text")}>${make}<//>`;
}

function Rows({ playlists, sort, onOpen }) {
  const columns = [
    { key: "name", label: t("ui-name"), sort: "name", render: (row) => html`<${Name} row=${row} />` },
    { key: "state", label: t("playlists-state"), render: (row) => html`<${StateChip} playlist=${row} />` },
    { key: "length", label: t("playlists-length"), end: true, render: (row) => html`<span class="number">${lengthText(row)}</span>` },
    { key: "used", label: t("playlists-used"), render: (row) => html`<${UsedIn} channels=${row.channels ?? []} />` },
    { key: "changed", label: t("playlists-changed"), sort: "updated_at", render: (row) => when(row.updated_at) },
    { key: "do", label: t("ui-more"), end: true, render: (row) => html`<${RowMenu} row=${row} onOpen=${onOpen} />` },
  ];
  return html`<div class="stack">
    <${Table} label=${t("playlists-title")} columns=${columns} rows=${playlists.rows} sort=${sort} onSort=${(order) => setQuery({ sort: order })} onOpen=${(row) => (location.hash = href("playlists", row.id))} />
    ${playlists.hasMore && html`<button type="button" aria-busy=${playlists.state === "more"} onClick=${playlists.more}>${t("playlists-more")}</button>`}
  </div>`;
}

function Name({ row }) {
  const pictures = (row.media ?? []).slice(0, 3);
  return html`<span class="playlist-name">
    <span class="playlist-pictures" aria-hidden="true">${pictures.length > 0 ? pictures.map((id, place) => html`<${Picture} key=${place} src=${`/v1/media/${id}/thumbnail`} icon="play" fit="cover" />`) : html`<${Picture} icon="list" />`}</span>
    <span class="playlist-words"><a class="cut-2" href=${href("playlists", row.id)} title=${row.name}>${row.name}</a><small class="faint">${t("playlists-items", { count: row.items })}</small></span>
  </span>`;
}

const lengthText = (row) => (row.items === 0 ? "–" : row.length_ms === null ? t("playlists-open-end") : duration(row.length_ms));

/** Whether what is stored goes out by the next release. */
export function StateChip({ playlist }) {
  if (playlist.ready_version === playlist.version) return html`<${Chip} kind="good">${t("playlists-ready")}<//>`;
  return html`<${Chip} kind="warn" icon="edit">${playlist.ready_version === null ? t("playlists-draft-new") : t("playlists-draft")}<//>`;
}

/** In which channels it shows, with links. */
export function UsedIn({ channels }) {
  if (channels.length === 0) return html`<span class="faint">${t("playlists-unused")}</span>`;
  if (channels.length > 2) return html`<span title=${listed(channels)}>${t("playlists-channels", { count: channels.length })}</span>`;
  return html`<span class="row tight">${channels.map((one) => html`<a key=${one} class="cut" href=${href("schedule", one)}>${one}</a>`)}</span>`;
}

function RowMenu({ row, onOpen }) {
  const mine = may("editor", row.space);
  const items = [
    row.items > 0 && { label: t("playlists-preview"), icon: "play", href: href("preview", "playlist", row.id) },
    mine && { label: t("ui-rename"), icon: "edit", onSelect: () => onOpen("rename", row) },
    may("editor") && { label: t("playlists-copy"), icon: "copy", onSelect: () => onOpen("copy", row) },
    mine && { label: t("ui-delete"), icon: "trash", danger: true, onSelect: () => onOpen("delete", row) },
  ];
  return html`<${Menu} label=${t("playlists-do", { name: row.name })} items=${items} />`;
}
