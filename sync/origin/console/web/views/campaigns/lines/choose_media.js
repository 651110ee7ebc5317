// Choosing media by search: pictures and films that are ready.

import { useList } from "../../../lib/lists.js";
import { html, useRef, useState } from "../../../lib/view.js";
import { t } from "../../../lib/words.js";
import { Dialog } from "../../../ui/dialog.js";
import { Field } from "../../../ui/field.js";
import { Picture } from "../../../ui/picture.js";
import { Empty, Loaded } from "../../../ui/states.js";

const WAIT_MS = 200;

/** `onChoose(rows)` gets the media that were chosen. */
export function ChooseMedia({ onChoose, onClose }) {
  const [search, setSearch] = useState("");
  const [chosen, setChosen] = useState(new Map());
  const timer = useRef(0);
  const media = useList("/v1/media", { search, state: "ready", limit: 48 });
  const toggle = (row) => {
    const next = new Map(chosen);
    if (!next.delete(row.id)) next.set(row.id, row);
    setChosen(next);
  };
  const type = (event) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setSearch(event.target.value), WAIT_MS);
  };
  return html`<${Dialog} title=${t("campaigns-choose-media")} wide onClose=${onClose} onSubmit=${() => onChoose([...chosen.values()])} submit=${t("campaigns-take", { count: chosen.size })} disabled=${chosen.size === 0}>
    <${Field} label=${t("ui-search")} unseen type="search" placeholder=${t("ui-search")} onInput=${type} />
    <${Loaded} of=${media}>${() =>
      media.rows.length === 0
        ? html`<${Empty} icon="image" title=${t("campaigns-no-media")} text=${search ? "" : t("campaigns-no-media-text")} />`
        : html`<ul class="chooser">${media.rows.map((row) => html`<li key=${row.id}><label class=${chosen.has(row.id) ? "choosable is-chosen" : "choosable"}><input type="checkbox" checked=${chosen.has(row.id)} onChange=${() => toggle(row)} /><${Picture} src=${row.url ? null : `/v1/media/${row.id}/thumbnail`} icon=${row.url ? "globe" : "image"} /><span class="cut-2" title=${row.name}>${row.name}</span></label></li>`)}</ul>
          ${media.hasMore && html`<button type="button" onClick=${media.more}>${t("ui-more")}</button>`}`}
    <//>
  <//>`;
}
