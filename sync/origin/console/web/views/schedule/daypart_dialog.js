// The form of a daypart: what plays, on which days, at which times, and what it gives way to.

import { api } from "../../lib/api.js";
import { useList } from "../../lib/lists.js";
import { t } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { Dialog } from "../../ui/dialog.js";
import { Choice, Field, Segments } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { weekdayText } from "../../lib/calendar/day_words.js";

const WEEK = [1, 2, 3, 4, 5, 6, 7];
const EMERGENCY = 1000;

/**
 * `part` is the daypart, without an id a new one. `onSave(fields)` may throw a Problem. `onRemove()` and `onException()`
 * are offered of one that is there.
 */
export function DaypartDialog({ title, part, zone, onSave, onRemove, onException, onDuplicate, onClose }) {
  const playlists = useList("/v1/playlists", { limit: 1000 });
  const [weekdays, setWeekdays] = useState(part.weekdays ?? WEEK);
  const [ways, setWays] = useState(part.first_day || part.last_day ? "dates" : "weekly");
  const [isAllDay, setAllDay] = useState(part.start === "00:00" && part.end === "24:00");
  const [priority, setPriority] = useState(String(part.priority ?? 0));
  const save = async (values) => {
    const times = isAllDay ? { start: "00:00", end: "24:00" } : { start: values.start, end: values.end === "00:00" ? "24:00" : values.end };
    const playlist = values.playlist || (await madePlaylist(values.new_playlist));
    const dates = ways === "dates" ? { first_day: values.first_day || null, last_day: values.last_day || null } : { first_day: null, last_day: null };
    await onSave({ name: values.name, playlist, weekdays: [...weekdays].sort((a, b) => a - b), ...times, ...dates, priority: Number(values.priority) || 0 });
  };
  const toggle = (weekday) => setWeekdays((before) => (before.includes(weekday) ? before.filter((one) => one !== weekday) : [...before, weekday]));
  const extra = part.id && html`<span class="dialog-extra">
    <button type="button" class="quiet" onClick=${onRemove}><${Icon} name="trash" />${t("schedule-remove")}</button>
    <button type="button" class="quiet" onClick=${onDuplicate}><${Icon} name="copy" />${t("schedule-duplicate")}</button>
    <button type="button" class="quiet" onClick=${onException}><${Icon} name="calendar" />${t("schedule-exception-of")}</button>
  </span>`;
  return html`<${Dialog} title=${title} onClose=${onClose} onSubmit=${save} submit=${t("ui-save")} extra=${extra} disabled=${weekdays.length === 0}>
    <${Field} label=${t("schedule-name")} name="name" required maxlength="200" value=${part.name ?? ""} placeholder=${t("schedule-name-example")} />
    <${PlaylistChoice} playlists=${playlists} value=${part.playlist} />
    <div class="field">
      <span class="legend">${t("schedule-ways")}</span>
      <${Segments} label=${t("schedule-ways")} value=${ways} onChange=${setWays} options=${[{ value: "weekly", label: t("schedule-weekly") }, { value: "dates", label: t("schedule-on-dates") }]} />
    </div>
    ${ways === "dates" && html`<div class="fields">
      <${Field} label=${t("schedule-first-day")} name="first_day" type="date" value=${part.first_day ?? ""} />
      <${Field} label=${t("schedule-last-day")} name="last_day" type="date" value=${part.last_day ?? ""} />
    </div>`}
    <fieldset class="weekdays">
      <legend>${t("schedule-weekdays")}</legend>
      <div class="row tight">
        ${WEEK.map((weekday) => html`<label key=${weekday} class="weekday"><input type="checkbox" aria-label=${weekdayText(weekday)} checked=${weekdays.includes(weekday)} onChange=${() => toggle(weekday)} /><span aria-hidden="true">${weekdayText(weekday, "short")}</span></label>`)}
      </div>
      ${weekdays.length === 0 && html`<small class="field-wrong" role="alert">${t("schedule-no-weekday")}</small>`}
    </fieldset>
    <label class="row tight"><input type="checkbox" checked=${isAllDay} onChange=${(event) => setAllDay(event.target.checked)} />${t("schedule-whole-day")}</label>
    ${!isAllDay && html`<div class="fields">
      <${Field} label=${t("schedule-start")} name="start" type="time" required value=${part.start ?? "11:00"} />
      <${Field} label=${t("schedule-end")} name="end" type="time" required value=${(part.end ?? "14:00").replace("24:00", "00:00")} help=${t("schedule-end-help", { zone })} />
    </div>`}
    <details open=${priority !== "0"}>
      <summary>${t("schedule-overlaps")}</summary>
      <${Field} label=${t("schedule-priority")} name="priority" type="number" step="1" min="-1000000" max="1000000" value=${priority} onInput=${(event) => setPriority(event.target.value)} help=${t("schedule-priority-help")} />
      ${Number(priority) >= EMERGENCY && html`<p class="note warn"><${Icon} name="alert" />${t("schedule-emergency")}</p>`}
    </details>
  <//>`;
}

/** Which playlist; of an origin without any, the name of the first one. */
export function PlaylistChoice({ playlists, value, name = "playlist", label = t("schedule-playlist"), none = false }) {
  if (playlists.state === "loading") return html`<p class="faint" role="status">${t("ui-loading")}</p>`;
  if (playlists.rows.length === 0 && !none) return html`<${Field} label=${t("schedule-new-playlist")} name="new_playlist" required maxlength="200" help=${t("schedule-new-playlist-help")} />`;
  const first = none ? [{ value: "", label: t("schedule-nothing") }] : value ? [] : [{ value: "", label: t("schedule-choose"), disabled: true }];
  const options = [...first, ...playlists.rows.map(({ id, name: text }) => ({ value: id, label: text }))];
  return html`<${Choice} label=${label} name=${name} required=${!none} value=${value ?? ""} options=${options} />`;
}

async function madePlaylist(name) {
  const { body } = await api.post("/v1/playlists", { name, items: [] });
  return body.id;
}
