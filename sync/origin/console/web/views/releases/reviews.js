// Drafts that wait for a second pair of eyes: approved, returned or talked about.

import { api } from "../../lib/api.js";
import { useList } from "../../lib/lists.js";
import { href, query as setQuery } from "../../lib/router.js";
import { may } from "../../lib/session.js";
import { t, when } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { Dialog } from "../../ui/dialog.js";
import { Field, Segments } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Card, Chip } from "../../ui/page.js";
import { notify } from "../../ui/notify.js";
import { Empty, Loaded } from "../../ui/states.js";

const VIEWS = { playlist: "playlists", schedule: "schedule", campaign: "campaigns" };
const KINDS = { open: "accent", approved: "good", returned: "warn" };

/** The reviews of a state, `query.state`; without one those that wait. */
export function Reviews({ query }) {
  const state = query.state ?? "open";
  const list = useList("/v1/reviews", { state, limit: 30 });
  const states = Object.keys(KINDS).map((value) => ({ value, label: t(`releases-review-${value}`) }));
  return html`<div class="stack">
    <${Segments} label=${t("releases-state")} options=${states} value=${state} onChange=${(value) => setQuery({ state: value === "open" ? "" : value })} />
    <${Loaded} of=${list}>
      ${list.rows.length === 0 && html`<${Empty} level=${2} icon="eye" title=${t("releases-no-review")} text=${t("releases-no-review-text")} />`}
      <ul class="stack">${list.rows.map((one) => html`<li key=${one.id}><${Review} review=${one} onDone=${list.reload} /></li>`)}</ul>
      ${list.hasMore && html`<button type="button" onClick=${list.more}>${t("ui-more")}</button>`}
    <//>
  </div>`;
}

function Review({ review, onDone }) {
  const [verb, setVerb] = useState(null);
  const { kind, document, name, version, current_version: current, state, asked_by: by, asked_at: at, remarks } = review;
  const isOpen = state === "open";
  const actions = isOpen && html`
    <button type="button" class="quiet" onClick=${() => setVerb("comment")}>${t("releases-comment")}</button>
    ${may("publisher") && html`<button type="button" onClick=${() => setVerb("return")}>${t("releases-return")}</button><button type="button" class="primary" onClick=${() => setVerb("approve")}><${Icon} name="check" size=${18} />${t("releases-approve")}</button>`}`;
  return html`<${Card} label=${name}>
    <div class="card-head"><div><h2><a href=${href(VIEWS[kind], document)}>${name}</a></h2><p class="faint">${t("releases-asked", { kind, by, at: when(at) })}</p></div>
      ${isOpen ? html`<div class="actions">${actions}</div>` : html`<${Chip} kind=${KINDS[state]}>${t(`releases-review-${state}`)}<//>`}</div>
    ${isOpen && current === null && html`<p class="warning"><${Icon} name="alert" size=${17} /> ${t("releases-review-removed")}</p>`}
    ${isOpen && current > version && html`<p class="warning"><${Icon} name="alert" size=${17} /> ${t("releases-review-older")}</p>`}
    ${remarks?.length > 0 && html`<ul class="remarks">${remarks.map((one) => html`<li key=${one.at}><b>${one.by}</b> <span class="faint small">${when(one.at)}</span><p>${one.text}</p></li>`)}</ul>`}
    ${verb && html`<${Answer} review=${review} verb=${verb} onClose=${() => setVerb(null)} onDone=${onDone} />`}
  <//>`;
}

function Answer({ review, verb, onClose, onDone }) {
  const send = async ({ text }) => {
    await api.post(`/v1/reviews/${review.id}/${verb}`, { text: text.trim() || null });
    notify(t(`releases-${verb}-done`, { name: review.name }));
    onClose();
    onDone();
  };
  return html`<${Dialog} title=${t(`releases-${verb}-title`, { name: review.name })} onClose=${onClose} onSubmit=${send} submit=${t(`releases-${verb}`)}>
    ${verb === "approve" && html`<p>${t("releases-approve-text")}</p>`}
    <${Field} label=${t("releases-say")} name="text" type="long" maxlength="2000" required=${verb !== "approve"} autofocus />
  <//>`;
}
