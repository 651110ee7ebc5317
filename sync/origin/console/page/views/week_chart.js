// Draws the week of a channel: a row for each day, a block for each window, split at midnight.

import { h } from "../lib/dom.js";
import { window as windowText } from "../lib/format.js";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const COLOURS = 6;
const DAY_MIN = 24 * 60;

/** Draw the dayparts, each with its `colour`. The list beside it says the same as text. */
export function week(dayparts) {
  const rows = DAYS.map((name, index) => {
    const track = h("div", { class: "track" });
    for (const part of [...dayparts].sort((a, b) => a.priority - b.priority)) track.append(...blocks(part, index + 1));
    return h("div", { class: "day" }, h("span", {}, name), track);
  });
  const hours = h("div", { class: "day hours" }, h("span"), h("div", { class: "track" }, ...["0", "6", "12", "18", "24"].map((text) => h("i", {}, text))));
  return h("div", { class: "week", "aria-hidden": "true" }, ...rows, hours);
}

export const withColours = (dayparts) => dayparts.map((part, place) => ({ ...part, colour: place % COLOURS }));

function blocks(part, weekday) {
  const start = minutes(part.start);
  const end = minutes(part.end) > start ? minutes(part.end) : minutes(part.end) + DAY_MIN;
  const before = ((weekday + 5) % 7) + 1;
  const found = [];
  if (part.weekdays.includes(weekday)) found.push(block(part, start, Math.min(end, DAY_MIN)));
  if (end > DAY_MIN && part.weekdays.includes(before)) found.push(block(part, 0, end - DAY_MIN));
  return found;
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
