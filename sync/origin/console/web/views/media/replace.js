// Replaces a media wherever it is used: what comes in its place is searched for, and what changes is seen first.

import { api } from "../../lib/api.js";
import { useList } from "../../lib/lists.js";
import { t } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { SearchField } from "../../parts/search_field.js";
import { Dialog } from "../../ui/dialog.js";
import { Icon } from "../../ui/icon.js";
import { notify } from "../../ui/notify.js";
import { Empty, Loaded } from "../../ui/states.js";
import { sizesOf, Thumbnail } from "./entries.js";
import { kindOf, shapeOf } from "./facts.js";
import { Uses } from "./uses.js";

const SHOWN = 24;

/** `uses` is where `media` is used, as it was seen: if that has changed, nothing is done. */
export function ReplaceDialog({ media, uses: now, onClose, onDone }) {
  const [uses] = useState(now); // what somebody saw as it was opened
  const [search, setSearch] = useState("");
  const [by, setBy] = useState(null);
  const list = useList("/v1/media", { search, state: "ready", limit: SHOWN });
  const others = list.rows.filter(({ id }) => id !== media.id);
  const replace = async () => {
    const { body } = await api.post(`/v1/media/${media.id}/replacement`, { by: by.id, mark: uses.mark });
    notify(t("media-replaced", { name: media.name, by: by.name, count: body.playlists.length + body.campaigns.length + body.channels.length }));
    onDone();
    onClose();
  };
  return html`<${Dialog} wide title=${t("media-replace-title", { name: media.name })} onClose=${onClose} onSubmit=${replace} submit=${t("media-replace-do")} disabled=${!by}>
    <p>${t("media-replace-text")}</p>
    <${Uses} uses=${uses} links=${false} />
    <${SearchField} value=${search} label=${t("media-search")} onSearch=${setSearch} />
    <${Loaded} of=${list}>
      ${others.length === 0
        ? html`<${Empty} icon="search" title=${t("media-none-found")} />`
        : html`<fieldset class="choices"><legend class="unseen">${t("media-replace-by")}</legend>${others.map((one) => html`<label key=${one.id} class="choice"><input type="radio" name="by" value=${one.id} checked=${by?.id === one.id} onChange=${() => setBy(one)} /><${Thumbnail} media=${one} /><b class="cut" title=${one.name}>${one.name}</b><small class="faint cut">${sizesOf(one)}</small></label>`)}</fieldset>`}
    <//>
    ${by && shapeOf(by) && shapeOf(media) && shapeOf(by) !== shapeOf(media) && html`<p class="hint"><${Icon} name="alert" /> ${t("media-replace-shape", { shape: shapeOf(by) })}</p>`}
    ${by && kindOf(by) !== kindOf(media) && html`<p class="hint"><${Icon} name="info" /> ${t("media-replace-kind", { kind: kindOf(by) })}</p>`}
  <//>`;
}
