// One's own account: password, passkeys, second factor, and where one is logged in.

import { ask } from "../lib/api.js";
import { dialog } from "../lib/dialogs.js";
import { button, h } from "../lib/dom.js";
import { moment } from "../lib/format.js";
import { announce, attempt } from "../lib/notices.js";
import { passkeys } from "./passkeys.js";
import { chosen, own, passwordFields } from "./people.js";

const FACTOR = "/v1/account/second-factor";

/** Show the account of who is logged in; with a key, only its sessions. */
export async function openAccount(who) {
  const body = h("div", {});
  const close = button("Close", "close", () => box.close(), { class: "quiet" });
  const box = h("dialog", { id: "account", "aria-labelledby": "account-title" }, h("h2", { id: "account-title" }, who.name), body, h("menu", {}, close));
  const fill = async () => body.replaceChildren(...(await parts(who, () => attempt("Loading the account", fill))));
  if (!(await attempt("Loading the account", fill))) return;
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  close.focus();
}

async function parts(who, again) {
  const { sessions } = await ask("GET", "/v1/sessions");
  const here = [h("h3", {}, "Where you are logged in"), h("ul", { class: "sessions" }, ...sessions.map((one) => session(one, again)))];
  if (who.account === null) return [h("p", { class: "faint" }, "You are logged in with a key. It has no password."), ...here];
  const account = await ask("GET", "/v1/account");
  if (!account.person.has_password) return [h("p", { class: "faint" }, "You log in by the provider, and have no password here. With the link of a reset, which an administrator makes, you set one."), ...here];
  const password = [h("h3", {}, "Password"), h("menu", {}, button("Change the password …", "password", () => changePassword(again)))];
  return [...password, ...(await passkeys(again)), ...factor(account, again), ...here];
}

const MEANS = { key: "by a key", password: "by password", password_code: "by password and code", passkey: "by a passkey", provider: "by the provider" };

function session({ id, client, browser, created_at, seen_at, opened_by, is_this }, again) {
  const end = async () => {
    if (await attempt("Ending the session", () => ask("DELETE", `/v1/sessions/${id}`))) await again();
  };
  return h(
    "li",
    {},
    h("b", {}, is_this ? "This page" : client || "an unknown address"),
    h("p", { class: "faint" }, `since ${moment(created_at)}${opened_by ? ` ${MEANS[opened_by] ?? opened_by}` : ""}, seen ${moment(seen_at)}, ${browser || "no name of a browser"}`),
    !is_this && button("End", `end-${id}`, end, { class: "quiet", "aria-label": `End the session of ${client}, since ${moment(created_at)}` }),
  );
}

function factor({ person, recovery_codes }, again) {
  const text = person.has_second_factor
    ? `You log in with a code of your app. ${recovery_codes} recovery codes are left.`
    : "With an app on your phone nobody can log in who only knows your password.";
  const buttons = person.has_second_factor
    ? [button("New recovery codes …", "codes", () => renew(again)), button("Do without the app …", "drop", () => drop(again), { class: "quiet" })]
    : [button("Set up an app …", "app", () => attempt("Making a secret", () => setUp(again)))];
  return [h("h3", {}, "Second factor"), h("p", { id: "factor" }, text), h("menu", {}, ...buttons)];
}

function changePassword(again) {
  dialog({
    title: "Change the password",
    text: "You are logged out everywhere else.",
    fields: [{ ...own, name: "current" }, ...passwordFields],
    verb: "Change",
    submit: async ({ current, ...passwords }) => {
      await ask("PUT", "/v1/account/password", { current, password: chosen(passwords) });
      announce("Your password is changed.");
      await again();
    },
  });
}

async function setUp(again) {
  const { secret, picture } = await ask("POST", FACTOR);
  dialog({
    title: "Set up an app",
    text: [
      "Scan this with an authenticator app, or type the secret into it: ",
      h("code", { id: "secret" }, secret),
      h("img", { class: "qr", src: picture, alt: "The secret as a QR code" }),
    ],
    fields: [{ name: "code", label: "The code that the app shows now", inputmode: "numeric", autocomplete: "one-time-code", required: true, maxlength: 10 }, own],
    verb: "Use it",
    submit: async ({ code, password }) => {
      tellCodes(await ask("PUT", FACTOR, { password, secret, code }));
      await again();
    },
  });
}

function renew(again) {
  dialog({
    title: "New recovery codes",
    text: "The old ones count no longer.",
    fields: [own],
    verb: "Make them",
    submit: async (values) => {
      tellCodes(await ask("POST", "/v1/account/recovery-codes", values));
      await again();
    },
  });
}

function drop(again) {
  dialog({
    title: "Do without the app?",
    text: "Your password alone lets you in then.",
    fields: [own],
    verb: "Do without",
    danger: true,
    submit: async (values) => {
      await ask("POST", `${FACTOR}/removal`, values);
      await again();
    },
  });
}

function tellCodes({ recovery_codes }) {
  dialog({
    title: "Your recovery codes",
    text: ["If the app is lost, each of these lets you in once. They are shown only now: print them, or write them down.", h("span", { id: "codes", class: "codes" }, ...recovery_codes.map((code) => h("code", {}, code)))],
    verb: "I have them",
  });
}
