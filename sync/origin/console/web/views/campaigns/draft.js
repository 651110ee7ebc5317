// A campaign while somebody changes it: what it begins with, its flight in days, and which edits make it what it is now. Pure.

import { DAY_MIN, addDays, instantOf, minutesOf, timeOf, wallOf } from "../../lib/calendar/days.js";

export const WHOLE_PPM = 1_000_000;

const OWN = ["name", "advertiser", "channel", "starts_at", "ends_at"];
const LINE = ["name", "category", "share_ppm", "weight", "windows", "category_gap", "advertiser_gap", "billable_rule"];
const CREATIVE = ["media", "title", "duration_ms", "fit", "background", "volume"];

/** Return an id for a part that is not stored yet. */
export const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(8)), (one) => one.toString(16).padStart(2, "0")).join("");

const STREAM_MS = 15_000; // as an ad a stream needs a length

/** Return what shows a media. */
export const newCreative = ({ id, url }) => ({ id: newId(), media: id, title: null, duration_ms: url ? STREAM_MS : null, fit: null, background: null, volume: 100 });

/** Return a line that books a share of the slots; null: what is left. */
export const newLine = (name, share_ppm = 100_000) => ({ id: newId(), name, creatives: [], category: "", share_ppm, weight: 1, windows: [], category_gap: 1, advertiser_gap: 1 });

/** Return a booking of four weeks from tomorrow on. */
export function newCampaign(line, zone, today) {
  const starts = addDays(today, 1);
  return { name: "", advertiser: "", channel: null, starts_at: isoOf(starts, 0, zone), ends_at: isoOf(addDays(starts, 28), 0, zone), lines: [newLine(line)] };
}

const isoOf = (day, minutes, zone) => new Date(instantOf(day, minutes, zone)).toISOString();

/** Return a flight by days: an end at midnight is the end of the day before; `{first, from, last, until}`. */
export function flightOf({ starts_at, ends_at }, zone) {
  const [start, end] = [wallOf(starts_at, zone), wallOf(ends_at, zone)];
  const isMidnight = end.minutes === 0;
  return { first: start.day, from: timeOf(start.minutes), last: isMidnight ? addDays(end.day, -1) : end.day, until: isMidnight ? "24:00" : timeOf(end.minutes) };
}

/** Return the instants of a flight. */
export function instantsOf({ first, from, last, until }, zone) {
  const end = minutesOf(until) || DAY_MIN;
  return { starts_at: isoOf(first, minutesOf(from), zone), ends_at: end === DAY_MIN ? isoOf(addDays(last, 1), 0, zone) : isoOf(last, end, zone) };
}

const same = (one, other) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
const changes = (fields, before, now) => Object.fromEntries(fields.filter((name) => !sameField(name, before[name], now[name])).map((name) => [name, now[name] ?? null]));

const sameField = (name, before, now) => (name.endsWith("_at") ? Date.parse(before) === Date.parse(now) : same(before, now));

/** Return the edits that make `before` what `now` is. */
export function editsBetween(before, now) {
  const own = changes(OWN, before, now);
  const edits = Object.keys(own).length > 0 ? [{ do: "set", set: own }] : [];
  const { removed, added, kept } = compared(before.lines, now.lines);
  if (added.length > 0) edits.push({ do: "add_lines", parts: added });
  for (const [old, line] of kept) {
    const set = changes(LINE, old, line);
    if (Object.keys(set).length > 0) edits.push({ do: "change_lines", ids: [line.id], set });
    edits.push(...creativeEdits(old, line));
  }
  if (removed.length > 0) edits.push({ do: "remove_lines", ids: removed });
  return edits;
}

function creativeEdits(before, now) {
  const { removed, added, kept } = compared(before.creatives, now.creatives);
  const edits = added.length > 0 ? [{ do: "add_creatives", line: now.id, parts: added }] : [];
  for (const [old, creative] of kept) {
    const set = changes(CREATIVE, old, creative);
    if (Object.keys(set).length > 0) edits.push({ do: "change_creatives", ids: [creative.id], set });
  }
  return removed.length > 0 ? [...edits, { do: "remove_creatives", ids: removed }] : edits;
}

function compared(before, now) {
  const [old, there] = [new Map(before.map((one) => [one.id, one])), new Set(now.map(({ id }) => id))];
  return {
    removed: before.filter(({ id }) => !there.has(id)).map(({ id }) => id),
    added: now.filter(({ id }) => !old.has(id)),
    kept: now.filter(({ id }) => old.has(id)).map((one) => [old.get(one.id), one]),
  };
}

/** Return what is sent to ask whether a booking is feasible: names that nobody typed yet stand for themselves. */
export function asked(draft) {
  const named = (one, name) => one?.trim() || name;
  const lines = draft.lines.map(({ creatives, ...line }, at) => ({ ...line, name: named(line.name, `${at + 1}`), creatives }));
  return { ...bodyOf(draft), name: named(draft.name, "?"), advertiser: named(draft.advertiser, "?"), lines };
}

/** Return a campaign as it is sent. */
export const bodyOf = ({ name, advertiser, channel, starts_at, ends_at, lines }) => ({ name, advertiser, channel, starts_at, ends_at, lines });

/** Return where a flight is: `coming`, `running` or `over`. */
export function stateOf({ starts_at, ends_at }, now) {
  if (now < Date.parse(starts_at)) return "coming";
  return now < Date.parse(ends_at) ? "running" : "over";
}

/** Return each shortfall of an answer with its code and values: warnings begin with campaigns that are over. */
export function shortfallsOf({ channel, shortfalls, warnings, warnings_told: told }) {
  const before = told.length - shortfalls.length;
  const over = told.slice(0, before).map((one, at) => ({ ...one, channel, text: warnings[at], lines: [] }));
  return [...over, ...shortfalls.map((short, at) => ({ ...told[before + at], channel, text: warnings[before + at], lines: short.lines, at: short.at }))];
}
