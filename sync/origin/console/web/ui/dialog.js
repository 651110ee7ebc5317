// Windows above the page: <dialog>, whose focus, Escape and backdrop are the browser's own.

import { said, t } from "../lib/words.js";
import { createContext, html, useContext, useEffect, useId, useRef, useState } from "../lib/view.js";
import { Icon } from "./icon.js";
import { ProblemText } from "./states.js";

const Wrongs = createContext({});

/** Return what was wrong with a field of the form around, by its name; empty: nothing. */
export const useWrong = (name) => useContext(Wrongs)[name] ?? "";

/** Return the values of a form by the names of its fields; those that are there several times are lists. */
export function valuesOf(form) {
  const data = new FormData(form);
  const names = [...new Set(data.keys())];
  return Object.fromEntries(names.map((name) => [name, data.getAll(name).length > 1 ? data.getAll(name) : data.get(name)]));
}

/**
 * A form that sends: `onSubmit(values)` may wait and throw a Problem, which is told here and beside its fields. `submit`
 * is what the button says; `danger` colours it.
 */
export function Form({ onSubmit, submit, danger = false, onCancel, extra, children, disabled = false }) {
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const box = useRef(null);
  const send = async (event) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setProblem(null);
    try {
      await onSubmit(valuesOf(event.target), event);
    } catch (error) {
      if (error.status === undefined) console.error(error);
      setProblem(error);
    }
    if (box.current) setBusy(false);
  };
  const told = problem ? said(problem).fields : {};
  return html`<form ref=${box} class="form" onSubmit=${send}>
    <${Wrongs.Provider} value=${told}>${children}<//>
    ${problem && html`<div class="wrong" role="alert"><${Icon} name="alert" /><${ProblemText} problem=${problem} /></div>`}
    <div class="dialog-foot">
      ${extra}
      ${onCancel && html`<button type="button" onClick=${onCancel}>${t("ui-cancel")}</button>`}
      ${submit && html`<button class=${danger ? "danger" : "primary"} disabled=${disabled} aria-busy=${isBusy}>${submit}</button>`}
    </div>
  </form>`;
}

/**
 * A window: shown as long as it is in the page. With `onSubmit` it is a form (see Form) with `submit` as its button;
 * `onClose` is called by Escape, the cross and Cancel. Where the focus was, it is again afterwards. `wide`: for more
 * than a form.
 */
export function Dialog({ title, onClose, onSubmit, submit, danger, wide = false, extra, disabled, children }) {
  const box = useRef(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    box.current.showModal();
    box.current.querySelector("[autofocus], input:not([type=hidden]), select, textarea")?.focus();
    return () => before?.isConnected && before.focus();
  }, []);
  const cancel = (event) => {
    if (event.target !== box.current) return; // of something inside, such as the choice of a file
    event.preventDefault();
    onClose();
  };
  return html`<dialog ref=${box} class=${wide ? "wide" : ""} aria-labelledby=${id} onCancel=${cancel}>
    <div class="dialog-head">
      <h2 id=${id}>${title}</h2>
      <button type="button" class="quiet icon-only" aria-label=${t("ui-close")} onClick=${onClose}><${Icon} name="x" /></button>
    </div>
    ${onSubmit ? html`<${Form} ...${{ onSubmit, submit, danger, extra, disabled, onCancel: onClose }}>${children}<//>` : html`<div class="dialog-body">${children}</div>`}
  </dialog>`;
}

/** Ask before something is done: `text` says what it takes along, `verb` is what the button does. */
export function Confirm({ title, text, verb, danger = true, onConfirm, onClose, children }) {
  const go = async () => {
    await onConfirm();
    onClose();
  };
  return html`<${Dialog} title=${title} onClose=${onClose} onSubmit=${go} submit=${verb} danger=${danger}>
    ${text && html`<p>${text}</p>`}${children}
  <//>`;
}
