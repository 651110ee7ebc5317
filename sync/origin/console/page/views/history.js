// The history of one device in words: what was off, silent or wrong, from when to when, and what was changed.

import { ask } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { announce } from "../lib/notices.js";
import { day, span, time } from "../lib/format.js";

const MOST = 200; // changes
const STEP_MS = 500; // less is no step of a clock

// What lasts until the next change of the same thing, by kind and state.
const LASTING = {
  "screen off": () => "Screen off",
  "screen disconnected": () => "Screen disconnected",
  "screen unknown": () => "Nobody knows whether the screen was on",
  "contact lost": () => "Not heard",
  "problem began": ({ text }) => text,
  "player stopped": ({ code }) => ({ killed: "Player failed or killed", power: "Device without power, or started anew" })[code] ?? "Player stopped",
};

const MOMENTS = {
  "screen on": () => "Screen on",
  "contact back": () => "Heard again",
  "problem ended": ({ text }) => `No more: ${text}`,
  "player started": ({ text }) => `Player ${text} started`,
  "release activated": ({ record }) => `Release ${record.number ?? record.release?.slice(0, 8)} active`,
  "device paired": ({ text }) => `Paired to channel ${text}`,
  "device removed": () => "Removed",
  "device let_through": ({ text }) => text,
  "device moved": ({ text }) => `Moved: ${text}`,
  "device renamed": ({ text }) => `Renamed: ${text}`,
};

const shown = new Map(); // the lines last read, by device

/** Return the history of a device as it was last read; undefined before the first time. */
export const historyOf = ({ id }) => shown.get(id);

/** Read the history of a device anew, or hide it. */
export async function toggleHistory({ id }) {
  if (shown.delete(id)) return;
  try {
    shown.set(id, historyLines((await ask("GET", `/v1/history?device=${id}&limit=${MOST}`)).history));
  } catch (error) {
    announce(error.message);
  }
}

/** Return changes, newest first, as lines of text, newest first: what lasts and its end are one line. */
export function historyLines(changes) {
  const ends = new Map(); // when the next change of each thing was
  const oldest = new Map(changes.filter((one) => nameOf(one) in LASTING).map((one) => [thingOf(one), one.at])); // what begins
  const lines = [];
  for (const one of changes) {
    const thing = thingOf(one);
    const until = ends.get(thing);
    ends.set(thing, one.at);
    const what = textOf(one, until);
    const closes = nameOf(one) in MOMENTS && one.at >= oldest.get(thing);
    if (what && !closes) lines.push({ day: day(one.at), text: what + (one.record.unrecorded ? `, with ${one.record.unrecorded} more changes before` : "") });
  }
  return lines;
}

const nameOf = ({ kind, state }) => `${kind} ${state}`;
const thingOf = ({ kind, text }) => (kind === "problem" ? `problem ${text}` : kind);

function textOf(one, until) {
  const name = nameOf(one);
  if (one.kind === "clock") return clockText(one);
  if (!(name in LASTING)) return `${(MOMENTS[name] ?? (() => name.replaceAll("_", " ")))(one)} ${time(one.at)}`;
  const what = LASTING[name](one);
  if (until === undefined) return `${what} since ${time(one.at)}`;
  const end = day(until) === day(one.at) || new Date(until) - new Date(one.at) < 86_400_000 ? time(until) : `${day(until)}, ${time(until)}`;
  return name === "contact lost" ? `${what} from ${time(one.at)} to ${end}` : `${what} ${time(one.at)}–${end}`;
}

function clockText({ at, record }) {
  const by = record.utc_before ? new Date(record.at) - new Date(record.utc_before) : 0;
  if (Math.abs(by) < STEP_MS) return "";
  return `Clock set ${by > 0 ? "forward" : "back"} by ${span(Math.abs(by) / 1000)} ${time(at)}`;
}

/** Return the elements that tell the history of a device. */
export function history({ history: lines, name }) {
  if (!lines) return null;
  if (!lines.length) return h("p", { class: "faint" }, "Nothing is recorded yet.");
  const items = lines.map((line, place) => h("li", {}, line.day !== lines[place - 1]?.day && h("b", {}, line.day), " ", line.text));
  return h("ul", { class: "history", "aria-label": `History of ${name}` }, ...items);
}
