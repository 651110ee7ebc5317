// One's own passkeys: seen, added, named and removed.

import { ask } from "../lib/api.js";
import { dialog } from "../lib/dialogs.js";
import { button, h } from "../lib/dom.js";
import { moment } from "../lib/format.js";
import { announce } from "../lib/notices.js";
import { addPasskey, adviceElements, canUsePasskeys } from "../lib/passkeys.js";
import { own } from "./people.js";

const PATH = "/v1/account/passkeys";
const OLD = "This browser is too old for passkeys, or has them switched off.";
const nameField = (value = "") => ({ name: "name", label: "Name, such as “My phone”", value, required: true, maxlength: 100 });

/** Return the part of the account about passkeys; `again` shows the account anew. */
export async function passkeys(again) {
  const [{ passkeys: mine }, ways] = await Promise.all([ask("GET", PATH), ask("GET", "/v1/session/ways")]);
  const text = ways.passkeys ? (canUsePasskeys() ? [] : [OLD]) : adviceElements(ways);
  return [
    h("h3", {}, "Passkeys"),
    h("p", { class: "faint" }, "With a passkey you log in by finger, face or PIN, without password and code."),
    h("ul", { class: "passkeys" }, ...mine.map((one) => passkey(one, again))),
    text.length > 0 && h("p", { class: "faint", id: "passkeys-not-here" }, ...text),
    h("menu", {}, text.length === 0 && button("Add a passkey …", "add-passkey", () => add(again))),
  ].filter(Boolean);
}

function passkey(one, again) {
  const { id, name, host, created_at, used_at, is_synced } = one;
  const told = [`for ${host}`, `since ${moment(created_at)}`, used_at ? `used ${moment(used_at)}` : "never used", is_synced && "on your other devices too"];
  return h(
    "li",
    {},
    h("b", {}, name),
    h("p", { class: "faint" }, told.filter(Boolean).join(", ")),
    button("Rename", `rename-${id}`, () => rename(one, again), { class: "quiet", "aria-label": `Rename ${name}` }),
    button("Remove", `remove-${id}`, () => remove(one, again), { class: "quiet", "aria-label": `Remove ${name}` }),
  );
}

function add(again) {
  dialog({
    title: "Add a passkey",
    text: "Your browser asks next where it is to be kept: on this device, on a phone, or on a key.",
    fields: [nameField(), own],
    verb: "Go on",
    submit: async ({ name, password }) => {
      await addPasskey(name, password);
      announce(`You can log in with ${name} now.`);
      await again();
    },
  });
}

function rename({ id, name }, again) {
  dialog({
    title: `Rename ${name}`,
    fields: [nameField(name)],
    verb: "Rename",
    submit: async (values) => {
      await ask("PATCH", `${PATH}/${id}`, values);
      await again();
    },
  });
}

function remove({ id, name }, again) {
  dialog({
    title: `Remove ${name}?`,
    text: "It no longer lets you in, and pages that it opened are logged out. Remove it from your device as well.",
    fields: [own],
    verb: "Remove",
    danger: true,
    submit: async (values) => {
      await ask("POST", `${PATH}/${id}/removal`, values);
      await again();
    },
  });
}
