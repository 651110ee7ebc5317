// A button that opens a list of what can be done: arrows move in it, Escape and a press elsewhere close it.

import { html, useId, useRef, useState } from "../lib/view.js";
import { Icon } from "./icon.js";

const GAP = 4;

/** Return the place of a list of a size beside a button: below it, or above where there is more room; all in the window. */
export function placeOf(button, list, window) {
  const below = button.bottom + GAP + list.height <= window.height;
  const top = below ? button.bottom + GAP : Math.max(GAP, button.top - GAP - list.height);
  const left = Math.min(Math.max(GAP, button.right - list.width), window.width - list.width - GAP);
  return { top, left: Math.max(GAP, left) };
}

/** `items` are `{label, icon, onSelect, href, danger, disabled}`; null leaves one out. `text`: the label is seen, too. */
export function Menu({ label, icon = "more", text = false, items, kind = "quiet" }) {
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const [button, list] = [useRef(null), useRef(null)];
  const shown = items.filter(Boolean);
  const entries = () => [...list.current.querySelectorAll("[role=menuitem]:not([disabled])")];
  const toggled = ({ newState }) => {
    setOpen(newState === "open");
    if (newState !== "open") return;
    const place = placeOf(button.current.getBoundingClientRect(), list.current.getBoundingClientRect(), { width: innerWidth, height: innerHeight });
    Object.assign(list.current.style, { top: `${place.top}px`, left: `${place.left}px` });
    entries()[0]?.focus();
  };
  const close = () => {
    list.current?.hidePopover();
    button.current?.focus();
  };
  const select = (one) => () => {
    close();
    one.onSelect?.();
  };
  const press = (event) => {
    const all = entries();
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Tab") close();
    if (to === undefined) return;
    event.preventDefault();
    all[(to + all.length) % all.length]?.focus();
  };
  const entry = (one) => {
    const inside = html`${one.icon && html`<${Icon} name=${one.icon} size=${18} />`}<span>${one.label}</span>`;
    const given = { key: one.label, role: "menuitem", tabIndex: -1, class: one.danger ? "is-danger" : "" };
    if (one.href) return html`<a ...${given} href=${one.href} onClick=${select(one)}>${inside}</a>`;
    return html`<button ...${given} type="button" disabled=${one.disabled} onClick=${select(one)}>${inside}</button>`;
  };
  return html`<span class="menu">
    <button ref=${button} type="button" class=${`${kind} ${text ? "" : "icon-only"}`} popovertarget=${id} aria-haspopup="menu" aria-expanded=${String(isOpen)} aria-label=${text ? null : label} title=${text ? null : label}>
      <${Icon} name=${icon} />${text && html`<span>${label}</span>`}
    </button>
    <div ref=${list} id=${id} popover="auto" role="menu" aria-label=${label} class="menu-list" onToggle=${toggled} onKeyDown=${press}>${isOpen && shown.map(entry)}</div>
  </span>`;
}
