// Plans a publication at a time of the venue, or changes when one is.

import { api } from "../../lib/api.js";
import { useThing } from "../../lib/lists.js";
import { t } from "../../lib/words.js";
import { html } from "../../lib/view.js";
import { Dialog } from "../../ui/dialog.js";
import { Field } from "../../ui/field.js";
import { notify } from "../../ui/notify.js";

const two = (value) => String(value).padStart(2, "0");

/** Return a time as a field of a form has it, an hour from `now`, at the full quarter. */
export function nextQuarter(now) {
  const at = new Date(Math.ceil((now.getTime() + 3_600_000) / 900_000) * 900_000);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** `planned` is the publication that is changed; without one a new one is planned. */
export function PlanDialog({ channel, planned = null, onClose }) {
  const schedule = useThing(`/v1/schedule/${encodeURIComponent(channel)}`);
  const zone = schedule.body?.zone ?? "";
  const save = async ({ local, note }) => {
    const time = zone ? { local } : { at: new Date(local).toISOString() };
    const change = { ...time, note: note.trim() || null };
    const { body } = planned
      ? await api.patch(`/v1/publications/${planned.id}`, change, { version: planned.version })
      : await api.post("/v1/publications", { channel, ...change });
    notify(body.remark ?? t("releases-planned-done", { channel }));
    onClose();
  };
  return html`<${Dialog} title=${t(planned ? "releases-change-title" : "releases-plan-title", { channel })} onClose=${onClose} onSubmit=${save} submit=${t(planned ? "ui-save" : "releases-plan-do")}>
    <p class="faint">${t("releases-plan-text")}</p>
    <${Field} label=${t("releases-when")} help=${zone ? t("releases-when-zone", { zone }) : t("releases-when-here")} name="local" type="datetime-local" required value=${planned?.local?.slice(0, 16) ?? nextQuarter(new Date())} />
    <${Field} label=${t("releases-note")} name="note" maxlength="500" value=${planned?.note ?? ""} />
  <//>`;
}
