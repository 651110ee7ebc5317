// The page that a one-time link opens: it sets a password.

import { api } from "../lib/api.js";
import { t } from "../lib/words.js";
import { html, useState } from "../lib/view.js";
import { Form } from "../ui/dialog.js";
import { Field } from "../ui/field.js";
import { Brand } from "./navigation.js";
import { LogIn } from "./log_in.js";

const CODE = /^#code=([\w-]+)$/;

addEventListener("hashchange", () => CODE.test(location.hash) && location.reload());

/** Return whether the page was opened by a one-time link. */
export const isLink = () => CODE.test(location.hash);

/** Return the new password of a form; throws what is said beside the second field if they differ. */
export function chosenPassword({ password, again }) {
  if (password === again) return password;
  throw Object.assign(new Error(), { status: 422, code: "passwords-differ", fields: { again: t("shell-passwords-differ") } });
}

/** The two fields of a new password. */
export function PasswordFields() {
  return html`
    <${Field} label=${t("shell-new-password")} help=${t("shell-new-password-help")} name="password" type="password" autocomplete="new-password" minlength="12" maxlength="256" required />
    <${Field} label=${t("shell-password-again")} name="again" type="password" autocomplete="new-password" required />`;
}

/** The form that sets a password by the code of the link. */
export function SetPassword() {
  const [isSet, setSet] = useState(false);
  const send = async (values) => {
    const [, code] = CODE.exec(location.hash);
    await api.post("/v1/account/reset", { code, password: chosenPassword(values) }, { renews: false });
    history.replaceState(null, "", location.pathname);
    setSet(true);
  };
  if (isSet) return html`<div class="stack"><p class="chip good" role="status">${t("shell-password-set")}</p><${LogIn} /></div>`;
  return html`<div class="log-in">
    <${Brand} />
    <div class="card"><h2>${t("shell-set-password")}</h2><${Form} onSubmit=${send} submit=${t("shell-set-password-do")}><${PasswordFields} /><//></div>
  </div>`;
}
