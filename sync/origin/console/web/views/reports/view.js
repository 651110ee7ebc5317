// Reports: what was bought, promised and counted, and why not more; on a screen, on paper, as a table for others.

import { at, withQuery } from "../../lib/api.js";
import { addDays, isDay, today as todayIn } from "../../lib/calendar/days.js";
import { dayText } from "../../lib/calendar/day_words.js";
import { useList, useThing } from "../../lib/lists.js";
import { query as changeQuery } from "../../lib/router.js";
import { html } from "../../lib/view.js";
import { t, when } from "../../lib/words.js";
import { Plot } from "../../parts/plot.js";
import { useTyped } from "../../parts/typed.js";
import { Choice, Field } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Card, Page } from "../../ui/page.js";
import { Empty, Loaded } from "../../ui/states.js";
import { Summary } from "./summary.js";
import { ReportTable, nameOf } from "./table.js";

const KINDS = ["campaign", "line", "creative", "device", "day", "hour"];
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** `query`: `by`, `first`, `last`, `campaign`. */
export function View({ query }) {
  const today = todayIn(ZONE);
  const by = KINDS.includes(query.by) ? query.by : "campaign";
  const last = isDay(query.last) ? query.last : today;
  const first = isDay(query.first) ? query.first : addDays(last, -6);
  const asked = { first_day: first, last_day: last, campaign: query.campaign };
  const report = useThing(first <= last ? `/v1/reports/${by}` : null, asked);
  const campaigns = useList("/v1/campaigns", { limit: 500 });
  const period = (days, until = today) => () => changeQuery({ first: addDays(until, 1 - days), last: until });
  const set = (name) => (event) => changeQuery({ [name]: event.target.value });
  const [from, to] = [useTyped(first, (day) => isDay(day) && changeQuery({ first: day })), useTyped(last, (day) => isDay(day) && changeQuery({ last: day }))];
  const csv = at(withQuery(`/v1/reports/${by}`, { ...asked, format: "csv" }));
  const actions = html`<button type="button" onClick=${() => print()}><${Icon} name="print" />${t("reports-print")}</button>
    <a class="button" href=${csv} download=${`report-${by}-${first}.csv`}><${Icon} name="download" />${t("reports-csv")}</a>`;
  const chosen = campaigns.rows.find(({ id }) => id === query.campaign);
  return html`<div class="of-reports"><${Page} title=${t("reports-title")} lead=${t("reports-lead")} actions=${actions}>
    <${Card} label=${t("reports-question")}>
      <div class="stack no-print">
        <div class="fields">
          <${Choice} label=${t("reports-by")} value=${by} onChange=${set("by")} options=${KINDS.map((value) => ({ value, label: t(`reports-by-${value}`) }))} />
          <${Choice} label=${t("reports-campaign")} value=${query.campaign ?? ""} onChange=${set("campaign")} options=${[{ value: "", label: t("reports-all-campaigns") }, ...campaigns.rows.map(({ id, name }) => ({ value: id, label: name }))]} />
          <${Field} label=${t("reports-first")} type="date" ...${from} />
          <${Field} label=${t("reports-last")} type="date" ...${to} />
        </div>
        <div class="row tight">
          <button type="button" class="quiet" onClick=${period(1, addDays(today, -1))}>${t("reports-yesterday")}</button>
          <button type="button" class="quiet" onClick=${period(7)}>${t("reports-days", { count: 7 })}</button>
          <button type="button" class="quiet" onClick=${period(30)}>${t("reports-days", { count: 30 })}</button>
        </div>
      </div>
      <p class="only-print">${chosen ? `${chosen.name} · ${chosen.advertiser}` : t("reports-all-campaigns")}, ${t(`reports-by-${by}`)}, ${dayText(first)} – ${dayText(last)}</p>
    <//>
    ${first > last ? html`<p class="note warn"><${Icon} name="alert" />${t("reports-wrong-days")}</p>` : html`<${Loaded} of=${report} lines=${6}>${() => html`<${Report} ...${{ report: report.body, by }} />`}<//>`}
  <//></div>`;
}

function Report({ report, by }) {
  const { rows, total } = report;
  if (rows.length === 0) return html`<${Empty} level=${2} icon="chart" title=${t("reports-none")} text=${t("reports-none-text")} />`;
  const isTimed = by === "day" || by === "hour";
  const series = [
    { label: t("reports-promised"), values: rows.map(({ expected }) => expected ?? 0), kind: "soft" },
    { label: t("reports-counted"), values: rows.map(({ delivered }) => delivered), kind: "accent" },
  ];
  return html`
    <${Card} title=${t("reports-in-all")}><${Summary} total=${total} /><//>
    ${isTimed && rows.length > 1 && html`<${Card} title=${t(`reports-over-${by}`)}><${Plot} label=${t("reports-plot")} names=${rows.map((row) => nameOf(row, by, true))} series=${series} columns /><//>`}
    <${ReportTable} rows=${rows} by=${by} />
    <p class="faint small">${t("reports-as-of", { when: when(report.at) })}</p>`;
}
