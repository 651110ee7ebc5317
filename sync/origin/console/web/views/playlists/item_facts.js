// What is said of an item: its name, its settings in words, and what of it cannot be shown.

import { duration, t, when } from "../../lib/words.js";
import { lengthOf, timeOf } from "../../parts/item_times.js";

/** Return the name of an item. */
export const titleOf = (item, media) => item.title ?? media[item.media]?.name ?? t("playlists-unknown");

/** Return how long it is shown, in words. */
export function lengthText(item, fact) {
  const ms = lengthOf(item, fact);
  return ms === null || !Number.isFinite(ms) ? t("playlists-open-end") : duration(ms);
}

/** Return the settings of an item that are not the usual ones, in words: `{text, icon, kind}`. */
export function factsOf(item, fact, now = Date.now()) {
  const time = timeOf(item, now);
  return [
    fact?.state === "failed" && { text: t("playlists-failed"), icon: "alert", kind: "bad" },
    (fact?.state === "queued" || fact?.state === "processing") && { text: t("playlists-preparing"), icon: "clock", kind: "plain" },
    fact?.url && { text: t("playlists-stream"), icon: "globe", kind: "plain" },
    time === "over" && { text: t("playlists-over", { at: when(item.ends_at) }), icon: "clock", kind: "warn" },
    time === "later" && { text: t("playlists-later", { at: when(item.starts_at) }), icon: "clock", kind: "plain" },
    time === "now" && item.ends_at && { text: t("playlists-until", { at: when(item.ends_at) }), icon: "clock", kind: "plain" },
    item.fit && { text: t(`playlists-fit-${item.fit}`) },
    item.loop && { text: t("playlists-loops"), icon: "refresh" },
    item.volume === 0 ? { text: t("playlists-silent"), icon: "mute" } : item.volume !== undefined && item.volume !== 100 && { text: t("playlists-volume-at", { percent: item.volume }), icon: "volume" },
  ].filter(Boolean);
}

/** Return a value of a field in words, as a clash shows it. */
export function valueText(field, value, list) {
  if (field === "place") return value === null ? t("playlists-place-first") : t("playlists-place-after", { name: nameOf(value, list) });
  if (value === null || value === undefined) return t("playlists-value-none");
  if (field === "duration_ms") return duration(value);
  if (field === "fit") return t(`playlists-fit-${value}`);
  if (field === "at_end") return t(`playlists-at-end-${value}`);
  if (field === "starts_at" || field === "ends_at") return when(value);
  if (field === "media") return list.media[value]?.name ?? t("playlists-unknown");
  if (field === "volume") return `${value} %`;
  if (typeof value === "boolean") return t(value ? "playlists-yes" : "playlists-no");
  return String(value);
}

function nameOf(id, list) {
  const item = list.items.find((one) => one.id === id);
  return item ? titleOf(item, list.media) : t("playlists-unknown");
}
