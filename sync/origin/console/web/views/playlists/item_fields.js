// How one item, or many at once, are shown: what is changed here is changed of all that are chosen.

import { t } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { lengthFrom } from "../../parts/item_times.js";
import { Check, Choice, Field } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { common } from "./edits.js";
import { titleOf } from "./item_facts.js";

const FITS = ["", "contain", "cover", "fill"];

/** `ids` are those chosen; `act` copies and removes them. */
export function ItemFields({ editing, list, ids, act, onClear }) {
  const items = list.items.filter((one) => ids.includes(one.id));
  const facts = items.map((one) => list.media[one.media]);
  const [wrong, setWrong] = useState({});
  const change = (set) => editing.edit({ do: "change_items", ids, set });
  const one = items.length === 1 ? items[0] : null;
  const of = (field) => common(items, field);
  const isMixed = (field) => of(field) === undefined;
  const mixed = (field) => (isMixed(field) ? t("playlists-differ") : "");
  const films = facts.some((fact) => fact?.asset?.kind === "video");
  const streams = facts.some((fact) => fact?.url);
  const length = (text) => {
    const ms = lengthFrom(text);
    setWrong({ ...wrong, duration: Number.isNaN(ms) ? t("playlists-length-wrong") : "" });
    if (!Number.isNaN(ms)) change({ duration_ms: ms });
  };
  return html`<div class="stack item-fields">
    <div class="row"><h2 class="grow cut" title=${one ? titleOf(one, list.media) : null}>${one ? titleOf(one, list.media) : t("playlists-chosen", { count: items.length })}</h2>
      <button type="button" class="quiet icon-only" aria-label=${t("playlists-clear")} onClick=${onClear}><${Icon} name="x" /></button></div>
    <div class="row tight"><button type="button" onClick=${act.copy}><${Icon} name="copy" />${t("playlists-duplicate")}</button>
      <button type="button" onClick=${act.remove}><${Icon} name="trash" />${t("playlists-remove")}</button></div>
    ${one && html`<${Typed} key=${`title-${one.id}`} label=${t("playlists-field-title")} value=${one.title ?? ""} placeholder=${list.media[one.media]?.name} maxlength=${200} onDone=${(text) => change({ title: text.trim() || null })} />`}
    <${Typed} key=${`length-${ids[0]}`} label=${t("playlists-field-duration_ms")} help=${t("playlists-length-how")} error=${wrong.duration} value=${of("duration_ms") ? shownLength(of("duration_ms")) : ""} placeholder=${mixed("duration_ms") || t("playlists-length-own")} onDone=${length} />
    ${films && html`<${Check} label=${t("playlists-field-loop")} help=${t("playlists-loop-help")} checked=${of("loop") === true} indeterminate=${isMixed("loop")} onChange=${(event) => change({ loop: event.target.checked })} />`}
    <${Choice} label=${t("playlists-field-fit")} value=${isMixed("fit") ? "?" : of("fit") ?? ""} options=${[...(isMixed("fit") ? [{ value: "?", label: t("playlists-differ"), disabled: true }] : []), ...FITS.map((fit) => ({ value: fit, label: fit ? t(`playlists-fit-${fit}`) : t("playlists-by-screen") }))]} onChange=${(event) => change({ fit: event.target.value || null })} />
    <${Background} value=${of("background")} isMixed=${isMixed("background")} onChange=${(background) => change({ background })} />
    <${Volume} value=${of("volume")} isMixed=${isMixed("volume")} onChange=${(volume) => change({ volume })} />
    <${Times} ...${{ items, of, isMixed, change }} />
    ${streams && html`<${Check} label=${t("playlists-field-ends_with_budget")} help=${t("playlists-budget-help")} checked=${of("ends_with_budget") === true} indeterminate=${isMixed("ends_with_budget")} onChange=${(event) => change({ ends_with_budget: event.target.checked })} />`}
  </div>`;
}

/** A field whose text stays what somebody types, whatever changes meanwhile, until they leave it: then `onDone(text)`. */
function Typed({ value, onDone, ...rest }) {
  const [typed, setTyped] = useState(null);
  const done = (event) => {
    setTyped(null);
    onDone(event.target.value);
  };
  return html`<${Field} ...${rest} value=${typed ?? value} onInput=${(event) => setTyped(event.target.value)} onChange=${done} />`;
}

function shownLength(ms) {
  const seconds = ms / 1000;
  return seconds >= 60 && Number.isInteger(seconds) ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}` : String(seconds);
}

function Background({ value, isMixed, onChange }) {
  return html`<div class="row item-background">
    <${Check} label=${t("playlists-field-background")} checked=${Boolean(value)} indeterminate=${isMixed} onChange=${(event) => onChange(event.target.checked ? "#000000" : null)} />
    ${value && html`<input type="color" aria-label=${t("playlists-field-background")} value=${value} onChange=${(event) => onChange(event.target.value)} />`}
  </div>`;
}

function Volume({ value, isMixed, onChange }) {
  const [moving, setMoving] = useState(null);
  const shown = moving ?? value ?? 100;
  return html`<${Field} type="range" min="0" max="100" step="5" label=${t("playlists-volume-label", { percent: isMixed && moving === null ? t("playlists-differ") : `${shown} %` })} value=${shown}
    onInput=${(event) => setMoving(Number(event.target.value))} onChange=${(event) => (setMoving(null), onChange(Number(event.target.value)))} />`;
}

const local = (instant) => {
  if (!instant) return "";
  const at = new Date(instant);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};

function Times({ items, of, isMixed, change }) {
  const [wrong, setWrong] = useState("");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const set = (field) => (text) => {
    const value = text ? new Date(text).toISOString() : null;
    const [starts, ends] = field === "starts_at" ? [value, of("ends_at")] : [of("starts_at"), value];
    const isWrong = starts && ends && new Date(ends) <= new Date(starts);
    setWrong(isWrong ? t("playlists-ends-before") : "");
    if (!isWrong) change({ [field]: value });
  };
  const has = items.some((one) => one.starts_at || one.ends_at);
  return html`<details class="item-times" open=${has}><summary>${t("playlists-times")}</summary>
    <div class="stack tight">
      <${Typed} type="datetime-local" label=${t("playlists-field-starts_at")} value=${local(of("starts_at"))} help=${isMixed("starts_at") ? t("playlists-differ") : ""} onDone=${set("starts_at")} />
      <${Typed} type="datetime-local" label=${t("playlists-field-ends_at")} error=${wrong} value=${local(of("ends_at"))} help=${isMixed("ends_at") ? t("playlists-differ") : t("playlists-times-zone", { zone })} onDone=${set("ends_at")} />
      <${Choice} label=${t("playlists-field-at_end")} value=${of("at_end") ?? "cut"} options=${["cut", "finish"].map((value) => ({ value, label: t(`playlists-at-end-${value}`) }))} onChange=${(event) => change({ at_end: event.target.value })} />
    </div>
  </details>`;
}
