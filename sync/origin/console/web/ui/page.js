// The frame of a view: its heading, what can be done, and its parts.

import { html, useEffect } from "../lib/view.js";
import { Icon } from "./icon.js";

/**
 * `title` is the heading, and the name of the browser's window; `lead` a sentence below it; `back` is `{href, label}` of
 * what it belongs to; `actions` stand beside it. `full`: as wide as the window.
 */
export function Page({ title, lead, back, actions, full = false, children }) {
  useEffect(() => {
    document.title = `${title} – Signage`;
  }, [title]);
  return html`<div class=${full ? "page full" : "page"}>
    <div class="page-head">
      <div class="titles">
        ${back && html`<a class="back" href=${back.href}><${Icon} name="left" size=${16} />${back.label}</a>`}
        <h1 tabindex="-1" title=${title}>${title}</h1>
        ${lead && html`<p>${lead}</p>`}
      </div>
      ${actions && html`<div class="actions no-print">${actions}</div>`}
    </div>
    ${children}
  </div>`;
}

/** A part of a view, with its heading. */
export function Card({ title, actions, flush = false, children, label }) {
  return html`<section class=${flush ? "card flush" : "card"} aria-label=${label ?? title}>
    ${title && html`<div class="card-head"><h2>${title}</h2>${actions && html`<div class="actions">${actions}</div>`}</div>`}
    ${children}
  </section>`;
}

const ICONS = { good: "check", warn: "alert", bad: "alert", accent: "info", plain: "info" };

/** How bad something is, or what it is: by colour, picture and word. `kind`: good, warn, bad, accent, plain. */
export function Chip({ kind = "plain", icon = ICONS[kind], children }) {
  return html`<span class=${`chip ${kind}`}>${icon && html`<${Icon} name=${icon} />`}<span class="cut">${children}</span></span>`;
}
