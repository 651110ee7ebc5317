// Where media are used, with links: playlists, campaigns, channels; and what a removal takes along.

import { href } from "../../lib/router.js";
import { t } from "../../lib/words.js";
import { html } from "../../lib/view.js";
import { Icon } from "../../ui/icon.js";
import { isUsed } from "./facts.js";

/** The uses as a list; `short`: without places. */
export function Uses({ uses, links = true }) {
  const name = (view, id, text) => (links ? html`<a href=${href(view, id)}>${text}</a>` : html`<b>${text}</b>`);
  return html`<ul class="uses">
    ${uses.playlists.map((one) => html`<li key=${one.id}><${Icon} name="list" size=${18} /><span>${name("playlists", one.id, one.name)} <span class="faint">${t("media-use-playlist", { count: one.items.length })}</span></span></li>`)}
    ${uses.campaigns.map((one) => html`<li key=${one.id}><${Icon} name="megaphone" size=${18} /><span>${name("campaigns", one.id, one.name)} <span class="faint">${t("media-use-campaign", { count: one.lines.length })}</span></span></li>`)}
    ${uses.channels.map((one) => html`<li key=${one.channel}><${Icon} name="channel" size=${18} /><span>${name("schedule", one.channel, one.channel)} <span class="faint">${t(one.fallback ? "media-use-fallback" : "media-use-overlay")}</span></span></li>`)}
  </ul>`;
}

/** What would be left without content. */
export function Emptied({ emptied }) {
  if (emptied.length === 0) return null;
  return html`<div class="wrong"><${Icon} name="alert" /><div class="stack tight"><p>${t("media-emptied")}</p><ul>${emptied.map((one) => html`<li key=${one.id}>${t("media-emptied-one", { kind: one.kind, name: one.name })}</li>`)}</ul></div></div>`;
}

/** The card of one media: where it is used, or that it is not. */
export function UseCard({ uses }) {
  const screens = uses.releases.reduce((sum, { devices }) => sum + devices, 0);
  return html`
    ${isUsed(uses) ? html`<${Uses} uses=${uses} />` : html`<p class="faint">${t("media-unused")}</p>`}
    ${screens > 0 && html`<p class="small faint">${t("media-on-screens", { count: screens })}</p>`}
  `;
}
