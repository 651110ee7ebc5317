// One playlist: its items, what is done with them, who else is at it, and whether it goes out.

import { api, onceKey } from "../../lib/api.js";
import { useShortcut } from "../../lib/keys.js";
import { useList } from "../../lib/lists.js";
import { go, href } from "../../lib/router.js";
import { may, session } from "../../lib/session.js";
import { ago, duration, t } from "../../lib/words.js";
import { html, useEffect, useMemo, useState } from "../../lib/view.js";
import { totalOf } from "../../parts/item_times.js";
import { Clash } from "../../parts/plans/clash.js";
import { Dialog } from "../../ui/dialog.js";
import { Icon } from "../../ui/icon.js";
import { Menu } from "../../ui/menu.js";
import { attempt, notify } from "../../ui/notify.js";
import { Chip, Page } from "../../ui/page.js";
import { Busy, Empty, ProblemText, Wrong } from "../../ui/states.js";
import { AskReview, CopyPlaylist, DeletePlaylist, History, RenamePlaylist } from "./dialogs.js";
import { copiesOf } from "./edits.js";
import { valueText } from "./item_facts.js";
import { ItemFields } from "./item_fields.js";
import { MediaPanel } from "./media_panel.js";
import { othersIn } from "./people.js";
import { ItemRows } from "./rows.js";
import { Editing } from "./saving.js";
import { StateChip, UsedIn } from "./list.js";

const WIDE = matchMedia("(min-width: 1080px)");

const OLDER_MS = 20_000; // after which it is said anew how long ago somebody was here

function useWide() {
  const [isWide, setWide] = useState(WIDE.matches);
  useEffect(() => {
    const heed = () => setWide(WIDE.matches);
    WIDE.addEventListener("change", heed);
    return () => WIDE.removeEventListener("change", heed);
  }, []);
  return isWide;
}

/** The playlist `id`. */
export function Editor({ id }) {
  const editing = useMemo(() => new Editing(id), [id]);
  useEffect(() => editing.start(), [editing]);
  const list = editing.shown.value;
  const back = { href: href("playlists"), label: t("playlists-title") };
  if (editing.state.value === "failed") return html`<${Page} title=${t("playlists-title")} back=${back}><${Wrong} problem=${editing.problem.value} onRetry=${() => editing.load()} /><//>`;
  if (!list) return html`<${Page} title=${t("playlists-title")} back=${back}><${Busy} lines=${8} /><//>`;
  return html`<${Opened} editing=${editing} list=${list} back=${back} />`;
}

function Opened({ editing, list, back }) {
  const [chosen, setChosen] = useState(new Set());
  const [open, setOpen] = useState(null);
  const isWide = useWide();
  const mine = may("editor", list.space);
  const items = list.items;
  const ids = items.filter((one) => chosen.has(one.id)).map((one) => one.id);
  const undo = (again) => () => attempt(() => editing.undo(again));
  const act = {
    remove: () => {
      editing.edit({ do: "remove_items", ids });
      setChosen(new Set());
      notify(t("playlists-removed", { count: ids.length }), { action: { label: t("ui-undo"), run: undo(false) } });
    },
    copy: () => {
      const edit = copiesOf(items, ids);
      editing.edit(edit);
      setChosen(new Set(edit.parts.map((one) => one.id)));
    },
    add: (parts, place = { at: "last" }) => {
      editing.edit({ do: "add_items", parts, ...place });
      notify(t("playlists-added", { count: parts.length }));
    },
  };
  useShortcut(["z"], t("playlists-undo"), mine && editing.undoable.value.length > 0 ? undo(false) : null);
  useShortcut(["a"], t("playlists-add"), mine ? () => setOpen("add") : null);
  const close = () => setOpen(null);
  const panel = !mine ? null : ids.length > 0
    ? html`<${ItemFields} key="fields" ...${{ editing, list, ids, act }} onClear=${() => setChosen(new Set())} />`
    : html`<${MediaPanel} key="media" onAdd=${act.add} space=${list.space} />`;
  return html`<${Page} full title=${list.name} back=${back} actions=${html`<${Actions} ...${{ editing, list, mine, undo, isWide }} onOpen=${setOpen} />`}>
    <${Facts} editing=${editing} list=${list} mine=${mine} onOpen=${setOpen} />
    <div class=${panel && isWide ? "playlist-desk" : ""}>
      <div class="stack tight">
        ${items.length === 0
          ? html`<${Empty} level=${2} icon="play" title=${t("playlists-empty")} text=${mine ? t("playlists-empty-text") : ""}>${mine && !isWide && html`<button type="button" class="primary" onClick=${() => setOpen("add")}><${Icon} name="plus" />${t("playlists-add")}</button>`}<//>`
          : html`<${ItemRows} ...${{ editing, list, chosen, onChoose: setChosen, act, mine }} />`}
      </div>
      ${panel && isWide && html`<aside class="card playlist-side" aria-label=${ids.length > 0 ? t("playlists-settings") : t("playlists-media")}>${panel}</aside>`}
    </div>
    ${panel && !isWide && ids.length > 0 && html`<div class="playlist-bar"><span class="grow">${t("playlists-chosen", { count: ids.length })}</span><button type="button" onClick=${() => setOpen("fields")}>${t("playlists-settings")}</button></div>`}
    ${!isWide && open === "add" && html`<${Dialog} title=${t("playlists-media")} wide onClose=${close}><${MediaPanel} onAdd=${act.add} space=${list.space} /><//>`}
    ${!isWide && open === "fields" && ids.length > 0 && html`<${Dialog} title=${t("playlists-settings")} onClose=${close}>${panel}<//>`}
    ${open === "rename" && html`<${RenamePlaylist} playlist=${list} onRename=${(name) => editing.edit({ do: "set", set: { name: name.trim() } })} onClose=${close} />`}
    ${open === "copy" && html`<${CopyPlaylist} playlist=${list} onClose=${close} />`}
    ${open === "delete" && html`<${Deleting} list=${list} onClose=${close} />`}
    ${open === "review" && html`<${AskReview} editing=${editing} onClose=${close} />`}
    ${open === "history" && html`<${History} editing=${editing} mayChange=${mine} onClose=${close} />`}
    <${Clash} edits=${clashOf(editing)} fieldName=${(_, field) => (field === null ? t("playlists-clash-whole") : t(`playlists-field-${field}`))} valueText=${({ field, value }) => (field === null ? t("playlists-clash-changed") : valueText(field, value, list))} />
  <//>`;
}

/** Return what Clash asks of a playlist that is edited; leaving it takes what the others made. */
function clashOf(editing) {
  const problem = editing.problem.value;
  const settle = (mine) => editing.settle((clash) => mine.has(problem.clashes.indexOf(clash)));
  return { clash: editing.state.value === "clash" ? { problem } : null, settle, leave: () => settle(new Set()) };
}

function Actions({ editing, list, mine, undo, isWide, onOpen }) {
  const publisher = may("publisher", list.space);
  const more = [
    mine && { label: t("ui-rename"), icon: "edit", onSelect: () => onOpen("rename") },
    may("editor") && { label: t("playlists-copy"), icon: "copy", onSelect: () => onOpen("copy") },
    { label: t("playlists-history"), icon: "clock", onSelect: () => onOpen("history") },
    mine && !publisher && { label: t("playlists-review"), icon: "send", onSelect: () => onOpen("review") },
    mine && publisher && { label: editing.asDraft.value ? t("playlists-save-ready") : t("playlists-save-draft"), icon: "eye", onSelect: () => (editing.asDraft.value = !editing.asDraft.value) },
    mine && { label: t("ui-delete"), icon: "trash", danger: true, onSelect: () => onOpen("delete") },
  ];
  return html`
    ${mine && html`<button type="button" class="quiet icon-only" aria-label=${t("playlists-undo")} title=${t("playlists-undo")} disabled=${editing.undoable.value.length === 0} onClick=${undo(false)}><${Icon} name="undo" /></button>
      <button type="button" class="quiet icon-only playlist-redo" aria-label=${t("playlists-redo")} title=${t("playlists-redo")} disabled=${editing.redoable.value.length === 0} onClick=${undo(true)}><${Icon} name="undo" /></button>`}
    ${list.items.length > 0 && html`<a class="button" href=${href("preview", "playlist", list.id)}><${Icon} name="play" />${t("playlists-preview")}</a>`}
    ${mine && !isWide && html`<button type="button" class="primary" onClick=${() => onOpen("add")}><${Icon} name="plus" />${t("playlists-add")}</button>`}
    <${Menu} label=${t("ui-more")} items=${more} />`;
}

function Facts({ editing, list, mine, onOpen }) {
  const { ms, open } = totalOf(list.items, list.media);
  const known = useList("/v1/playlists", { id: list.id, limit: 1 });
  const channels = known.rows[0]?.channels ?? [];
  const isDraft = list.ready_version !== list.version && editing.pending.value.length === 0;
  const ready = async () => {
    await editing.flush();
    await attempt(async () => {
      await api.post(`${editing.path}/ready`, undefined, { version: editing.base.value.version, key: onceKey() });
      editing.asDraft.value = false;
      notify(t("playlists-made-ready"));
      await editing.load();
    });
  };
  return html`<div class="playlist-facts">
    <span class="number">${t("playlists-items", { count: list.items.length })}</span>
    ${list.items.length > 0 && html`<span class="number" title=${t("playlists-length-help")}>${open > 0 ? t("playlists-total-open", { length: duration(ms), count: open }) : t("playlists-total", { length: duration(ms) })}</span>`}
    <${StateChip} playlist=${list} />
    ${isDraft && mine && list.items.length > 0 && (may("publisher", list.space)
      ? html`<button type="button" onClick=${ready}>${t("playlists-make-ready")}</button>`
      : html`<button type="button" onClick=${() => onOpen("review")}>${t("playlists-review")}</button>`)}
    <span class="row tight"><span class="faint">${t("playlists-shown-in")}</span><${UsedIn} channels=${channels} /></span>
    <span class="grow"></span>
    <${Others} editing=${editing} />
    <${Saved} editing=${editing} />
  </div>`;
}

function Others({ editing }) {
  const [, setNow] = useState(0);
  const now = Date.now();
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), OLDER_MS);
    return () => clearInterval(timer);
  }, []);
  const others = othersIn(editing.history.value, session.value, now);
  return others.map((one) => html`<${Chip} key=${one.name} kind="accent" icon="user">${t("playlists-other", { name: one.name || t("playlists-somebody"), ago: ago(Math.max(0, now - one.at) / 1000) })}<//>`);
}

function Saved({ editing }) {
  const state = editing.state.value;
  if (state === "refused") {
    return html`<div class="wrong playlist-refused" role="alert"><${Icon} name="alert" /><${ProblemText} problem=${editing.problem.value} />
      <button type="button" onClick=${() => editing.flush()}>${t("ui-try-again")}</button><button type="button" onClick=${() => editing.discard()}>${t("playlists-discard")}</button></div>`;
  }
  const isSaved = state === "ready" && editing.pending.value.length === 0;
  return html`<span class="playlist-saved faint" role="status">${isSaved ? html`<${Icon} name="check" size=${16} />` : ""}${isSaved ? t("playlists-saved") : t("playlists-saving")}</span>`;
}

function Deleting({ list, onClose }) {
  const known = useList("/v1/playlists", { id: list.id, limit: 1 });
  if (known.rows.length === 0) return null;
  return html`<${DeletePlaylist} playlist=${known.rows[0]} onClose=${onClose} onDone=${() => go("playlists")} />`;
}
