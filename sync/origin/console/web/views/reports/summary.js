// The sums of a report, and why less was counted than was bought.

import { html } from "../../lib/view.js";
import { number, t } from "../../lib/words.js";
import { Chip } from "../../ui/page.js";

const LEAST = 0.5; // plays: less is rounding

export const plays = (count) => (count === null || count === undefined ? "–" : number(Math.round(count)));
export const percent = (part) => (part === null ? "–" : number(part, { style: "percent", maximumFractionDigits: 1 }));

/** Return how good a pace is, as the kind of a chip. */
export const kindOf = (pace) => (pace === null ? "plain" : pace >= 0.95 ? "good" : pace >= 0.8 ? "warn" : "bad");

/** Return the causes of a shortfall, the largest first: `[cause, plays]`. */
export const causesOf = (causes) => Object.entries(causes).filter(([, count]) => count >= LEAST).sort((a, b) => b[1] - a[1]);

export function Summary({ total }) {
  const figures = [["reports-counted", plays(total.delivered)], ["reports-promised-now", plays(total.expected)], ["reports-bought-now", plays(total.contracted)], ["reports-short-by", plays(total.shortfall)], ["reports-screen-unknown", plays(total.screen_unknown)]];
  const causes = total.shortfall ? causesOf(total.causes) : [];
  const all = causes.reduce((sum, [, count]) => sum + count, 0);
  return html`<div class="stack">
    <dl class="figures">
      <div><dt>${t("reports-pace")}</dt><dd><${Chip} kind=${kindOf(total.pace)}>${percent(total.pace)}<//></dd></div>
      ${figures.map(([id, value]) => html`<div key=${id}><dt>${t(id)}</dt><dd>${value}</dd></div>`)}
    </dl>
    ${causes.length > 0 && html`<div class="stack tight">
      <h3>${t("reports-why-short")}</h3>
      <ul class="causes">${causes.map(([cause, count]) => html`<li key=${cause}><span>${t(`reports-cause-${cause}`)}</span><span class="cause-bar" aria-hidden="true"><span style=${{ width: `${(100 * count) / all}%` }}></span></span><b class="number">${plays(count)}</b></li>`)}</ul>
    </div>`}
  </div>`;
}
