// The schedule of a channel: its week or month, what shows at an instant, and its settings.

import { api } from "../../lib/api.js";
import { addDays, isDay, mondayOf, today as todayIn, weeksOfMonth } from "../../lib/calendar/days.js";
import { useEdits } from "../../parts/plans/edits.js";
import { useShortcut } from "../../lib/keys.js";
import { useList, useThing } from "../../lib/lists.js";
import { go, href, query as changeQuery } from "../../lib/router.js";
import { may } from "../../lib/session.js";
import { t } from "../../lib/words.js";
import { html, useEffect, useMemo, useState } from "../../lib/view.js";
import { Clash } from "../../parts/plans/clash.js";
import { History } from "../../parts/plans/history.js";
import { Confirm } from "../../ui/dialog.js";
import { Segments } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Menu } from "../../ui/menu.js";
import { attempt } from "../../ui/notify.js";
import { Card, Chip, Page } from "../../ui/page.js";
import { Loaded, Wrong } from "../../ui/states.js";
import { AtInstant } from "./at_instant.js";
import { DaypartDialogs, newPart } from "./daypart_dialogs.js";
import { spansByDay } from "./calendar/geometry.js";
import { Month, monthBeside } from "./calendar/month.js";
import { Parts } from "./parts.js";
import { Settings } from "./settings.js";
import { Week, daysInView } from "./calendar/week.js";
import { fieldText, partValueText } from "./clash_words.js";
import { dayText, whenText } from "../../lib/calendar/day_words.js";

const HUES = 8;
const NARROW = matchMedia("(max-width: 720px)");

/** `query`: `day`, `show` (week or month) and `of` (the plan: draft, or release as it was published). */
export function Channel({ channel, query }) {
  const path = `/v1/schedule/${encodeURIComponent(channel)}`;
  const schedule = useThing(path);
  const playlists = useList("/v1/playlists", { limit: 1000 });
  const names = useMemo(() => new Map(playlists.rows.map(({ id, name }) => [id, name])), [playlists.rows]);
  const [settled, setSettled] = useState(0);
  const edits = useEdits(path, schedule, { onSettled: () => setSettled((before) => before + 1) });
  const back = { href: href("schedule", "", "", { all: "1" }), label: t("schedule-all-channels") };
  return html`<${Page} title=${schedule.body?.name ?? channel} back=${back} full actions=${schedule.body && html`<${Actions} ...${{ schedule, edits, path }} />`}>
    <${Loaded} of=${schedule} lines=${8}>${() => html`<${Plan} ...${{ schedule: schedule.body, edits, names, query, settled }} />`}<//>
    <${Clash} edits=${edits} fieldName=${fieldText} valueText=${(one) => partValueText(one, names)} />
  <//>`;
}

function Plan({ schedule, edits, names, query, settled }) {
  const { channel, zone: named, dayparts, space } = schedule;
  const zone = named ?? "UTC";
  const canEdit = may("editor", space) && query.of !== "release";
  const today = todayIn(zone);
  const day = isDay(query.day) ? query.day : today;
  const isMonth = query.show === "month";
  const isNarrow = useNarrow();
  const [open, setForm] = useState(null); // what a form is open about, and the version that it began with
  const setOpen = (form) => setForm(form && { version: schedule.version, ...form });
  useEffect(() => setForm(null), [settled]);
  const first = isNarrow ? day : mondayOf(day);
  const days = isMonth ? weeksOfMonth(day) : daysInView(first, isNarrow);
  const of = query.of === "release" ? "release" : "draft";
  const segments = useThing(of === "release" && schedule.sequence === 0 ? null : `/v1/channels/${encodeURIComponent(channel)}/segments`, { of, day: days[0], days: days.length });
  const spans = segments.body && spansByDay(segments.body.segments, days, segments.body.zone);
  const hueOf = huesOf(schedule);
  const show = (changes) => changeQuery(changes);
  const step = isMonth ? (by) => show({ day: monthBeside(day, by) }) : (by) => show({ day: addDays(day, by * days.length) });
  const add = canEdit ? () => setOpen({ kind: "new", part: newPart({ start: "11:00", end: "14:00" }) }) : null;
  useShortcut(["n"], t("schedule-new"), add);
  const change = (part, fields, version = schedule.version) => attempt(() => edits.send([{ do: "change_dayparts", ids: [part.id], set: fields }], { version, said: t("schedule-changed", { name: part.name, when: whenText({ ...part, ...fields }) }) }));
  const draw = (window) => setOpen({ kind: "new", part: newPart({ ...window, weekdays: window.weekdays ?? newPart({ day: window.days[0] }).weekdays }) });
  return html`<div class="schedule">
    <div class="toolbar no-print">
      <div class="row tight">
        <button type="button" class="icon-only" aria-label=${t(isMonth ? "schedule-month-before" : "schedule-before")} onClick=${() => step(-1)}><${Icon} name="left" /></button>
        <button type="button" onClick=${() => show({ day: today })}>${t("schedule-today")}</button>
        <button type="button" class="icon-only" aria-label=${t(isMonth ? "schedule-month-after" : "schedule-after")} onClick=${() => step(1)}><${Icon} name="right" /></button>
        <h2 aria-live="polite">${isMonth ? dayText(day, "month") : t("schedule-between", { first: dayText(days[0], "short"), last: dayText(days.at(-1)) })}</h2>
      </div>
      <div class="row">
        <${Segments} label=${t("schedule-which-plan")} value=${of} onChange=${(value) => show({ of: value === "draft" ? "" : value })} options=${[{ value: "draft", label: t("schedule-planned") }, { value: "release", label: t("schedule-published") }]} />
        <${Segments} label=${t("schedule-week-or-month")} value=${isMonth ? "month" : "week"} onChange=${(value) => show({ show: value === "week" ? "" : value })} options=${[{ value: "week", label: t("schedule-week") }, { value: "month", label: t("schedule-month") }]} />
        ${add && html`<button type="button" class="primary" onClick=${add}><${Icon} name="plus" />${t("schedule-new")}</button>`}
      </div>
    </div>
    <p class="faint small zone-line">${named ? t("schedule-times-in", { zone }) : t("schedule-times-unknown")}</p>
    ${segments.state === "failed" && html`<${Wrong} problem=${segments.problem} onRetry=${segments.reload} />`}
    ${of === "release" && schedule.sequence === 0 ? html`<p class="note"><${Icon} name="info" />${t("schedule-not-published-yet")}</p>` : isMonth
      ? html`<${Month} ...${{ channel, day, spans, today, hueOf, of: query.of }} />`
      : html`<${Week} key=${`${days[0]} ${days.length}`} version=${schedule.version} parts=${of === "release" ? null : dayparts} ...${{ days, spans, zone, hueOf, names, canEdit }} onDraw=${draw} onChange=${change} onOpen=${(part, on) => setOpen({ kind: "part", part, on })} onRemove=${(part) => setOpen({ kind: "remove", part })} />`}
    ${canEdit && !isMonth && html`<p class="faint small only-mouse">${t("schedule-how-to-draw")}</p>`}
    <div class="schedule-below">
      <${Parts} ...${{ schedule, names, hueOf, canEdit }} onOpen=${(part) => setOpen({ kind: "part", part, on: day })} onAdd=${add} onException=${() => setOpen({ kind: "exception", on: day })} />
      <div class="stack">
        <${AtInstant} key=${`${of}-${schedule.version}`} ...${{ channel, zone, of: of === "release" && schedule.sequence === 0 ? "draft" : of, day: isMonth ? undefined : day }} />
        <${Settings} ...${{ schedule, names, canEdit }} onSave=${(set, version) => edits.send([{ do: "set", set }], { version, said: t("schedule-settings-saved") })} />
      </div>
    </div>
    ${open && html`<${DaypartDialogs} ...${{ open, schedule, edits, zone }} onClose=${() => setOpen(null)} onOpen=${setOpen} />`}
  </div>`;
}

function Actions({ schedule, edits, path }) {
  const { channel, sequence, version, ready_version: ready, space } = schedule.body;
  const [isRemoving, setRemoving] = useState(false);
  const [isHistory, setHistory] = useState(false);
  const mayChange = may("editor", space);
  const isDraft = ready !== version;
  return html`
    ${isDraft && html`<${Chip} kind="warn" icon="edit">${t("schedule-is-draft")}<//>`}
    ${sequence > 0 ? html`<${Chip} icon="check">${t("schedule-release", { sequence })}<//>` : html`<${Chip} kind="warn">${t("schedule-never-published")}<//>`}
    <${Menu} label=${t("schedule-channel-menu")} items=${[{ label: t("parts-history"), icon: "clock", onSelect: () => setHistory(true) }, mayChange && { label: t("schedule-remove-channel"), icon: "trash", danger: true, onSelect: () => setRemoving(true) }]} />
    ${isHistory && html`<${History} ...${{ path, edits }} fieldName=${fieldText} canEdit=${mayChange} onClose=${() => setHistory(false)} />`}
    ${isRemoving && html`<${RemoveChannel} ...${schedule.body} onClose=${() => setRemoving(false)} />`}`;
}

function RemoveChannel({ channel, sequence, dayparts, version, onClose }) {
  const remove = async () => {
    await api.remove(`/v1/schedule/${encodeURIComponent(channel)}`, { version });
    go("schedule", "", "", { all: "1" });
  };
  return html`<${Confirm} title=${t("schedule-remove-channel-named", { channel })} verb=${t("schedule-remove-channel")} onConfirm=${remove} onClose=${onClose}>
    <p>${t("schedule-remove-channel-text", { count: dayparts.length })}</p>
    ${sequence > 0 && html`<p class="note warn"><${Icon} name="alert" />${t("schedule-remove-published")}</p>`}
  <//>`;
}

/** Return a colour for each playlist of a schedule, by its number. */
function huesOf({ dayparts, default_playlist: otherwise }) {
  const used = [...new Set([...dayparts.map(({ playlist }) => playlist), otherwise].filter(Boolean))];
  return (playlist) => Math.max(0, used.indexOf(playlist)) % HUES;
}

function useNarrow() {
  const [isNarrow, setNarrow] = useState(NARROW.matches);
  useEffect(() => {
    const changed = () => setNarrow(NARROW.matches);
    NARROW.addEventListener("change", changed);
    return () => NARROW.removeEventListener("change", changed);
  }, []);
  return isNarrow;
}
