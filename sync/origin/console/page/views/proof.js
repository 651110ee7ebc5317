// The proof of play of one device: whether its chain is whole, which plays do not count, and counting those after all.

import { ask } from "../lib/api.js";
import { dialog } from "../lib/dialogs.js";
import { button, h } from "../lib/dom.js";
import { announce } from "../lib/notices.js";
import { count, moment } from "../lib/format.js";

const UNCONFIRMED = "unconfirmed: "; // how the reasons begin that a person may overrule
const MOST_AT_ONCE = 1000; // plays, in one request
const MOST_REASONS = 6;

const checks = new Map(); // the latest results, by device

/** Return what the latest check of a device found; undefined before the first. */
export const proofOf = ({ id }) => checks.get(id);

/** Check the proof of play of a device anew. */
export async function checkProof(device) {
  try {
    const audit = await ask("GET", `/v1/plays/audit?device=${device.id}`);
    checks.set(device.id, { ...auditText(audit), aside: await setAside(device) });
  } catch (error) {
    announce(error.message);
  }
}

async function setAside({ id }) {
  const found = [];
  for (let after = ""; after !== null; ) {
    const page = await ask("GET", `/v1/plays?device=${id}&set_aside=true&limit=${MOST_AT_ONCE}${after && `&after=${encodeURIComponent(after)}`}`);
    found.push(...page.set_aside);
    after = page.next;
  }
  return found;
}

function auditText({ devices: [chain], findings }) {
  if (!chain) return { whole: true, text: "Proof of play: nothing delivered yet." };
  const { plays, missing, forks, conflicts, resets, implausible, checkpoints, signed_until, whole } = chain;
  const odd = implausible ? `, ${count(implausible, "play")} set aside` : "";
  const signed = signed_until ? `, signed until ${moment(signed_until)}` : ", not signed";
  const begun = (resets ? `, restarted ${count(resets, "time")}` : "") + odd + signed;
  if (whole) return { whole, text: `Proof of play: ${count(plays, "play")}, the chain of the last 31 days is whole${begun}.` };
  const faults = [missing && `${count(missing, "play")} missing`, forks && count(forks, "fork"), conflicts && count(conflicts, "conflict"), checkpoints && `${count(checkpoints, "checkpoint")} that do not fit`];
  const last = findings.filter(({ kind }) => !["reset", "implausible", "accepted"].includes(kind)).at(-1);
  return { whole, text: `Proof of play: ${faults.filter(Boolean).join(", ")}${begun}. Last: ${last.detail}.` };
}

/** Return the elements that tell what the latest check found. */
export function proof(device) {
  const found = device.proof;
  if (!found) return [];
  const { whole, text, aside } = found;
  const doubted = aside.filter(({ reason }) => reason.startsWith(UNCONFIRMED));
  const reasons = Object.entries(Object.groupBy(aside, ({ reason }) => reason));
  const list = reasons.slice(0, MOST_REASONS).map(([reason, plays]) => h("li", {}, `${count(plays.length, "play")} set aside: ${reason}`));
  const more = reasons.length > MOST_REASONS && h("li", {}, `and ${count(reasons.length - MOST_REASONS, "other reason")}`);
  const open = () => accept(device, doubted);
  const label = `Count ${count(doubted.length, "unconfirmed play")} of ${device.name}`;
  return [
    h("p", { class: `state ${whole ? "current" : "behind"}` }, text),
    aside.length > 0 && h("ul", { class: "problems" }, ...list, more),
    doubted.length > 0 && h("menu", { class: "for-publisher" }, button(`Count ${count(doubted.length, "unconfirmed play")} …`, "accept", open, { "aria-label": label })),
  ];
}

function accept(device, plays) {
  dialog({
    title: `Count ${count(plays.length, "play")} of ${device.name}?`,
    text:
      "The device says that it showed them, but they do not fit to what this origin knows: a clock was wrong, or the origin was restored from a backup. " +
      "From now on they count in all sums, as proof to those who pay for them. This cannot be taken back, and the audit names your key and your note. " +
      "Plays that contradict themselves or others stay set aside.",
    fields: [{ name: "note", label: "How do you know that they were shown?", required: true, maxlength: 200 }],
    verb: "Count them",
    submit: async ({ note }) => {
      let [accepted, refused] = [0, 0];
      for (const span of spans(plays)) {
        const done = await ask("POST", "/v1/plays/accepted", { device: device.id, ...span, note });
        accepted += done.accepted.length;
        refused += done.refused.length;
      }
      announce(`Counted from now on: ${count(accepted, "play")} of ${device.name}${refused ? `; ${refused} stay set aside` : ""}.`);
      await checkProof(device);
    },
  });
}

/** Return the plays as spans of sequences, each of one log and no longer than one request may be. */
function spans(plays) {
  const found = [];
  for (const [log_epoch, each] of Object.entries(Object.groupBy(plays, (play) => play.log_epoch))) {
    for (const sequence of each.map((play) => play.sequence).sort((a, b) => a - b)) {
      const last = found.at(-1);
      if (last?.log_epoch === log_epoch && sequence - last.sequence < MOST_AT_ONCE) last.until = sequence;
      else found.push({ log_epoch, sequence, until: sequence });
    }
  }
  return found;
}
