// The codes of an authenticator app that one logs in with besides the password.

import { api } from "../../lib/api.js";
import { t } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { Dialog } from "../../ui/dialog.js";
import { Field } from "../../ui/field.js";
import { Card } from "../../ui/page.js";
import { attempt } from "../../ui/notify.js";
import { OwnPassword } from "./password.js";

const PATH = "/v1/account/second-factor";

/** The card of the second factor; `codes` is how many recovery codes are left. */
export function SecondFactor({ person, codes, onDone }) {
  const [window, setWindow] = useState(null);
  const begin = () => attempt(async () => setWindow({ offered: (await api.post(PATH)).body }));
  const close = () => {
    setWindow(null);
    onDone();
  };
  const tell = ({ body }) => setWindow({ told: body.recovery_codes });
  const actions = person.has_second_factor
    ? html`<button type="button" onClick=${() => setWindow({ renew: true })}>${t("account-new-codes")}</button><button type="button" class="quiet" onClick=${() => setWindow({ drop: true })}>${t("account-drop")}</button>`
    : html`<button type="button" onClick=${begin}>${t("account-set-up")}</button>`;
  return html`<${Card} title=${t("account-factor")} actions=${actions}>
    <p class="faint">${person.has_second_factor ? t("account-factor-on", { codes }) : t("account-factor-off")}</p>
    ${window?.offered && html`<${SetUp} offered=${window.offered} onTold=${tell} onClose=${close} />`}
    ${window?.renew && html`<${Dialog} title=${t("account-new-codes")} onClose=${close} onSubmit=${async ({ password }) => tell(await api.post("/v1/account/recovery-codes", { password }))} submit=${t("account-make-codes")}><p>${t("account-old-codes")}</p><${OwnPassword} /><//>`}
    ${window?.drop && html`<${Dialog} title=${t("account-drop-title")} onClose=${close} onSubmit=${async ({ password }) => { await api.post(`${PATH}/removal`, { password }); close(); }} submit=${t("account-drop")} danger><p>${t("account-drop-text")}</p><${OwnPassword} /><//>`}
    ${window?.told && html`<${Dialog} title=${t("account-codes")} onClose=${close}><p>${t("account-codes-text")}</p><ul class="codes">${window.told.map((code) => html`<li key=${code}><code>${code}</code></li>`)}</ul><div class="actions"><button type="button" class="primary" onClick=${close}>${t("parts-have-it")}</button></div><//>`}
  <//>`;
}

function SetUp({ offered: { secret, picture }, onTold, onClose }) {
  const use = async ({ code, password }) => onTold(await api.put(PATH, { password, secret, code }));
  return html`<${Dialog} title=${t("account-set-up")} onClose=${onClose} onSubmit=${use} submit=${t("account-use")}>
    <p>${t("account-scan")} <code>${secret}</code></p>
    <img class="qr" src=${picture} alt=${t("account-qr")} width="220" height="220" />
    <${Field} label=${t("account-code")} name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="10" required />
    <${OwnPassword} />
  <//>`;
}
