// A screen in the list: as a row of the table, and as a picture.

import { ago, t, when } from "../../lib/words.js";
import { href } from "../../lib/router.js";
import { html } from "../../lib/view.js";
import { Icon } from "../../ui/icon.js";
import { Chip } from "../../ui/page.js";
import { Picture } from "../../ui/picture.js";
import { mediaOf, now, useScreen } from "./known.js";
import { percentOf, summaryOf } from "./state.js";

const LOOKS = {
  dark: ["bad", "alert"],
  silent: ["bad", "offline"],
  warning: ["warn", "alert"],
  late: ["warn", "clock"],
  changing: ["accent", "refresh"],
  new: ["plain", "clock"],
  fine: ["good", "check"],
};

/** How bad it is, in a word. */
export function Level({ level }) {
  const [kind, icon] = LOOKS[level];
  return html`<${Chip} kind=${kind} icon=${icon}>${t(`screens-level-${level}`)}<//>`;
}

/** How old a fact is; what nobody measured says that it is expected. */
export function Age({ ms, isExpected = false }) {
  if (ms === null) return null;
  return html`<span class="age" title=${when(now.value - ms)}>${isExpected ? t("screens-expected") : t("screens-said", { ago: ago(ms / 1000) })}</span>`;
}

/** The picture of what a screen said that it shows: that of the media, for no screen sends photographs. */
export function Shown({ device, ratio }) {
  const on_air = device.heartbeat?.on_air;
  const media = mediaOf(on_air?.asset ?? "").value;
  const icon = !device.online ? "offline" : on_air ? "monitor" : "alert";
  return html`<${Picture} src=${device.online ? media?.thumbnail : null} icon=${icon} ratio=${ratio} />`;
}

function Box({ device, chosen, onChoose }) {
  if (!onChoose) return null;
  return html`<label class="pick"><input type="checkbox" aria-label=${t("ui-choose", { name: device.name })} checked=${chosen} onChange=${() => onChoose(device)} /></label>`;
}

const sentenceOf = ({ id, values }) => t(id, values);

/** A row. */
export function ScreenRow({ device: listed, chosen, onChoose }) {
  const device = useScreen(listed);
  const summary = summaryOf(device, now.value);
  return html`<div class=${`screen-row ${summary.level}`} data-level=${summary.level}>
    <${Box} device=${listed} chosen=${chosen} onChoose=${onChoose} />
    <div class="screen-picture"><${Shown} device=${device} /></div>
    <div class="screen-name">
      <a class="cut" href=${href("screens", device.id)} title=${device.name}>${device.name}</a>
      <span class="faint cut" title=${device.channel}>${device.channel}</span>
    </div>
    <div class="screen-level"><${Level} level=${summary.level} /></div>
    <div class="screen-says">
      <span class="cut-2" title=${sentenceOf(summary)}>${sentenceOf(summary)}</span>
      <${Age} ms=${summary.age_ms} isExpected=${summary.isExpected} />
    </div>
    <div class="screen-release"><${Release} device=${device} /></div>
  </div>`;
}

function Release({ device: { sequence, channel_sequence: newest, heartbeat } }) {
  const coming = heartbeat?.coming;
  if (coming) return html`<progress max="100" value=${percentOf(coming)} aria-label=${t("screens-fetching")}></progress>`;
  if (newest === 0) return html`<span class="faint">${t("screens-none-published")}</span>`;
  return html`<span class="number">${sequence ? t("screens-release", { sequence }) : "–"}</span>`;
}

/** A picture of what it shows, with its name and how bad it is. */
export function ScreenTile({ device: listed, chosen, onChoose }) {
  const device = useScreen(listed);
  const summary = summaryOf(device, now.value);
  return html`<article class=${`screen-tile ${summary.level}`} data-level=${summary.level}>
    <a class="tile-picture" href=${href("screens", device.id)} aria-label=${device.name}><${Shown} device=${device} /></a>
    <${Box} device=${listed} chosen=${chosen} onChoose=${onChoose} />
    <div class="tile-text">
      <b class="cut" title=${device.name}>${device.name}</b>
      <div class="row tight"><${Level} level=${summary.level} /><span class="grow"></span><${Age} ms=${summary.age_ms} isExpected=${summary.isExpected} /></div>
      <span class="cut-2" title=${sentenceOf(summary)}>${sentenceOf(summary)}</span>
    </div>
  </article>`;
}
