// A long list or grid of which only what is in view is in the page. It scrolls with the page.

import { html, useEffect, useRef, useState } from "../lib/view.js";

const MOST = 60;
const BEFORE = 0.5; // of the window, above and below

/**
 * Return which rows are in the page: from `first` up to `end`, so many `columns`, and the `height` of all. `top` is where
 * the list begins in the window, in CSS pixels, `size` the height of a row with its gap.
 */
export function windowOf({ count, columns, size, top, height }) {
  const lines = Math.ceil(count / columns);
  const from = Math.max(0, Math.floor((-top - height * BEFORE) / size));
  const most = Math.max(1, Math.floor(MOST / columns));
  const shown = Math.min(most, Math.ceil((height * (1 + 2 * BEFORE)) / size) + 1);
  const start = Math.max(0, Math.min(from, lines - shown));
  return { first: start * columns, end: Math.min(count, (start + shown) * columns), columns, height: lines * size, offset: start * size };
}

/** Return how many columns of at least `width` fit; null: one. */
export const columnsOf = (room, width, gap) => (width ? Math.max(1, Math.floor((room + gap) / (width + gap))) : 1);

const same = (one, other) => ["first", "end", "columns", "height", "offset"].every((name) => one[name] === other[name]);

/**
 * `rows` are shown by `render(row, index)`, each `size` pixels high with `gap` below; with `width` in as many columns as
 * fit. `onEnd()` is called when the last rows come into view; `total` is how many there are with those not loaded. Arrows,
 * Home and End move the focus between entries, by their first link or button.
 */
export function VirtualList({ rows, total = rows.length, size, width = null, gap = 12, render, keyOf = (row) => row.id, label, onEnd }) {
  const box = useRef(null);
  const wanted = useRef(null);
  const [shown, setShown] = useState(() => windowOf({ count: rows.length, columns: 1, size: size + gap, top: 0, height: 800 }));
  const place = () => {
    if (!box.current) return; // it has just left the page
    const { top, width: room } = box.current.getBoundingClientRect();
    const columns = columnsOf(room, width, gap);
    const next = windowOf({ count: rows.length, columns, size: size + gap, top, height: innerHeight });
    setShown((before) => (same(before, next) ? before : next));
    if (next.end >= rows.length && rows.length < total) onEnd?.();
  };
  useEffect(() => {
    place();
    addEventListener("scroll", place, { capture: true, passive: true });
    const seen = new ResizeObserver(place);
    seen.observe(box.current);
    return () => {
      removeEventListener("scroll", place, { capture: true });
      seen.disconnect();
    };
  }, [rows, total, size, width]);
  useEffect(() => {
    if (wanted.current === null) return;
    const entry = box.current.querySelector(`[data-at="${wanted.current}"]`);
    if (!entry) return;
    wanted.current = null;
    entry.querySelector("a, button, input")?.focus();
    entry.scrollIntoView({ block: "nearest" });
  });
  const press = (event) => {
    const entry = event.target.closest("[data-at]");
    if (!entry || event.altKey || event.ctrlKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    const at = Number(entry.dataset.at);
    const to = { ArrowDown: at + shown.columns, ArrowUp: at - shown.columns, ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to === undefined || to < 0 || to >= rows.length || document.querySelector("[popover]:popover-open")) return;
    event.preventDefault();
    wanted.current = to;
    const line = Math.floor(to / shown.columns);
    const top = box.current.getBoundingClientRect().top + line * (size + gap);
    if (top < 0 || top + size > innerHeight) box.current.ownerDocument.scrollingElement.scrollBy({ top: top - innerHeight / 2 });
    setShown((before) => ({ ...before })); // it may be in the page already
  };
  const inView = rows.slice(shown.first, shown.end);
  const style = { transform: `translateY(${shown.offset}px)`, gridTemplateColumns: `repeat(${shown.columns}, minmax(0, 1fr))`, gap: `${gap}px`, gridAutoRows: `${size}px` };
  return html`<div ref=${box} class="virtual" style=${{ height: `${Math.max(0, Math.ceil(rows.length / shown.columns) * (size + gap) - gap)}px` }} onKeyDown=${press}>
    <ul aria-label=${label} style=${style}>
      ${inView.map((row, place) => html`<li key=${keyOf(row)} data-at=${shown.first + place} aria-setsize=${total} aria-posinset=${shown.first + place + 1}>${render(row, shown.first + place)}</li>`)}
    </ul>
  </div>`;
}
