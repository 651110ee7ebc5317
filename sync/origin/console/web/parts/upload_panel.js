// Files are dropped anywhere in the console; what becomes of each is seen in a corner.

import { route } from "../lib/router.js";
import { may } from "../lib/session.js";
import { bytes, said, t } from "../lib/words.js";
import { html, useEffect, useState } from "../lib/view.js";
import { Icon } from "../ui/icon.js";
import { attempt } from "../ui/notify.js";
import { ACTIVE, shownOf, totalsOf } from "./upload_queue.js";
import { addFiles, cancelUpload, clearUploads, forgetUnfinished, lookForUnfinished, pauseUpload, resumeUpload, unfinished, uploads } from "./uploads.js";

const MOST_SHOWN = 30;

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

/** The files of what was dropped, also those inside folders. */
async function filesOf(items) {
  const entries = [...items].map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  return (await Promise.all(entries.filter(Boolean).map(walked))).flat();
}

async function walked(entry) {
  if (entry instanceof File) return [entry];
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // 100 at a time
    if (some.length === 0) return (await Promise.all(found.map(walked))).flat();
    found.push(...some);
  }
}

/** Where dropped files go to: the folder that is seen, if it is one. */
function placeOf({ view, query }) {
  return view === "media" && query.folder && query.folder !== "none" ? query.folder : null;
}

/** What takes dropped files wherever the pointer is, and the list of what is sent. */
export function Uploads() {
  const [isOver, setOver] = useState(false);
  const mayAdd = may("editor");
  useEffect(() => {
    if (!mayAdd) return undefined;
    let inside = 0;
    const over = (step) => (event) => {
      if (!carriesFiles(event)) return;
      inside = Math.max(0, inside + step);
      setOver(inside > 0);
    };
    const drop = (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      inside = 0;
      setOver(false);
      const folder = placeOf(route.value);
      attempt(async () => addFiles(await filesOf(event.dataTransfer.items), { folder }));
    };
    const hold = (event) => carriesFiles(event) && event.preventDefault();
    const warn = (event) => uploads.value.some(({ state }) => ACTIVE.has(state)) && event.preventDefault();
    const listened = { dragenter: over(1), dragleave: over(-1), dragover: hold, drop, beforeunload: warn };
    for (const [name, listen] of Object.entries(listened)) addEventListener(name, listen);
    lookForUnfinished().catch(() => {}); // only a convenience: the media view lists them, too
    return () => {
      for (const [name, listen] of Object.entries(listened)) removeEventListener(name, listen);
    };
  }, [mayAdd]);
  return html`
    ${isOver && html`<div class="drop-here" aria-hidden="true"><div><${Icon} name="upload" size=${40} /><b>${t("parts-drop-here")}</b></div></div>`}
    ${(uploads.value.length > 0 || unfinished.value.length > 0) && html`<${Panel} />`}
  `;
}

function Panel() {
  const totals = totalsOf(uploads.value);
  const isAllWell = totals.count > 0 && totals.ready === totals.count && unfinished.value.length === 0;
  const [wish, setWish] = useState({ isOpen: null, isAllWell });
  const isOpen = wish.isOpen !== null && wish.isAllWell === isAllWell ? wish.isOpen : !isAllWell;
  const shown = shownOf(uploads.value, MOST_SHOWN);
  const isBusy = totals.active > 0;
  const headline = headlineOf(totals);
  return html`<section class="uploads" aria-label=${t("parts-uploads")}>
    <div class="uploads-head">
      <b class="grow" role="status">${headline}</b>
      ${isBusy && html`<button type="button" class="quiet" onClick=${() => pauseUpload()}>${t("parts-pause")}</button>`}
      ${!isBusy && totals.paused > 0 && html`<button type="button" class="quiet" onClick=${() => resumeUpload()}>${t("parts-go-on")}</button>`}
      ${!isBusy && totals.count > 0 && html`<button type="button" class="quiet" onClick=${clearUploads}>${t("parts-clear")}</button>`}
      <button type="button" class="quiet icon-only" aria-expanded=${String(isOpen)} aria-label=${t("parts-show-uploads")} onClick=${() => setWish({ isOpen: !isOpen, isAllWell })}><${Icon} name=${isOpen ? "down" : "up"} /></button>
    </div>
    ${totals.count > 0 && html`<progress max=${Math.max(1, totals.size)} value=${totals.bytes} aria-label=${headline}></progress>`}
    ${isOpen && html`<ul>
      ${shown.map((one) => html`<${Entry} key=${one.key} of=${one} />`)}
      ${uploads.value.length > shown.length && html`<li class="faint">${t("parts-more-uploads", { count: uploads.value.length - shown.length })}</li>`}
      ${unfinished.value.slice(0, MOST_SHOWN).map((one) => html`<${Unfinished} key=${one.id} of=${one} />`)}
    </ul>`}
  </section>`;
}

function headlineOf(totals) {
  if (totals.count === 0) return t("parts-unfinished");
  if (totals.active > 0) return t("parts-sending", totals);
  if (totals.paused > 0) return t("parts-paused", totals);
  return t(totals.preparing > 0 ? "parts-preparing" : "parts-sent", totals);
}

const ICONS = { failed: "alert", unfit: "alert", ready: "check", paused: "pause", waiting: "clock", retrying: "offline" };

function Entry({ of: one }) {
  const { key, name, size, sent, state, problem, media, sameAs } = one;
  const percent = size > 0 ? Math.floor((100 * sent) / size) : 100;
  const isBad = state === "failed" || state === "unfit";
  return html`<li class=${`upload ${state}`}>
    <${Icon} name=${ICONS[state] ?? "upload"} size=${18} />
    <div class="grow">
      <span class="cut" title=${name}>${media && state !== "preparing" ? html`<a href=${`#/media/${media}`}>${name}</a>` : name}</span>
      <small class=${isBad ? "is-bad" : "faint"}>${textOf(one, percent)}</small>
      ${sameAs && html`<small><a href=${`#/media/${sameAs}`}>${t("parts-same")}</a></small>`}
      ${state === "sending" && html`<progress max="100" value=${percent} aria-label=${t("parts-percent", { name, percent })}></progress>`}
    </div>
    ${ACTIVE.has(state) && html`<button type="button" class="quiet icon-only" aria-label=${t("parts-pause-one", { name })} onClick=${() => pauseUpload(key)}><${Icon} name="pause" size=${16} /></button>`}
    ${(state === "paused" || state === "failed") && html`<button type="button" class="quiet icon-only" aria-label=${t("parts-go-on-one", { name })} onClick=${() => resumeUpload(key)}><${Icon} name="play" size=${16} /></button>`}
    ${(ACTIVE.has(state) || state === "paused" || state === "failed") && html`<button type="button" class="quiet icon-only" aria-label=${t("parts-cancel-one", { name })} onClick=${() => attempt(() => cancelUpload(key))}><${Icon} name="x" size=${16} /></button>`}
  </li>`;
}

function textOf({ state, size, problem, progress, note }, percent) {
  if (state === "failed") return problem.code === "unreadable" ? t("parts-unreadable") : said(problem).text || t("parts-refused");
  if (state === "unfit" || (state === "ready" && note)) return note;
  if (state === "sending") return percent < 100 ? t("parts-percent-of", { percent, size: bytes(size) }) : t("parts-checking-it");
  return t(`parts-state-${state}`, { size: bytes(size), progress: progress ?? 0 });
}

function Unfinished({ of: one }) {
  const percent = one.size_bytes > 0 ? Math.floor((100 * one.offset_bytes) / one.size_bytes) : 100;
  const choose = (event) => addFiles(event.target.files, { folder: placeOf(route.value) });
  return html`<li class="upload unfinished">
    <${Icon} name="info" size=${18} />
    <div class="grow"><span class="cut" title=${one.name}>${one.name}</span><small class="faint">${t("parts-choose-again", { percent })}</small></div>
    <label class="button"><input type="file" class="unseen" aria-label=${t("parts-choose-one", { name: one.name })} onChange=${choose} />${t("parts-choose")}</label>
    <button type="button" class="quiet icon-only" aria-label=${t("parts-forget-one", { name: one.name })} onClick=${() => attempt(() => forgetUnfinished(one.id))}><${Icon} name="x" size=${16} /></button>
  </li>`;
}
