// All media: searched and filtered, in folders, as pictures or as a table; and what is done with several at once.

import { api } from "../../lib/api.js";
import { useList } from "../../lib/lists.js";
import { query as setQuery } from "../../lib/router.js";
import { may } from "../../lib/session.js";
import { t } from "../../lib/words.js";
import { html, useMemo, useState } from "../../lib/view.js";
import { SearchField } from "../../parts/search_field.js";
import { addFiles } from "../../parts/uploads.js";
import { Choice, Segments } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Page } from "../../ui/page.js";
import { Empty, Loaded } from "../../ui/states.js";
import { VirtualList } from "../../ui/virtual_list.js";
import { attempt } from "../../ui/notify.js";
import { MediaRow, MediaTile } from "./entries.js";
import { FILTERS, SORTS, isFiltered, listQuery } from "./facts.js";
import { Folders } from "./folders.js";
import { MoveDialog, StreamDialog, TagDialog } from "./dialogs.js";
import { RemoveDialog } from "./remove.js";

const ALL = 1000;

/** The media; `query` has what is searched and filtered. */
export function MediaLibrary({ query }) {
  const asked = useMemo(() => listQuery(query, Date.now()), [JSON.stringify(query)]);
  const list = useList("/v1/media", asked);
  const folders = useList("/v1/media/folders", { limit: ALL });
  const [chosen, setChosen] = useState(new Map());
  const [open, setOpen] = useState(null);
  const mayChange = may("editor");
  const choose = (media) => {
    const next = new Map(chosen);
    if (!next.delete(media.id)) next.set(media.id, media);
    setChosen(next);
  };
  const chooseAll = () => attempt(async () => {
    const { body } = await api.get("/v1/media", { ...asked, limit: ALL });
    setChosen(new Map(body.media.map((one) => [one.id, one])));
  });
  const close = () => setOpen(null);
  const done = () => {
    setChosen(new Map());
    close();
  };
  const folder = query.folder && query.folder !== "none" ? query.folder : null;
  const send = (event) => {
    addFiles([...event.target.files], { folder });
    event.target.value = "";
  };
  const isTable = query.look === "table";
  const adding = html`<label class="button primary add-files"><input type="file" multiple class="unseen" aria-label=${t("media-add-files")} onChange=${send} /><${Icon} name="upload" />${t("media-add-files")}</label>`;
  const actions = mayChange && html`${adding}<button type="button" onClick=${() => setOpen("stream")}><${Icon} name="globe" />${t("media-add-stream")}</button>`;
  const entry = (media) => html`<${isTable ? MediaRow : MediaTile} media=${media} chosen=${chosen.has(media.id)} onChoose=${mayChange && choose} dragged=${chosen.has(media.id) ? [...chosen.keys()] : [media.id]} folders=${folders.rows} />`;
  const several = [...chosen.values()];
  return html`<${Page} full title=${t("media-title")} lead=${list.total === null ? t("media-lead") : t("media-count", { count: list.total })} actions=${actions}>
    <div class="media-search">
      <${SearchField} value=${query.search ?? ""} label=${t("media-search")} />
      <${Segments} label=${t("media-look")} value=${isTable ? "table" : "pictures"} onChange=${(look) => setQuery({ look: look === "table" ? look : "" })} options=${["pictures", "table"].map((value) => ({ value, label: t(`media-look-${value}`) }))} />
    </div>
    <${Filters} query=${query} />
    <datalist id="media-tags">${[...new Set(list.rows.flatMap(({ tags }) => tags))].map((tag) => html`<option key=${tag} value=${tag}></option>`)}</datalist>
    <div class="media-body">
      <${Folders} list=${folders} chosen=${query.folder ?? ""} mayChange=${mayChange} />
      <section aria-label=${t("media-title")}>
        <${Loaded} of=${list} lines=${8}>
          ${list.rows.length === 0
            ? html`<${Nothing} isFiltered=${isFiltered(query)} adding=${mayChange && adding} />`
            : html`<${VirtualList} key=${isTable} label=${t("media-title")} rows=${list.rows} total=${list.total} onEnd=${list.more} render=${entry} ...${isTable ? { size: 60, gap: 0 } : { size: 206, width: 160, gap: 16 }} />`}
        <//>
      </section>
    </div>
    ${chosen.size > 0 && html`<div class="choice-bar" role="region" aria-label=${t("media-chosen", { count: chosen.size })}>
      <b>${t("media-chosen", { count: chosen.size })}</b>
      ${chosen.size < Math.min(ALL, list.total ?? 0) && html`<button type="button" class="quiet" onClick=${chooseAll}>${t("media-choose-all", { count: Math.min(ALL, list.total) })}</button>`}
      <button type="button" onClick=${() => setOpen("move")}><${Icon} name="folder" />${t("media-move")}</button>
      <button type="button" onClick=${() => setOpen("tag")}><${Icon} name="tag" />${t("media-tag")}</button>
      <button type="button" onClick=${() => setOpen("remove")}><${Icon} name="trash" />${t("ui-delete")}</button>
      <button type="button" class="quiet" onClick=${() => setChosen(new Map())}>${t("media-unchoose")}</button>
    </div>`}
    ${open === "stream" && html`<${StreamDialog} onClose=${close} />`}
    ${open === "move" && html`<${MoveDialog} media=${several} folders=${folders.rows} onClose=${close} onDone=${done} />`}
    ${open === "tag" && html`<${TagDialog} media=${several} onClose=${close} onDone=${done} />`}
    ${open === "remove" && html`<${RemoveDialog} media=${several} onClose=${close} onDone=${done} />`}
  <//>`;
}

const NO_FILTER = { search: "", folder: "", tag: "", kind: "", state: "", use: "", shape: "", age: "" };

function Nothing({ isFiltered: filtered, adding }) {
  if (filtered) return html`<${Empty} level=${2} icon="search" title=${t("media-none-found")} text=${t("media-none-found-text")}><button type="button" onClick=${() => setQuery(NO_FILTER)}>${t("media-show-all")}</button><//>`;
  return html`<${Empty} level=${2} icon="image" title=${t("media-none")} text=${t(adding ? "media-none-text" : "media-none-viewer")}>${adding}<//>`;
}

/** The filters that are in force stand below them, each with a cross. */
export function Filters({ query }) {
  const held = Object.keys(FILTERS).filter((name) => query[name]).length + (query.tag ? 1 : 0);
  const [isOpen, setOpen] = useState(held > 0);
  return html`<div class="media-filters">
    <div class="row">
      <button type="button" aria-expanded=${String(isOpen)} onClick=${() => setOpen(!isOpen)}><${Icon} name="filter" />${held > 0 ? t("media-filters-held", { count: held }) : t("media-filters")}</button>
      ${query.tag && html`<span class="chip accent"><${Icon} name="tag" /><span class="cut">${query.tag}</span><button type="button" class="quiet drop" aria-label=${t("media-drop-tag", { tag: query.tag })} onClick=${() => setQuery({ tag: "" })}><${Icon} name="x" size=${14} /></button></span>`}
      <span class="grow"></span>
      <${Choice} unseen label=${t("ui-sort")} value=${query.sort ?? SORTS[0]} onChange=${(event) => setQuery({ sort: event.target.value === SORTS[0] ? "" : event.target.value })} options=${SORTS.map((value) => ({ value, label: t("media-sort", { sort: value.replace("-", "down-") }) }))} />
    </div>
    ${isOpen && html`<div class="fields" role="group" aria-label=${t("media-filters")}>
      ${Object.entries(FILTERS).map(([name, values]) => html`<${Choice} key=${name} label=${t(`media-filter-${name}`)} value=${query[name] ?? ""} onChange=${(event) => setQuery({ [name]: event.target.value })} options=${values.map((value) => ({ value, label: value ? t(`media-${name}-${value}`) : t("media-any") }))} />`)}
      <${TagField} />
    </div>`}
  </div>`;
}

function TagField() {
  const add = (event) => {
    const tag = event.target.value.trim();
    if (tag) setQuery({ tag });
  };
  return html`<div class="field"><label for="media-tag-field">${t("media-filter-tag")}</label><input id="media-tag-field" list="media-tags" maxlength="100" placeholder=${t("media-any")} onChange=${add} /></div>`;
}
