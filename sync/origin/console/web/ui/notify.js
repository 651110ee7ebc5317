// Messages in a corner: good news for some seconds, what went wrong until it is dismissed.

import { t } from "../lib/words.js";
import { html, signal } from "../lib/view.js";
import { Icon } from "./icon.js";
import { ProblemText } from "./states.js";

const GOOD_NEWS_MS = 6000;
const WITH_ACTION_MS = 12_000;
const MOST = 4;

const shown = signal([]);
let count = 0;

/**
 * Show a message: a sentence, or a Problem. `action` is a button in it: `{label, run}`, such as Undo. Returns what takes
 * it away.
 */
export function notify(what, { action } = {}) {
  const id = (count += 1);
  const isProblem = what instanceof Error;
  if (isProblem && what.name === "AbortError") return () => {};
  if (isProblem && what.status === undefined) console.error(what);
  const dismiss = () => (shown.value = shown.value.filter((one) => one.id !== id));
  const same = shown.value.filter((one) => !(isProblem && one.what.message === what.message));
  shown.value = [...same, { id, what, isProblem, action, dismiss }].slice(-MOST);
  if (!isProblem) setTimeout(dismiss, action ? WITH_ACTION_MS : GOOD_NEWS_MS);
  return dismiss;
}

/** Do `work()`, and show what goes wrong; return its result, or undefined. */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    notify(error);
    return undefined;
  }
}

/** Where the messages stand. */
export function Notices() {
  return html`<div class="notices" role="region" aria-label=${t("ui-messages")} aria-live="polite">
    ${shown.value.map((one) => html`<${Notice} key=${one.id} ...${one} />`)}
  </div>`;
}

function Notice({ what, isProblem, action, dismiss }) {
  const act = () => {
    dismiss();
    action.run();
  };
  return html`<div class=${`notice ${isProblem ? "bad" : "good"}`} role=${isProblem ? "alert" : null}>
    <${Icon} name=${isProblem ? "alert" : "check"} />
    ${isProblem ? html`<${ProblemText} problem=${what} />` : html`<p>${what}</p>`}
    ${action && html`<button type="button" class="quiet" onClick=${act}>${action.label}</button>`}
    <button type="button" class="quiet icon-only" aria-label=${t("ui-dismiss")} onClick=${dismiss}><${Icon} name="x" size=${16} /></button>
  </div>`;
}
