// Facts about one screen: its content and how it comes, its problems with what to do, and its health.

import { ago, bytes, duration, hasWords, number, t, when } from "../../lib/words.js";
import { may } from "../../lib/session.js";
import { html } from "../../lib/view.js";
import { Icon } from "../../ui/icon.js";
import { Card } from "../../ui/page.js";
import { Age } from "./rows.js";
import { now } from "./known.js";
import { expectedBy, percentOf, problemsOf } from "./state.js";

const DAY_S = 86_400;

/** What release it plays, what it fetches, and until when that is here. */
export function Content({ device, onFetch }) {
  const { heartbeat, sequence, channel_sequence: newest, behind, budget, online } = device;
  const coming = online ? heartbeat?.coming : null;
  const by_ms = expectedBy(device, now.value);
  const confirmed_s = heartbeat?.sync_age_s;
  const age_s = device.seen_ms === null ? 0 : (now.value - device.seen_ms) / 1000;
  return html`<${Card} title=${t("screens-content")}>
    <div class="stack tight">
      ${newest === 0 && html`<p>${t("screens-content-none", { channel: device.channel })}</p>`}
      ${newest > 0 && !behind && html`<p><${Icon} name="check" /> ${t("screens-content-newest", { sequence })}${typeof confirmed_s === "number" && html` <span class="faint">${t("screens-confirmed", { ago: ago(confirmed_s + age_s) })}</span>`}</p>`}
      ${behind && !coming && by_ms && html`<p><${Icon} name="refresh" /> ${t("screens-content-expected", { newest, by: when(by_ms, { style: "time" }) })} <span class="age">${t("screens-expected")}</span></p>`}
      ${behind && !coming && !by_ms && html`<p><${Icon} name="alert" /> ${t(sequence ? "screens-says-behind" : "screens-says-without", { sequence, newest })} ${t("screens-behind-do")}</p>`}
      ${coming && html`<${Coming} coming=${coming} zone=${heartbeat.zone || undefined} />`}
      ${budget && html`<p><${Icon} name="info" /> ${t(`screens-budget-${budget.state}`, { month: budget.month })}</p>`}
      ${budget?.state === "waits" && may("technician", device.space) && html`<div><button type="button" onClick=${onFetch}>${t("screens-fetch-do")}</button></div>`}
      ${heartbeat?.outbox_depth > 0 && html`<p class="faint">${t("screens-outbox", { count: heartbeat.outbox_depth })}</p>`}
    </div>
  <//>`;
}

function Coming({ coming, zone }) {
  const { sequence, bytes_done, bytes_to_do, ready_at, late, more_late } = coming;
  const shown = { done: bytes(bytes_done), all: bytes(bytes_to_do), sequence: sequence ?? 0 };
  return html`<div class="stack tight">
    <p>${t("screens-coming", shown)}</p>
    <progress max="100" value=${percentOf(coming)} aria-label=${t("screens-fetching")}></progress>
    <p class="faint">${ready_at ? t("screens-ready", { at: when(ready_at, { zone, style: "short" }) }) : t("screens-ready-unknown")} ${ready_at && html`<span class="age">${t("screens-expected")}</span>`}</p>
    ${late.length > 0 && html`<ul class="problems">${late.map((one) => html`<li key=${one.at + one.what} class="warn"><${Icon} name="clock" /><span>${t("screens-too-late", { what: one.what, at: when(one.at, { zone, style: "short" }) })}</span></li>`)}</ul>`}
    ${more_late > 0 && html`<p class="faint">${t("screens-more-late", { count: more_late })}</p>`}
  </div>`;
}

/** What it reports, each with what to do. */
export function Problems({ device }) {
  const problems = problemsOf(device, now.value);
  const age_ms = device.seen_ms === null ? null : Math.max(0, now.value - device.seen_ms);
  return html`<${Card} title=${t("screens-problems")}>
    ${problems.length === 0
      ? html`<p><${Icon} name=${device.seen_ms === null ? "info" : "check"} /> ${t(device.seen_ms === null ? "screens-problems-unknown" : "screens-problems-none")} <${Age} ms=${age_ms} /></p>`
      : html`<ul class="problems">${problems.map((one, place) => html`<${Problem} key=${one.code + place} problem=${one} age_ms=${age_ms} />`)}</ul>`}
  <//>`;
}

function Problem({ problem: { code, text, isOld }, age_ms }) {
  const headline = hasWords(`screens-problem-${code}`) ? t(`screens-problem-${code}`) : text;
  const advice = `screens-do-${code}`;
  return html`<li class=${isOld ? "old" : "warn"}>
    <${Icon} name=${isOld ? "clock" : "alert"} />
    <div class="stack tight">
      <b>${headline}</b>
      ${isOld ? html`<span>${t("screens-problem-old")}</span>` : hasWords(advice) && html`<span>${t(advice)}</span>`}
      ${headline !== text && html`<details><summary>${t("screens-in-its-words")}</summary><p lang="en">${text}</p></details>`}
      <${Age} ms=${age_ms} isExpected=${false} />
    </div>
  </li>`;
}

const unit = (value, name, digits = 0) => (typeof value === "number" ? number(value, { style: "unit", unit: name, maximumFractionDigits: digits }) : null);

/** What it said of its processor, memory, disk and the like; what it did not say is left out. */
function healthOf({ heartbeat: { health, version, zone }, paired_at }) {
  const month = typeof health.month_bytes === "number" ? t(health.month_budget_bytes ? "screens-month-of" : "screens-month", { used: bytes(health.month_bytes), budget: bytes(health.month_budget_bytes ?? 0), month: String(health.month) }) : null;
  return {
    cpu: unit(health.cpu_percent, "percent"),
    memory: unit(health.memory_percent, "percent"),
    temperature: unit(health.temperature_c, "celsius"),
    disk: typeof health.disk_free_bytes === "number" ? bytes(health.disk_free_bytes) : null,
    display: { true: t("screens-display-on"), false: t("screens-display-off") }[health.monitor] ?? null,
    clock: { synced: t("screens-clock-synced"), unsynced: t("screens-clock-unsynced") }[health.clock] ?? null,
    traffic: month,
    uptime: typeof health.uptime_s === "number" ? (health.uptime_s > DAY_S ? unit(health.uptime_s / DAY_S, "day", 1) : duration(health.uptime_s * 1000)) : null,
    zone: zone || null,
    version,
    paired: when(paired_at, { style: "day" }),
  };
}

/** Its health, as it said. */
export function Health({ device }) {
  if (!device.heartbeat) return null;
  const found = Object.entries(healthOf(device)).filter(([, value]) => value);
  return html`<${Card} title=${t("screens-health")}>
    <dl class="facts two">${found.map(([name, value]) => html`<div key=${name}><dt>${t(`screens-health-${name}`)}</dt><dd>${value}</dd></div>`)}</dl>
  <//>`;
}
