// The fields of a schedule and their values in words, for two people who changed the same.

import { dayText, weekdaysText, whenText } from "../../lib/calendar/day_words.js";
import { t } from "../../lib/words.js";

const FIELDS = {
  name: "schedule-name",
  playlist: "schedule-playlist",
  weekdays: "schedule-weekdays",
  start: "schedule-start",
  end: "schedule-end",
  priority: "schedule-priority",
  first_day: "schedule-first-day",
  last_day: "schedule-last-day",
  zone: "schedule-zone",
  default_playlist: "schedule-default",
  fallback: "schedule-fallback-picture",
  "break_rule.ads": "schedule-ads",
  "break_rule.every_items": "schedule-every-items",
  place: "schedule-place",
};

/** Return a field in words; null: the whole daypart. */
export const fieldText = (list, field) => (field === null ? t("schedule-daypart") : FIELDS[field] ? t(FIELDS[field]) : field);

/** Return a value of a field in words. */
export function partValueText({ field, value }, names) {
  if (value === null || value === undefined || value === "") return t("schedule-none-set");
  if (field === null) return `${value.name}: ${whenText({ weekdays: [1, 2, 3, 4, 5, 6, 7], start: "00:00", end: "24:00", ...value })}`;
  if (field === "weekdays") return weekdaysText(value);
  if (field === "playlist" || field === "default_playlist") return names.get(value) ?? t("schedule-unknown-playlist");
  if (field === "first_day" || field === "last_day") return dayText(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
