// The media beside a playlist: searched, chosen, many at once, dragged into it; new ones are sent from here, too.

import { at, send } from "../../lib/api.js";
import { useList } from "../../lib/lists.js";
import { duration, t } from "../../lib/words.js";
import { html, useRef, useState } from "../../lib/view.js";
import { Field } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { attempt } from "../../ui/notify.js";
import { Empty, Loaded } from "../../ui/states.js";
import { newId } from "./edits.js";
import { MEDIA_TYPE } from "./row_drag.js";

const PATIENCE_MS = 150; // between two letters of a search

/** `onAdd(parts)` is called with new items. */
export function MediaPanel({ onAdd, space }) {
  const [search, setSearch] = useState("");
  const [chosen, setChosen] = useState([]); // in the order in which they were chosen
  const timer = useRef(0);
  const media = useList("/v1/media", { search, sort: "-created_at", limit: 40 });
  const rows = media.rows.filter((one) => one.state !== "failed");
  const type = (event) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setSearch(event.target.value), PATIENCE_MS);
  };
  const toggle = (id) => setChosen(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id]);
  const add = (ids) => {
    onAdd(ids.map((id) => ({ id: newId(), media: id })));
    setChosen([]);
  };
  return html`<div class="stack media-panel">
    <div class="row"><h2 class="grow">${t("playlists-media")}</h2><${Upload} space=${space} onSent=${(id) => onAdd([{ id: newId(), media: id }])} /></div>
    <${Field} label=${t("playlists-media-search")} unseen type="search" placeholder=${t("playlists-media-search")} onInput=${type} />
    <${Loaded} of=${media} lines=${6}>${() => rows.length === 0
      ? html`<${Empty} icon="image" title=${t(search ? "playlists-none-found" : "playlists-no-media")} text=${search ? "" : t("playlists-no-media-text")} />`
      : html`<div class="stack tight"><ul class="media-choices" aria-label=${t("playlists-media")}>${rows.map((one) => html`<${Medium} key=${one.id} medium=${one} place=${chosen.indexOf(one.id)} chosen=${chosen} onToggle=${() => toggle(one.id)} onAdd=${() => add([one.id])} />`)}</ul>
      ${media.hasMore && html`<button type="button" class="quiet" aria-busy=${media.state === "more"} onClick=${media.more}>${t("playlists-more")}</button>`}</div>`}
    <//>
    ${chosen.length > 0 && html`<div class="media-add"><button type="button" class="primary" onClick=${() => add(chosen)}>${t("playlists-add-chosen", { count: chosen.length })}</button><button type="button" class="quiet" onClick=${() => setChosen([])}>${t("playlists-clear")}</button></div>`}
  </div>`;
}

function Medium({ medium, place, chosen, onToggle, onAdd }) {
  const isChosen = place >= 0;
  const carry = (event) => {
    event.dataTransfer.setData(MEDIA_TYPE, (isChosen ? chosen : [medium.id]).join(" "));
    event.dataTransfer.effectAllowed = "copy";
  };
  const length = medium.asset?.duration_ms;
  return html`<li class=${isChosen ? "is-chosen" : ""} draggable="true" onDragStart=${carry} onDblClick=${onAdd}>
    <button type="button" class="media-choice" aria-pressed=${String(isChosen)} title=${medium.name} onClick=${onToggle}>
      <span class="item-picture">${medium.thumbnail ? html`<img src=${at(medium.thumbnail)} alt="" loading="lazy" draggable=${false} />` : html`<${Icon} name=${medium.url ? "globe" : "clock"} />`}
        ${isChosen && html`<span class="media-place">${place + 1}</span>`}
        ${length && html`<span class="media-length">${duration(length)}</span>`}</span>
      <span class="media-name cut">${medium.name}</span>
    </button>
    <button type="button" class="quiet icon-only media-plus" aria-label=${t("playlists-add-one", { name: medium.name })} title=${t("playlists-add-one", { name: medium.name })} onClick=${onAdd}><${Icon} name="plus" size=${16} /></button>
  </li>`;
}

const encoded = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

function Upload({ space, onSent }) {
  const box = useRef(null);
  const [left, setLeft] = useState(0);
  const sendAll = async (event) => {
    const files = [...event.target.files];
    event.target.value = "";
    setLeft(files.length);
    for (const file of files) {
      await attempt(async () => {
        const headers = { "Tus-Resumable": "1.0.0", "Upload-Length": String(file.size), "Upload-Metadata": `filename ${encoded(file.name)}`, "Content-Type": "application/offset+octet-stream" };
        const answer = await send("POST", space ? `/v1/uploads?space=${encodeURIComponent(space)}` : "/v1/uploads", { headers, body: file });
        onSent(answer.headers.get("Signage-Media"));
      });
      setLeft((count) => count - 1);
    }
  };
  return html`<button type="button" class="quiet" aria-busy=${left > 0} onClick=${() => box.current.click()}><${Icon} name="upload" />${left > 0 ? t("playlists-sending", { count: left }) : t("playlists-upload")}</button>
    <input ref=${box} type="file" multiple hidden accept="image/*,video/*,audio/*" aria-label=${t("playlists-upload")} onChange=${sendAll} />`;
}
