// Who is logged in, and what they may do. A session that ends is asked for again above what is open.

import { api, renewSessionBy, send } from "./api.js";
import { signal } from "./view.js";

/** Who is logged in (`name`, `roles`, `rights`, `account`); null: nobody, undefined: not known yet. */
export const session = signal(undefined);

/** Whether a log-in is asked for above the page, because its session ended. */
export const hasEnded = signal(false);

const INCLUDED = {
  viewer: ["viewer"],
  editor: ["viewer", "editor"],
  publisher: ["viewer", "editor", "publisher"],
  technician: ["viewer", "technician"],
  administrator: ["viewer", "editor", "publisher", "technician", "administrator"],
};

/**
 * Return whether `who` has a role, in `space` if one is named, else anywhere. The origin decides: this only hides what it
 * would refuse.
 */
export function allows(who, role, space) {
  if (!who) return false;
  if (space === undefined || space === null) return who.roles.includes(role);
  const inSpace = (who.rights ?? []).filter((right) => right.space === space).map((right) => right.role);
  return [who.everything, ...inSpace].some((held) => INCLUDED[held]?.includes(role));
}

/** Return whether who is logged in has a role for everything, which what lies in no space needs. */
export const mayEverywhere = (role) => INCLUDED[session.value?.everything]?.includes(role) ?? false;

/** Return whether who is logged in has a role, in `space` if one is named. */
export const may = (role, space) => allows(session.value, role, space);

let renewed = null;

renewSessionBy(() => {
  if (!session.value) return Promise.reject(Object.assign(new Error("logged out"), { status: 401, code: "token_needed" }));
  renewed ??= Promise.withResolvers?.() ?? deferred();
  hasEnded.value = true;
  return renewed.promise;
});

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

/** Take who is logged in now. Somebody else than before gets a page of their own. */
export function entered(who) {
  const before = session.value;
  if (before && (before.account !== who.account || before.name !== who.name)) {
    location.reload();
    return;
  }
  session.value = who;
  hasEnded.value = false;
  renewed?.resolve();
  renewed = null;
}

/** Find out who is logged in: by the cookie that a browser kept. Throws a Problem if the origin does not answer. */
export async function resume() {
  try {
    const answer = await send("GET", "/v1/session", { renews: false });
    entered(await answer.json());
  } catch (error) {
    if (error.status !== 401) throw error;
    session.value = null;
  }
}

/** Log in with `{name, password, code}` or `{token}`. */
export async function logIn(login) {
  entered((await api.post("/v1/session", login, { renews: false })).body);
}

/** Log out; the page begins anew, so that nothing of what was seen stays in it. */
export async function logOut() {
  await api.remove("/v1/session", { renews: false });
  location.reload();
}
