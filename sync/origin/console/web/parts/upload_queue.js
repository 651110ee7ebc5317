// What is done with files that are sent, as pure functions: which come next, how far all are, and when to try again.

/** So many are sent at the same time. */
export const AT_ONCE = 3;

/** States in which somebody has to wait for it; `prepared` is done by the origin. */
export const ACTIVE = new Set(["waiting", "checking", "sending", "retrying"]);

const LONGEST_WAIT_MS = 10_000;
const MOST_REFUSED = 8; // refusals that may pass by themselves; a line that is away is waited for without end
const PASSING = new Set([408, 409, 423, 429, 460, 500, 502, 503, 504]);

/** Return the entries to begin with now, in their order. */
export function toBegin(entries) {
  const busy = entries.filter(({ state }) => state === "checking" || state === "sending" || state === "retrying").length;
  return entries.filter(({ state }) => state === "waiting").slice(0, Math.max(0, AT_ONCE - busy));
}

/**
 * Return what to do after a failure: `again` after `wait_ms`, `login`, `smaller` pieces, or `fail`. `status` 0: the line
 * is away. `failures` counts those since the last success.
 */
export function afterFailure({ status, failures, chunk_bytes, least_bytes, chance }) {
  if (status === 401) return { what: "login" };
  if (status === 413) return chunk_bytes > least_bytes ? { what: "smaller" } : { what: "fail" };
  if (status !== 0 && (!PASSING.has(status) || failures > MOST_REFUSED)) return { what: "fail" };
  return { what: "again", wait_ms: Math.min(LONGEST_WAIT_MS, 500 * 2 ** failures) * (0.5 + chance / 2) };
}

/** Return how far all are: `{count, sent, done, failed, size, bytes, active}`; `done` have left this computer. */
export function totalsOf(entries) {
  const of = (...states) => entries.filter(({ state }) => states.includes(state)).length;
  return {
    count: entries.length,
    done: of("preparing", "ready", "unfit"),
    failed: of("failed", "unfit"),
    ready: of("ready"),
    paused: of("paused"),
    active: entries.filter(({ state }) => ACTIVE.has(state)).length,
    preparing: of("preparing"),
    size: entries.reduce((sum, { size }) => sum + size, 0),
    bytes: entries.reduce((sum, { sent }) => sum + sent, 0),
  };
}

const RANK = { failed: 0, unfit: 0, retrying: 1, sending: 1, checking: 1, asked: 2, paused: 2, preparing: 3, waiting: 4, ready: 5 };

/** Return at most `most` entries, those first of which somebody wants to know first. */
export const shownOf = (entries, most) => [...entries].sort((a, b) => RANK[a.state] - RANK[b.state] || a.number - b.number).slice(0, most);

/** Return the entry that is this file, if it is being sent already. */
export const sameFile = (entries, file) => entries.find((one) => ACTIVE.has(one.state) && one.name === file.name && one.size === file.size && one.modified === file.lastModified);

/** Return what became of a media that was sent, as a state of its entry. */
export function stateOf({ state }) {
  return { state: { ready: "ready", failed: "unfit" }[state] ?? "preparing", problem: null };
}
