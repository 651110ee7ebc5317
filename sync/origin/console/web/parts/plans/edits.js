// Saves what a person changed of a plan, against the version they saw; a clash is put to them (clash.js).

import { api } from "../../lib/api.js";
import { useRef, useState } from "../../lib/view.js";
import { t } from "../../lib/words.js";
import { attempt, notify } from "../../ui/notify.js";

/** Return the edits that give one's own side of a clash: those in `chosen` (indexes), and what nobody else touched. Pure. */
export function editsOfMine({ clashes = [], agreed = [] }, chosen) {
  const mine = clashes.filter((_, at) => chosen.has(at)).map(({ list, id, field, yours, theirs }) => editOf(list, id, field, yours, theirs));
  const own = agreed.filter(({ by }) => by === "yours").map(({ list, id, field, value, seen }) => editOf(list, id, field, value, seen));
  return [...mine, ...own];
}

function editOf(list, id, field, value, instead) {
  if (field === null && value === null) return { do: `remove_${list}`, ids: [id] };
  if (field === null && instead === null) return { do: `add_${list}`, parts: [{ ...value, id }] };
  const fields = field === null ? value : field.split(".").reduceRight((inner, name) => ({ [name]: inner }), value);
  const { id: _, ...set } = fields;
  return list === "" ? { do: "set", set } : { do: `change_${list}`, ids: [id], set };
}

/**
 * Return what saves edits of the document at `path`, which `thing` (useThing) shows: `send(edits, {said, version})`
 * resolves to the answer, or null after a clash, which is then in `clash` with `settle(chosen)` and `leave()`; `takeBack(version)` undoes what a version changed. `said` is
 * told, with a button that takes it back. `onSettled()` is called once a clash is over: what was typed is saved.
 */
export function useEdits(path, thing, { onSettled } = {}) {
  const [clash, setClash] = useState(null);
  const newest = useRef(0);
  const takeBack = async (version) => {
    await api.post(`${path}/undo`, { version });
    await thing.reload();
    notify(t("parts-taken-back"));
    return true;
  };
  const undo = (version) => () => attempt(() => takeBack(version));
  const send = async (edits, { said, version } = {}) => {
    const seen = Math.max(version ?? thing.body.version, newest.current);
    try {
      const { body } = await api.patch(path, { edits }, { version: seen });
      if (body.made_on === seen) newest.current = body.version; // else others changed what this page has not shown yet
      await thing.reload();
      if (said) notify(said, { action: { label: t("ui-undo"), run: undo(body.version) } });
      return body;
    } catch (problem) {
      if (!problem.clashes?.length) throw problem;
      setClash({ problem, said });
      return null;
    }
  };
  const settle = async (chosen) => {
    const { problem, said } = clash;
    const edits = editsOfMine(problem, chosen);
    if (edits.length > 0) await send(edits, { said, version: problem.current });
    setClash(null);
    thing.reload();
    onSettled?.();
  };
  return { send, takeBack, clash, settle, leave: () => setClash(null) };
}
