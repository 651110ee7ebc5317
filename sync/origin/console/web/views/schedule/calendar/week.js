// A week as a calendar that people draw in: dayparts as blocks, each in pieces by what really plays.

import { DAY_MIN, addDays, lengthOf, minutesOf, wallOf } from "../../../lib/calendar/days.js";
import { t } from "../../../lib/words.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../../../lib/view.js";
import { Icon } from "../../../ui/icon.js";
import { blocksOfSpans, blocksOn, restOf } from "./geometry.js";
import { Block } from "./block.js";
import { HOUR_PX, useDrag } from "./drag.js";
import { clockText, dayText, spanText } from "../../../lib/calendar/day_words.js";

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const FIRST_SEEN_HOUR = 7;
const IDLE_MS = 900; // keys that follow each other are saved as one change
const px = (minutes) => `${(minutes * HOUR_PX) / 60}px`;

/**
 * `parts` are the dayparts (null: those that play in `spans`), `days` those in view, `spans` what plays on each (null: not known yet), `zone` that of the
 * venue, `hueOf(playlist)` a colour. `onDraw(window)`, `onOpen(part, day)`, `onChange(part, fields, version)`; without `canEdit` it
 * is only looked at.
 */
export function Week({ parts, version, days, spans, zone, hueOf, names, canEdit, onDraw, onOpen, onChange, onRemove }) {
  const [pending, setPending] = useState({}); // by daypart: what a drag or keys made of it, until it is stored and read again
  const scroll = useRef(null);
  const columns = useRef(null);
  const latest = useRef(pending);
  const timers = useRef({});
  const moving = useRef(null); // whose block has the focus, though it may become another element on another day
  latest.current = pending;
  useLayoutEffect(() => {
    scroll.current.scrollTop = FIRST_SEEN_HOUR * HOUR_PX;
    return () => Object.values(timers.current).forEach(clearTimeout);
  }, []);
  useLayoutEffect(() => {
    if (moving.current === null || scroll.current.contains(document.activeElement)) return;
    scroll.current.querySelector(`[data-part="${CSS.escape(moving.current)}"] button`)?.focus();
  });
  const show = (part, fields) => {
    const held = latest.current[part.id];
    latest.current = { ...latest.current, [part.id]: { version: held?.version ?? version, fields: { ...held?.fields, ...fields } } };
    setPending(latest.current);
  };
  const commit = async (part) => {
    const held = latest.current[part.id];
    clearTimeout(timers.current[part.id]);
    if (!held || held.isSent) return;
    held.isSent = true;
    await onChange(parts.find(({ id }) => id === part.id), held.fields, held.version);
    if (latest.current[part.id] !== held) return; // it was changed again meanwhile
    setPending(({ [part.id]: _, ...others }) => others);
    requestAnimationFrame(() => (moving.current = null));
  };
  const later = (part, fields) => {
    moving.current = part.id;
    show(part, fields);
    clearTimeout(timers.current[part.id]);
    timers.current[part.id] = setTimeout(() => commit(part), IDLE_MS);
  };
  const dragged = (part, fields) => {
    show(part, fields);
    commit(part);
  };
  const drag = useDrag({ columns, days, canEdit, onDraw, onChange: dragged });
  const shown = (parts ?? []).map((part) => ({ ...part, ...pending[part.id]?.fields, ...(drag.part?.id === part.id && drag.fields) }));
  return html`<div class="week" role="group" aria-label=${t("schedule-week-of", { first: dayText(days[0]), last: dayText(days.at(-1)) })}>
    <div class="week-scroll" ref=${scroll} tabindex="0" aria-label=${t("schedule-hours")} role="region">
      <div class="week-head">
        <span></span>
        ${days.map((day) => html`<${DayHead} key=${day} ...${{ day, zone, canEdit }} onAdd=${() => onDraw({ days: [day], start: "11:00", end: "14:00" })} />`)}
      </div>
      <div class="week-body" style=${{ height: px(DAY_MIN) }}>
        <div class="hours" aria-hidden="true">${HOURS.map((hour) => html`<span key=${hour} style=${{ top: px(hour * 60) }}>${hour > 0 && clockText(hour * 60)}</span>`)}</div>
        <div class="cal-days" ref=${columns} style=${{ gridTemplateColumns: `repeat(${days.length}, minmax(0, 1fr))` }}>
          ${days.map((day) => html`<div key=${day} class="cal-day" data-day=${day} onPointerDown=${drag.draws}>
            ${restOf(spans?.[day]).map((rest) => html`<${Rest} key=${rest.from} ...${rest} />`)}
            ${(parts ? blocksOn(shown, day) : blocksOfSpans(spans?.[day], day)).map((block) => html`<${Block} key=${`${block.part.id}-${block.begun}`} ...${{ block, spans: drag.part || pending[block.part.id] ? null : spans?.[day], names, canEdit, onOpen, onRemove, drag, later, commit }} hue=${hueOf(block.part.playlist)} />`)}
            ${drag.ghost?.days.includes(day) && html`<div class="ghost" style=${placed(minutesOf(drag.ghost.start), minutesOf(drag.ghost.end))}>${spanText(minutesOf(drag.ghost.start), minutesOf(drag.ghost.end))}</div>`}
            <${Now} ...${{ day, zone }} />
          </div>`)}
        </div>
      </div>
    </div>
  </div>`;
}

const placed = (from, to) => ({ top: px(from), height: px(to - from) });

function DayHead({ day, zone, canEdit, onAdd }) {
  const lasts = lengthOf(day, zone);
  const isToday = wallOf(Date.now(), zone).day === day;
  const note = lasts !== DAY_MIN && t(lasts < DAY_MIN ? "schedule-clocks-forward" : "schedule-clocks-back");
  return html`<div class=${isToday ? "day-head is-today" : "day-head"}>
    <b title=${dayText(day, "long")}>${dayText(day, "head")}</b>
    ${note && html`<span class="day-note" title=${note}><${Icon} name="clock" size=${14} /><span class="unseen">${note}</span></span>`}
    ${canEdit && html`<button type="button" class="quiet icon-only add" aria-label=${t("schedule-add-on", { day: dayText(day, "long") })} title=${t("schedule-add-on", { day: dayText(day, "long") })} onClick=${onAdd}><${Icon} name="plus" size=${16} /></button>`}
  </div>`;
}

function Rest({ from, to, segment }) {
  const text = segment.playlist ? t("schedule-default-plays", { name: segment.playlist_name }) : t("schedule-nothing-plays");
  return html`<div class=${segment.playlist ? "rest" : "rest nothing"} style=${placed(from, to)} title=${`${spanText(from, to)}: ${text}`}>
    ${to - from >= 45 && html`<span>${!segment.playlist && html`<${Icon} name="alert" size=${14} />`}${segment.playlist ? segment.playlist_name : text}</span>`}
  </div>`;
}

function Now({ day, zone }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  const wall = wallOf(now, zone);
  return wall.day === day && html`<div class="now-line" style=${{ top: px(wall.minutes) }}></div>`;
}

/** Return the days that fit: a week, or fewer on a narrow window. */
export const daysInView = (first, isNarrow) => Array.from({ length: isNarrow ? 3 : 7 }, (_, at) => addDays(first, at));
