// What stands in the place of a part that has nothing yet, is loading, or went wrong.

import { said, t } from "../lib/words.js";
import { Component, html } from "../lib/view.js";
import { Icon } from "./icon.js";

/** Nothing is here yet: what it is, and (as children) what to do about it. `level` is that of its heading. */
export function Empty({ icon = "info", title, text, level = 3, children }) {
  return html`<div class="empty">
    <span class="empty-icon"><${Icon} name=${icon} size=${28} /></span>
    <${`h${level}`} class="empty-title">${title}<//>
    ${text && html`<p>${text}</p>`}
    ${children && html`<div class="actions">${children}</div>`}
  </div>`;
}

/** A Problem, in words: what happened, which fields, what uses a thing. */
export function ProblemText({ problem }) {
  const { text, fields, users } = said(problem);
  const rows = Object.entries(fields);
  return html`<div class="problem-text">
    <p>${text}</p>
    ${rows.length > 0 && html`<ul>${rows.map(([name, why]) => html`<li key=${name}><b>${name}</b> ${why}</li>`)}</ul>`}
    ${users.length > 0 && html`<p>${t("ui-used-by", { names: users.join(", ") })}</p>`}
  </div>`;
}

/** A part that could not be loaded: why, and a way to try again. */
export function Wrong({ problem, onRetry }) {
  return html`<div class="wrong" role="alert">
    <${Icon} name="alert" />
    <${ProblemText} problem=${problem} />
    ${onRetry && html`<button type="button" onClick=${onRetry}>${t("ui-try-again")}</button>`}
  </div>`;
}

/** Something is on its way: lines where it will stand. */
export function Busy({ label, lines = 3 }) {
  return html`<div class="busy" role="status" aria-busy="true">
    <span class="unseen">${label ?? t("ui-loading")}</span>
    ${Array.from({ length: lines }, (_, line) => html`<span key=${line} class="bone"></span>`)}
  </div>`;
}

/** What a list or a thing has to say before it can be shown: loading, or why not. Shows its children once there is something. */
export function Loaded({ of: loaded, has = loaded.body ?? loaded.rows?.length, lines, children }) {
  if (has || loaded.state === "ready" || loaded.state === "more") {
    return html`${loaded.state === "failed" && html`<${Wrong} problem=${loaded.problem} onRetry=${loaded.reload} />`}${typeof children === "function" ? children() : children}`;
  }
  if (loaded.state === "failed") return html`<${Wrong} problem=${loaded.problem} onRetry=${loaded.reload} />`;
  return html`<${Busy} lines=${lines} />`;
}

/** Keeps a fault of its children to itself, until it is about something else (`of`), or somebody tries again. */
export class Guard extends Component {
  static getDerivedStateFromProps({ of }, state) {
    return of === state.of ? null : { of, error: null };
  }

  componentDidCatch(error) {
    console.error(error);
    this.setState({ error });
  }

  render({ children }, { error }) {
    if (!error) return children;
    return html`<${Wrong} problem=${error} onRetry=${() => this.setState({ error: null })} />`;
  }
}
