// The folders of media as a tree: what is dropped on one comes to lie in it.

import { api } from "../../lib/api.js";
import { query as setQuery, route } from "../../lib/router.js";
import { t } from "../../lib/words.js";
import { html, useMemo, useState } from "../../lib/view.js";
import { Confirm, Dialog } from "../../ui/dialog.js";
import { Choice, Field } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Menu } from "../../ui/menu.js";
import { attempt, notify } from "../../ui/notify.js";
import { Wrong } from "../../ui/states.js";
import { DRAGGED } from "./entries.js";
import { allIn, targetsOf, treeOf } from "./facts.js";

/** `list` has the folders, `chosen` is the id of the one that is seen, `none` for what lies in no folder, empty for all. */
export function Folders({ list, chosen, mayChange }) {
  const [open, setOpen] = useState(null);
  const tree = useMemo(() => treeOf(list.rows), [list.rows]);
  const held = list.rows.find(({ id }) => id === chosen);
  const close = () => setOpen(null);
  const items = held && [
    { label: t("media-folder-inside"), icon: "plus", onSelect: () => setOpen({ what: "make", parent: held.id }) },
    { label: t("ui-rename"), icon: "edit", onSelect: () => setOpen({ what: "rename", folder: held }) },
    { label: t("media-move"), icon: "folder", onSelect: () => setOpen({ what: "move", folder: held }) },
    { label: t("ui-delete"), icon: "trash", danger: true, onSelect: () => setOpen({ what: "remove", folder: held }) },
  ];
  const places = [{ value: "", label: t("media-folder-all") }, ...list.rows.map((one) => ({ value: one.id, label: one.path.join(" / ") })), { value: "none", label: t("media-folder-none") }];
  return html`<nav class="folders" aria-label=${t("media-folders")}>
    <div class="folders-head"><h2>${t("media-folders")}</h2>
      ${mayChange && html`<button type="button" class="quiet icon-only" aria-label=${t("media-folder-new")} title=${t("media-folder-new")} onClick=${() => setOpen({ what: "make", parent: null })}><${Icon} name="plus" size=${18} /></button>`}
      ${mayChange && held && html`<${Menu} label=${t("media-folder-more", { name: held.name })} items=${items} />`}
    </div>
    ${list.state === "failed" && list.rows.length === 0 && html`<${Wrong} problem=${list.problem} onRetry=${list.reload} />`}
    <div class="folders-phone"><${Choice} unseen label=${t("media-folders")} value=${chosen} options=${places} onChange=${(event) => setQuery({ folder: event.target.value })} /></div>
    <ul class="folders-wide">
      <li><${Place} id="" icon="layers" name=${t("media-folder-all")} chosen=${chosen} /></li>
      <${Branches} nodes=${tree} chosen=${chosen} level=${0} mayChange=${mayChange} />
      ${list.rows.length > 0 && html`<li><${Place} id="none" icon="image" name=${t("media-folder-none")} chosen=${chosen} into=${mayChange ? null : undefined} /></li>`}
    </ul>
    ${open?.what === "make" && html`<${NameDialog} title=${t("media-folder-new")} submit=${t("media-folder-make")} onClose=${close} onName=${(name) => made(name, open.parent)} />`}
    ${open?.what === "rename" && html`<${NameDialog} title=${t("media-folder-rename")} submit=${t("ui-rename")} name=${open.folder.name} onClose=${close} onName=${(name) => changed(open.folder, { name })} />`}
    ${open?.what === "move" && html`<${MoveFolder} folder=${open.folder} folders=${list.rows} onClose=${close} />`}
    ${open?.what === "remove" && html`<${Confirm} title=${t("media-folder-delete", { name: open.folder.name })} text=${t("media-folder-delete-text")} verb=${t("ui-delete")} onClose=${close} onConfirm=${() => removed(open.folder)} />`}
  </nav>`;
}

function Branches({ nodes, chosen, level, mayChange }) {
  return nodes.map((node) => html`<li key=${node.id}>
    <${Place} id=${node.id} icon="folder" name=${node.name} count=${allIn(node)} chosen=${chosen} level=${level} into=${mayChange ? node.id : undefined} />
    ${node.children.length > 0 && html`<ul><${Branches} nodes=${node.children} chosen=${chosen} level=${level + 1} mayChange=${mayChange} /></ul>`}
  </li>`);
}

/** A place to look at; with `into` (a folder, or null for none) media can be dropped on it. */
function Place({ id, icon, name, count, chosen, level = 0, into }) {
  const [isOver, setOver] = useState(false);
  const takes = (event) => into !== undefined && event.dataTransfer.types.includes(DRAGGED);
  const over = (event) => {
    if (!takes(event)) return;
    event.preventDefault();
    setOver(true);
  };
  const drop = (event) => {
    if (!takes(event)) return;
    event.preventDefault();
    setOver(false);
    const media = JSON.parse(event.dataTransfer.getData(DRAGGED));
    attempt(async () => {
      await api.patch("/v1/media", { media, folder: into });
      notify(t("media-moved", { count: media.length, name }));
    });
  };
  return html`<button type="button" class=${`folder ${isOver ? "is-over" : ""}`} style=${{ paddingInlineStart: `${10 + level * 16}px` }} aria-current=${id === chosen ? "true" : null} onClick=${() => setQuery({ folder: id })} onDragOver=${over} onDragLeave=${() => setOver(false)} onDrop=${drop}>
    <${Icon} name=${icon} size=${18} /><span class="cut grow" title=${name}>${name}</span>${count !== undefined && html`<span class="number">${count}</span>`}
  </button>`;
}

async function made(name, parent) {
  const { body } = await api.post("/v1/media/folders", { name, ...(parent && { parent }) });
  setQuery({ folder: body.id });
}

const changed = (folder, change) => api.patch(`/v1/media/folders/${folder.id}`, change, { version: folder.version });

async function removed(folder) {
  await api.remove(`/v1/media/folders/${folder.id}`, { version: folder.version });
  if (route.value.query.folder === folder.id) setQuery({ folder: folder.parent ?? "" });
}

function NameDialog({ title, submit, name = "", onName, onClose }) {
  const send = async ({ name: given }) => {
    await onName(given.trim());
    onClose();
  };
  return html`<${Dialog} title=${title} onClose=${onClose} onSubmit=${send} submit=${submit}><${Field} label=${t("ui-name")} name="name" value=${name} required maxlength="200" /><//>`;
}

function MoveFolder({ folder, folders, onClose }) {
  const send = async ({ parent }) => {
    await changed(folder, { parent: parent || null });
    onClose();
  };
  const options = [{ value: "", label: t("media-folder-top") }, ...targetsOf(folders, folder.id).map((one) => ({ value: one.id, label: one.path.join(" / ") }))];
  return html`<${Dialog} title=${t("media-folder-move", { name: folder.name })} onClose=${onClose} onSubmit=${send} submit=${t("media-move")}><${Choice} label=${t("media-folder-into")} name="parent" value=${folder.parent ?? ""} options=${options} /><//>`;
}
