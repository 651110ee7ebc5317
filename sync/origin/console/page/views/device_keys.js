// Who a device is: a person revokes a key of it, or gives one of two machines that run as one device an identity of its own.

import { ask } from "../lib/api.js";
import { dialog } from "../lib/dialogs.js";
import { announce } from "../lib/notices.js";
import { moment } from "../lib/format.js";

/** Ask which key of a device is to be revoked, and why. */
export async function revokeKey(device) {
  const path = `/v1/devices/${device.id}/keys`;
  let valid;
  try {
    valid = (await ask("GET", path)).keys.filter((key) => !key.revoked_at).reverse();
  } catch (error) {
    announce(error.message);
    return;
  }
  if (!valid.length) {
    announce(`${device.name} has no key yet: its plays are not signed.`);
    return;
  }
  const name = ({ key, issued_at, current }) => `${key.slice(0, 16)}, since ${moment(issued_at)}${current ? ", signs now" : ""}`;
  dialog({
    title: `Revoke a key of ${device.name}?`,
    text: "What it signs from now on counts for nothing: somebody else may have the key. The device makes another one within the hour. This cannot be taken back, and whoever reads the proof sees your note.",
    fields: [
      { name: "key", label: "Key", options: valid.map((key) => [key.key, name(key)]) },
      { name: "note", label: "Why?", required: true, maxlength: 200 },
    ],
    verb: "Revoke",
    danger: true,
    submit: ({ key, note }) => ask("POST", `${path}/${key}/revocation`, { note }),
  });
}

/** Ask which of the machines that run as a device gets an identity of its own. */
export async function giveIdentity(device) {
  let machines;
  try {
    ({ machines } = await ask("GET", `/v1/devices/${device.id}/machines`));
  } catch (error) {
    announce(error.message);
    return;
  }
  const name = ({ boot_id, first_at, since }) => `started as ${boot_id.slice(0, 8)}, reports since ${moment(first_at)}, last in turn ${moment(since)}`;
  const choices = machines.map((machine) => [machine.boot_id, name(machine)]);
  dialog({
    title: `Two machines run as ${device.name}`,
    text: `${device.doubts.join(". ")}. One of them gets an identity of its own at its next heartbeat, the other one stays ${device.name}. The plays that are here stay with ${device.name}, of two at one time the one that came first; what the other machine has not delivered yet, and what it plays from then on, counts for its new identity. The key that both have is revoked.`,
    fields: [
      { name: "boot_id", label: "Which machine gets it?", options: [...choices, ["", "none: it is one machine, restored from a backup"]] },
      { name: "name", label: "Its name", value: `${device.name} (2)`, required: true, maxlength: 200 },
    ],
    verb: "Do it",
    danger: true,
    submit: async ({ boot_id, name: called }) => {
      const body = boot_id ? { boot_id, name: called } : {};
      announce((await ask("POST", `/v1/devices/${device.id}/new-identity`, body)).told);
    },
  });
}
