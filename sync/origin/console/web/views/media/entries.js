// A media in the library: as a picture with its name, and as a row.

import { bytes, duration, t, when } from "../../lib/words.js";
import { href, query as setQuery } from "../../lib/router.js";
import { html } from "../../lib/view.js";
import { Icon } from "../../ui/icon.js";
import { Chip } from "../../ui/page.js";
import { Picture } from "../../ui/picture.js";
import { kindOf } from "./facts.js";

const ICONS = { video: "play", picture: "image", stream: "globe", "": "image" };
export const DRAGGED = "application/x-signage-media";

/** Its picture, with its length in the corner. */
export function Thumbnail({ media, ratio }) {
  const { asset, state } = media;
  const badge = asset?.duration_ms ? duration(asset.duration_ms) : null;
  return html`<${Picture} src=${media.thumbnail} icon=${state === "failed" ? "alert" : ICONS[kindOf(media)]} badge=${badge} ratio=${ratio} />`;
}

/** Where it is on its way to the screen; nothing once it is there. */
export function State({ media: { state, progress } }) {
  if (state === "ready") return null;
  if (state === "failed") return html`<${Chip} kind="bad">${t("media-state-failed")}<//>`;
  return html`<${Chip} kind="accent" icon="refresh">${state === "queued" ? t("media-state-queued") : t("media-preparing", { progress })}<//>`;
}

/** Its size in pixels and bytes, in a line. */
export function sizesOf({ asset, source_bytes: sent, url }) {
  if (url) return url;
  if (!asset) return sent ? bytes(sent) : "";
  return `${asset.width} × ${asset.height} · ${bytes(asset.size_bytes)}`;
}

function Pick({ media, chosen, onChoose }) {
  return onChoose && html`<label class="pick"><input type="checkbox" aria-label=${t("ui-choose", { name: media.name })} checked=${chosen} onChange=${() => onChoose(media)} /></label>`;
}

const dragging = (ids) => (event) => {
  event.dataTransfer.setData(DRAGGED, JSON.stringify(ids));
  event.dataTransfer.effectAllowed = "copyMove";
};

/** A picture with its name. */
export function MediaTile({ media, chosen, onChoose, dragged }) {
  return html`<article class=${`media-tile ${media.state} ${chosen ? "chosen" : ""}`} draggable=${Boolean(onChoose)} onDragStart=${dragging(dragged)}>
    <a href=${href("media", media.id)} aria-label=${media.name}><${Thumbnail} media=${media} /></a>
    <${Pick} media=${media} chosen=${chosen} onChoose=${onChoose} />
    <div class="media-text">
      <b class="cut" title=${media.name}>${media.name}</b>
      ${media.state === "ready" ? html`<small class="faint cut">${sizesOf(media)}</small>` : html`<${State} media=${media} />`}
    </div>
  </article>`;
}

/** A row of the table. */
export function MediaRow({ media, chosen, onChoose, dragged, folders }) {
  const folder = folders.find(({ id }) => id === media.folder);
  const kind = kindOf(media);
  return html`<div class=${`media-row ${chosen ? "chosen" : ""}`} draggable=${Boolean(onChoose)} onDragStart=${dragging(dragged)}>
    <${Pick} media=${media} chosen=${chosen} onChoose=${onChoose} />
    <span class="media-small"><${Thumbnail} media=${media} /></span>
    <a class="cut" href=${href("media", media.id)} title=${media.name}>${media.name}</a>
    <span class="media-kind">${media.state === "ready" ? t(`media-kind-${kind || "unknown"}`) : html`<${State} media=${media} />`}</span>
    <span class="cut faint media-size">${sizesOf(media)}</span>
    <span class="media-tags cut">${folder && html`<span class="faint"><${Icon} name="folder" size=${14} /> ${folder.path.join(" / ")}</span>`} ${media.tags.map((tag) => html`<button key=${tag} type="button" class="tag" onClick=${() => setQuery({ tag })}>${tag}</button>`)}</span>
    <span class="faint number media-age">${when(media.created_at, { style: "day" })}</span>
  </div>`;
}
