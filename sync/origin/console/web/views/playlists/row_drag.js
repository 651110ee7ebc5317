// Rows that are dragged to another place, by mouse or finger; and media that are dropped between them.

import { useEffect, useRef, useState } from "../../lib/view.js";

const EDGE = 80; // pixels at the top and bottom of the window in which it scrolls
const SPEED = 14; // pixels a frame

/** What media carry while they are dragged: their ids, separated by spaces. */
export const MEDIA_TYPE = "application/x-signage-media";

/** Return before which row something at `y` is dropped, if rows of `size` begin at `top`. */
export const rowAt = (y, top, size, count) => Math.max(0, Math.min(count, Math.round((y - top) / size)));

/** Return `{take(event, id), ids, to}`: `ids` are dragged, and go before the row at `to`; null: nothing is dragged. */
export function useRowDrag({ box, size, count, onDrop, idsFor }) {
  const [state, setState] = useState({ ids: null, to: null });
  const held = useRef(null);
  const now = useRef({});
  now.current = { count, onDrop };
  const place = () => {
    const to = rowAt(held.current.y, box.current.getBoundingClientRect().top, size, now.current.count);
    held.current.to = to;
    setState({ ids: held.current.ids, to });
  };
  const scroll = () => {
    if (!held.current) return;
    const by = held.current.y < EDGE ? -SPEED : held.current.y > innerHeight - EDGE ? SPEED : 0;
    if (by) {
      document.scrollingElement.scrollBy({ top: by });
      place();
    }
    requestAnimationFrame(scroll);
  };
  const end = (isDone) => () => {
    if (!held.current) return;
    const { ids, to, hasMoved, stop } = held.current;
    held.current = null;
    stop();
    setState({ ids: null, to: null });
    if (isDone && hasMoved) now.current.onDrop(ids, to);
  };
  const take = (event, id) => {
    if (event.button !== 0) return;
    event.preventDefault();
    const move = (moved) => {
      held.current.y = moved.clientY;
      held.current.hasMoved = true;
      place();
    };
    const [drop, cancel] = [end(true), end(false)];
    const escape = (pressed) => pressed.key === "Escape" && cancel();
    const heard = { pointermove: move, pointerup: drop, pointercancel: cancel, keydown: escape };
    for (const [name, work] of Object.entries(heard)) addEventListener(name, work);
    const stop = () => Object.entries(heard).forEach(([name, work]) => removeEventListener(name, work));
    held.current = { ids: idsFor(id), y: event.clientY, to: null, hasMoved: false, stop };
    requestAnimationFrame(scroll);
  };
  useEffect(() => () => end(false)(), []);
  return { take, ...state };
}

/** Return `{on, to}`: handlers of the box into which media are dropped, and before which row they would go. */
export function useMediaDrop({ box, size, count, onDrop }) {
  const [to, setTo] = useState(null);
  const carries = (event) => event.dataTransfer.types.includes(MEDIA_TYPE);
  const placeOf = (event) => rowAt(event.clientY, box.current.getBoundingClientRect().top, size, count);
  const on = {
    onDragOver: (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      setTo(placeOf(event));
    },
    onDragLeave: (event) => !event.currentTarget.contains(event.relatedTarget) && setTo(null),
    onDrop: (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      setTo(null);
      onDrop(event.dataTransfer.getData(MEDIA_TYPE).split(" "), placeOf(event));
    },
  };
  return { on, to };
}
