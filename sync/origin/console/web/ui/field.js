// What people fill in: each field has its label, help, and what was wrong with it.

import { html, useId, useRef } from "../lib/view.js";
import { useWrong } from "./dialog.js";

function Labelled({ label, help, wrong, id, children, unseen = false }) {
  return html`<div class=${wrong ? "field is-wrong" : "field"}>
    <label for=${id} class=${unseen ? "unseen" : ""}>${label}</label>
    ${children}
    ${help && html`<small id=${`${id}-help`}>${help}</small>`}
    ${wrong && html`<small id=${`${id}-wrong`} class="field-wrong" role="alert">${wrong}</small>`}
  </div>`;
}

const describedBy = (id, help, wrong) => [help && `${id}-help`, wrong && `${id}-wrong`].filter(Boolean).join(" ") || null;

/**
 * Return the value of a box: the page's if it hears of changes, else only its first one, and what somebody made of it
 * stays whatever is drawn again around it.
 */
function useValue(value, { onInput, onChange }) {
  const first = useRef(value);
  return onInput || onChange ? { ours: value, given: { value } } : { ours: first.current, given: { defaultValue: first.current } };
}

/**
 * A field to type in; the rest of its attributes are those of <input>, or of <textarea> with `type="long"`. `unseen`: the
 * label is only heard.
 */
export function Field({ label, name, type = "text", value, help, error, unseen, ...rest }) {
  const id = useId();
  const held = useValue(value, rest);
  const wrong = useWrong(name) || error;
  const given = { id, name, "aria-describedby": describedBy(id, help, wrong), "aria-invalid": wrong ? "true" : null, ...held.given, ...rest };
  const box = type === "long" ? html`<textarea rows="3" ...${given}></textarea>` : html`<input type=${type} ...${given} />`;
  return html`<${Labelled} ...${{ label, help, wrong, id, unseen }}>${box}<//>`;
}

/** One of some: `options` are `{value, label, disabled}`. The rest of its attributes are those of <select>. */
export function Choice({ label, name, options, value, help, error, unseen, ...rest }) {
  const id = useId();
  const wrong = useWrong(name) || error;
  const { ours } = useValue(value, rest);
  const given = { id, name, ...(rest.onChange && { value }), "aria-describedby": describedBy(id, help, wrong), ...rest };
  const listed = options.map((one) => html`<option key=${one.value} value=${one.value} disabled=${one.disabled} selected=${one.value === ours}>${one.label}</option>`);
  return html`<${Labelled} ...${{ label, help, wrong, id, unseen }}><select ...${given}>${listed}</select><//>`;
}

/** A yes or no, beside its label. */
export function Check({ label, name, help, ...rest }) {
  const id = useId();
  return html`<div class="field check">
    <input type="checkbox" id=${id} name=${name} aria-describedby=${help ? `${id}-help` : null} ...${rest} />
    <label for=${id}>${label}</label>
    ${help && html`<small id=${`${id}-help`}>${help}</small>`}
  </div>`;
}

/** One of a few, all seen at once: `options` are `{value, label}`; `onChange(value)`. */
export function Segments({ label, options, value, onChange }) {
  const name = useId();
  return html`<fieldset class="segments">
    <legend class="unseen">${label}</legend>
    ${options.map((one) => html`<label key=${one.value}><input type="radio" name=${name} value=${one.value} checked=${one.value === value} onChange=${() => onChange(one.value)} /><span>${one.label}</span></label>`)}
  </fieldset>`;
}
