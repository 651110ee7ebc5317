// Logging in by a provider of identities: it sends the browser back to the page it knows, with a code in the query.

import { api, Problem } from "./api.js";
import { entered } from "./session.js";

/** Send the browser to the provider; pages elsewhere than at `console` go there first, for it sends browsers back to that one. */
export async function leaveForProvider(console) {
  if (new URL(console).origin !== location.origin) {
    location.assign(console);
    return;
  }
  const { body } = await api.post("/v1/session-by-provider/question", undefined, { renews: false });
  location.assign(body.address);
}

/** Return what the provider sent this page, and take it out of its address; null: nothing. */
export function takeProviderAnswer() {
  const told = new URLSearchParams(location.search);
  if (!told.has("state") || !(told.has("code") || told.has("error"))) return null;
  history.replaceState(null, "", location.pathname + location.hash);
  return told;
}

/** Log in by what the provider sent. */
export async function logInByProvider(told) {
  if (told.has("error")) {
    const why = `${told.get("error")} ${told.get("error_description") ?? ""}`.trim().slice(0, 300);
    throw new Problem({ status: -1, code: "provider-said-no", values: { why } });
  }
  const answer = { code: told.get("code"), state: told.get("state") };
  entered((await api.post("/v1/session-by-provider", told.has("iss") ? { ...answer, iss: told.get("iss") } : answer, { renews: false })).body);
}
