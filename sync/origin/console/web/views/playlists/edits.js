// Pure: edits of a playlist on this side of the line: what they make of its items, and what is left of them after a clash.

/** Return an id for a new item; it is made here, so that what is sent twice is added once. */
export const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");

/** Return where something stands that is put before the entry at `to` of `items`, as an edit says it. */
export const placeAt = (items, to) => (to <= 0 ? { at: "first" } : { after: items[Math.min(to, items.length) - 1].id });

function put(items, parts, { at, after }) {
  if (at === "first") return [...parts, ...items];
  const place = after ? items.findIndex((one) => one.id === after) : -1;
  return place < 0 ? [...items, ...parts] : [...items.slice(0, place + 1), ...parts, ...items.slice(place + 1)];
}

const DO = {
  set: (list, edit) => ({ ...list, ...edit.set }),
  change_items: (list, { ids, set }) => ({ ...list, items: list.items.map((one) => (ids.includes(one.id) ? { ...one, ...set } : one)) }),
  add_items: (list, edit) => ({ ...list, items: put(list.items, edit.parts, edit) }),
  remove_items: (list, { ids }) => ({ ...list, items: list.items.filter((one) => !ids.includes(one.id)) }),
  move_items: (list, edit) => {
    const taken = list.items.filter((one) => edit.ids.includes(one.id));
    return { ...list, items: put(list.items.filter((one) => !edit.ids.includes(one.id)), taken, edit) };
  },
};

/** Return a playlist with edits made on it. What they name and is not there any more stays away. */
export const edited = (playlist, edits) => edits.reduce((list, edit) => DO[edit.do](list, edit), playlist);

/** Return the edit that puts `ids` before the entry at `to`, counted among all; null if they stand there already. */
export function moveTo(items, ids, to) {
  const rest = items.filter((one) => !ids.includes(one.id));
  const before = items.slice(0, to).filter((one) => !ids.includes(one.id)).length;
  const edit = { do: "move_items", ids: items.filter((one) => ids.includes(one.id)).map((one) => one.id), ...(rest.length === 0 ? { at: "first" } : placeAt(rest, before)) };
  const after = edited({ items }, [edit]).items;
  return after.every((one, place) => one.id === items[place].id) ? null : edit;
}

/** Return the edit that adds copies of `ids` behind the last one of them. */
export function copiesOf(items, ids) {
  const chosen = items.filter((one) => ids.includes(one.id));
  return { do: "add_items", parts: chosen.map((one) => ({ ...one, id: newId() })), after: chosen.at(-1).id };
}

/** Return the ids from one entry to another, both included, in either direction. */
export function between(items, from, to) {
  const [one, other] = [from, to].map((id) => items.findIndex((item) => item.id === id));
  if (one < 0 || other < 0) return [to];
  return items.slice(Math.min(one, other), Math.max(one, other) + 1).map((item) => item.id);
}

/** Return the value that all of these items have in a field; undefined: they differ. */
export function common(items, field) {
  const first = items[0]?.[field] ?? null;
  return items.every((one) => (one[field] ?? null) === first) ? first : undefined;
}

const without = (edit, id) => ({ ...edit, ids: edit.ids.filter((one) => one !== id) });

/**
 * Return what is sent after a clash, against the version that there is now. `mine(clash)` tells whether a person wants
 * their own side of it; `items` are those that the person saw.
 */
export function settled(edits, clashes, mine, items) {
  const lost = clashes.filter((one) => !mine(one));
  const won = clashes.filter(mine);
  const kept = edits.flatMap((edit) => {
    if (edit.do === "set") {
      const set = Object.fromEntries(Object.entries(edit.set).filter(([field]) => !lost.some((one) => one.list === "" && one.field === field)));
      return Object.keys(set).length > 0 ? [{ ...edit, set }] : [];
    }
    if (!edit.ids) return [edit];
    return [lost.reduce((left, clash) => lostTo(left, clash, items), edit)].flat().filter((one) => one.ids.length > 0);
  });
  const back = won.filter((one) => one.field === null && one.theirs === null && one.yours !== null);
  const gone = new Set(back.map((one) => one.id));
  const others = kept.map((edit) => (edit.ids ? { ...edit, ids: edit.ids.filter((id) => !gone.has(id)) } : edit)).filter((edit) => !edit.ids || edit.ids.length > 0);
  return [...back.map((one) => ({ do: "add_items", parts: [one.yours], at: "last" })), ...others];
}

function lostTo(edit, clash, items) {
  if (Array.isArray(edit)) return edit.flatMap((one) => lostTo(one, clash, items));
  if (!edit.ids.includes(clash.id)) return edit;
  if (clash.field === null) return without(edit, clash.id);
  if (clash.field === "place") return edit.do === "move_items" ? without(edit, clash.id) : edit;
  if (edit.do !== "change_items" || !(clash.field in edit.set)) return edit;
  const { [clash.field]: _, ...set } = edit.set;
  const alone = Object.keys(set).length > 0 ? [{ ...edit, ids: [clash.id], set }] : [];
  return [without(edit, clash.id), ...alone];
}
