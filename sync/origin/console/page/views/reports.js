// The reports view: what was bought, promised and billed, and why not more; for paper, too.

import { at, ask } from "../lib/api.js";
import { data } from "../lib/data.js";
import { $, h } from "../lib/dom.js";
import { byName, count, day as dayText, moment } from "../lib/format.js";
import { problemElements } from "../lib/notices.js";
import { bar, causes, columns } from "./report_charts.js";

const CAUSES = {
  not_enough_slots: "not enough slots",
  screen_off: "screen off",
  failed: "failed",
  set_aside: "set aside",
  offline: "offline",
  not_heard: "not heard since",
  other: "other",
};
const REASONS = {
  implausible: "cannot have happened",
  unconfirmed: "unconfirmed",
  not_named: "not in its release",
  screen_off: "screen off",
  screen_disconnected: "screen disconnected",
  screen_covered: "screen covered",
  clock_unset: "clock not set",
  nothing_shown: "nothing shown",
  failed: "failed",
  interrupted: "player or device stopped",
  too_short: "too short",
  release_unknown: "its release is not known any more",
  length_unknown: "its length is not known",
  screen_unknown: "state of the screen not known",
};
const WORDS = { campaign: "campaigns", line: "lines", creative: "creatives", device: "screens", day: "days", hour: "hours" };
const MOST_ROWS = 500;
const DAY_MS = 86_400_000;

let asked = 0; // the newest question: an older answer is dropped

/** Offer the campaigns that are there now. */
export function draw() {
  const select = $("#report-form [name=campaign]");
  const { value } = select;
  const all = [...data.booked].sort((a, b) => byName(a.name, b.name));
  select.replaceChildren(h("option", { value: "" }, "All campaigns"), ...all.map(({ id, name }) => h("option", { value: id }, name)));
  select.value = all.some(({ id }) => id === value) ? value : "";
  if (document.body.dataset.view === "reports" && !asked) load();
}

export function start() {
  period(6, 0);
  $("#report-form").addEventListener("submit", (event) => {
    event.preventDefault();
    load();
  });
  $("#report-yesterday").addEventListener("click", () => {
    period(1, 1);
    $("#report-form [name=by]").value = "line";
    load();
  });
  $("#report-print").addEventListener("click", () => print());
  addEventListener("hashchange", () => location.hash === "#reports" && document.body.dataset.page === "inside" && !asked && load());
}

function period(first, last) {
  const local = (back) => {
    const then = new Date(Date.now() - back * DAY_MS);
    return new Date(then - then.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
  };
  $("#report-form [name=first_day]").value = local(first);
  $("#report-form [name=last_day]").value = local(last);
}

async function load() {
  const mine = (asked += 1);
  const { by, ...fields } = Object.fromEntries(new FormData($("#report-form")));
  const query = new URLSearchParams(Object.entries(fields).filter(([, value]) => value));
  const path = `/v1/reports/${by}?${query}`;
  $("#report").setAttribute("aria-busy", "true");
  $("#report-problem").replaceChildren();
  try {
    const report = await ask("GET", path);
    if (mine === asked) show(report, `${path}&format=csv`);
  } catch (error) {
    if (mine === asked) {
      $("#report").replaceChildren();
      $("#report-problem").replaceChildren(...problemElements(error));
    }
  } finally {
    if (mine === asked) $("#report").removeAttribute("aria-busy");
  }
}

function show(report, csv) {
  const { by, rows, total } = report;
  const chosen = $("#report-form [name=campaign]").selectedOptions[0];
  const of = chosen.value ? `${chosen.textContent}, by ${by}` : `All campaigns, by ${by}`;
  const most = Math.max(1, ...rows.map(({ contracted, expected, delivered }) => Math.max(contracted ?? 0, expected ?? 0, delivered)));
  const ordered = by === "day" || by === "hour" ? rows : [...rows].sort((a, b) => byName(nameOf(a, by), nameOf(b, by)));
  const shown = [
    h("h3", {}, `${of}, ${dayText(report.first_day)} to ${dayText(report.last_day)}`),
    h("p", { class: "faint" }, `As of ${moment(report.at)}. Days are those of each venue. Billed by ${report.default_rule}${otherRules(report)}.`),
    rows.length ? h("div", { class: "card" }, figures(total), why(total)) : h("p", { class: "none" }, "Nothing was promised or played on these days."),
    (by === "day" || by === "hour") && rows.length > 1 && h("div", { class: "card" }, columns(rows, most, (row) => nameOf(row, by))),
    rows.length > 0 && table(ordered.slice(0, MOST_ROWS), by, most),
    rows.length > MOST_ROWS && h("p", { class: "caution" }, `These are ${MOST_ROWS} of ${count(rows.length, by)}: the CSV has all.`),
    h("p", { class: "paperless" }, h("a", { href: at(csv), download: `report-${by}-${report.first_day}.csv`, "data-do": "csv" }, "Download as CSV")),
  ];
  $("#report").replaceChildren(...shown.filter(Boolean));
}

function otherRules({ rules }) {
  return rules.length ? `; ${rules.map(({ line, rule, version }) => `${lineName(line)} by ${rule} (version ${version})`).join(", ")}` : "";
}

const lineName = (id) => data.booked.flatMap(({ lines }) => lines).find((line) => line.id === id)?.name ?? `line ${id}`;

function nameOf({ id, name }, by) {
  if (by === "day") return `${name.slice(0, 3)} ${dayText(id)}`;
  return name || `deleted (${id.slice(0, 8)})`;
}

function figures({ delivered, expected, contracted, pace, shortfall, screen_unknown }) {
  const all = [
    ["Billed", plays(delivered)],
    ["Promised until now", plays(expected)],
    ["Bought until now", plays(contracted)],
    ["Pace", percent(pace)],
    ["Short by", plays(shortfall)],
    ["Billed, screen unknown", plays(screen_unknown)],
  ];
  return h("dl", { class: "figures" }, ...all.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

function why({ shortfall, causes: found }) {
  if (!shortfall) return null;
  const parts = Object.entries(CAUSES).map(([cause, name], place) => ({ name, plays: found[cause], colour: place })).filter(({ plays: n }) => n > 0);
  const legend = parts.map(({ name, plays: n, colour }) => h("li", {}, h("span", { class: `dot c${colour}`, "aria-hidden": "true" }), `${name} ${plays(n)}`));
  return h("div", { class: "why" }, h("b", {}, "Why it is short"), causes(parts, shortfall), h("ul", {}, ...legend));
}

function table(rows, by, most) {
  const heads = [WORDS[by], "", "Billed", "Promised", "Bought", "Pace", "Short by", "Why", "Not billed"];
  const body = rows.map((row) => {
    const cells = [
      [heads[1], bar(row, most)],
      [heads[2], plays(row.delivered)],
      [heads[3], plays(row.expected)],
      [heads[4], plays(row.contracted)],
      [heads[5], percent(row.pace)],
      [heads[6], plays(row.shortfall)],
      [heads[7], listed(row.causes, CAUSES)],
      [heads[8], listed(row.aside, REASONS)],
    ];
    return h("tr", { "data-id": row.id }, h("th", { scope: "row" }, nameOf(row, by)), ...cells.map(([label, cell]) => h("td", { "data-label": label }, cell)));
  });
  const head = h("tr", {}, ...heads.map((name) => h("th", { scope: "col" }, name || h("span", { class: "unseen" }, "Plot"))));
  return h("table", { class: "card report" }, h("caption", { class: "unseen" }, `Plays by ${by}`), h("thead", {}, head), h("tbody", {}, ...body));
}

const plays = (n) => (n === null || n === undefined ? "–" : Math.round(n).toLocaleString("en-GB"));
const percent = (part) => (part === null ? "–" : `${(100 * part).toFixed(1)} %`);

function listed(found, words) {
  const parts = Object.entries(found).filter(([, n]) => n >= 0.5);
  return parts.map(([key, n]) => `${plays(n)} ${words[key] ?? key}`).join(", ") || "–";
}
