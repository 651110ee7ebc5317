// What is known of a screen, as pure functions of what was told and the time: how bad it is, in which sentence, and how
// old that is. What nobody measured is marked as expected.

const PERIOD_S = 30; // between two reports, of a player that does not tell it
const SLACK_S = 20;

/** From the worst, as the origin sorts them; `changing` and `late` are the page's own. */
export const LEVELS = ["dark", "silent", "warning", "late", "changing", "new", "fine"];

const DARK = ["no_display", "display_server", "decks", "failed_starts"]; // codes with which it shows nothing
const CONTENT = new Set(["sync", "unconfirmed", "late_release", "backdrop", "schedule", "unpaired"]); // what a new release may end

/** What the origin is asked for by each filter. */
export const FILTERS = {
  all: {},
  dark: { severity: "critical", online: true },
  silent: { online: false },
  warning: { severity: "warning", online: true },
  fine: { severity: "ok", online: true },
};

/** Return how many screens each filter finds, from the counts that the origin tells; null: it has not told them. */
export function filterCounts({ devices, online, severity }) {
  if (devices === undefined) return null;
  const { critical = 0, warning = 0, ok = 0 } = severity ?? {};
  return { all: devices, dark: critical, silent: devices - online, warning, fine: ok };
}

/**
 * Return a device of the API with instants by the clock of this computer, which may differ from the origin's: `seen_ms`
 * its last report, `shown_ms` when it said what it shows, `released_ms` when its channel was published last.
 */
export function received(device, now_ms) {
  const { seen_at, seen_age_s, channel_released_at: released } = device;
  const seen_ms = seen_age_s === null ? null : now_ms - seen_age_s * 1000;
  const ahead_ms = seen_ms === null ? 0 : Date.parse(seen_at) - seen_ms; // of the origin's clock
  return { ...device, seen_ms, shown_ms: seen_ms, released_ms: released ? Date.parse(released) - ahead_ms : null };
}

/** Return a device with what its screen said since; `told` is that, and when it came (`at_ms`), or null. */
export function withTold(device, told) {
  if (!told) return device;
  const seen_ms = told.at_ms - told.seen_age_s * 1000;
  if (device.seen_ms !== null && seen_ms < device.seen_ms - 2000) return device; // the list is newer
  const before = device.heartbeat;
  const isSame = JSON.stringify(before?.on_air ?? null) === JSON.stringify(told.on_air);
  const heartbeat = { problems: [], problem_codes: [], health: {}, ...before, on_air: told.on_air, next_title: told.next_title };
  const shown_ms = isSame ? Math.max(device.shown_ms ?? 0, seen_ms) : told.at_ms;
  return { ...device, heartbeat, online: told.online, severity: told.severity, seen_ms, shown_ms };
}

/** Return until when a screen is expected to have the release that its channel got last; null: it has it, or should have. */
export function expectedBy(device, now_ms) {
  if (!device.behind || device.released_ms === null || !device.online) return null;
  const period_s = device.heartbeat?.period_s ?? PERIOD_S;
  const by_ms = device.released_ms + (2 * period_s + SLACK_S) * 1000;
  return now_ms < by_ms ? by_ms : null;
}

/** Return whether what a screen reported of its content was said before its release came, and is expected to be over soon. */
const isBefore = (device, now_ms) => expectedBy(device, now_ms) !== null && device.seen_ms < device.released_ms;

/**
 * Return what a screen reports, and what the origin suspects: `{code, text, isOld}`, the worst first. `isOld`: it was said
 * before the newest release, which may have ended it.
 */
export function problemsOf(device, now_ms) {
  const { problems = [], problem_codes = [], trust = "" } = device.heartbeat ?? {};
  const old = isBefore(device, now_ms);
  const told = problems.map((text, place) => ({ code: problem_codes[place] ?? "", text, isOld: old && CONTENT.has(problem_codes[place]) }));
  const doubts = (device.doubts ?? []).map((text) => ({ code: "identity", text, isOld: false }));
  const refused = trust ? [{ code: "trust", text: device.trust, isOld: false }] : [];
  const rank = ({ code, isOld }) => (isOld ? 3 : DARK.includes(code) ? 0 : code === "trust" ? 1 : 2);
  const all = [...told, ...refused, ...doubts.filter(({ text }) => !problems.includes(text))];
  return all.sort((a, b) => rank(a) - rank(b));
}

const showsNothing = ({ heartbeat }) => !heartbeat?.on_air || heartbeat.on_air.kind === "fallback";

/** Return how bad it is, as a word of `LEVELS`. */
export function levelOf(device, now_ms) {
  if (device.seen_ms === null) return "new";
  if (!device.online) return "silent";
  const isExpected = expectedBy(device, now_ms) !== null;
  const problems = problemsOf(device, now_ms).filter(({ isOld }) => !isOld);
  if (problems.some(({ code }) => DARK.includes(code))) return "dark";
  if (showsNothing(device)) return isExpected || device.heartbeat?.coming ? "changing" : "dark";
  if (device.heartbeat?.coming?.late.length > 0) return "late";
  if (problems.length > 0) return "warning";
  if (device.behind) return isExpected || device.heartbeat?.coming ? "changing" : "warning";
  return "fine";
}

/** Return the sentence that says it: `{level, id, values, age_ms, isExpected}`; `id` is that of the catalogue. */
export function summaryOf(device, now_ms) {
  const level = levelOf(device, now_ms);
  const on_air = device.heartbeat?.on_air;
  const make = (id, values = {}, isExpected = false, since_ms = device.seen_ms) => {
    return { level, id, values, isExpected, age_ms: since_ms === null ? null : Math.max(0, now_ms - since_ms) };
  };
  if (level === "new") return make("screens-says-new");
  if (level === "silent") return on_air ? make("screens-says-silent", { title: on_air.title }) : make("screens-says-silent-nothing");
  if (level === "changing" || level === "late") return changing(device, now_ms, make);
  const [problem] = problemsOf(device, now_ms).filter(({ isOld }) => !isOld);
  if (level === "dark" && DARK.includes(problem?.code)) return make(`screens-problem-${problem.code}`);
  if (level === "dark") return make(on_air ? "screens-says-fallback" : "screens-says-nothing", {}, false, device.shown_ms);
  if (level === "warning") return problem ? make(problem.code ? `screens-problem-${problem.code}` : "screens-says-problem", { text: problem.text }) : behind(device, make);
  return make(`screens-says-${on_air.kind}`, { title: on_air.title }, false, device.shown_ms);
}

function behind({ sequence, channel_sequence: newest }, make) {
  return sequence ? make("screens-says-behind", { sequence, newest }) : make("screens-says-without", { newest });
}

function changing(device, now_ms, make) {
  const { coming } = device.heartbeat;
  if (coming?.late.length > 0) return make("screens-says-late", { what: coming.late[0].what, more: coming.late.length - 1 + coming.more_late });
  if (coming) return make("screens-says-fetching", { percent: percentOf(coming) });
  return make("screens-says-published", { newest: device.channel_sequence }, true, device.released_ms);
}

/** Return how much of a coming release is there, in percent. */
export const percentOf = ({ bytes_done, bytes_to_do }) => (bytes_to_do > 0 ? Math.min(100, Math.floor((100 * bytes_done) / bytes_to_do)) : 100);
