// Shortcuts of the keyboard: single letters, where nobody types; and the list of those that are in force.

import { signal, useEffect } from "./view.js";

/** Those in force: `{keys, label, run}`; `keys` are pressed one after the other, such as ["g", "m"]. */
export const shortcuts = signal([]);

const PAUSE_MS = 1200; // between two keys of a shortcut

let pressed = [];
let timer = 0;

/** Have `run()` called by a shortcut while the part that asks for it is shown: useShortcut(["n"], t("…"), make). */
export function useShortcut(keys, label, run) {
  useEffect(() => {
    if (!run) return undefined;
    const mine = { keys, label, run };
    shortcuts.value = [...shortcuts.peek(), mine];
    return () => (shortcuts.value = shortcuts.peek().filter((one) => one !== mine));
  }, [keys.join(" "), label, run]);
}

/** Return what `typed` begins or is, among `all`: `{run}`, `{waits}` or neither. The newest of two counts. */
export function found(all, typed) {
  const fitting = all.filter(({ keys }) => typed.every((key, place) => keys[place] === key));
  const exact = fitting.findLast(({ keys }) => keys.length === typed.length);
  return { run: exact?.run, waits: !exact && fitting.length > 0 };
}

const isTyping = (target) => target.closest?.("input, textarea, select, [contenteditable]") !== null;

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.key.length > 1 || isTyping(event.target) || document.querySelector("dialog[open]")) return;
  clearTimeout(timer);
  let result = found(shortcuts.value, [...pressed, event.key]);
  if (!result.run && !result.waits) result = found(shortcuts.value, [event.key]);
  pressed = result.waits ? [...pressed, event.key] : [];
  timer = setTimeout(() => (pressed = []), PAUSE_MS);
  if (!result.run) return;
  event.preventDefault();
  result.run();
});
