// Spaces: parts of the content and the screens that different people look after.

import { api } from "../../lib/api.js";
import { useList } from "../../lib/lists.js";
import { t } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { Confirm, Dialog } from "../../ui/dialog.js";
import { Choice, Field, Segments } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Menu } from "../../ui/menu.js";
import { Card, Page } from "../../ui/page.js";
import { attempt, notify } from "../../ui/notify.js";
import { Loaded } from "../../ui/states.js";

const DEFAULT = "default";
const KINDS = ["playlists", "media", "channels", "campaigns", "devices"];
const LENT = ["playlists", "media"];

/** The view of spaces. */
export function View() {
  const list = useList("/v1/spaces");
  const [window, setWindow] = useState(null);
  const close = () => {
    setWindow(null);
    list.reload();
  };
  const items = (one) => [
    { label: t("spaces-move-here"), icon: "right", onSelect: () => setWindow({ kind: "move", space: one }) },
    { label: t("spaces-lend-here"), icon: "link", onSelect: () => setWindow({ kind: "lend", space: one }) },
    { label: t("ui-rename"), icon: "edit", onSelect: () => setWindow({ kind: "name", space: one }) },
    one.id !== DEFAULT && { label: t("spaces-remove"), icon: "trash", danger: true, onSelect: () => setWindow({ kind: "remove", space: one }) },
  ];
  return html`<${Page} title=${t("spaces-title")} lead=${t("spaces-lead")} actions=${html`<button type="button" class="primary" onClick=${() => setWindow({ kind: "name", space: null })}><${Icon} name="plus" size=${18} />${t("spaces-new")}</button>`}>
    <${Loaded} of=${list}>
      <ul class="stack">${list.rows.map((one) => html`<li key=${one.id}><${Card} title=${one.name} actions=${html`<${Menu} label=${t("spaces-actions", { name: one.name })} items=${items(one)} />`}>
        ${one.id === DEFAULT && html`<p class="faint">${t("spaces-default")}</p>`}
        <${Lent} key=${window === null} space=${one} />
      <//></li>`)}</ul>
    <//>
    ${window?.kind === "name" && html`<${NameDialog} space=${window.space} onClose=${close} />`}
    ${(window?.kind === "move" || window?.kind === "lend") && html`<${ThingDialog} ...${window} onClose=${close} />`}
    ${window?.kind === "remove" && html`<${Confirm} title=${t("spaces-remove-title", { name: window.space.name })} text=${t("spaces-remove-text")} verb=${t("spaces-remove")} onConfirm=${() => api.remove(`/v1/spaces/${window.space.id}`)} onClose=${close} />`}
  <//>`;
}

function Lent({ space }) {
  const list = useList(`/v1/spaces/${space.id}/lent`);
  const back = (one) => attempt(async () => {
    await api.remove(`/v1/spaces/${space.id}/lent/${one.kind}/${encodeURIComponent(one.id)}`);
    list.reload();
  });
  return html`<${Loaded} of=${list} lines=${1}>
    ${list.rows.length > 0 && html`<h3>${t("spaces-lent")}</h3><ul class="lent">${list.rows.map((one) => html`<li key=${`${one.kind} ${one.id}`} class="row"><span class="grow cut" title=${one.name}>${t(`spaces-kind-${one.kind}`)}: ${one.name}</span><button type="button" class="quiet" onClick=${() => back(one)} aria-label=${t("spaces-take-back-it", { name: one.name })}>${t("spaces-take-back")}</button></li>`)}</ul>`}
  <//>`;
}

function NameDialog({ space, onClose }) {
  const save = async ({ name }) => {
    await (space ? api.patch(`/v1/spaces/${space.id}`, { name }) : api.post("/v1/spaces", { name }));
    onClose();
  };
  return html`<${Dialog} title=${space ? t("spaces-rename-title", { name: space.name }) : t("spaces-new-title")} onClose=${onClose} onSubmit=${save} submit=${t(space ? "ui-save" : "spaces-new-do")}>
    <${Field} label=${t("ui-name")} name="name" value=${space?.name ?? ""} required maxlength="100" help=${space ? null : t("spaces-new-help")} />
  <//>`;
}

function ThingDialog({ kind, space, onClose }) {
  const [of, setOf] = useState("playlists");
  const [search, setSearch] = useState("");
  const list = useList(`/v1/${of}`, { search, limit: 50 });
  const idOf = (one) => one.id ?? one.channel;
  const options = list.rows.filter((one) => one.space !== space.id).map((one) => ({ value: idOf(one), label: one.name ?? one.channel }));
  const save = async ({ thing }) => {
    const where = kind === "move" ? "things" : "lent";
    await api.put(`/v1/spaces/${space.id}/${where}/${of}/${encodeURIComponent(thing)}`);
    notify(t(kind === "move" ? "spaces-moved" : "spaces-is-lent", { name: options.find((one) => one.value === thing)?.label ?? thing, space: space.name }));
    onClose();
  };
  const kinds = (kind === "move" ? KINDS : LENT).map((value) => ({ value, label: t(`spaces-kind-${value}`) }));
  return html`<${Dialog} title=${t(kind === "move" ? "spaces-move-title" : "spaces-lend-title", { name: space.name })} onClose=${onClose} onSubmit=${save} submit=${t(kind === "move" ? "spaces-move-do" : "spaces-lend-do")} disabled=${options.length === 0}>
    <p class="faint">${t(kind === "move" ? "spaces-move-text" : "spaces-lend-text")}</p>
    <${Segments} label=${t("spaces-what")} options=${kinds} value=${of} onChange=${setOf} />
    <${Field} label=${t("ui-search")} type="search" value=${search} onInput=${(event) => setSearch(event.target.value)} />
    <${Choice} label=${t("spaces-which")} name="thing" options=${options} value=${options[0]?.value} />
  <//>`;
}
