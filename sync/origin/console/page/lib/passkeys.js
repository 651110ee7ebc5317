// Asks the browser for passkeys. Messages of browsers are for programmers: what went wrong is said in our words.

import { Problem, ask } from "./api.js";
import { h } from "./dom.js";

/** Tell whether this browser can use passkeys as this page does. */
export const canUsePasskeys = () => typeof globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON === "function";

/** Return why there are no passkeys at this address, and what to do; nothing if there are. */
export function adviceElements({ unfit, advice } = {}) {
  if (unfit !== "loopback_address") return advice ? [`No passkeys here: ${advice}.`] : [];
  const there = new URL(location.pathname, location.href);
  there.hostname = "localhost";
  return ["For passkeys open ", h("a", { href: there.href }, there.href), ": browsers allow them under a name only."];
}

/** Log in by a passkey that the person chooses; return who that is. */
export async function logInByPasskey() {
  const { options } = await ask("POST", "/v1/session-by-passkey/question");
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return ask("POST", "/v1/session-by-passkey", { credential: await asked(() => navigator.credentials.get({ publicKey })) });
}

/** Have an authenticator make a passkey for the account of who is logged in. */
export async function addPasskey(name, password) {
  const { options } = await ask("POST", "/v1/account/passkeys/question", { password });
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const credential = await asked(() => navigator.credentials.create({ publicKey }));
  return ask("POST", "/v1/account/passkeys", { name, credential });
}

const REASONS = {
  NotAllowedError: "It was cancelled, it took too long, or there is none for this page here.",
  InvalidStateError: "This device or key has a passkey for your account already.",
  SecurityError: "The browser allows no passkeys at this address.",
  NotSupportedError: "This device or key cannot make passkeys of the kind that is needed here.",
};

async function asked(work) {
  try {
    return (await work()).toJSON();
  } catch (error) {
    throw REASONS[error.name] ? new Problem({ title: "No passkey", detail: REASONS[error.name] }) : error;
  }
}
