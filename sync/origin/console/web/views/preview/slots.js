// Pure: what a preview plays, one after the other, from a playlist or from what the origin says of a channel.

import { lengthOf, timeOf } from "../../parts/item_times.js";

const FILE = (asset) => `/content/assets/${asset.sha256}`;

/**
 * Return the items of a playlist that show at `now`, as `{title, kind, src, width, height, fit, background, volume, lufs,
 * loop, ms, item}`; `ms` null: it has no end. What is not ready or not in its time stays away, as on a screen.
 */
export function slotsOfPlaylist(playlist, now = Date.now()) {
  return playlist.items
    .filter((item) => !["over", "later"].includes(timeOf(item, now)) && isReady(playlist.media[item.media]))
    .map((item) => slotOf(item, playlist.media[item.media], lengthOf(item, playlist.media[item.media]), item.title ?? playlist.media[item.media].name));
}

const isReady = (fact) => Boolean(fact?.url || (fact?.state === "ready" && fact.asset));

function slotOf(item, { asset, url }, ms, title) {
  return {
    item: item.id,
    title,
    kind: url ? "stream" : asset.kind,
    src: url ?? FILE(asset),
    asset: asset?.sha256 ?? null,
    width: asset?.width ?? 16,
    height: asset?.height ?? 9,
    fit: item.fit ?? "contain",
    background: item.background ?? "#000000",
    volume: item.volume ?? 100,
    lufs: asset?.loudness_lufs ?? null,
    loop: Boolean(item.loop),
    ms,
  };
}

/** Return the same of what the origin says that a channel would show. */
export function slotsOfChannel({ shown }) {
  return shown.map((one) => {
    const ms = one.until ? Date.parse(one.until) - Date.parse(one.at) : null;
    const more = { at: one.at, isAd: one.kind === "ad", playlist: one.playlist, daypart: one.daypart, campaign: one.campaign };
    if (one.kind === "fallback") return { ...more, item: null, title: "", kind: "fallback", ms, background: "#000000" };
    return { ...slotOf({ ...one, id: one.item }, { asset: one.media, url: one.url }, ms, one.title), ...more };
  });
}

/** Return the overlays that lie over the content at an instant. */
export const overlaysAt = (overlays, now) => overlays.filter((one) => !(one.starts_at && Date.parse(one.starts_at) > now) && !(one.ends_at && Date.parse(one.ends_at) <= now));

/** Return the place of an entry after `by` steps, around the end. */
export const stepped = (place, by, count) => (count === 0 ? 0 : (((place + by) % count) + count) % count);
