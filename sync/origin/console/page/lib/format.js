// Formats numbers, instants and weekly windows for people. Pure functions.

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MOMENT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });
const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });

export const moment = (iso) => MOMENT.format(new Date(iso));
export const time = (iso) => TIME.format(new Date(iso));
export const day = (iso) => DAY.format(new Date(iso));
export const count = (n, one, many = `${one}s`) => `${n.toLocaleString("en-GB")} ${n === 1 ? one : many}`;

/** Compare two names in natural order: slide2 before slide10, in the digits of any script. */
export const byName = new Intl.Collator(undefined, { numeric: true }).compare;

export function bytes(n) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; n >= 1000 && unit < units.length - 1; unit += 1) n /= 1000;
  return `${n < 10 && unit > 0 ? n.toFixed(1) : Math.round(n)}\u00a0${units[unit]}`;
}

/** Format a duration as 0:08 or 1:02:03. */
export function length(ms) {
  const s = Math.max(1, Math.round(ms / 1000));
  const two = (n) => String(n).padStart(2, "0");
  const minutes = Math.floor(s / 60);
  return minutes < 60 ? `${minutes}:${two(s % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(s % 60)}`;
}

export function span(s) {
  if (s < 60) return `${Math.round(s)} s`;
  if (s < 3600) return `${Math.round(s / 60)} min`;
  return s < 2 * 86_400 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86_400)} days`;
}

export const ago = (s) => (s < 3 ? "just now" : `${span(s)} ago`);

export function weekdays(days) {
  if (days.length === 7) return "every day";
  const runs = [];
  for (const one of days) {
    const last = runs.at(-1);
    if (last && last.at(-1) === one - 1) last.push(one);
    else runs.push([one]);
  }
  const named = runs.flatMap((run) =>
    run.length > 2 ? [`${DAYS[run[0] - 1]}–${DAYS[run.at(-1) - 1]}`] : run.map((one) => DAYS[one - 1]),
  );
  return named.join(", ");
}

export function hours({ start, end }) {
  if (start === "00:00" && (end === "24:00" || end === start)) return "all day";
  if (start === end) return `from ${start} for 24 hours`;
  return end < start ? `${start} to ${end} the next day` : `${start}–${end}`;
}

export const window = (weekly) => `${weekdays(weekly.weekdays)}, ${hours(weekly)}`;

/** Format how long an item or creative is shown: its duration, the length of the video, or ten seconds for a picture. */
export function durationText(item, asset) {
  if (item.duration_ms) return length(item.duration_ms);
  if (asset?.kind === "picture") return "0:10";
  if (item.url) return "until it ends";
  return asset?.duration_ms ? length(asset.duration_ms) : "to its end";
}

export function durationMs(item, asset) {
  return item.duration_ms ?? (asset?.kind === "picture" ? 10_000 : (asset?.duration_ms ?? 0));
}

/** Describe a media: kind, size, length. */
export function mediaText(media) {
  const { asset } = media;
  if (media.url) return `Stream · ${media.url}`;
  if (!asset) return bytes(media.source_bytes);
  const shape = `${asset.width}\u00a0×\u00a0${asset.height}`;
  return asset.kind === "video"
    ? `Video ${length(asset.duration_ms ?? 0)}${asset.has_audio ? " with sound" : ""} · ${shape}`
    : `Picture · ${shape}`;
}
