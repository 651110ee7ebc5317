// What shows at an instant, and why, and why not the other: the engine's own answer.

import { minutesOf, timeOf, wallOf } from "../../lib/calendar/days.js";
import { useThing } from "../../lib/lists.js";
import { href } from "../../lib/router.js";
import { t } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { Field } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Card, Chip } from "../../ui/page.js";
import { Loaded } from "../../ui/states.js";
import { clockText, dayText, whyText } from "../../lib/calendar/day_words.js";

const MOST_ITEMS = 12;
const NOON = "12:00";

/** `of` is the plan that is meant: `draft`, `ready` or `release`. */
export function AtInstant({ channel, zone, of, day }) {
  const now = wallOf(Date.now(), zone);
  const [asked, setAsked] = useState(day && day !== now.day ? { day, time: NOON } : { day: now.day, time: timeOf(now.minutes) });
  const local = `${asked.day}T${asked.time}`;
  const path = asked.day && asked.time ? `/v1/channels/${encodeURIComponent(channel)}/at` : null;
  const found = useThing(path, { of, local });
  const set = (field) => (event) => setAsked({ ...asked, [field]: event.target.value });
  return html`<${Card} title=${t("schedule-at")}>
    <div class="stack">
      <div class="fields">
        <${Field} label=${t("schedule-at-day")} type="date" required value=${asked.day} onInput=${set("day")} />
        <${Field} label=${t("schedule-at-time")} type="time" required value=${asked.time} onInput=${set("time")} help=${t("schedule-zone-is", { zone })} />
      </div>
      ${path && html`<${Loaded} of=${found} lines=${2}>${() => html`<${Answer} then=${found.body} ...${{ asked, of, channel }} />`}<//>`}
    </div>
  <//>`;
}

function Answer({ then, asked, of, channel }) {
  const others = then.dayparts.filter(({ id, on }) => !on && id !== then.daypart);
  const when = { day: dayText(asked.day, "long"), time: clockText(minutesOf(asked.time)) };
  const lead = of === "release" ? "schedule-at-plays-published" : "schedule-at-plays-planned";
  return html`<div class="stack tight" aria-live="polite">
    <p class="answer-line">${t(lead, when)} <b>${then.playlist_name ?? t("schedule-fallback")}</b></p>
    <p class="faint">${whyText(then)}</p>
    <p><a class="row tight" href=${href("preview", "channel", channel, { at: then.at, of })}><${Icon} name="play" size=${16} />${t("schedule-see-it")}</a></p>
    ${then.items.length > 0 && html`<p class="row tight">${then.items.filter(({ on }) => on).slice(0, MOST_ITEMS).map((item) => html`<${Chip} key=${item.id} icon="image">${item.name}<//>`)}${then.items_on > MOST_ITEMS && html`<span class="faint">${t("schedule-more", { count: then.items_on - MOST_ITEMS })}</span>`}</p>`}
    ${others.length > 0 && html`<details open=${others.length <= 4}>
      <summary>${t("schedule-at-others", { count: others.length })}</summary>
      <ul class="stack tight others">${others.map((one) => html`<li key=${one.id}><${Icon} name="minus" size=${16} /><span><b>${one.name}</b> ${whyText(one)}</span></li>`)}</ul>
    </details>`}
  </div>`;
}
