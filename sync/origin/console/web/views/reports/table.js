// The rows of a report: a line for each campaign, line, media, screen, day or hour.

import { dayText, weekdayText } from "../../lib/calendar/day_words.js";
import { weekdayOf } from "../../lib/calendar/days.js";
import { href } from "../../lib/router.js";
import { html, useState } from "../../lib/view.js";
import { t } from "../../lib/words.js";
import { Chip } from "../../ui/page.js";
import { Table } from "../../ui/table.js";
import { causesOf, kindOf, percent, plays } from "./summary.js";

const PAGE = 100;
const LINKS = { campaign: "campaigns", device: "screens", creative: null };

/** Return the name of a row; `brief` for an axis. */
export function nameOf({ id, name }, by, brief = false) {
  if (by === "day") return brief ? dayText(id, "short") : `${weekdayText(weekdayOf(id), "short")}, ${dayText(id)}`;
  if (by === "hour") return `${id}:00`;
  if (id === "") return t("reports-no-name");
  return name || t("reports-removed", { id: id.slice(0, 8) });
}

export function ReportTable({ rows, by }) {
  const [count, setCount] = useState(PAGE);
  const isTimed = by === "day" || by === "hour";
  const named = (row) => nameOf(row, by);
  const ordered = isTimed ? rows : [...rows].sort((a, b) => (a.pace ?? 2) - (b.pace ?? 2) || named(a).localeCompare(named(b)));
  const first = (row) => (LINKS[by] && row.id ? html`<a href=${href(LINKS[by], row.id)}>${named(row)}</a>` : html`<b>${named(row)}</b>`);
  const columns = [
    { key: "name", label: t(`reports-by-${by}`), render: first },
    { key: "pace", label: t("reports-pace"), render: (row) => html`<${Chip} kind=${kindOf(row.pace)}>${percent(row.pace)}<//>` },
    { key: "delivered", label: t("reports-counted"), end: true, render: (row) => plays(row.delivered) },
    { key: "expected", label: t("reports-promised"), end: true, render: (row) => plays(row.expected) },
    { key: "contracted", label: t("reports-bought"), end: true, render: (row) => plays(row.contracted) },
    { key: "shortfall", label: t("reports-short-by"), end: true, render: (row) => plays(row.shortfall) },
    { key: "why", label: t("reports-why-short"), render: (row) => causesOf(row.causes).map(([cause, n]) => `${t(`reports-cause-${cause}`)} ${plays(n)}`).join(", ") || "–" },
    { key: "aside", label: t("reports-not-counted"), render: (row) => Object.entries(row.aside).map(([reason, n]) => `${t(`reports-reason-${reason}`)} ${plays(n)}`).join(", ") || "–" },
  ];
  return html`<${Table} label=${t("reports-table", { by: t(`reports-by-${by}`) })} columns=${columns} rows=${ordered.slice(0, count)} />
    ${ordered.length > count && html`<button type="button" class="no-print" onClick=${() => setCount(count + PAGE)}>${t("ui-more")}</button>`}`;
}
