// Which view is shown: the address after `#/`, such as `#/playlists/ID/preview?day=2026-12-08`.

import { signal } from "./view.js";

const FIRST = "start";

/** Return what an address shows: `{view, id, part, query}`; `id` and `part` are empty where there is none. */
export function parsed(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [view, id = "", part = ""] = path.split("/").map(decoded);
  return { view: view || FIRST, id, part, query: Object.fromEntries(new URLSearchParams(query)) };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // somebody typed a % into the address
  }
}

/** Return the address of a view: href("playlists", ID, "preview", { day: "2026-12-08" }). */
export function href(view, id = "", part = "", query = {}) {
  const path = [view, id, part].filter(Boolean).map(encodeURIComponent).join("/");
  const kept = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(kept).toString();
  return `#/${path}${text ? `?${text}` : ""}`;
}

/** What is shown now. */
export const route = signal(parsed(location.hash));

addEventListener("hashchange", () => (route.value = parsed(location.hash)));

/** Show a view: go("media", ID), go(href(…)). `replace` puts it in the place of this one, so that Back skips it. */
export function go(view, id, part, query, { replace = false } = {}) {
  const address = view.startsWith("#") ? view : href(view, id, part, query);
  if (address === location.hash) return;
  history[replace ? "replaceState" : "pushState"](null, "", address);
  route.value = parsed(address);
}

/** Change the query of what is shown, such as a filter; empty values leave it. Back skips it. */
export function query(changes) {
  const { view, id, part, query: held } = route.value;
  go(view, id, part, { ...held, ...changes }, { replace: true });
}

addEventListener("popstate", () => (route.value = parsed(location.hash)));
