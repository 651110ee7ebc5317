// Logging in: by name and password (and a code), a passkey, a provider, or a key.

import { api } from "../lib/api.js";
import { canUsePasskeys, logInByPasskey } from "../lib/passkeys.js";
import { leaveForProvider, logInByProvider, takeProviderAnswer } from "../lib/provider.js";
import { hasEnded, logIn, session } from "../lib/session.js";
import { t } from "../lib/words.js";
import { html, useEffect, useState } from "../lib/view.js";
import { Form } from "../ui/dialog.js";
import { Field } from "../ui/field.js";
import { Icon } from "../ui/icon.js";
import { Wrong } from "../ui/states.js";
import { Brand } from "./navigation.js";

/** All ways to log in at this address. */
export function LogIn() {
  const [ways, setWays] = useState(null);
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    api.get("/v1/session/ways").then(({ body }) => setWays(body), () => {}); // then name and password, and a key do
    const told = takeProviderAnswer();
    if (told) logInByProvider(told).catch(setProblem);
  }, []);
  const act = (work) => async () => {
    setProblem(null);
    await work().catch(setProblem);
  };
  return html`<div class="log-in">
    ${!hasEnded.value && html`<${Brand} />`}
    <div class="card">
      ${problem && html`<${Wrong} problem=${problem} />`}
      <${ByPassword} />
      <${OtherWays} ways=${ways} act=${act} />
      <${ByKey} />
    </div>
  </div>`;
}

function ByPassword() {
  const [needsCode, setNeedsCode] = useState(false);
  const send = async (values) => {
    try {
      await logIn(values);
    } catch (error) {
      if (error.code !== "code_needed" || needsCode) throw error;
      setNeedsCode(true); // nothing went wrong yet
    }
  };
  return html`<${Form} onSubmit=${send} submit=${t("shell-log-in")}>
    <${Field} label=${t("shell-name")} name="name" autocomplete="username" maxlength="100" required autofocus value=${session.value?.account ? session.value.name : null} />
    <${Field} label=${t("shell-password")} name="password" type="password" autocomplete="current-password" maxlength="256" required />
    ${needsCode && html`<${Field} label=${t("shell-code")} help=${t("shell-code-help")} name="code" autocomplete="one-time-code" autocapitalize="characters" maxlength="40" required autofocus />`}
  <//>`;
}

function OtherWays({ ways, act }) {
  const passkeys = ways?.passkeys && canUsePasskeys();
  if (!passkeys && !ways?.provider && !ways?.advice) return null;
  return html`<div class="ways">
    ${(passkeys || ways.provider) && html`<span class="or">${t("shell-or")}</span>`}
    ${passkeys && html`<button type="button" onClick=${act(logInByPasskey)}><${Icon} name="key" />${t("shell-log-in-passkey")}</button>`}
    ${ways.provider && html`<button type="button" onClick=${act(() => leaveForProvider(ways.console))}>${t("shell-log-in-provider", { provider: ways.provider })}</button>`}
    ${!ways.passkeys && ways.unfit && html`<${NoPasskeys} unfit=${ways.unfit} advice=${ways.advice} />`}
  </div>`;
}

function NoPasskeys({ unfit, advice }) {
  if (unfit !== "loopback_address") return html`<p class="faint small">${t("shell-no-passkeys", { unfit, advice })}</p>`;
  const there = new URL(location.pathname, location.href);
  there.hostname = "localhost";
  return html`<p class="faint small">${t("shell-passkeys-there")} <a href=${there.href}>${there.host}</a></p>`;
}

function ByKey() {
  return html`<details>
    <summary>${t("shell-by-key")}</summary>
    <${Form} onSubmit=${logIn} submit=${t("shell-log-in-key")}>
      <input type="text" autocomplete="username" value="console" hidden />
      <${Field} label=${t("shell-key")} help=${t("shell-key-help")} name="token" type="password" autocomplete="current-password" required />
    <//>
    <p class="faint small">${t("shell-forgotten")}</p>
  </details>`;
}
