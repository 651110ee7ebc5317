// Windows about a whole playlist: made, renamed, copied, deleted, sent to review, and who changed what.

import { api, onceKey } from "../../lib/api.js";
import { useThing } from "../../lib/lists.js";
import { go, href } from "../../lib/router.js";
import { ago, t, when } from "../../lib/words.js";
import { html, useMemo } from "../../lib/view.js";
import { Confirm, Dialog } from "../../ui/dialog.js";
import { Field } from "../../ui/field.js";
import { attempt, notify } from "../../ui/notify.js";
import { Loaded } from "../../ui/states.js";
import { newId } from "./edits.js";

const LONGEST = 200;

const Name = ({ value = "" }) => html`<${Field} label=${t("ui-name")} name="name" value=${value} maxlength=${LONGEST} required autocomplete="off" />`;

/** A new one, which opens once it is there. */
export function NewPlaylist({ onClose, items = [] }) {
  const key = useMemo(onceKey, []);
  const make = async ({ name }) => {
    const { body } = await api.post("/v1/playlists", { name, items }, { key, query: { draft: true } });
    onClose();
    go("playlists", body.id);
  };
  return html`<${Dialog} title=${t("playlists-new")} submit=${t("playlists-make")} onSubmit=${make} onClose=${onClose}><${Name} /><//>`;
}

/** Another name; what others change meanwhile stays. */
export function RenamePlaylist({ playlist, onClose, onRename }) {
  const rename = async ({ name }) => {
    if (onRename) onRename(name);
    else {
      const isDraft = playlist.ready_version !== playlist.version;
      await api.patch(`/v1/playlists/${playlist.id}`, { edits: [{ do: "set", set: { name } }] }, { version: playlist.version, query: isDraft ? { draft: true } : {} });
    }
    onClose();
  };
  return html`<${Dialog} title=${t("playlists-rename")} submit=${t("ui-save")} onSubmit=${rename} onClose=${onClose}><${Name} value=${playlist.name} /><//>`;
}

/** The same items under another name. */
export function CopyPlaylist({ playlist, onClose }) {
  const key = useMemo(onceKey, []);
  const copy = async ({ name }) => {
    const { body } = await api.get(`/v1/playlists/${playlist.id}`);
    const items = body.items.map((one) => ({ ...one, id: newId() }));
    const made = await api.post("/v1/playlists", { name, items }, { key, query: { draft: true, space: body.space } });
    onClose();
    go("playlists", made.body.id);
  };
  return html`<${Dialog} title=${t("playlists-copy-title", { name: playlist.name })} submit=${t("playlists-copy")} onSubmit=${copy} onClose=${onClose}>
    <${Name} value=${t("playlists-copy-name", { name: playlist.name }).slice(0, LONGEST)} /><p class="faint">${t("playlists-copy-text")}</p>
  <//>`;
}

/** Deletes one, or says what stands in the way: a channel that shows it is changed first. */
export function DeletePlaylist({ playlist, onClose, onDone }) {
  const channels = playlist.channels ?? [];
  if (channels.length > 0) {
    return html`<${Dialog} title=${t("playlists-delete-title", { name: playlist.name })} onClose=${onClose}>
      <p>${t("playlists-delete-used", { count: channels.length })}</p>
      <ul class="stack tight">${channels.map((one) => html`<li key=${one}><a href=${href("schedule", one)} onClick=${onClose}>${one}</a></li>`)}</ul>
    <//>`;
  }
  const remove = async () => {
    await api.remove(`/v1/playlists/${playlist.id}`, { version: playlist.version });
    notify(t("playlists-deleted", { name: playlist.name }));
    onDone?.();
  };
  return html`<${Confirm} title=${t("playlists-delete-title", { name: playlist.name })} text=${t("playlists-delete-text", { count: playlist.items?.length ?? playlist.items ?? 0 })} verb=${t("ui-delete")} onConfirm=${remove} onClose=${onClose} />`;
}

/** Asks a publisher to look at the draft. */
export function AskReview({ editing, onClose }) {
  const key = useMemo(onceKey, []);
  const ask = async ({ text }) => {
    await editing.flush();
    await api.post(`${editing.path}/review`, { text: text || null }, { key });
    notify(t("playlists-review-asked"));
    onClose();
  };
  return html`<${Dialog} title=${t("playlists-review")} submit=${t("playlists-review-ask")} onSubmit=${ask} onClose=${onClose}>
    <p class="faint">${t("playlists-review-text")}</p>
    <${Field} label=${t("playlists-review-note")} name="text" type="long" maxlength=${2000} />
  <//>`;
}

/** Who changed what, newest first; each change can be taken back. */
export function History({ editing, mayChange, onClose }) {
  const found = useThing(`${editing.path}/history`, { limit: 50 });
  const back = (entry) => async () => {
    await attempt(() => editing.takeBack(entry.version_after));
    onClose();
  };
  return html`<${Dialog} title=${t("playlists-history")} wide onClose=${onClose}>
    <${Loaded} of=${found}>${() => html`<ol class="playlist-history">${found.body.history.map((entry) => html`<li key=${entry.id}>
      <div class="grow"><b>${entry.actor.name || t("playlists-somebody")}</b> <span class="faint" title=${when(entry.at)}>${ago((Date.now() - new Date(entry.at)) / 1000)}</span>
        <ul>${sentences(entry).map((text, place) => html`<li key=${place}>${text}</li>`)}</ul></div>
      ${mayChange && entry.action === "changed" && entry.version_after && html`<button type="button" class="quiet" onClick=${back(entry)}>${t("playlists-take-back")}</button>`}
    </li>`)}</ol>`}<//>
  <//>`;
}

/** Return what an entry of the history changed, in sentences. */
export function sentences(entry) {
  if (!entry.differences?.length) return [t("playlists-did", { what: entry.action })];
  const told = entry.differences.slice(0, 6).map((one) => t("playlists-changed-part", { code: one.code.replace(".", "-"), name: one.name, fields: Object.keys(one.fields).map((field) => t(`playlists-field-${field}`)).join(", ") }));
  const more = entry.differences.length - told.length + (entry.more ?? 0);
  return more > 0 ? [...told, t("playlists-changed-more", { count: more })] : told;
}
