// The proof of play of one screen: whether its chain is whole, which plays do not count, and counting those after all.

import { api } from "../../lib/api.js";
import { useThing } from "../../lib/lists.js";
import { may } from "../../lib/session.js";
import { number, t, when } from "../../lib/words.js";
import { html, useEffect, useState } from "../../lib/view.js";
import { Dialog } from "../../ui/dialog.js";
import { Field } from "../../ui/field.js";
import { Card, Chip } from "../../ui/page.js";
import { notify } from "../../ui/notify.js";
import { Loaded, Wrong } from "../../ui/states.js";

const UNCONFIRMED = "unconfirmed: "; // how the reasons begin that a person may overrule
const MOST_AT_ONCE = 1000; // plays, in one request
const FAULTS = ["missing", "forks", "conflicts", "checkpoints"];

/** Return plays as spans of sequences, each of one log and no longer than one request may be. */
export function spansOf(plays) {
  const found = [];
  const sorted = [...plays].sort((a, b) => a.log_epoch.localeCompare(b.log_epoch) || a.sequence - b.sequence);
  for (const { log_epoch, sequence } of sorted) {
    const last = found.at(-1);
    if (last?.log_epoch === log_epoch && sequence - last.sequence < MOST_AT_ONCE) last.until = sequence;
    else found.push({ log_epoch, sequence, until: sequence });
  }
  return found;
}

async function setAside(id) {
  const found = [];
  for (let after = null, isFirst = true; isFirst || after !== null; isFirst = false) {
    const { body } = await api.get("/v1/plays", { device: id, set_aside: true, limit: MOST_AT_ONCE, after });
    found.push(...body.set_aside);
    after = body.next;
  }
  return found;
}

/** The proof of a device, checked anew when this is opened. */
export function Proof({ device }) {
  const audit = useThing("/v1/plays/audit", { device: device.id });
  const [aside, setSetAside] = useState({ plays: [], problem: null });
  const [isOpen, setOpen] = useState(false);
  const look = () => setAside(device.id).then((plays) => setSetAside({ plays, problem: null }), (problem) => setSetAside({ plays: [], problem }));
  useEffect(() => void look(), [device.id]);
  const again = () => {
    look();
    audit.reload();
  };
  return html`<${Card} title=${t("screens-proof")} actions=${html`<button type="button" onClick=${again}>${t("screens-proof-again")}</button>`}>
    <${Loaded} of=${audit}>${() => html`<${Chain} chain=${audit.body.devices[0]} findings=${audit.body.findings} />`}<//>
    ${aside.problem && html`<${Wrong} problem=${aside.problem} onRetry=${look} />`}
    ${aside.plays.length > 0 && html`<${Aside} plays=${aside.plays} onCount=${() => setOpen(true)} />`}
    ${isOpen && html`<${CountDialog} device=${device} plays=${aside.plays.filter(isDoubted)} onClose=${() => setOpen(false)} onDone=${again} />`}
  <//>`;
}

const isDoubted = ({ reason }) => reason.startsWith(UNCONFIRMED);

function Chain({ chain, findings }) {
  if (!chain) return html`<p class="faint">${t("screens-proof-none")}</p>`;
  const faults = FAULTS.filter((name) => chain[name] > 0);
  const last = findings.filter(({ kind }) => !["reset", "implausible", "accepted"].includes(kind)).at(-1);
  return html`<div class="stack tight">
    <div class="row"><${Chip} kind=${chain.whole ? "good" : "bad"}>${t(chain.whole ? "screens-proof-whole" : "screens-proof-broken")}<//><span>${t("screens-proof-plays", { count: chain.plays })}</span></div>
    ${faults.length > 0 && html`<ul class="problems">${faults.map((name) => html`<li key=${name} class="warn"><span>${t(`screens-proof-${name}`, { count: chain[name] })}</span></li>`)}</ul>`}
    ${faults.length > 0 && last && html`<p class="small faint" lang="en">${last.detail}</p>`}
    <p class="faint">${chain.signed_until ? t("screens-proof-signed", { until: when(chain.signed_until) }) : t("screens-proof-unsigned")} ${chain.resets > 0 && t("screens-proof-resets", { count: chain.resets })}</p>
  </div>`;
}

function Aside({ plays, onCount }) {
  const reasons = [...new Set(plays.map(({ reason }) => reason))];
  const doubted = plays.filter(isDoubted).length;
  return html`<div class="stack tight aside">
    <h3>${t("screens-aside", { count: plays.length })}</h3>
    <ul class="small" lang="en">${reasons.slice(0, 8).map((reason) => html`<li key=${reason}>${number(plays.filter((one) => one.reason === reason).length)} × ${reason}</li>`)}</ul>
    ${doubted > 0 && may("publisher") && html`<div><button type="button" onClick=${onCount}>${t("screens-count-plays", { count: doubted })}</button></div>`}
  </div>`;
}

function CountDialog({ device, plays, onClose, onDone }) {
  const count = async ({ note }) => {
    let counted = 0;
    for (const span of spansOf(plays)) counted += (await api.post("/v1/plays/accepted", { device: device.id, ...span, note })).body.accepted.length;
    notify(t("screens-counted", { count: counted }));
    onDone();
    onClose();
  };
  return html`<${Dialog} title=${t("screens-count-plays", { count: plays.length })} onClose=${onClose} onSubmit=${count} submit=${t("screens-count-do")}>
    <p>${t("screens-count-text")}</p>
    <${Field} label=${t("screens-count-note")} name="note" required maxlength="200" />
  <//>`;
}
