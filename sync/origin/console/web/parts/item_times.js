// Pure: how long items of a playlist are shown, and when.

const PICTURE_MS = 10_000; // how long a picture is shown if its item does not say
const SHORTEST_MS = 100; // as the origin has it
const LONGEST_MS = 24 * 3_600_000;

/** Return how long an item is shown, in ms; null: it has no end of its own, or that is not known yet. */
export function lengthOf(item, fact) {
  if (!fact || fact.url || !fact.asset) return item.duration_ms ?? null;
  if (fact.asset.kind === "picture") return item.duration_ms ?? PICTURE_MS;
  if (item.loop && item.duration_ms) return item.duration_ms;
  return Math.min(item.duration_ms ?? Infinity, fact.asset.duration_ms ?? Infinity);
}

/** Return how long one round takes: `ms` of what is known, and how many items have no known end. */
export function totalOf(items, media) {
  const lengths = items.map((item) => lengthOf(item, media[item.media]));
  const known = lengths.filter((ms) => ms !== null && Number.isFinite(ms));
  return { ms: known.reduce((sum, ms) => sum + ms, 0), open: lengths.length - known.length };
}

/** Return whether an item's own time is `over`, comes `later`, or bounds it `now`; null: it has none. */
export function timeOf(item, now) {
  if (item.ends_at && new Date(item.ends_at) <= now) return "over";
  if (item.starts_at && new Date(item.starts_at) > now) return "later";
  return item.starts_at || item.ends_at ? "now" : null;
}

/** Return the ms of a length that a person typed, as seconds or as a clock shows it (1:30); null: empty, NaN: it is none. */
export function lengthFrom(text) {
  const trimmed = text.trim().replace(",", ".");
  if (trimmed === "") return null;
  if (!/^(\d+:){0,2}\d+(\.\d+)?$/.test(trimmed)) return NaN;
  const ms = Math.round(trimmed.split(":").reduce((sum, part) => sum * 60 + Number(part), 0) * 1000);
  return ms >= SHORTEST_MS && ms <= LONGEST_MS ? ms : NaN;
}
