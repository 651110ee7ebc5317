// Drawing, moving and stretching in the week with a mouse or pen. A finger scrolls, and a tap opens.

import { DAY_MIN, daysBetween } from "../../../lib/calendar/days.js";
import { useEffect, useRef, useState } from "../../../lib/view.js";
import { drawn, moved, snapped, stretched } from "./geometry.js";

export const HOUR_PX = 44;
export const STEP_MIN = 15;
export const FINE_STEP_MIN = 5; // with Shift

const LEAST_PX = 4;

/**
 * Return what blocks and columns need: `draws`, `moves(part)` and `stretches(part, edge)` begin a drag; while one lasts,
 * `ghost` is the window that is drawn, or `part` has new `fields`.
 */
export function useDrag({ columns, days, canEdit, onDraw, onChange }) {
  const [state, setState] = useState(null);
  const held = useRef(null);
  const wasDragged = useRef(false);
  const end = useRef(() => {});
  useEffect(() => () => end.current(), []);

  const pointAt = ({ clientX, clientY }) => {
    const box = columns.current.getBoundingClientRect();
    const column = Math.floor(((clientX - box.left) / box.width) * days.length);
    const minutes = ((clientY - box.top) / HOUR_PX) * 60;
    return { day: days[Math.min(days.length - 1, Math.max(0, column))], minutes: Math.min(DAY_MIN, Math.max(0, minutes)) };
  };

  const shown = (event) => {
    const { kind, part, from } = held.current;
    const to = pointAt(event);
    const step = event.shiftKey ? FINE_STEP_MIN : STEP_MIN;
    if (kind === "draw") return { ghost: drawn(from, to, step) };
    const by = snapped(to.minutes - from.minutes, step);
    if (kind === "move") return { part, fields: moved(part, by, daysBetween(from.day, to.day)) };
    return { part, fields: by === 0 ? {} : stretched(part, kind, by, step) };
  };

  const begin = (kind, part) => (event) => {
    wasDragged.current = false;
    if (!canEdit || event.button !== 0 || event.pointerType === "touch" || (kind === "draw" && event.target.closest(".block"))) return;
    event.stopPropagation();
    if (kind === "draw") event.preventDefault(); // no text is marked
    held.current = { kind, part, from: pointAt(event), x: event.clientX, y: event.clientY };
    const move = (now) => {
      const far = Math.abs(now.clientX - held.current.x) + Math.abs(now.clientY - held.current.y) >= LEAST_PX;
      if (!far && !wasDragged.current) return;
      wasDragged.current = true;
      setState(shown(now));
    };
    const release = (now) => {
      end.current();
      if (!wasDragged.current) return;
      setTimeout(() => (wasDragged.current = false)); // the click that follows opens nothing, later ones do
      const { ghost, fields = {} } = shown(now);
      if (ghost) onDraw(ghost);
      else if (Object.keys(fields).length > 0) onChange(part, fields);
    };
    const cancel = (now) => now.key === "Escape" && end.current();
    const listened = { pointermove: move, pointerup: release, pointercancel: () => end.current(), keydown: cancel };
    end.current = () => {
      for (const [name, listen] of Object.entries(listened)) removeEventListener(name, listen);
      setState(null);
      end.current = () => {};
    };
    for (const [name, listen] of Object.entries(listened)) addEventListener(name, listen);
  };

  return {
    ghost: state?.ghost,
    part: state?.part,
    fields: state?.fields,
    draws: begin("draw"),
    moves: (part) => begin("move", part),
    stretches: (part, edge) => begin(edge, part),
    wasDragged: () => wasDragged.current,
  };
}
