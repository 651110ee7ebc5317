// Parts of a view of which one is seen at a time; arrows move between them.

import { html, useId, useRef } from "../lib/view.js";

/** `tabs` are `{id, label}`; `chosen` is the id of the one that is seen: its children. `onChoose(id)`. */
export function Tabs({ label, tabs, chosen, onChoose, children }) {
  const id = useId();
  const row = useRef(null);
  const press = (event) => {
    const at = tabs.findIndex((one) => one.id === chosen);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = (to + tabs.length) % tabs.length;
    onChoose(tabs[next].id);
    row.current.children[next].focus();
  };
  const tab = (one) => html`<button key=${one.id} type="button" role="tab" id=${`${id}-${one.id}`} aria-selected=${String(one.id === chosen)} aria-controls=${`${id}-panel`} tabindex=${one.id === chosen ? 0 : -1} onClick=${() => onChoose(one.id)}>${one.label}</button>`;
  return html`<div class="tabs">
    <div ref=${row} role="tablist" aria-label=${label} onKeyDown=${press}>${tabs.map(tab)}</div>
    <div role="tabpanel" id=${`${id}-panel`} aria-labelledby=${`${id}-${chosen}`}>${children}</div>
  </div>`;
}
