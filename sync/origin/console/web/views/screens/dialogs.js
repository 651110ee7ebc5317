// What is done with one screen or several: pair, name, move to another channel, remove, fetch now.

import { api } from "../../lib/api.js";
import { useList } from "../../lib/lists.js";
import { go } from "../../lib/router.js";
import { listed, t, when } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { Dialog } from "../../ui/dialog.js";
import { Choice, Field } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { notify } from "../../ui/notify.js";

const ALL = 1000;
const AT_ONCE = 4;

/** What waits to be paired, in a line. */
export function Waiting({ onPair }) {
  const { rows } = useList("/v1/pairings", { limit: ALL });
  if (rows.length === 0) return null;
  return html`<div class="waiting-line" role="status">
    <${Icon} name="monitor" /><span class="grow">${t("screens-waiting", { count: rows.length, names: listed(rows.slice(0, 3).map(({ name }) => name)) })}</span>
    <button type="button" onClick=${onPair}>${t("screens-pair-them")}</button>
  </div>`;
}

function useChannels(...also) {
  const { rows } = useList("/v1/channels", { limit: ALL });
  return [...new Set([...rows.map(({ channel }) => channel), ...also])];
}

/** Pair a screen by the code that it shows. */
export function PairDialog({ onClose }) {
  const channels = useChannels();
  const waiting = useList("/v1/pairings", { limit: ALL });
  const options = channels.length === 1 ? channels : ["", ...channels];
  const pair = async ({ code, channel, name }) => {
    const { body } = await api.post("/v1/devices", { code, channel: channel || "main", name: name.trim() || null });
    notify(t("screens-paired", { name: body.name, channel: body.channel }), { action: { label: t("screens-look-at-it"), run: () => go("screens", body.id) } });
    onClose();
  };
  return html`<${Dialog} title=${t("screens-pair-title")} onClose=${onClose} onSubmit=${pair} submit=${t("screens-pair-do")}>
    <p>${t("screens-pair-text")}</p>
    <${Field} label=${t("screens-code")} name="code" required autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="20" class="code" help=${t("screens-code-help")} />
    <${Field} label=${t("screens-its-name")} name="name" maxlength="200" placeholder=${waiting.rows[0]?.name} help=${t("screens-its-name-help")} />
    ${channels.length > 0
      ? html`<${Choice} label=${t("screens-channel")} name="channel" required value="" help=${t("screens-channel-help")} options=${options.map((value) => ({ value, label: value || t("screens-choose-channel") }))} />`
      : html`<input type="hidden" name="channel" value="main" />`}
    ${waiting.rows.length > 0 && html`<div class="small faint"><p>${t("screens-that-wait")}</p><ul>${waiting.rows.map((one) => html`<li key=${one.pairing}>${t("screens-waits", { name: one.name, until: when(one.expires_at, { style: "time" }) })}</li>`)}</ul></div>`}
  <//>`;
}

/** Do `work` with each of some devices, a few at a time; return those with which it failed, with why. */
async function each(devices, work) {
  const left = [...devices];
  const failed = [];
  const turn = async () => {
    for (let device = left.shift(); device; device = left.shift()) {
      try {
        await work(device);
      } catch (problem) {
        failed.push({ device, problem });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, turn));
  return failed;
}

async function all(devices, work, onDone) {
  const failed = await each(devices, work);
  if (failed.length > 0 && devices.length === 1) throw failed[0].problem;
  if (failed.length > 0) notify(Object.assign(failed[0].problem, { detail: t("screens-failed", { count: failed.length, names: listed(failed.slice(0, 5).map(({ device }) => device.name)), why: failed[0].problem.message }), code: "" }));
  onDone();
}

const whatOf = (devices) => (devices.length === 1 ? devices[0].name : t("screens-count", { count: devices.length }));

/** Put screens on another channel. */
export function MoveDialog({ devices: now, onClose, onDone = onClose }) {
  const [devices] = useState(now); // what somebody saw as it was opened
  const channels = useChannels(devices[0].channel);
  const move = ({ channel }) => all(devices.filter((one) => one.channel !== channel), (one) => api.patch(`/v1/devices/${one.id}`, { channel }, { version: one.version }), onDone);
  return html`<${Dialog} title=${t("screens-move-title", { what: whatOf(devices) })} onClose=${onClose} onSubmit=${move} submit=${t("screens-move-do")}>
    <p>${t("screens-move-text")}</p>
    <${Choice} label=${t("screens-channel")} name="channel" value=${devices[0].channel} options=${channels.map((value) => ({ value, label: value }))} />
  <//>`;
}

/** Lock screens out. */
export function RemoveDialog({ devices, onClose, onDone = onClose }) {
  const remove = () => all(devices, (one) => api.remove(`/v1/devices/${one.id}`), onDone);
  return html`<${Dialog} title=${t("screens-remove-title", { what: whatOf(devices) })} onClose=${onClose} onSubmit=${remove} submit=${t("screens-remove-do")} danger>
    <p>${t("screens-remove-text")}</p>
    ${devices.length > 1 && html`<ul class="small">${devices.map((one) => html`<li key=${one.id}>${one.name}</li>`)}</ul>`}
  <//>`;
}

/** Give a screen another name. */
export function RenameDialog({ device: now, onClose }) {
  const [device] = useState(now); // what somebody saw as it was opened
  const rename = async ({ name }) => {
    await api.patch(`/v1/devices/${device.id}`, { name }, { version: device.version });
    onClose();
  };
  return html`<${Dialog} title=${t("screens-rename-title")} onClose=${onClose} onSubmit=${rename} submit=${t("ui-rename")}>
    <${Field} label=${t("ui-name")} name="name" value=${device.name} required maxlength="200" />
  <//>`;
}

/** Fetch a release although the bytes of the month are spent. */
export function FetchNowDialog({ device, onClose }) {
  const fetch = async () => {
    await api.post(`/v1/devices/${device.id}/let-through`, { release: device.budget.release });
    onClose();
  };
  return html`<${Dialog} title=${t("screens-fetch-title", { name: device.name })} onClose=${onClose} onSubmit=${fetch} submit=${t("screens-fetch-do")}><p>${t("screens-fetch-text")}</p><//>`;
}
