// Who a screen is: its keys and their certificates, and two machines that run as one screen.

import { api } from "../../lib/api.js";
import { useThing } from "../../lib/lists.js";
import { may } from "../../lib/session.js";
import { t, when } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { Dialog } from "../../ui/dialog.js";
import { Choice, Field } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { notify } from "../../ui/notify.js";
import { Card, Chip } from "../../ui/page.js";
import { Empty, Loaded } from "../../ui/states.js";

const short = (key) => key.slice(0, 16);

/** The keys of a device, and the machines that report as it. */
export function Keys({ device }) {
  const path = `/v1/devices/${device.id}/keys`;
  const keys = useThing(path);
  const [revoked, setRevoked] = useState(null);
  const [isTwo, setTwo] = useState(false);
  const mayChange = may("technician", device.space);
  return html`<div class="stack">
    ${device.doubts?.length > 0 && html`<${Card} title=${t("screens-two")}>
      <ul class="problems">${device.doubts.map((text) => html`<li key=${text} class="warn"><${Icon} name="alert" /><span lang="en">${text}</span></li>`)}</ul>
      <p>${t("screens-two-text")}</p>
      ${mayChange && html`<button type="button" onClick=${() => setTwo(true)}>${t("screens-two-do")}</button>`}
    <//>`}
    <${Card} title=${t("screens-keys")}>
      <p class="faint">${t("screens-keys-text")}</p>
      <${Loaded} of=${keys}>${() => keys.body.keys.length === 0
        ? html`<${Empty} icon="key" title=${t("screens-keys-none")} text=${t("screens-keys-none-text")} />`
        : html`<ul class="keys">${[...keys.body.keys].reverse().map((one) => html`<${Key} key=${one.key} of=${one} onRevoke=${mayChange && (() => setRevoked(one))} />`)}</ul>`}<//>
    <//>
    ${revoked && html`<${RevokeDialog} path=${path} of=${revoked} device=${device} onClose=${() => setRevoked(null)} onDone=${keys.reload} />`}
    ${isTwo && html`<${TwoDialog} device=${device} onClose=${() => setTwo(false)} />`}
  </div>`;
}

function Key({ of: one, onRevoke }) {
  const state = one.revoked_at ? "revoked" : one.current ? "current" : "earlier";
  return html`<li>
    <div class="row"><code>${short(one.key)}</code><${Chip} kind=${{ revoked: "bad", current: "good", earlier: "plain" }[state]}>${t(`screens-key-${state}`)}<//>
      <span class="grow faint">${t("screens-key-since", { serial: one.serial, at: when(one.issued_at) })}</span>
      ${onRevoke && !one.revoked_at && html`<button type="button" class="quiet" onClick=${onRevoke}>${t("screens-revoke")}</button>`}
    </div>
    ${one.revoked_at && html`<p class="small">${t("screens-revoked", { at: when(one.revoked_at), by: one.revoked_by ?? "?", note: one.note ?? "" })}</p>`}
    ${one.replaces && !one.proven && html`<p class="small">${t("screens-key-unproven")}</p>`}
  </li>`;
}

function RevokeDialog({ path, of: one, device, onClose, onDone }) {
  const revoke = async ({ note }) => {
    await api.post(`${path}/${one.key}/revocation`, { note });
    onDone();
    onClose();
  };
  return html`<${Dialog} title=${t("screens-revoke-title", { name: device.name })} onClose=${onClose} onSubmit=${revoke} submit=${t("screens-revoke")} danger>
    <p>${t("screens-revoke-text")}</p>
    <${Field} label=${t("screens-revoke-why")} name="note" required maxlength="200" />
  <//>`;
}

function TwoDialog({ device, onClose }) {
  const machines = useThing(`/v1/devices/${device.id}/machines`);
  const split = async ({ boot_id, name }) => {
    const { body } = await api.post(`/v1/devices/${device.id}/new-identity`, boot_id ? { boot_id, name } : {});
    notify(body.told);
    onClose();
  };
  const options = (machines.body?.machines ?? []).map((one) => ({ value: one.boot_id, label: t("screens-machine", { id: one.boot_id.slice(0, 8), since: when(one.first_at), last: when(one.since) }) }));
  return html`<${Dialog} title=${t("screens-two-title", { name: device.name })} onClose=${onClose} onSubmit=${split} submit=${t("screens-two-do")} danger disabled=${!machines.body}>
    <p>${t("screens-two-what")}</p>
    <${Loaded} of=${machines}>
      <${Choice} label=${t("screens-two-which")} name="boot_id" value=${options[0]?.value} options=${[...options, { value: "", label: t("screens-two-none") }]} />
      <${Field} label=${t("screens-two-name")} name="name" value=${`${device.name} (2)`} maxlength="200" required />
    <//>
  <//>`;
}
