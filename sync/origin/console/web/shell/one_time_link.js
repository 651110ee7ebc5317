// The page that a one-time link opens: it sets a password.

import { api } from "../lib/api.js";
import { go } from "../lib/router.js";
import { t } from "../lib/words.js";
import { html, useState } from "../lib/view.js";
import { chosenPassword, PasswordFields } from "../parts/people/new_password.js";
import { Form } from "../ui/dialog.js";
import { Brand } from "./navigation.js";
import { LogIn } from "./log_in.js";

const CODE = /^#code=([\w-]+)$/;

addEventListener("hashchange", () => CODE.test(location.hash) && location.reload());

/** Return whether the page was opened by a one-time link. */
export const isLink = () => CODE.test(location.hash);

/** The form that sets a password by the code of the link. */
export function SetPassword() {
  const [isSet, setSet] = useState(false);
  const send = async (values) => {
    const [, code] = CODE.exec(location.hash);
    await api.post("/v1/account/reset", { code, password: chosenPassword(values) }, { renews: false });
    go("start", "", "", {}, { replace: true }); // the code counts once
    setSet(true);
  };
  if (isSet) return html`<div class="stack"><p class="chip good" role="status">${t("shell-password-set")}</p><${LogIn} /></div>`;
  return html`<div class="log-in">
    <${Brand} />
    <div class="card"><h2>${t("shell-set-password")}</h2><${Form} onSubmit=${send} submit=${t("shell-set-password-do")}><${PasswordFields} /><//></div>
  </div>`;
}
