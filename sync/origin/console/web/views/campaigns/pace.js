// How a campaign goes: what is billed of what was promised until now, day by day.

import { addDays, daysBetween, today as todayIn, wallOf } from "../../lib/calendar/days.js";
import { dayText } from "../../lib/calendar/day_words.js";
import { useThing } from "../../lib/lists.js";
import { html } from "../../lib/view.js";
import { number, t } from "../../lib/words.js";
import { Card, Chip } from "../../ui/page.js";
import { Plot } from "../../parts/plot.js";
import { Loaded } from "../../ui/states.js";

const MOST_DAYS = 400;
const BEHIND = 0.95;
const FAR_BEHIND = 0.8;

/** Nothing before its flight begins. */
export function Pace({ campaign }) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const today = todayIn(zone);
  const first = wallOf(campaign.starts_at, zone).day;
  const end = wallOf(Date.parse(campaign.ends_at) - 1, zone).day;
  const last = end < today ? end : today;
  const from = daysBetween(first, last) >= MOST_DAYS ? addDays(last, 1 - MOST_DAYS) : first;
  const report = useThing(first > today ? null : "/v1/reports/day", { campaign: campaign.id, first_day: from, last_day: last });
  if (first > today) return html`<p class="note">${t("campaigns-not-begun", { day: dayText(first, "long") })}</p>`;
  return html`<${Card} title=${t("campaigns-pace")}>
    <${Loaded} of=${report} lines=${4}>${() => html`<${Figures} ...${report.body} first=${from} last=${last} />`}<//>
  <//>`;
}

function Figures({ total, rows, first, last }) {
  const { pace, delivered, expected } = total;
  const kind = pace === null ? "plain" : pace >= BEHIND ? "good" : pace >= FAR_BEHIND ? "warn" : "bad";
  const words = pace === null ? t("campaigns-pace-unknown") : t(`campaigns-pace-${kind}`, { pace: number(pace, { style: "percent", maximumFractionDigits: 0 }) });
  const { days, promised, billed } = sumsOf(rows, first, last);
  const plays = (count) => number(Math.round(count ?? 0));
  return html`<div class="stack">
    <p class="row"><${Chip} kind=${kind}>${words}<//><span>${expected === null ? t("campaigns-billed", { count: delivered, billed: plays(delivered) }) : t("campaigns-billed-of", { billed: plays(delivered), promised: plays(expected) })}</span></p>
    ${days.length > 1 && promised.at(-1) + billed.at(-1) > 0 && html`<${Plot} label=${t("campaigns-pace-plot")} days=${days} series=${[{ label: t("campaigns-promised"), values: promised, kind: "soft" }, { label: t("campaigns-billed-label"), values: billed, kind: "accent" }]} />`}
  </div>`;
}

/** Return what was promised and billed until each day. Pure. */
export function sumsOf(rows, first, last) {
  const byDay = new Map(rows.map((row) => [row.id, row]));
  const days = Array.from({ length: daysBetween(first, last) + 1 }, (_, at) => addDays(first, at));
  let [promised, billed] = [0, 0];
  const sums = days.map((day) => {
    promised += byDay.get(day)?.expected ?? 0;
    billed += byDay.get(day)?.delivered ?? 0;
    return [promised, billed];
  });
  return { days, promised: sums.map(([one]) => one), billed: sums.map(([, one]) => one) };
}
