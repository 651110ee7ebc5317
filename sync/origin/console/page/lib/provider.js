// Logging in by a provider of identities: it sends the browser back to this page, with a code in the query.

import { Problem, ask } from "./api.js";

/** Send the browser to the provider; pages elsewhere than at `console` go there first, for it sends browsers back to that one. */
export async function leaveForProvider(console) {
  if (new URL(console).origin !== location.origin) {
    location.assign(console);
    return;
  }
  const { address } = await ask("POST", "/v1/session-by-provider/question");
  location.assign(address);
}

/** Return what the provider sent this page, and take it out of its address; null: nothing. */
export function takeProviderAnswer() {
  const told = new URLSearchParams(location.search);
  if (!told.has("state") || !(told.has("code") || told.has("error"))) return null;
  history.replaceState(null, "", location.pathname + location.hash);
  return told;
}

/** Log in by what the provider sent; return who that is. */
export async function logInByProvider(told) {
  if (told.has("error")) {
    const detail = `The provider says ${told.get("error")} ${told.get("error_description") ?? ""}`.trim().slice(0, 300);
    throw new Problem({ title: "The provider did not log you in", detail: `${detail}. Try again, or log in in another way.` });
  }
  const answer = { code: told.get("code"), state: told.get("state") };
  return ask("POST", "/v1/session-by-provider", told.has("iss") ? { ...answer, iss: told.get("iss") } : answer);
}
