// The page of one media: its preview, what it is, what became of it, where it is used, and its history.

import { api } from "../../lib/api.js";
import { useList, useThing } from "../../lib/lists.js";
import { go, href } from "../../lib/router.js";
import { may } from "../../lib/session.js";
import { bytes, duration, number, t, when } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { mediaProblem } from "../../parts/media_problem.js";
import { Icon } from "../../ui/icon.js";
import { Menu } from "../../ui/menu.js";
import { attempt } from "../../ui/notify.js";
import { Card, Page } from "../../ui/page.js";
import { Empty, Loaded } from "../../ui/states.js";
import { MoveDialog, RenameDialog, TagDialog } from "./dialogs.js";
import { State } from "./entries.js";
import { isUsed, kindOf, shapeOf } from "./facts.js";
import { MediaHistory } from "./history.js";
import { Preview } from "./preview.js";
import { RemoveDialog } from "./remove.js";
import { ReplaceDialog } from "./replace.js";
import { UseCard } from "./uses.js";

const ALL = 1000;
const BACK = () => ({ href: href("media"), label: t("media-title") });

/** The media with this id. */
export function OneMedia({ id }) {
  const path = `/v1/media/${encodeURIComponent(id)}`;
  const thing = useThing(path);
  const uses = useThing(`${path}/uses`);
  const folders = useList("/v1/media/folders", { limit: ALL });
  const [open, setOpen] = useState(null);
  const media = thing.body;
  if (thing.problem?.status === 404) return html`<${Page} title=${t("media-title")} back=${BACK()}><${Empty} level=${2} icon="image" title=${t("media-gone")} text=${t("media-gone-text")} /><//>`;
  if (!media) return html`<${Page} title=${t("media-title")} back=${BACK()}><${Loaded} of=${thing} lines=${6} /><//>`;
  const close = () => setOpen(null);
  const changed = (body) => thing.set(body);
  const isReplaceable = uses.body && isUsed(uses.body);
  const actions = may("editor", media.space) && html`
    <button type="button" onClick=${() => setOpen("rename")}><${Icon} name="edit" />${t("ui-rename")}</button>
    ${isReplaceable && html`<button type="button" onClick=${() => setOpen("replace")}><${Icon} name="refresh" />${t("media-replace")}</button>`}
    <${Menu} label=${t("ui-more")} items=${[
      { label: t("media-move"), icon: "folder", onSelect: () => setOpen("move") },
      { label: t("media-tag"), icon: "tag", onSelect: () => setOpen("tag") },
      media.retryable && { label: t("media-retry"), icon: "refresh", onSelect: () => attempt(() => api.post(`${path}/retry`)) },
      { label: t("ui-delete"), icon: "trash", danger: true, onSelect: () => setOpen("remove") },
    ]} />`;
  return html`<${Page} title=${media.name} back=${BACK()} actions=${actions}>
    <div class="one-media">
      <div class="stack">
        <${Preview} media=${media} />
        <${Became} media=${media} />
      </div>
      <div class="stack">
        <${Card} title=${t("media-facts")}><${Facts} media=${media} folders=${folders.rows} /><//>
        <${Card} title=${t("media-uses")}><${Loaded} of=${uses}>${() => html`<${UseCard} uses=${uses.body} />`}<//><//>
        <${MediaHistory} path=${path} />
      </div>
    </div>
    ${open === "rename" && html`<${RenameDialog} media=${media} onClose=${close} onDone=${changed} />`}
    ${open === "move" && html`<${MoveDialog} media=${[media]} folders=${folders.rows} onClose=${close} />`}
    ${open === "tag" && html`<${TagDialog} media=${[media]} onClose=${close} />`}
    ${open === "remove" && html`<${RemoveDialog} media=${[media]} onClose=${close} onDone=${() => go("media")} />`}
    ${open === "replace" && html`<${ReplaceDialog} media=${media} uses=${uses.body} onClose=${close} onDone=${uses.reload} />`}
  <//>`;
}

/** What became of what was sent: mended, failed, or the same as something that was here. */
function Became({ media }) {
  const { state, same_as } = media;
  const sentences = mediaProblem(media);
  return html`
    ${state !== "ready" && html`<div><${State} media=${media} /></div>`}
    ${sentences.length > 0 && html`<div class=${state === "failed" ? "wrong" : "became"} role="note"><${Icon} name=${state === "failed" ? "alert" : "info"} /><div class="stack tight">${sentences.map((text) => html`<p key=${text}>${text}</p>`)}</div></div>`}
    ${same_as && html`<p class="became"><${Icon} name="copy" /><span>${t("media-same")} <a href=${href("media", same_as)}>${t("media-same-look")}</a></span></p>`}
  `;
}

function Facts({ media, folders }) {
  const { asset, tags, url } = media;
  const folder = folders.find(({ id }) => id === media.folder);
  const isPixels = asset && asset.kind !== "stream";
  const rows = {
    kind: t(`media-kind-${kindOf(media) || "unknown"}`),
    address: url,
    size: isPixels && `${number(asset.width)} × ${number(asset.height)} (${t(`media-shape-${shapeOf(media)}`)})`,
    length: asset?.duration_ms && duration(asset.duration_ms),
    sound: asset?.kind === "video" && (asset.has_audio ? (typeof asset.loudness_lufs === "number" ? t("media-loudness", { lufs: number(asset.loudness_lufs, { maximumFractionDigits: 1 }) }) : t("media-sound-yes")) : t("media-sound-no")),
    bytes: isPixels ? bytes(asset.size_bytes) : null,
    sent: media.source_bytes ? bytes(media.source_bytes) : null,
    folder: folder && html`<a href=${href("media", "", "", { folder: folder.id })}>${folder.path.join(" / ")}</a>`,
    tags: tags.length > 0 && html`<span class="row tight">${tags.map((tag) => html`<a key=${tag} class="tag" href=${href("media", "", "", { tag })}>${tag}</a>`)}</span>`,
    added: when(media.created_at),
  };
  const shown = Object.entries(rows).filter(([, value]) => value);
  return html`<dl class="facts two">${shown.map(([name, value]) => html`<div key=${name}><dt>${t(`media-fact-${name}`)}</dt><dd>${value}</dd></div>`)}</dl>`;
}
