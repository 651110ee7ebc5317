// Who may log in, for administrators: accounts are made, changed, reset and removed; who has a key only makes the first one.

import { ask } from "../lib/api.js";
import { dialog } from "../lib/dialogs.js";
import { $, button, h, keyed } from "../lib/dom.js";
import { announce, attempt } from "../lib/notices.js";

const ROLES = [
  ["viewer", "Viewer: sees everything"],
  ["editor", "Editor: changes media, playlists, schedules and campaigns"],
  ["publisher", "Publisher: an editor who also publishes"],
  ["technician", "Technician: looks after the screens, not what they show"],
  ["administrator", "Administrator: may do everything"],
];
const HINT = "12 characters or more, such as several words";

/** The fields of a password that is chosen; `chosen` compares both. */
export const passwordFields = [
  { name: "password", label: "New password", type: "password", autocomplete: "new-password", required: true, minlength: 12, maxlength: 256, hint: HINT },
  { name: "again", label: "The same again", type: "password", autocomplete: "new-password", required: true },
];

/** The field in which one repeats one's password. */
export const own = { name: "password", label: "Your password", type: "password", autocomplete: "current-password", required: true };

/** Return the password that was typed twice; throw if the two differ. */
export function chosen({ password, again }) {
  if (password !== again) throw new Error("You typed two different passwords: type the same one twice.");
  return password;
}

let caller = null;
let provider = null; // what the provider of identities is called, if there is one

export function draw() {}

export function start() {
  $("#new-person").addEventListener("click", add);
  $("#first-account button").addEventListener("click", addFirst);
  addEventListener("hashchange", load);
}

/** Take who is logged in. Somebody with a key is offered to make the first account. */
export function opened(who) {
  caller = who;
  $("#first-account").hidden = true;
  load();
}

async function load() {
  const isSought = location.hash === "#people" || caller?.account === null; // a key may be all that there is
  if (!caller?.roles.includes("administrator") || !isSought) return;
  await attempt("Loading people", async () => {
    const [{ people }, ways] = await Promise.all([ask("GET", "/v1/people"), ask("GET", "/v1/session/ways")]);
    provider = ways.provider;
    keyed($("#people-list"), people.map((one) => ({ ...one, isOwn: one.id === caller.account })), card);
    $("#people-none").hidden = people.length > 0;
    $("#first-account").hidden = caller.account !== null || people.length > 0;
  });
}

function card(person) {
  const { name, role, rights = [] } = person;
  const roles = [role, ...rights.map((one) => `${one.role} in ${one.space}`)].filter(Boolean).join(", ");
  const ways = person.has_second_factor ? "password and code" : person.has_password ? "password" : person.subject ? "by the provider" : "has not set a password yet";
  const state = person.passkeys > 0 ? `${ways}, passkeys: ${person.passkeys}` : ways;
  return h(
    "article",
    { class: "card" },
    h("h3", {}, name),
    h("p", { class: "faint" }, `${roles}, ${state}`),
    h(
      "menu",
      {},
      button("Change", "change", () => change(person), { class: "quiet", "aria-label": `Change ${name}` }),
      !person.isOwn && button("Reset …", "reset", () => reset(person), { class: "quiet", "aria-label": `Reset the password of ${name}` }),
      button("Remove", "remove", () => remove(person), { class: "quiet", "aria-label": `Remove ${name}` }),
    ),
  );
}

const nameField = (value = "") => ({ name: "name", label: "Name", value, required: true, maxlength: 100 });
const NO_ROLE = ["none", "None for everything: only those in spaces"];
const roleField = (value) => ({ name: "role", label: "Role", options: value === "none" ? [NO_ROLE, ...ROLES] : ROLES, value });

const subjectField = (value) => ({ name: "subject", label: "Subject at the provider", value, maxlength: 255, hint: `Who logs in with ${provider} and is known there by it. A refused log-in tells it.` });
const link = ({ id }, subject) => (subject ? ask("PUT", `/v1/people/${id}/identity`, { subject }) : ask("DELETE", `/v1/people/${id}/identity`));

function add() {
  dialog({
    title: "A new account",
    text: "You get a link by which the person sets a password, once, within a day.",
    fields: [nameField(), roleField("viewer")],
    verb: "Make it",
    submit: async (values) => {
      const { person, one_time_code: code } = await ask("POST", "/v1/people", values);
      tellCode(person, code);
      await load();
    },
  });
}

function addFirst() {
  dialog({
    title: "Your account",
    text: "With it you log in by name and password. The key goes on working.",
    fields: [{ ...nameField(), autocomplete: "username" }, ...passwordFields],
    verb: "Make it and log in",
    submit: async ({ name, ...passwords }) => {
      const password = chosen(passwords);
      await ask("POST", "/v1/people", { name, role: "administrator", password });
      await ask("POST", "/v1/session", { name, password });
      globalThis.location.reload();
    },
  });
}

function change(person) {
  const before = person.role ?? "none"; // else the first role would be chosen for who has none
  dialog({
    title: `Change ${person.name}`,
    text: "Another role logs the person out everywhere.",
    fields: [nameField(person.name), roleField(before), ...(provider ? [subjectField(person.subject ?? "")] : [])],
    verb: "Change",
    submit: async ({ name, role, subject }) => {
      if (provider && subject !== (person.subject ?? "")) await link(person, subject);
      const changed = { ...(name !== person.name && { name }), ...(role !== before && { role }) };
      await ask("PATCH", `/v1/people/${person.id}`, changed);
      await load();
    },
  });
}

function reset(person) {
  dialog({
    title: `Reset ${person.name}?`,
    text: "Password, passkeys, second factor and all sessions end at once. You get a link by which the person sets a new password.",
    verb: "Reset",
    danger: true,
    submit: async () => {
      tellCode(person, await ask("POST", `/v1/people/${person.id}/reset`));
      await load();
    },
  });
}

function remove(person) {
  dialog({
    title: `Remove ${person.name}?`,
    text: "The person can no longer log in. What the person made stays.",
    verb: "Remove",
    danger: true,
    submit: async () => {
      await ask("DELETE", `/v1/people/${person.id}`);
      announce(`${person.name} is removed.`);
      await load();
    },
  });
}

function tellCode(person, { fragment }) {
  const link = new URL(fragment, document.baseURI).href;
  dialog({
    title: `A link for ${person.name}`,
    text: "Give it to nobody else. It sets a password, once, within a day, and is shown only now.",
    fields: [{ name: "link", label: "Link", value: link, readonly: true }],
    verb: "Done",
  });
}
