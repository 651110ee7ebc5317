// What a channel has beside its dayparts: its zone, what plays otherwise, the picture when nothing can, how often ads come.

import { useList, useThing } from "../../lib/lists.js";
import { t } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { Dialog } from "../../ui/dialog.js";
import { Choice, Field } from "../../ui/field.js";
import { Card } from "../../ui/page.js";
import { Picture } from "../../ui/picture.js";
import { PlaylistChoice } from "./daypart_dialog.js";

/** The zones that this browser knows. */
export const ZONES = Intl.supportedValuesOf?.("timeZone") ?? [];

/** A field for a zone, with those that there are. */
export function ZoneField({ value, help = t("schedule-zone-help") }) {
  return html`<${Field} label=${t("schedule-zone")} name="zone" list="zones" value=${value ?? ""} placeholder="Europe/Berlin" autocomplete="off" spellcheck=${false} help=${help} />
    <datalist id="zones">${ZONES.map((zone) => html`<option key=${zone} value=${zone} />`)}</datalist>`;
}

/** The settings as text, with what changes them. */
export function Settings({ schedule, names, canEdit, onSave }) {
  const [isOpen, setOpen] = useState(false);
  const fallback = useThing(schedule.fallback ? `/v1/media/${schedule.fallback}` : null);
  const { every_items: every, ads } = schedule.break_rule;
  const rows = [
    ["schedule-zone", schedule.zone ?? t("schedule-no-zone")],
    ["schedule-default", schedule.default_playlist ? (names.get(schedule.default_playlist) ?? t("schedule-unknown-playlist")) : t("schedule-nothing")],
    ["schedule-breaks", t("schedule-breaks-are", { ads, every })],
    ["schedule-fallback-picture", schedule.fallback ? (fallback.body?.name ?? "…") : t("schedule-fallback-own")],
  ];
  const actions = canEdit && html`<button type="button" onClick=${() => setOpen(true)}>${t("schedule-settings-change")}</button>`;
  return html`<${Card} title=${t("schedule-settings")} actions=${actions}>
    <dl class="facts">${rows.map(([id, value]) => html`<div key=${id}><dt>${t(id)}</dt><dd>${value}</dd></div>`)}</dl>
    ${fallback.body?.thumbnail && html`<div class="fallback-picture"><${Picture} src=${`/v1/media/${schedule.fallback}/thumbnail`} /></div>`}
    ${isOpen && html`<${SettingsDialog} ...${{ schedule, onSave }} onClose=${() => setOpen(false)} />`}
  <//>`;
}

function SettingsDialog({ schedule: newest, onSave, onClose }) {
  const [schedule] = useState(newest); // others may change it meanwhile
  const playlists = useList("/v1/playlists", { limit: 1000 });
  const pictures = useList("/v1/media", { kind: "picture", state: "ready", limit: 500 });
  const { break_rule: rule } = schedule;
  const save = async (values) => {
    const set = { zone: values.zone || null, default_playlist: values.default_playlist || null, fallback: values.fallback || null };
    const wanted = { ...set, break_rule: { every_items: Number(values.every_items), ads: Number(values.ads) } };
    const changed = Object.entries(wanted).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(schedule[name] ?? null));
    if (changed.length > 0) await onSave(Object.fromEntries(changed), schedule.version);
    onClose();
  };
  const options = [{ value: "", label: t("schedule-fallback-own") }, ...pictures.rows.map(({ id, name }) => ({ value: id, label: name }))];
  return html`<${Dialog} title=${t("schedule-settings-of", { channel: schedule.channel })} onClose=${onClose} onSubmit=${save} submit=${t("ui-save")}>
    <${ZoneField} value=${schedule.zone} />
    <${PlaylistChoice} playlists=${playlists} value=${schedule.default_playlist} name="default_playlist" label=${t("schedule-default")} none />
    <small class="faint">${t("schedule-default-help")}</small>
    <div class="fields">
      <${Field} label=${t("schedule-ads")} name="ads" type="number" min="1" max="20" required value=${rule.ads} />
      <${Field} label=${t("schedule-every-items")} name="every_items" type="number" min="1" max="1000" required value=${rule.every_items} />
    </div>
    <${Choice} label=${t("schedule-fallback-picture")} name="fallback" value=${schedule.fallback ?? ""} options=${options} help=${t("schedule-fallback-help")} />
  <//>`;
}
