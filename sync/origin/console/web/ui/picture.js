// A picture in a frame of one shape, with a sign of what it is where there is none.

import { at } from "../lib/api.js";
import { html, useState } from "../lib/view.js";
import { Icon } from "./icon.js";

/**
 * `src` is a path of the origin, or null; `alt` what it shows (empty: the words beside it say so); `ratio` its frame,
 * such as "16 / 9"; `icon` stands in the place of a picture that is not there; `badge` is said in its corner.
 */
export function Picture({ src, alt = "", ratio = "16 / 9", icon = "image", badge, fit = "contain" }) {
  const [failed, setFailed] = useState(null);
  const shows = src && failed !== src;
  return html`<span class="picture" style=${{ aspectRatio: ratio }}>
    ${shows
      ? html`<img src=${src.startsWith("/") ? at(src) : src} alt=${alt} loading="lazy" decoding="async" style=${{ objectFit: fit }} onError=${() => setFailed(src)} />`
      : html`<${Icon} name=${icon} size=${24} />${alt && html`<span class="unseen">${alt}</span>`}`}
    ${badge && html`<span class="badge">${badge}</span>`}
  </span>`;
}
