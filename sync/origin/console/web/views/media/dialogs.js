// What is done with media, one or many: add a stream, rename, move, tag.

import { api } from "../../lib/api.js";
import { go, route } from "../../lib/router.js";
import { t } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { Dialog } from "../../ui/dialog.js";
import { Choice, Field } from "../../ui/field.js";
import { notify } from "../../ui/notify.js";
import { tagsOf } from "./facts.js";

/** Return what some media are called together. */
export const whatOf = (media) => (media.length === 1 ? media[0].name : t("media-count", { count: media.length }));

/** Add a network stream. */
export function StreamDialog({ onClose }) {
  const add = async ({ url, name }) => {
    const { body } = await api.post("/v1/media/streams", { url: url.trim(), ...(name.trim() && { name: name.trim() }) });
    const { folder } = route.value.query;
    if (folder && folder !== "none") await api.patch(`/v1/media/${body.id}`, { folder });
    notify(t("media-stream-added", { name: body.name }), { action: { label: t("media-look-at-it"), run: () => go("media", body.id) } });
    onClose();
  };
  return html`<${Dialog} title=${t("media-add-stream")} onClose=${onClose} onSubmit=${add} submit=${t("media-stream-do")}>
    <p>${t("media-stream-text")}</p>
    <${Field} label=${t("media-stream-url")} name="url" required maxlength="2000" inputmode="url" spellcheck="false" placeholder="https://example.com/live.m3u8" help=${t("media-stream-url-help")} />
    <${Field} label=${t("ui-name")} name="name" maxlength="200" help=${t("media-stream-name-help")} />
  <//>`;
}

/** Give a media another name; `onDone(body)` gets it as it is then. */
export function RenameDialog({ media: now, onClose, onDone }) {
  const [media] = useState(now); // what somebody saw as it was opened
  const rename = async ({ name }) => {
    const { body } = await api.patch(`/v1/media/${media.id}`, { name: name.trim() }, { version: media.version });
    onDone?.(body);
    onClose();
  };
  return html`<${Dialog} title=${t("media-rename")} onClose=${onClose} onSubmit=${rename} submit=${t("ui-rename")}><${Field} label=${t("ui-name")} name="name" value=${media.name} required maxlength="200" /><//>`;
}

/** Put media into a folder, or take them out of theirs. */
export function MoveDialog({ media, folders, onClose, onDone = onClose }) {
  const move = async ({ folder }) => {
    await api.patch("/v1/media", { media: media.map(({ id }) => id), folder: folder || null });
    notify(t("media-moved", { count: media.length, name: folders.find(({ id }) => id === folder)?.name ?? t("media-folder-none") }));
    onDone();
  };
  const options = [{ value: "", label: t("media-folder-none") }, ...folders.map((one) => ({ value: one.id, label: one.path.join(" / ") }))];
  return html`<${Dialog} title=${t("media-move-title", { what: whatOf(media) })} onClose=${onClose} onSubmit=${move} submit=${t("media-move")}>
    ${folders.length === 0 && html`<p>${t("media-no-folders")}</p>`}
    <${Choice} label=${t("media-folder-into")} name="folder" value=${media[0].folder ?? ""} options=${options} />
  <//>`;
}

/** Add tags to media, and take others off. */
export function TagDialog({ media, onClose, onDone = onClose }) {
  const held = [...new Set(media.flatMap(({ tags }) => tags))];
  const tag = async ({ add, drop = [] }) => {
    await api.patch("/v1/media", { media: media.map(({ id }) => id), add_tags: tagsOf(add), remove_tags: [drop].flat() });
    onDone();
  };
  return html`<${Dialog} title=${t("media-tag-title", { what: whatOf(media) })} onClose=${onClose} onSubmit=${tag} submit=${t("ui-save")}>
    <${Field} label=${t("media-tags-add")} name="add" maxlength="600" help=${t("media-tags-help")} />
    ${held.length > 0 && html`<fieldset class="stack tight"><legend>${t("media-tags-drop")}</legend>${held.map((one) => html`<label key=${one} class="row"><input type="checkbox" name="drop" value=${one} />${one}</label>`)}</fieldset>`}
  <//>`;
}
