// One's own passkeys: seen, added, named and removed.

import { api } from "../../lib/api.js";
import { useList, useThing } from "../../lib/lists.js";
import { addPasskey, canUsePasskeys } from "../../lib/passkeys.js";
import { t, when } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { Dialog } from "../../ui/dialog.js";
import { Field } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Menu } from "../../ui/menu.js";
import { Card } from "../../ui/page.js";
import { notify } from "../../ui/notify.js";
import { Loaded } from "../../ui/states.js";
import { OwnPassword } from "./password.js";

const PATH = "/v1/account/passkeys";

/** The card of passkeys. */
export function Passkeys() {
  const list = useList(PATH);
  const ways = useThing("/v1/session/ways");
  const [window, setWindow] = useState(null);
  const close = () => {
    setWindow(null);
    list.reload();
  };
  const isHere = ways.body?.passkeys && canUsePasskeys();
  const items = (one) => [{ label: t("ui-rename"), icon: "edit", onSelect: () => setWindow({ name: one }) }, { label: t("account-remove"), icon: "trash", danger: true, onSelect: () => setWindow({ remove: one }) }];
  return html`<${Card} title=${t("account-passkeys")} actions=${isHere && html`<button type="button" onClick=${() => setWindow({ isNew: true })}>${t("account-add-passkey")}</button>`}>
    <p class="faint">${t(ways.body && !isHere ? "account-no-passkeys" : "account-passkeys-text")}</p>
    <${Loaded} of=${list} lines=${1}><ul class="own-list">${list.rows.map((one) => html`<li key=${one.id} class="row"><${Icon} name="key" /><div class="grow"><b>${one.name}</b><p class="faint small">${t("account-passkey", { host: one.host, since: when(one.created_at), used: one.used_at ? when(one.used_at) : "no" })}</p></div><${Menu} label=${t("account-actions", { name: one.name })} items=${items(one)} /></li>`)}</ul><//>
    ${window && html`<${Window} ...${window} onClose=${close} />`}
  <//>`;
}

function Window({ isNew, name: named, remove, onClose }) {
  const done = (work) => async (values) => {
    await work(values);
    onClose();
  };
  const nameField = html`<${Field} label=${t("ui-name")} help=${t("account-passkey-name")} name="name" value=${named?.name ?? ""} maxlength="100" required />`;
  if (isNew) {
    const add = done(async ({ name, password }) => {
      await addPasskey(name, password);
      notify(t("account-passkey-added", { name }));
    });
    return html`<${Dialog} title=${t("account-add-passkey")} onClose=${onClose} onSubmit=${add} submit=${t("account-go-on")}><p>${t("account-add-text")}</p>${nameField}<${OwnPassword} /><//>`;
  }
  if (named) return html`<${Dialog} title=${t("account-rename", { name: named.name })} onClose=${onClose} onSubmit=${done(({ name }) => api.patch(`${PATH}/${named.id}`, { name }))} submit=${t("ui-save")}>${nameField}<//>`;
  return html`<${Dialog} title=${t("account-remove-title", { name: remove.name })} onClose=${onClose} onSubmit=${done(({ password }) => api.post(`${PATH}/${remove.id}/removal`, { password }))} submit=${t("account-remove")} danger><p>${t("account-remove-text")}</p><${OwnPassword} /><//>`;
}
