// Days and times of a venue. A day is text such as 2026-12-08, a time of day a number of minutes since midnight. Pure.

export const DAY_MIN = 1440;

const DAY_MS = 86_400_000;
const utc = (day) => Date.parse(`${day}T00:00:00Z`);
const dayOf = (ms) => new Date(ms).toISOString().slice(0, 10);

export const addDays = (day, count) => dayOf(utc(day) + count * DAY_MS);

/** Return how many days `day` lies after `first`. */
export const daysBetween = (first, day) => Math.round((utc(day) - utc(first)) / DAY_MS);

/** Return the weekday: Monday is 1, Sunday 7. */
export const weekdayOf = (day) => ((new Date(utc(day)).getUTCDay() + 6) % 7) + 1;

export const mondayOf = (day) => addDays(day, 1 - weekdayOf(day));

export const daysFrom = (first, count) => Array.from({ length: count }, (_, at) => addDays(first, at));

/** Return the same day of another month; the last of that month, if it is shorter. */
export function addMonths(day, count) {
  const [year, month, date] = day.split("-").map(Number);
  const first = new Date(Date.UTC(year, month - 1 + count, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  return dayOf(first.setUTCDate(Math.min(date, last)));
}

/** Return the whole weeks in which a month lies. */
export function weeksOfMonth(day) {
  const first = mondayOf(`${day.slice(0, 7)}-01`);
  const next = addMonths(`${day.slice(0, 7)}-01`, 1);
  return daysFrom(first, Math.ceil(daysBetween(first, next) / 7) * 7);
}

/** Return whether text is a day that there is. */
export const isDay = (text) => /^\d{4}-\d\d-\d\d$/.test(text ?? "") && !Number.isNaN(utc(text)) && dayOf(utc(text)) === text;

/** Return minutes since midnight of a time such as 14:30; 24:00 is the end of a day. */
export function minutesOf(time) {
  const [hours, minutes] = time.split(":").map(Number);
  return hours * 60 + minutes;
}

/** Return a time such as 14:30; `ends`: midnight is the end of a day. */
export function timeOf(minutes, { ends = false } = {}) {
  const inDay = ((minutes % DAY_MIN) + DAY_MIN) % DAY_MIN;
  if (ends && inDay === 0) return "24:00";
  return `${String(Math.floor(inDay / 60)).padStart(2, "0")}:${String(inDay % 60).padStart(2, "0")}`;
}

const clocks = new Map();

function clockIn(zone) {
  if (!clocks.has(zone)) {
    const parts = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" };
    clocks.set(zone, new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...parts }));
  }
  return clocks.get(zone);
}

/** Return what the clock on the wall of a zone says at an instant: `{day, minutes}`. */
export function wallOf(instant, zone) {
  const parts = clockIn(zone).formatToParts(new Date(instant));
  const found = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  return { day: `${found.year.padStart(4, "0")}-${found.month}-${found.day}`, minutes: Number(found.hour) * 60 + Number(found.minute) };
}

/** Return the instant (ms) at which a wall shows a time; where it is shown twice the first, where never the jump after it. */
export function instantOf(day, minutes, zone) {
  const wanted = utc(day) + minutes * 60_000;
  const offsetAt = (ms) => {
    const wall = wallOf(ms, zone);
    return utc(wall.day) + wall.minutes * 60_000 - Math.floor(ms / 60_000) * 60_000;
  };
  const tries = [offsetAt(wanted - DAY_MS), offsetAt(wanted + DAY_MS)].map((offset) => wanted - offset);
  const right = tries.filter((ms) => ms + offsetAt(ms) === wanted);
  return right.length > 0 ? Math.min(...right) : Math.max(...tries);
}

/** Return how many minutes a day of a zone lasts: 1,380 or 1,500 where clocks change. */
export const lengthOf = (day, zone) => Math.round((instantOf(addDays(day, 1), 0, zone) - instantOf(day, 0, zone)) / 60_000);

/** Return the day it is in a zone. */
export const today = (zone, now = Date.now()) => wallOf(now, zone).day;
