// A media as a browser shows it: the file that screens get, with its sound.

import { at } from "../../lib/api.js";
import { t } from "../../lib/words.js";
import { html, useEffect, useState } from "../../lib/view.js";
import { Icon } from "../../ui/icon.js";
import { Thumbnail } from "./entries.js";

/** The film, the picture, or what is known of a stream. */
export function Preview({ media }) {
  const { asset, url, name, thumbnail } = media;
  const [failed, setFailed] = useState(false);
  const address = asset && asset.kind !== "stream" ? at(`/content/assets/${asset.sha256}`) : null;
  useEffect(() => setFailed(false), [address]);
  if (url) return html`<div class="preview is-stream"><${Icon} name="globe" size=${36} /><code>${url}</code><p class="faint">${t("media-stream-preview")}</p></div>`;
  if (!address || failed) {
    return html`<figure class="preview"><${Thumbnail} media=${media} />${failed && html`<figcaption class="faint">${t("media-no-preview")} <a href=${address} download=${name}>${t("media-download")}</a></figcaption>`}</figure>`;
  }
  const shape = { aspectRatio: `${asset.width} / ${asset.height}` };
  if (asset.kind === "picture") return html`<figure class="preview"><img src=${address} alt=${name} style=${shape} onError=${() => setFailed(true)} /></figure>`;
  return html`<figure class="preview"><video src=${address} poster=${thumbnail ? at(thumbnail) : null} controls preload="metadata" playsinline aria-label=${name} style=${shape} onError=${() => setFailed(true)}></video></figure>`;
}
