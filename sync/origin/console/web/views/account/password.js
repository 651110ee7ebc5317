// Changes one's own password, and asks for it before what only its owner may do.

import { api } from "../../lib/api.js";
import { t } from "../../lib/words.js";
import { html } from "../../lib/view.js";
import { chosenPassword, PasswordFields } from "../../parts/people/new_password.js";
import { Dialog } from "../../ui/dialog.js";
import { Field } from "../../ui/field.js";
import { notify } from "../../ui/notify.js";

/** The field of one's own password. */
export const OwnPassword = ({ name = "password" }) => html`<${Field} label=${t("account-own-password")} name=${name} type="password" autocomplete="current-password" maxlength="256" required />`;

/** The window that changes one's own password. */
export function PasswordDialog({ onClose }) {
  const save = async ({ current, ...values }) => {
    await api.put("/v1/account/password", { current, password: chosenPassword(values) });
    notify(t("account-password-changed"));
    onClose();
  };
  return html`<${Dialog} title=${t("account-change-password")} onClose=${onClose} onSubmit=${save} submit=${t("account-change-do")}>
    <p>${t("account-elsewhere")}</p><${OwnPassword} name="current" /><${PasswordFields} />
  <//>`;
}
