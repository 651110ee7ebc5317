// A month: for each day what plays by dayparts, and where they overlap.

import { addMonths, weekdayOf, weeksOfMonth } from "../../../lib/calendar/days.js";
import { href } from "../../../lib/router.js";
import { t } from "../../../lib/words.js";
import { html } from "../../../lib/view.js";
import { Icon } from "../../../ui/icon.js";
import { clockText, dayText, weekdayText } from "../../../lib/calendar/day_words.js";

const MOST = 4;

/** `spans` is what plays on each day (null: not known yet), `of` the plan that is meant. */
export function Month({ channel, day, spans, today, hueOf, of }) {
  const days = weeksOfMonth(day);
  return html`<div class="month" role="group" aria-label=${dayText(day, "month")}>
    <div class="month-row month-head" aria-hidden="true">${days.slice(0, 7).map((one) => html`<span key=${one}>${weekdayText(weekdayOf(one), "short")}</span>`)}</div>
    <ol class="month-days">
      ${days.map((one) => html`<li key=${one} class=${`month-day ${one.slice(0, 7) === day.slice(0, 7) ? "" : "is-outside"} ${one === today ? "is-today" : ""}`}>
        <a href=${href("schedule", channel, "", { day: one, of })} title=${dayText(one, "long")} aria-label=${dayText(one, "long")}>${Number(one.slice(8))}</a>
        <${Plays} spans=${spans?.[one] ?? []} hueOf=${hueOf} />
      </li>`)}
    </ol>
  </div>`;
}

function Plays({ spans, hueOf }) {
  const found = joined(spans.filter(({ segment }) => segment.daypart));
  const overlaps = spans.some(({ segment }) => segment.others.length > 0 && segment.daypart);
  const shown = found.slice(0, found.length > MOST ? MOST - 1 : MOST);
  return html`<ul>
    ${shown.map(({ from, segment }) => html`<li key=${from} class=${`plays-chip hue-${hueOf(segment.playlist)}`} title=${`${segment.daypart_name}: ${segment.playlist_name}`}><span class="time">${clockText(from)}</span> <span class="cut">${segment.daypart_name}</span></li>`)}
    ${found.length > shown.length && html`<li class="faint small more" data-more=${found.length - shown.length}>${t("schedule-more", { count: found.length - shown.length })}</li>`}
    ${overlaps && html`<li class="faint small overlap-note"><${Icon} name="layers" size=${13} /><span>${t("schedule-overlap")}</span></li>`}
  </ul>`;
}

function joined(spans) {
  const found = [];
  for (const span of spans) {
    const last = found.at(-1);
    if (last && last.to === span.from && last.segment.daypart === span.segment.daypart) last.to = span.to;
    else found.push({ ...span });
  }
  return found;
}

/** Return the month before or after that of a day. */
export const monthBeside = (day, by) => addMonths(day, by);
