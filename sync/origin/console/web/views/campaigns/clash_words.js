// The fields of a campaign and their values in words, for two people who changed the same.

import { whenText } from "../../lib/calendar/day_words.js";
import { number, t, when } from "../../lib/words.js";
import { WHOLE_PPM } from "./draft.js";

const FIELDS = {
  "name": "campaigns-name",
  "advertiser": "campaigns-advertiser",
  "channel": "campaigns-channel",
  "starts_at": "campaigns-from",
  "ends_at": "campaigns-until",
  "category": "campaigns-category",
  "share_ppm": "campaigns-share",
  "weight": "campaigns-weight",
  "windows": "campaigns-when",
  "category_gap": "campaigns-category-gap",
  "advertiser_gap": "campaigns-advertiser-gap",
  "billable_rule": "campaigns-counts-when",
  "duration_ms": "campaigns-seconds",
  "title": "campaigns-line-name",
};

/** Return a field in words; null: the whole line or creative. */
export function clashFieldText(list, field) {
  if (field === null) return t(list === "creatives" ? "campaigns-shows" : "campaigns-line");
  return FIELDS[field] ? t(FIELDS[field]) : field;
}

/** Return a value of a field in words. */
export function clashValueText({ field, value }) {
  if (field === null) return value.name ?? value.title ?? value.media;
  if (field === "channel") return value ?? t("campaigns-all-channels");
  if (field.endsWith("_at")) return when(value);
  if (field === "share_ppm") return value === null ? t("campaigns-what-is-left") : number(value / WHOLE_PPM, { style: "percent", maximumFractionDigits: 2 });
  if (field === "windows") return value.length === 0 ? t("campaigns-always") : value.map(whenText).join("; ");
  if (field === "billable_rule") return t(`campaigns-rule-${value?.kind ?? "complete"}`);
  if (field === "duration_ms") return value === null ? t("campaigns-whole-film") : number(value / 1000, { style: "unit", unit: "second" });
  return value === null || value === "" ? "–" : String(value);
}
