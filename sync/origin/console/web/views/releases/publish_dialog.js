// Asks before a channel is published: what changes, which drafts come along, and what stands against it.

import { api } from "../../lib/api.js";
import { useThing } from "../../lib/lists.js";
import { bytes, sentence, t, when } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { ChangeList } from "../../parts/change_list.js";
import { loadUnpublished } from "../../parts/unpublished.js";
import { Dialog } from "../../ui/dialog.js";
import { Check, Field } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { attempt, notify } from "../../ui/notify.js";

/** `found` is what publishing `channel` would change. */
export function PublishDialog({ channel, found, onClose }) {
  const [taken, setTaken] = useState([]);
  const preview = useThing("/v1/releases/preview", { channel });
  const toggle = (one) => setTaken(taken.includes(one) ? taken.filter((other) => other !== one) : [...taken, one]);
  const publish = async ({ note }) => {
    const drafts = taken.map(({ kind, id }) => ({ kind, id }));
    const { body } = await api.post("/v1/releases", { channel, note: note.trim() || null, with: drafts });
    const before = found.sequence;
    const canGoBack = before !== null && !body.unchanged;
    notify(body.unchanged ? t("releases-was-same", { channel }) : t("releases-done", { channel, sequence: body.sequence }), canGoBack ? { action: { label: t("releases-take-back"), run: () => takeBack(channel, before) } } : {});
    onClose();
  };
  const rollout = preview.body?.rollout;
  return html`<${Dialog} title=${t("releases-publish-title", { channel })} onClose=${onClose} onSubmit=${publish} submit=${t("releases-publish-now")}>
    ${found.changes.length > 0 ? html`<${ChangeList} changes=${found.changes} more=${found.more} label=${t("releases-changes-of", { channel })} />` : html`<p>${t("releases-nothing-changes")}</p>`}
    ${found.left_out.length > 0 && html`<fieldset class="stack tight"><legend><b>${t("releases-take-drafts")}</b></legend>
      ${found.left_out.map((one) => html`<${Check} key=${`${one.kind} ${one.id}`} label=${t(`releases-draft-${one.kind}`, { name: one.name })} checked=${taken.includes(one)} onChange=${() => toggle(one)} />`)}
    </fieldset>`}
    ${preview.body && html`<${Weight} preview=${preview.body} rollout=${rollout} />`}
    <${Field} label=${t("releases-note")} help=${t("releases-note-help")} name="note" maxlength="500" />
  <//>`;
}

/** Bring back what was published before; what is planned stays as it is. */
export const takeBack = (channel, again) =>
  attempt(async () => {
    const { body } = await api.post("/v1/releases", { channel, again });
    notify(t("releases-is-back", { channel, again, sequence: body.sequence }));
    await loadUnpublished(channel);
  });

function Weight({ preview, rollout }) {
  const last = rollout?.slowest?.[0];
  return html`<div class="stack tight">
    <p class="faint">${preview.new_bytes > 0 ? t("releases-weight", { bytes: bytes(preview.new_bytes) }) : t("releases-no-weight")} ${last && t("releases-ready", { name: last.name, at: when(last.ready_at, { style: "short" }) })}</p>
    ${(rollout?.late ?? []).map((one) => html`<p key=${one.what} class="chip warn"><${Icon} name="clock" />${t("releases-late", { what: one.what, at: when(one.at, { style: "short" }), devices: one.devices, first: one.first })}</p>`)}
    ${(preview.warnings ?? []).map((text, place) => html`<p key=${text} class="warning"><${Icon} name="alert" size=${17} /> ${sentence({ ...preview.warnings_told?.[place], text })}</p>`)}
  </div>`;
}
