// One's own account: password, passkeys, codes of an app, and where one is logged in.

import { api } from "../../lib/api.js";
import { useList, useThing } from "../../lib/lists.js";
import { session } from "../../lib/session.js";
import { t, when } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { Icon } from "../../ui/icon.js";
import { Card, Chip, Page } from "../../ui/page.js";
import { attempt } from "../../ui/notify.js";
import { Loaded } from "../../ui/states.js";
import { PasswordDialog } from "./password.js";
import { Passkeys } from "./passkeys.js";
import { SecondFactor } from "./second_factor.js";

/** The view of one's own account; a key has only sessions. */
export function View() {
  const hasAccount = Boolean(session.value.account);
  const account = useThing(hasAccount ? "/v1/account" : null);
  const [isChanging, setChanging] = useState(false);
  const person = account.body?.person;
  return html`<${Page} title=${t("account-title")} lead=${hasAccount ? t("account-lead", { name: session.value.name }) : t("account-of-key")}>
    ${hasAccount && html`<${Loaded} of=${account}>${() => html`<div class="stack">
      ${person.has_password
        ? html`<${Card} title=${t("account-password")} actions=${html`<button type="button" onClick=${() => setChanging(true)}>${t("account-change-password")}</button>`}><p class="faint">${t("account-password-text")}</p><//>
          <${Passkeys} />
          <${SecondFactor} person=${person} codes=${account.body.recovery_codes} onDone=${account.reload} />`
        : html`<${Card} title=${t("account-password")}><p class="faint">${t("account-by-provider")}</p><//>`}
    </div>`}<//>`}
    <${Sessions} />
    ${isChanging && html`<${PasswordDialog} onClose=${() => setChanging(false)} />`}
  <//>`;
}

const BROWSERS = [["Edg", "Edge"], ["OPR", "Opera"], ["Firefox", "Firefox"], ["Chrome", "Chrome"], ["Safari", "Safari"]];
const SYSTEMS = [["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Windows", "Windows"], ["Mac OS", "macOS"], ["Linux", "Linux"]];

/** Return what people call a browser that calls itself `named`, and its system; what is not known stays as it is. */
export function browserOf(named) {
  const [, browser] = BROWSERS.find(([sign]) => named.includes(`${sign}/`)) ?? [];
  const [, system] = SYSTEMS.find(([sign]) => named.includes(sign)) ?? [];
  return browser && system ? `${browser}, ${system}` : named;
}

function Sessions() {
  const list = useList("/v1/sessions");
  const end = (one) => attempt(async () => {
    await api.remove(`/v1/sessions/${one.id}`);
    list.reload();
  });
  return html`<${Card} title=${t("account-sessions")}><${Loaded} of=${list}><ul class="own-list">
    ${list.rows.map((one) => html`<li key=${one.id} class="row">
      <${Icon} name="monitor" /><div class="grow"><b title=${one.browser}>${browserOf(one.browser) || t("account-no-browser")}</b> ${one.is_this && html`<${Chip} kind="accent">${t("account-this")}<//>`}
      <p class="faint small">${t("account-session", { client: one.client || "?", since: when(one.created_at), seen: when(one.seen_at) })}</p></div>
      ${!one.is_this && html`<button type="button" onClick=${() => end(one)} aria-label=${t("account-end-it", { since: when(one.created_at) })}>${t("account-end")}</button>`}
    </li>`)}
  </ul><//><//>`;
}
