// At which times of the week a line is shown; without any always.

import { weekdayText, weekdaysText } from "../../../lib/calendar/day_words.js";
import { html } from "../../../lib/view.js";
import { t } from "../../../lib/words.js";
import { Icon } from "../../../ui/icon.js";
import { useTyped } from "../../../parts/typed.js";

const WEEK = [1, 2, 3, 4, 5, 6, 7];

export function Windows({ windows, onChange }) {
  const change = (at, fields) => onChange(windows.map((one, place) => (place === at ? { ...one, ...fields } : one)));
  const add = () => onChange([...windows, { weekdays: WEEK, start: "08:00", end: "20:00" }]);
  return html`<div class="stack tight">
    <span class="legend">${t("campaigns-when")}</span>
    ${windows.length === 0 && html`<p class="faint">${t("campaigns-always")}</p>`}
    ${windows.map((one, at) => html`<${Window} key=${at} window=${one} number=${at + 1} onChange=${(fields) => change(at, fields)} onRemove=${() => onChange(windows.filter((_, place) => place !== at))} />`)}
    <div><button type="button" class="quiet" onClick=${add}><${Icon} name="plus" />${t("campaigns-add-window")}</button></div>
  </div>`;
}

function Window({ window, number, onChange, onRemove }) {
  const toggle = (weekday) => {
    const next = window.weekdays.includes(weekday) ? window.weekdays.filter((one) => one !== weekday) : [...window.weekdays, weekday].sort((a, b) => a - b);
    if (next.length > 0) onChange({ weekdays: next });
  };
  const [start, end] = [useTyped(window.start, (text) => text && onChange({ start: text })), useTyped(window.end === "24:00" ? "00:00" : window.end, (text) => text && onChange({ end: text === "00:00" ? "24:00" : text }))];
  return html`<fieldset class="window">
    <legend class="unseen">${t("campaigns-window", { number, days: weekdaysText(window.weekdays) })}</legend>
    <div class="row tight">${WEEK.map((weekday) => html`<label key=${weekday} class="weekday"><input type="checkbox" aria-label=${weekdayText(weekday)} checked=${window.weekdays.includes(weekday)} onChange=${() => toggle(weekday)} /><span aria-hidden="true">${weekdayText(weekday, "short")}</span></label>`)}</div>
    <div class="row tight">
      <input type="time" aria-label=${t("campaigns-from")} required ...${start} />
      <span aria-hidden="true">–</span>
      <input type="time" aria-label=${t("campaigns-until")} required ...${end} />
      <button type="button" class="quiet icon-only" aria-label=${t("campaigns-remove-window", { number })} onClick=${onRemove}><${Icon} name="trash" /></button>
    </div>
  </fieldset>`;
}
