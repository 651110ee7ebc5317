// A line of a booking: how much of the ads it gets, when, which pictures and films it shows, and when a play counts.

import { html, useId } from "../../../lib/view.js";
import { number, t } from "../../../lib/words.js";
import { Choice, Field, Segments } from "../../../ui/field.js";
import { Icon } from "../../../ui/icon.js";
import { Card } from "../../../ui/page.js";
import { Creatives } from "./creatives.js";
import { WHOLE_PPM } from "../draft.js";
import { useTyped } from "../../../parts/typed.js";
import { Windows } from "./windows.js";

const PERCENT_PPM = WHOLE_PPM / 100;
const RULES = ["complete", "min_fraction", "on_render"];

/** `change(fields)` changes the line; `onRemove` is null of the last one. */
export function Line({ line, media, change, onRemove }) {
  const set = (name, of = (text) => text) => (event) => change({ [name]: of(event.target.value) });
  const whole = (text) => Math.max(0, Math.min(100, Number(text) || 0));
  const actions = onRemove && html`<button type="button" class="quiet" onClick=${onRemove}><${Icon} name="trash" />${t("campaigns-remove-line")}</button>`;
  return html`<${Card} title=${line.name || t("campaigns-line")} actions=${actions}>
    <div class="stack">
      <${Field} label=${t("campaigns-line-name")} required maxlength="200" value=${line.name} onInput=${set("name")} />
      <${Share} ...${{ line, change }} />
      <${Creatives} ...${{ line, media, change }} />
      <${Windows} windows=${line.windows} onChange=${(windows) => change({ windows })} />
      <details>
        <summary>${t("campaigns-beside-others")}</summary>
        <div class="stack">
          <${Field} label=${t("campaigns-category")} maxlength="64" value=${line.category} onInput=${set("category")} help=${t("campaigns-category-help")} />
          <div class="fields">
            <${Field} label=${t("campaigns-category-gap")} type="number" min="0" max="100" value=${line.category_gap} onInput=${set("category_gap", whole)} />
            <${Field} label=${t("campaigns-advertiser-gap")} type="number" min="0" max="100" value=${line.advertiser_gap} onInput=${set("advertiser_gap", whole)} help=${t("campaigns-gap-help")} />
          </div>
          <${Rule} ...${{ line, change }} />
        </div>
      </details>
    </div>
  <//>`;
}

function Share({ line, change }) {
  const id = useId();
  const percent = (line.share_ppm ?? 0) / PERCENT_PPM;
  const take = (text) => Number(text) > 0 && change({ share_ppm: Math.max(1, Math.min(WHOLE_PPM, Math.round(Number(text) * PERCENT_PPM))) });
  const typed = useTyped(percent, take);
  const every = percent > 0 ? 100 / percent : 0;
  return html`<div class="stack tight">
    <div class="row"><span class="legend">${t("campaigns-how-much")}</span>
      <${Segments} label=${t("campaigns-how-much")} value=${line.share_ppm === null ? "left" : "share"} onChange=${(way) => change({ share_ppm: way === "left" ? null : 10 * PERCENT_PPM })} options=${[{ value: "share", label: t("campaigns-a-share") }, { value: "left", label: t("campaigns-what-is-left") }]} />
    </div>
    ${line.share_ppm === null
      ? html`<${Field} label=${t("campaigns-weight")} type="number" min="1" max="1000000" value=${line.weight} onInput=${(event) => change({ weight: Math.max(1, Number(event.target.value) || 1) })} help=${t("campaigns-weight-help")} />`
      : html`<div class="share-row">
          <input type="range" min="1" max="100" step="1" value=${percent} aria-label=${t("campaigns-share")} onInput=${(event) => take(event.target.value)} />
          <span class="share-number"><label for=${id} class="unseen">${t("campaigns-share-number")}</label><input id=${id} type="number" min="0.0001" max="100" step="any" ...${typed} /> %</span>
        </div>
        <small class="faint">${every >= 1.5 ? t("campaigns-about-every", { every: number(every, { maximumFractionDigits: every < 10 ? 1 : 0 }) }) : t("campaigns-nearly-all")}</small>`}
  </div>`;
}

function Rule({ line, change }) {
  const rule = line.billable_rule ?? { kind: "complete" };
  const options = RULES.map((value) => ({ value, label: t(`campaigns-rule-${value}`) }));
  const field = { complete: "tolerance_ms", min_fraction: "fraction_ppm", on_render: "least_ms" }[rule.kind];
  const size = { complete: 1000, min_fraction: PERCENT_PPM, on_render: 1000 }[rule.kind];
  const begun = { complete: 500, min_fraction: 750_000, on_render: 2000 }[rule.kind];
  const changed = (fields) => change({ billable_rule: { ...rule, ...fields } });
  const typed = useTyped((rule[field] ?? begun) / size, (text) => text !== "" && changed({ [field]: Math.round(Number(text) * size) }));
  return html`<div class="fields">
    <${Choice} label=${t("campaigns-counts-when")} value=${rule.kind} options=${options} onChange=${(event) => changed({ kind: event.target.value })} />
    <${Field} label=${t(`campaigns-rule-${rule.kind}-by`)} type="number" min="0" step="any" ...${typed} />
  </div>`;
}
