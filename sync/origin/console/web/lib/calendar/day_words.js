// Days, times of day and weekly windows in words; and why something plays or does not.

import { DAY_MIN, addDays, minutesOf, weekdayOf } from "./days.js";
import { listed, locale, sentence, t } from "../words.js";

const noon = (day) => new Date(`${day}T12:00:00Z`);
const FORMATS = {
  short: { day: "numeric", month: "short" },
  head: { weekday: "short", day: "numeric" },
  long: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
  year: { day: "numeric", month: "short", year: "numeric" },
  month: { month: "long", year: "numeric" },
};

/** Return a day in words; `style`: short, head, long, year or month. */
export const dayText = (day, style = "year") => new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...FORMATS[style] }).format(noon(day));

/** Return a weekday in words: 1 is Monday; `width`: long, short or narrow. */
export const weekdayText = (weekday, width = "long") => new Intl.DateTimeFormat(locale, { timeZone: "UTC", weekday: width }).format(noon(addDays("2024-01-01", weekday - 1)));

const clock = new Intl.DateTimeFormat(locale, { timeZone: "UTC", hour: "numeric", minute: "2-digit" });

/** Return a time of day, in minutes after midnight, as people write it; the end of a day is 24:00 where hours go on to 23. */
export function clockText(minutes) {
  const has24 = clock.resolvedOptions().hourCycle?.startsWith("h2");
  if (minutes === DAY_MIN && has24) return "24:00";
  return clock.format(new Date(Date.UTC(2024, 0, 1, 0, minutes)));
}

/** Return two times of day as people write a span. */
export const spanText = (from, to) => `${clockText(from)}–${clockText(to)}`;

/** Return weekdays in words: `Monday to Friday`, `every day`, `Saturday and Sunday`. */
export function weekdaysText(weekdays) {
  if (weekdays.length === 7) return t("parts-every-day");
  const isRow = weekdays.length > 2 && weekdays.at(-1) - weekdays[0] === weekdays.length - 1;
  if (isRow) return t("parts-days-from-to", { first: weekdayText(weekdays[0]), last: weekdayText(weekdays.at(-1)) });
  return listed(weekdays.map((one) => weekdayText(one, weekdays.length > 3 ? "short" : "long")));
}

/** Return the dates of a daypart in words; empty: it has none. */
export function datesText({ first_day: first, last_day: last }) {
  if (first && first === last) return t("parts-on-day", { day: dayText(first) });
  if (first && last) return t("parts-dates-between", { first: dayText(first), last: dayText(last) });
  if (first) return t("parts-dates-from", { first: dayText(first) });
  return last ? t("parts-dates-until", { last: dayText(last) }) : "";
}

/** Return when a daypart is, in words. */
export function whenText(part) {
  const [from, to] = [minutesOf(part.start), minutesOf(part.end)];
  const times = from === to % DAY_MIN ? (from === 0 ? t("parts-all-day") : t("parts-24-hours", { from: clockText(from) })) : spanText(from, to);
  const isOneDate = part.first_day && part.first_day === part.last_day;
  const days = isOneDate && part.weekdays.includes(weekdayOf(part.first_day)) ? "" : weekdaysText(part.weekdays);
  return [days, times, datesText(part)].filter(Boolean).join(", ");
}

/** Return a sentence of the engine in the language of the page: why something is on air, or is not. */
export const whyText = ({ why, why_told: told }) => sentence({ ...told, text: why });
