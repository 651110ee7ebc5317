// What is typed and not yet saved outlives a reload and a look at another page, in this tab.

const at = (id) => `console-campaign-${id}`;

/** Return what was typed of a campaign (`new` is one that is not stored): `{seen, draft}`, or null. */
export function kept(id) {
  try {
    return JSON.parse(sessionStorage.getItem(at(id)));
  } catch {
    return null; // of another version of this page
  }
}

export const keep = (id, seen, draft) => sessionStorage.setItem(at(id), JSON.stringify({ seen, draft }));

export const forget = (id) => sessionStorage.removeItem(at(id));
