// The forms about dayparts, of which one is open: a new one, one that is there, an exception on some days, a removal.

import { weekdayOf } from "../../lib/calendar/days.js";
import { dayText, whenText } from "../../lib/calendar/day_words.js";
import { t } from "../../lib/words.js";
import { html } from "../../lib/view.js";
import { Confirm } from "../../ui/dialog.js";
import { exceptionTo } from "./calendar/geometry.js";
import { DaypartDialog } from "./daypart_dialog.js";

/** Return what the form of a new daypart begins with; `day`: on its weekday. */
export function newPart({ start = "11:00", end = "14:00", weekdays, day }) {
  return { name: "", start, end, weekdays: weekdays ?? (day ? [weekdayOf(day)] : [1, 2, 3, 4, 5]), priority: 0, first_day: null, last_day: null };
}

/** `open` is `{kind, part, on, version}`; `on` is the day that it is about, `version` the one that was seen. */
export function DaypartDialogs({ open, schedule, edits, zone, onOpen, onClose }) {
  const { kind, part, on, version } = open;
  const add = async (fields) => {
    await edits.send([{ do: "add_dayparts", parts: [fields] }], { said: t("schedule-added", { name: fields.name, when: whenText(fields) }) });
    onClose();
  };
  if (kind === "new") return html`<${DaypartDialog} title=${t("schedule-new")} ...${{ part, zone, onClose }} onSave=${add} />`;
  if (kind === "exception") {
    const base = part ?? { start: "00:00", end: "24:00" };
    const begun = exceptionTo(schedule.dayparts, { name: "", first_day: on, last_day: on, start: base.start, end: base.end });
    const title = part ? t("schedule-exception-to", { name: part.name, day: dayText(on) }) : t("schedule-exception");
    return html`<${DaypartDialog} title=${title} part=${begun} ...${{ zone, onClose }} onSave=${add} />`;
  }
  if (kind === "remove") {
    const remove = () => edits.send([{ do: "remove_dayparts", ids: [part.id] }], { version, said: t("schedule-removed", { name: part.name }) });
    return html`<${Confirm} title=${t("schedule-remove-named", { name: part.name })} text=${t("schedule-remove-text", { when: whenText(part) })} verb=${t("schedule-remove")} onConfirm=${remove} onClose=${onClose} />`;
  }
  const change = async (fields) => {
    const set = Object.fromEntries(Object.entries(fields).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(part[name] ?? null)));
    const isSaved = Object.keys(set).length === 0 || (await edits.send([{ do: "change_dayparts", ids: [part.id], set }], { version, said: t("parts-saved", { name: fields.name }) }));
    if (isSaved) onClose();
  };
  const duplicate = async () => {
    const { id: _, ...fields } = part;
    await edits.send([{ do: "duplicate_dayparts", ids: [part.id] }], { said: t("schedule-duplicated", { name: fields.name }) });
    onClose();
  };
  return html`<${DaypartDialog} key=${part.id} title=${part.name} ...${{ part, zone, onClose }} onSave=${change} onDuplicate=${duplicate} onRemove=${() => onOpen({ kind: "remove", part })} onException=${() => onOpen({ kind: "exception", part, on })} />`;
}
