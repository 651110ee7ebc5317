// Draws the week of a channel: a row for each day, a block for each window, split at midnight.

import { h } from "../lib/dom.js";
import { window as windowText } from "../lib/format.js";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const COLOURS = 6;
const DAY_MIN = 24 * 60;

/** Draw the dayparts, each with its `colour`; what is on air lies on top. The list beside it says the same as text. */
export function week(dayparts) {
  const rows = DAYS.map((name, index) => {
    const found = [...dayparts].reverse().flatMap((part) => blocks(part, index + 1));
    found.sort((a, b) => a.priority - b.priority || (a.since < b.since ? -1 : Number(a.since > b.since)));
    return h("div", { class: "day" }, h("span", {}, name), h("div", { class: "track" }, ...found.map(({ element }) => element)));
  });
  const hours = h("div", { class: "day hours" }, h("span"), h("div", { class: "track" }, ...["0", "6", "12", "18", "24"].map((text) => h("i", {}, text))));
  return h("div", { class: "week", "aria-hidden": "true" }, ...rows, hours);
}

export const withColours = (dayparts) => dayparts.map((part, place) => ({ ...part, colour: place % COLOURS }));

function blocks(part, weekday) {
  const start = minutes(part.start);
  const end = minutes(part.end) > start ? minutes(part.end) : minutes(part.end) + DAY_MIN;
  const found = [];
  if (runs(part, weekday)) found.push({ element: block(part, start, Math.min(end, DAY_MIN)), since: since(part, weekday, start, end) });
  if (end > DAY_MIN && runs(part, weekday - 1)) {
    found.push({ element: block(part, 0, end - DAY_MIN), since: since(part, weekday - 1, start, end) - DAY_MIN });
  }
  return found.map((one) => ({ ...one, priority: part.priority }));
}

const runs = ({ weekdays }, weekday) => weekdays.includes(((weekday + 13) % 7) + 1);

/** Return when a run that starts on a weekday opened, in minutes from its midnight: runs of 24 hours join. */
function since(part, weekday, start, end) {
  if (end - start < DAY_MIN) return start;
  if (part.weekdays.length === 7) return -Infinity;
  return runs(part, weekday - 1) ? since(part, weekday - 1, start, end) - DAY_MIN : start;
}

function block(part, from_min, to_min) {
  const element = h("span", { class: `block c${part.colour}`, title: `${part.name}: ${windowText(part)}` });
  element.style.left = `${(100 * from_min) / DAY_MIN}%`;
  element.style.width = `${(100 * (to_min - from_min)) / DAY_MIN}%`;
  return element;
}

function minutes(time) {
  const [hour, minute] = time.split(":").map(Number);
  return hour * 60 + minute;
}
