// A daypart in the week: opened by a press, moved and stretched by a drag or by arrows.

import { DAY_MIN } from "../../../lib/calendar/days.js";
import { t } from "../../../lib/words.js";
import { html } from "../../../lib/view.js";
import { FINE_STEP_MIN, HOUR_PX, STEP_MIN } from "./drag.js";
import { moved, piecesOf, stretched } from "./geometry.js";
import { spanText, whenText, whyText } from "../../../lib/calendar/day_words.js";

const GUTTER = 12; // percent of a column that stays free, so that one can draw beside blocks
const SPREAD = 1.5; // a block reaches below its neighbour, whose beginning covers it

/** `later(part, fields)` shows what keys changed and saves it soon, `commit(part)` at once. */
export function Block({ block, spans, names, hue, canEdit, onOpen, onRemove, drag, later, commit }) {
  const { part, from, to, lane, lanes } = block;
  const pieces = piecesOf(block, spans);
  const step = (100 - GUTTER) / lanes;
  const wide = Math.min(step * (lanes > 1 ? SPREAD : 1), 100 - GUTTER - lane * step);
  const style = { top: `${(from * HOUR_PX) / 60}px`, height: `${Math.max(18, ((to - from) * HOUR_PX) / 60 - 2)}px`, left: `${lane * step}%`, width: `calc(${wide}% - 3px)`, zIndex: lane + 1 };
  const press = (event) => {
    if (!canEdit) return;
    const step = event.altKey ? FINE_STEP_MIN : STEP_MIN;
    const way = { ArrowUp: -step, ArrowDown: step }[event.key];
    const days = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Delete") onRemove(part);
    else if (way) later(part, event.shiftKey ? stretched(part, "end", way, step) : moved(part, way));
    else if (days && Object.keys(moved(part, 0, days)).length > 0) later(part, moved(part, 0, days));
    else return;
    event.preventDefault();
  };
  const playlist = names.get(part.playlist) ?? t("schedule-unknown-playlist");
  const lost = pieces.filter(({ plays }) => !plays);
  const time = part.start ? whenText(part) : spanText(from, to);
  const label = [part.name, time, t("schedule-plays", { name: playlist }), ...lost.map(lostText)].join("; ");
  return html`<div class=${`block hue-${hue} ${lanes > 1 ? "is-thin" : ""} ${part.priority >= 1000 ? "is-emergency" : ""}`} style=${style} data-part=${part.id}>
    ${pieces.map((piece) => html`<span key=${piece.from} class=${piece.plays ? "piece plays" : "piece lost"} style=${inside(piece, block)} title=${piece.plays ? null : lostText(piece)}></span>`)}
    <button type="button" class="block-open" aria-label=${label} title=${[part.name, time, playlist, ...lost.map(lostText)].join("\n")} onPointerDown=${drag.moves(part)} onKeyDown=${press} onBlur=${({ relatedTarget }) => relatedTarget && commit(part)} disabled=${!part.start} onClick=${() => !drag.wasDragged() && onOpen(part, block.begun)}>
      <b>${part.name}</b>
      <span>${spanText(from, to)}</span>
      <span class="of">${playlist}</span>
    </button>
    ${canEdit && block.begun === block.day && html`<span class="edge edge-start" onPointerDown=${drag.stretches(part, "start")}></span>`}
    ${canEdit && (to < DAY_MIN || block.begun === block.day) && html`<span class="edge edge-end" onPointerDown=${drag.stretches(part, "end")}></span>`}
  </div>`;
}

const inside = (piece, block) => ({ top: `${(100 * (piece.from - block.from)) / (block.to - block.from)}%`, height: `${(100 * (piece.to - piece.from)) / (block.to - block.from)}%` });

/** Return why a daypart does not play in a piece of it, in words. */
export function lostText({ from, to, segment, own }) {
  const winner = segment.daypart_name ?? segment.playlist_name ?? t("schedule-fallback");
  const why = own ? whyText(own) : "";
  return [t("schedule-lost", { time: spanText(from, to), winner }), why].filter(Boolean).join(" ");
}
