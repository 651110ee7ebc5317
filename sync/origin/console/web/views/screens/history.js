// The history of one screen in words: what was off, silent or wrong, from when to when, and what was changed.

import { useList } from "../../lib/lists.js";
import { hasWords, t, when } from "../../lib/words.js";
import { html, useMemo } from "../../lib/view.js";
import { Icon } from "../../ui/icon.js";
import { Card } from "../../ui/page.js";
import { Empty, Loaded } from "../../ui/states.js";

const MOST = 200; // changes
const STEP_MS = 500; // less is no step of a clock

const LASTING = new Set(["screen off", "screen disconnected", "screen unknown", "contact lost", "problem began", "player stopped"]);
const ENDS = new Set(["screen on", "contact back", "problem ended", "player started"]); // each ends what lasted of its kind

const nameOf = ({ kind, state }) => `${kind} ${state}`;
const thingOf = ({ kind, text }) => (kind === "problem" ? `problem ${text}` : kind);
const stepOf = ({ at, utc_before: before }) => (before ? new Date(at) - new Date(before) : 0);

/**
 * Return changes, newest first, as lines: `{id, values, at, until, bad}`; what lasts and its end are one line, and
 * `until` is null while it lasts. `id` is the end of the sentence's name.
 */
export function historyLines(changes) {
  const ended = new Map(); // when the next change of each thing was
  const begun = new Map(changes.filter((one) => LASTING.has(nameOf(one))).map((one) => [thingOf(one), one.at])); // its oldest
  const lines = [];
  for (const one of changes) {
    const [name, thing] = [nameOf(one), thingOf(one)];
    const until = ended.get(thing) ?? null;
    ended.set(thing, one.at);
    if (ENDS.has(name) && one.at >= begun.get(thing)) continue; // told by the line of what it ended
    const values = { text: one.text, code: one.code, number: one.record.number ?? one.record.sequence ?? one.record.release?.slice(0, 8) ?? "" };
    const by_ms = one.kind === "clock" ? stepOf(one.record) : 0;
    if (one.kind === "clock" && Math.abs(by_ms) < STEP_MS) continue;
    if (one.kind === "clock") Object.assign(values, { seconds: Math.round(Math.abs(by_ms) / 1000), way: by_ms > 0 ? "forward" : "back" });
    const lasts = LASTING.has(name);
    lines.push({ key: one.id, id: name.replace(/[ _]/g, "-"), values, at: one.at, until: lasts ? until : undefined, bad: lasts });
  }
  return lines;
}

function said({ id, values }) {
  if (id === "problem-began" && hasWords(`screens-problem-${values.code}`)) return t(`screens-problem-${values.code}`);
  const name = id.startsWith("clock-") ? "screens-history-clock" : `screens-history-${id}`;
  return hasWords(name) ? t(name, values) : [id.replaceAll("-", " "), values.text].filter(Boolean).join(": ");
}

/** The history of a device. */
export function History({ device }) {
  const list = useList("/v1/history", { device: device.id, limit: MOST });
  const lines = useMemo(() => historyLines(list.rows), [list.rows]);
  const zone = device.heartbeat?.zone || undefined;
  const days = Map.groupBy ? [...Map.groupBy(lines, ({ at }) => when(at, { zone, style: "day" }))] : [];
  return html`<${Card} title=${t("screens-history")} label=${t("screens-history")}>
    ${zone && html`<p class="small faint">${t("screens-times-of", { zone })}</p>`}
    <${Loaded} of=${list}>
      ${lines.length === 0 && html`<${Empty} icon="clock" title=${t("screens-history-none")} />`}
      ${days.map(([day, some]) => html`<section key=${day} class="history-day">
        <h3>${day}</h3>
        <ul>${some.map((line) => html`<li key=${line.key} class=${line.bad ? (line.until ? "was" : "lasts") : ""}>
          <time class="number" datetime=${line.at}>${when(line.at, { zone, style: "time", says: false })}${line.until && ` – ${when(line.until, { zone, style: when(line.until, { zone, style: "day" }) === day ? "time" : "short", says: false })}`}</time>
          ${line.bad && html`<${Icon} name="alert" size=${16} />`}<span>${said(line)}${line.until === null ? ` ${t("screens-still")}` : ""}</span>
        </li>`)}</ul>
      </section>`)}
      ${list.hasMore && html`<button type="button" onClick=${list.more}>${t("screens-history-more")}</button>`}
    <//>
  <//>`;
}
