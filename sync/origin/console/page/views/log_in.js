// Logging in: with name and password (and a code), a passkey, a provider or a key; and the one-time link that sets a password.

import { ask } from "../lib/api.js";
import { $ } from "../lib/dom.js";
import { problemElements } from "../lib/notices.js";
import { adviceElements, canUsePasskeys, logInByPasskey } from "../lib/passkeys.js";
import { leaveForProvider, logInByProvider, takeProviderAnswer } from "../lib/provider.js";
import { chosen } from "./people.js";

const CODE = /^#code=([\w-]+)$/;
let entered = () => {};
let console = null; // the address of the page that the provider knows

/** Set up the forms; `callback` is told who logged in. */
export function start(callback) {
  entered = callback;
  onSubmit("#log-in", async () => {
    await enter({ token: $("#token").value });
    $("#token").value = "";
  });
  onSubmit("#log-in-person", logInPerson);
  onSubmit("#set-password", setPassword);
  $("#log-in-passkey").addEventListener("click", (event) => doing(event.target, async () => entered(await logInByPasskey())));
  $("#log-in-provider").addEventListener("click", (event) => doing(event.target, () => leaveForProvider(console)));
  showForms();
  addEventListener("hashchange", () => isLink() && location.reload());
}

/** Return whether the page was opened by a one-time link. */
export const isLink = () => CODE.test(location.hash);

/** Log in by what a provider sent this page, if it did; return whether somebody is logged in. */
export async function returned() {
  const told = takeProviderAnswer();
  if (told === null) return false;
  try {
    entered(await logInByProvider(told));
    return true;
  } catch (error) {
    explain(error);
    return false;
  }
}

/** Show in which other ways one can log in here, or why not. */
export async function offer() {
  const ways = await ask("GET", "/v1/session/ways").catch(() => null); // then the forms do
  $("#log-in-passkey").hidden = !(ways?.passkeys && canUsePasskeys());
  console = ways?.console;
  $("#log-in-provider").hidden = !ways?.provider;
  $("#log-in-provider").textContent = `Log in with ${ways?.provider}`;
  $("#no-passkeys").hidden = !ways?.advice;
  $("#no-passkeys").replaceChildren(...adviceElements(ways));
}

/** Show the forms: only that of a one-time link, if the page was opened by one. */
export function showForms() {
  for (const form of ["#log-in", "#log-in-person"]) $(form).hidden = isLink();
  $("#set-password").hidden = !isLink();
}

/** Say why somebody is logged out, or what was done. */
export function explain(problem, isWrong = true) {
  $("#login-problem").classList.toggle("wrong", isWrong);
  $("#login-problem").replaceChildren(...(problem ? problemElements(problem) : []));
}

/** Put the cursor where typing begins. */
export function focus() {
  $($("#set-password").hidden ? "#person" : "#set-password input").focus();
}

function onSubmit(form, work) {
  $(form).addEventListener("submit", (event) => {
    event.preventDefault();
    doing($("button", event.target), () => work(event.target));
  });
}

async function doing(go, work) {
  explain();
  go.disabled = true;
  try {
    await work();
  } catch (error) {
    explain(error);
  } finally {
    go.disabled = false;
  }
}

async function enter(login) {
  entered(await ask("POST", "/v1/session", login));
}

async function logInPerson(form) {
  const { name, password, code } = Object.fromEntries(new FormData(form));
  try {
    await enter({ name, password, code });
  } catch (error) {
    if (error.type !== "urn:signage:problem:code-needed") throw error;
    $("#code-label").hidden = false; // nothing went wrong yet
    $("#code").focus();
    return;
  }
  form.reset();
  $("#code-label").hidden = true;
}

async function setPassword(form) {
  const [, code] = CODE.exec(location.hash);
  await ask("POST", "/v1/account/reset", { code, password: chosen(Object.fromEntries(new FormData(form))) });
  form.reset();
  history.replaceState(null, "", location.pathname);
  showForms();
  explain({ title: "Your password is set", detail: "Log in with it now." }, false);
  focus();
}
