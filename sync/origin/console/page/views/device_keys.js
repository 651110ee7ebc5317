// The keys with which a device signs its log of plays: a person revokes one.

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
