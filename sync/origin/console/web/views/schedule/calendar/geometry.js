// Where dayparts and what plays stand in a calendar, and what a drag makes of a daypart. Pure.

import { DAY_MIN, addDays, minutesOf, timeOf, wallOf, weekdayOf } from "../../../lib/calendar/days.js";

/** Return whether a daypart begins on a day. */
export function beginsOn(part, day) {
  if (!part.weekdays.includes(weekdayOf(day))) return false;
  return (!part.first_day || part.first_day <= day) && (!part.last_day || day <= part.last_day);
}

/** Return when a daypart begins and ends, in minutes after midnight of the day it begins on; it lasts 24 hours at most. */
export function spanOf(part) {
  const [from, end] = [minutesOf(part.start), minutesOf(part.end)];
  return { from, to: end > from ? end : end + DAY_MIN };
}

/** Return the blocks of dayparts on a day: `{part, day, begun, from, to}`; `begun` is the day on which its run began. */
export function blocksOn(parts, day) {
  const found = [];
  for (const part of parts) {
    const { from, to } = spanOf(part);
    if (beginsOn(part, day)) found.push({ part, day, begun: day, from, to: Math.min(to, DAY_MIN) });
    const before = addDays(day, -1);
    if (to > DAY_MIN && beginsOn(part, before)) found.push({ part, day, begun: before, from: 0, to: to - DAY_MIN });
  }
  return inLanes(found);
}

/** Return blocks with the `lane` of so many `lanes` in which each stands, so that none covers another. */
export function inLanes(blocks) {
  const ordered = [...blocks].sort((a, b) => a.from - b.from || b.to - a.to);
  let [group, until] = [[], -1];
  const placed = [];
  const close = () => {
    const lanes = 1 + Math.max(-1, ...group.map(({ lane }) => lane));
    placed.push(...group.map((block) => ({ ...block, lanes })));
    group = [];
  };
  for (const block of ordered) {
    if (block.from >= until) close();
    const taken = new Set(group.filter(({ to }) => to > block.from).map(({ lane }) => lane));
    let lane = 0;
    while (taken.has(lane)) lane += 1;
    group.push({ ...block, lane });
    until = Math.max(until, block.to);
  }
  close();
  return placed;
}

/** Return what plays on each of `days`, from the segments of the origin: `{day: [{from, to, segment}]}`, by the wall. */
export function spansByDay(segments, days, zone) {
  const found = Object.fromEntries(days.map((day) => [day, []]));
  for (const segment of segments) {
    const [begin, end] = [wallOf(segment.starts_at, zone), wallOf(segment.ends_at, zone)];
    for (let day = begin.day; day <= end.day; day = addDays(day, 1)) {
      if (!(day in found)) continue;
      const from = day === begin.day ? begin.minutes : 0;
      let to = day === end.day ? end.minutes : DAY_MIN;
      if (day === begin.day && day === end.day && to <= from) to = from + lastsMin(segment); // clocks were set back
      if (to > from) found[day].push({ from, to: Math.min(to, DAY_MIN), segment });
    }
  }
  return found;
}

const lastsMin = ({ starts_at, ends_at }) => Math.round((Date.parse(ends_at) - Date.parse(starts_at)) / 60_000);

const ownOf = (segment, part) => segment.others?.find(({ id }) => id === part.id);

/** Return a block in pieces, by what plays: `{from, to, plays, segment, own}`, `own` with why it does not; null as `spans`: it is not known yet. */
export function piecesOf(block, spans) {
  if (!spans) return [{ from: block.from, to: block.to, plays: true, segment: null }];
  const found = [];
  for (const { from, to, segment } of spans) {
    const piece = { from: Math.max(from, block.from), to: Math.min(to, block.to), plays: segment.daypart === block.part.id, segment, own: ownOf(segment, block.part) };
    if (piece.from >= piece.to) continue;
    const last = found.at(-1);
    const same = last && last.to === piece.from && last.plays === piece.plays && (piece.plays || last.segment.daypart === piece.segment.daypart);
    if (same) last.to = piece.to;
    else found.push(piece);
  }
  return found;
}

/** Return the times of a day at which no daypart plays: `{from, to, segment}`, those that touch as one. */
export function restOf(spans) {
  const found = [];
  for (const { from, to, segment } of spans ?? []) {
    if (segment.daypart) continue;
    const last = found.at(-1);
    if (last && last.to === from && last.segment.playlist === segment.playlist) last.to = to;
    else found.push({ from, to, segment });
  }
  return found;
}

export const snapped = (minutes, step) => Math.round(minutes / step) * step;

/** Return the window that a drag over empty days draws: from one point `{day, minutes}` to another. */
export function drawn(one, other, step) {
  const [first, last] = [one, other].map(({ day }) => day).sort();
  const [low, high] = [one.minutes, other.minutes].sort((a, b) => a - b);
  const start = Math.min(Math.floor(low / step) * step, DAY_MIN - step);
  const end = Math.max(start + step, Math.min(DAY_MIN, Math.ceil(high / step) * step));
  const days = [];
  for (let day = first; day <= last; day = addDays(day, 1)) days.push(day);
  return { days, weekdays: [...new Set(days.map(weekdayOf))].sort((a, b) => a - b), start: timeOf(start), end: timeOf(end, { ends: true }) };
}

/** Return whether a daypart is on one day alone, of each week or by its dates: then a drag can move it to another one. */
export const isOfOneDay = (part) => part.weekdays.length === 1 || (part.first_day !== null && part.first_day === part.last_day);

/** Return the fields of a daypart that is moved by minutes, and by days if it is of one day alone. */
export function moved(part, byMinutes, byDays = 0) {
  const { from, to } = spanOf(part);
  const fields = byMinutes === 0 ? {} : { start: timeOf(from + byMinutes), end: timeOf(to + byMinutes, { ends: true }) };
  if (byDays === 0 || !isOfOneDay(part)) return fields;
  if (part.first_day && part.first_day === part.last_day) {
    const day = addDays(part.first_day, byDays);
    return { ...fields, first_day: day, last_day: day, ...(!part.weekdays.includes(weekdayOf(day)) && { weekdays: [weekdayOf(day)] }) };
  }
  return { ...fields, weekdays: [((part.weekdays[0] - 1 + byDays + 70) % 7) + 1] };
}

/** Return the fields of a daypart whose `edge` (start or end) is moved by minutes; at least a step of it stays. */
export function stretched(part, edge, byMinutes, step) {
  const { from, to } = spanOf(part);
  if (edge === "start") return { start: timeOf(Math.max(to - DAY_MIN, Math.min(from + byMinutes, to - step))) };
  return { end: timeOf(Math.min(from + DAY_MIN, Math.max(to + byMinutes, from + step)), { ends: true }) };
}

/** Return the daypart that shows something else on some days only: above all others that are open then. */
export function exceptionTo(parts, { playlist, name, first_day, last_day, start, end }) {
  const highest = Math.max(0, ...parts.map(({ priority }) => Math.min(priority, 998)));
  return { name, playlist, first_day, last_day, start, end, weekdays: [1, 2, 3, 4, 5, 6, 7], priority: highest + 1 };
}

/** Return the blocks of a day by what was published: of what plays, and of what is open and gives way. */
export function blocksOfSpans(spans, day) {
  const found = new Map();
  for (const { from, to, segment } of spans ?? []) {
    const winner = segment.daypart && { id: segment.daypart, name: segment.daypart_name, playlist: segment.playlist, priority: 0 };
    for (const part of [winner, ...segment.others].filter(Boolean)) {
      const held = found.get(part.id) ?? [];
      const last = held.at(-1);
      if (last && last.to === from) Object.assign(last, { to, part: { ...last.part, ...part } });
      else held.push({ part: { priority: 0, playlist: null, ...part }, day, begun: day, from, to });
      found.set(part.id, held);
    }
  }
  return inLanes([...found.values()].flat());
}
