// What a line shows: pictures and films in turn.

import { useThing } from "../../../lib/lists.js";
import { html, useState } from "../../../lib/view.js";
import { duration, t } from "../../../lib/words.js";
import { Icon } from "../../../ui/icon.js";
import { Picture } from "../../../ui/picture.js";
import { ChooseMedia } from "./choose_media.js";
import { newCreative } from "../draft.js";
import { useTyped } from "../../../parts/typed.js";

const PICTURE_S = 10;

/** `media` has the facts of those that are stored, by id. */
export function Creatives({ line, media, change }) {
  const [isChoosing, setChoosing] = useState(false);
  const set = (creatives) => change({ creatives });
  const add = (rows) => {
    set([...line.creatives, ...rows.map(newCreative)]);
    setChoosing(false);
  };
  return html`<div class="stack tight">
    <span class="legend">${t("campaigns-shows")}</span>
    ${line.creatives.length === 0 && html`<p class="faint">${t("campaigns-shows-nothing")}</p>`}
    <ul class="creatives">${line.creatives.map((one) => html`<li key=${one.id}><${Creative} ...${{ creative: one, fact: media[one.media] }} onChange=${(fields) => set(line.creatives.map((other) => (other.id === one.id ? { ...other, ...fields } : other)))} onRemove=${() => set(line.creatives.filter(({ id }) => id !== one.id))} /></li>`)}</ul>
    <div><button type="button" onClick=${() => setChoosing(true)}><${Icon} name="image" />${t("campaigns-add-creative")}</button></div>
    ${isChoosing && html`<${ChooseMedia} onChoose=${add} onClose=${() => setChoosing(false)} />`}
  </div>`;
}

function Creative({ creative, fact, onChange, onRemove }) {
  const own = useThing(fact ? null : `/v1/media/${creative.media}`);
  const name = creative.title ?? fact?.name ?? own.body?.name ?? "…";
  const asset = fact?.asset ?? own.body?.asset;
  const isFilm = asset?.duration_ms;
  const hasPicture = Boolean(asset); // a stream has none
  const seconds = creative.duration_ms === null ? "" : creative.duration_ms / 1000;
  const length = useTyped(seconds, (text) => onChange({ duration_ms: text === "" ? null : Math.max(100, Math.round(Number(text) * 1000)) }));
  return html`<div class="creative">
    <${Picture} src=${hasPicture ? `/v1/media/${creative.media}/thumbnail` : null} icon=${asset ? (isFilm ? "play" : "image") : "globe"} badge=${isFilm ? duration(asset.duration_ms) : null} />
    <span class="cut-2" title=${name}>${name}</span>
    <div class="row tight">
      <input type="number" class="grow" min="0.1" max="86400" step="any" ...${length} placeholder=${isFilm ? t("campaigns-whole-film") : PICTURE_S} aria-label=${t("campaigns-seconds-of", { name })} />
      <span class="faint">${t("campaigns-seconds")}</span>
      <button type="button" class="quiet icon-only" aria-label=${t("campaigns-remove-creative", { name })} onClick=${onRemove}><${Icon} name="trash" size=${18} /></button>
    </div>
  </div>`;
}
