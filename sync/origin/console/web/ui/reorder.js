// A list whose entries people put into another order: by mouse or finger at a handle, or by keyboard (Alt with arrows).

import { t } from "../lib/words.js";
import { html, useRef, useState } from "../lib/view.js";
import { Icon } from "./icon.js";

const EDGE = 60; // pixels at the top and bottom of the window in which it scrolls
const SPEED = 12; // pixels a frame

/** Return `list` with the entry at `from` put at `to`. */
export function moved(list, from, to) {
  const rest = list.filter((_, place) => place !== from);
  return [...rest.slice(0, to), list[from], ...rest.slice(to)];
}

/** Return before which entry a pointer at `y` drops: entries are `{top, height}`, in the order of the list, without the dragged one. */
export const dropAt = (entries, y) => entries.findIndex(({ top, height }) => y < top + height / 2) >>> 0;

/**
 * `items` are shown by `render(item, { handle, isDragged })`; `handle` is put where one takes hold. `onMove(item, to, order)`
 * is called with the place among all and the new order of items. `nameOf(item)` is what is said of it. `disabled`: it is
 * only shown.
 */
export function Reorder({ items, keyOf = (item) => item.id, nameOf, render, onMove, label, disabled = false }) {
  const box = useRef(null);
  const drag = useRef(null);
  const [state, setState] = useState(null); // {from, to}
  const [told, setTold] = useState("");
  const rows = () => [...box.current.children].filter((row) => row.dataset.key !== undefined);

  const finish = (from, to) => {
    if (from === to || to < 0 || to >= items.length) return;
    setTold(t("ui-moved", { name: nameOf(items[from]), place: to + 1, total: items.length }));
    onMove(items[from], to, moved(items, from, to));
  };
  const place = () => {
    const { y, from } = drag.current;
    const others = rows().filter((_, number) => number !== from).map((row) => row.getBoundingClientRect());
    setState({ from, to: Math.min(dropAt(others, y), items.length - 1) });
  };
  const scroll = () => {
    if (!drag.current) return;
    const { y } = drag.current;
    const by = y < EDGE ? -SPEED : y > innerHeight - EDGE ? SPEED : 0;
    if (by) {
      document.scrollingElement.scrollBy({ top: by });
      place();
    }
    requestAnimationFrame(scroll);
  };
  const take = (from) => (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    event.currentTarget.setPointerCapture(event.pointerId);
    event.currentTarget.focus();
    drag.current = { from, y: event.clientY };
    setState({ from, to: from });
    requestAnimationFrame(scroll);
  };
  const move = (event) => {
    if (!drag.current) return;
    drag.current.y = event.clientY;
    place();
  };
  const drop = (isDone) => () => {
    if (!drag.current) return;
    drag.current = null;
    setState(null);
    if (isDone && state) finish(state.from, state.to);
  };
  const press = (from) => (event) => {
    if (event.key === "Escape" && drag.current) drop(false)();
    const to = { ArrowUp: from - 1, ArrowDown: from + 1, Home: 0, End: items.length - 1 }[event.key];
    if (!event.altKey || to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    finish(from, to);
  };
  const handle = (item, from) =>
    disabled
      ? null
      : html`<button type="button" class="quiet icon-only grip" aria-label=${t("ui-move", { name: nameOf(item) })} title=${t("ui-move-help")} onPointerDown=${take(from)} onPointerMove=${move} onPointerUp=${drop(true)} onPointerCancel=${drop(false)} onKeyDown=${press(from)}><${Icon} name="grip" /></button>`;
  const order = items.map((item, from) => ({ item, from }));
  const line = ({ item, from }, index) => {
    const isDragged = state?.from === from;
    const side = state && state.to !== state.from && !isDragged && state.to === (index > state.from ? index - 1 : index) ? "drop-before" : "";
    const last = state && state.to === items.length - 1 && index === items.length - 1 && !isDragged ? "drop-after" : "";
    return html`<li key=${keyOf(item)} data-key=${keyOf(item)} class=${`${isDragged ? "is-dragged" : ""} ${last || side}`} onKeyDown=${disabled ? null : press(from)}>${render(item, { handle: handle(item, from), isDragged, index: from })}</li>`;
  };
  return html`<div class="reorder">
    <ol ref=${box} aria-label=${label}>${order.map(line)}</ol>
    <span class="unseen" role="status" aria-live="assertive">${told}</span>
  </div>`;
}
