// Asks the browser for passkeys. Messages of browsers are for programmers: what went wrong gets a code of ours.

import { api, Problem } from "./api.js";
import { entered } from "./session.js";

/** Tell whether this browser can use passkeys as this page does. */
export const canUsePasskeys = () => typeof globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON === "function";

/** Log in by a passkey that the person chooses. */
export async function logInByPasskey() {
  const { body } = await api.post("/v1/session-by-passkey/question", undefined, { renews: false });
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(body.options);
  const credential = await asked(() => navigator.credentials.get({ publicKey }));
  entered((await api.post("/v1/session-by-passkey", { credential }, { renews: false })).body);
}

/** Have an authenticator make a passkey for the account of who is logged in. */
export async function addPasskey(name, password) {
  const { body } = await api.post("/v1/account/passkeys/question", { password });
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(body.options);
  const credential = await asked(() => navigator.credentials.create({ publicKey }));
  await api.post("/v1/account/passkeys", { name, credential });
}

const REASONS = new Set(["NotAllowedError", "InvalidStateError", "SecurityError", "NotSupportedError"]);

async function asked(work) {
  try {
    return (await work()).toJSON();
  } catch (error) {
    throw REASONS.has(error.name) ? new Problem({ status: -1, code: `passkey-${error.name}` }) : error;
  }
}
