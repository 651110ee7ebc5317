// Where one can go: at the side, or on a phone at the bottom.

import { useShortcut } from "../lib/keys.js";
import { go, href, route } from "../lib/router.js";
import { may } from "../lib/session.js";
import { t } from "../lib/words.js";
import { html, useEffect, useMemo, useState } from "../lib/view.js";
import { Dialog } from "../ui/dialog.js";
import { Icon } from "../ui/icon.js";
import { VIEWS } from "../views.js";

const GROUPS = ["show", "watch", "manage"];
const MOST_AT_BOTTOM = 4;

/** Views that who is logged in may open, of a group; without one, of all groups. */
export const shownViews = (group) => VIEWS.filter((one) => (group ? one.group === group : one.group) && (!one.role || may(one.role)));

const titleOf = (view) => t(`shell-view-${view.name}`);
const current = (view) => (route.value.view === view.name ? "page" : null);

/** The brand: a way back to the start. */
export function Brand() {
  return html`<a class="brand" href=${href("start")}><img src=${new URL("../icon.svg", import.meta.url).href} alt="" width="32" height="32" /><span>Signage</span></a>`;
}

function Groups({ level }) {
  return GROUPS.filter((group) => shownViews(group).length > 0).map((group) => html`<div key=${group}>
    <${level}>${t(`shell-group-${group}`)}<//>
    <ul>${shownViews(group).map((view) => html`<li key=${view.name}><a href=${href(view.name)} aria-current=${current(view)}><${Icon} name=${view.icon} />${titleOf(view)}</a></li>`)}</ul>
  </div>`);
}

function GoTo({ view }) {
  const run = useMemo(() => () => go(view.name), [view.name]);
  useShortcut(["g", view.key], t("shell-go-to", { view: titleOf(view) }), run);
  return null;
}

/** The navigation at the side. */
export function Side() {
  return html`<nav class="side" aria-label=${t("shell-navigation")}>
    <${Brand} />
    <${Groups} level="h2" />
    ${shownViews().filter((view) => view.key).map((view) => html`<${GoTo} key=${view.name} view=${view} />`)}
  </nav>`;
}

/** The navigation at the bottom of a phone: the first views, and a list of all. */
export function BottomTabs() {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => setOpen(false), [route.value]);
  const first = shownViews().filter((view) => view.first).slice(0, MOST_AT_BOTTOM);
  return html`<nav class="tabs-bottom" aria-label=${t("shell-navigation-phone")}>
    ${first.map((view) => html`<a key=${view.name} href=${href(view.name)} aria-current=${current(view)}><${Icon} name=${view.icon} size=${22} /><span>${titleOf(view)}</span></a>`)}
    <button type="button" onClick=${() => setOpen(true)}><${Icon} name="menu" size=${22} /><span>${t("shell-more")}</span></button>
    ${isOpen && html`<${Dialog} title=${t("shell-all-views")} onClose=${() => setOpen(false)}><div class="all-views"><${Groups} level="h3" /></div><//>`}
  </nav>`;
}
