// People: who has an account, and what they may do.

import { api } from "../../lib/api.js";
import { useList } from "../../lib/lists.js";
import { session } from "../../lib/session.js";
import { t, when } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { RightsFields, RightsText, rightsOf } from "../../parts/people/rights.js";
import { SecretDialog } from "../../parts/people/secret.js";
import { Confirm, Dialog } from "../../ui/dialog.js";
import { Field } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Menu } from "../../ui/menu.js";
import { Chip, Page } from "../../ui/page.js";
import { notify } from "../../ui/notify.js";
import { Empty, Loaded } from "../../ui/states.js";
import { Table } from "../../ui/table.js";

/** Return the address that a one-time code makes a link of. */
const linkOf = ({ fragment }) => new URL(fragment.startsWith("#") ? fragment : `#${fragment}`, new URL(location.pathname, location.href)).href;

/** The view of people. */
export function View() {
  const list = useList("/v1/people");
  const spaces = useList("/v1/spaces").rows;
  const [window, setWindow] = useState(null);
  const open = (kind) => (person) => setWindow({ kind, person });
  const close = () => {
    setWindow(null);
    list.reload();
  };
  const items = (one) => [
    { label: t("people-change"), icon: "edit", onSelect: () => open("change")(one) },
    { label: t("people-reset"), icon: "key", onSelect: () => open("reset")(one) },
    { label: one.subject ? t("people-unlink") : t("people-link"), icon: "link", onSelect: () => open(one.subject ? "unlink" : "link")(one) },
    { label: t("people-remove"), icon: "trash", danger: true, onSelect: () => open("remove")(one) },
  ];
  const columns = [
    { key: "name", label: t("ui-name"), render: (one) => html`<span class="row tight"><b class="cut" title=${one.name}>${one.name}</b>${one.id === session.value.account && html`<${Chip} kind="accent">${t("people-you")}<//>`}</span>` },
    { key: "role", label: t("people-may"), render: (one) => html`<${RightsText} of=${one} spaces=${spaces} />` },
    { key: "ways", label: t("people-logs-in"), render: (one) => html`<span class="row tight">${!one.has_password && !one.subject && !(one.passkeys > 0) && html`<${Chip} kind="warn">${t("people-not-yet")}<//>`}${one.has_password && t(one.has_second_factor ? "people-with-code" : "people-with-password")} ${one.passkeys > 0 && t("people-with-passkeys", { count: one.passkeys })} ${one.subject && t("people-with-provider")}</span>` },
    { key: "since", label: t("people-since"), render: (one) => when(one.created_at, { style: "day" }) },
    { key: "do", label: "", render: (one) => html`<${Menu} label=${t("people-actions", { name: one.name })} items=${items(one)} />` },
  ];
  const add = html`<button type="button" class="primary" onClick=${() => open("new")(null)}><${Icon} name="plus" size=${18} />${t("people-new")}</button>`;
  return html`<${Page} title=${t("people-title")} lead=${t("people-lead")} actions=${add}>
    <${Loaded} of=${list}>
      ${list.rows.length === 0 ? html`<${Empty} level=${2} icon="users" title=${t("people-none")} text=${t("people-none-text")}>${add}<//>` : html`<${Table} label=${t("people-title")} columns=${columns} rows=${list.rows} />`}
    <//>
    ${window && html`<${Window} ...${window} onClose=${close} onSecret=${(code, person) => setWindow({ kind: "link-made", person, code })} />`}
  <//>`;
}

function Window({ kind, person, code, onClose, onSecret }) {
  const path = person && `/v1/people/${person.id}`;
  if (kind === "link-made") return html`<${SecretDialog} title=${t("people-link-for", { name: person.name })} text=${t("people-link-text", { until: when(code.expires_at) })} secret=${linkOf(code)} onClose=${onClose} />`;
  if (kind === "new" || kind === "change") return html`<${PersonDialog} person=${person} onClose=${onClose} onSecret=${onSecret} />`;
  if (kind === "reset") {
    const reset = async () => onSecret((await api.post(`${path}/reset`)).body, person);
    return html`<${Dialog} title=${t("people-reset-title", { name: person.name })} onClose=${onClose} onSubmit=${reset} submit=${t("people-reset-do")} danger><p>${t("people-reset-text")}</p><//>`;
  }
  if (kind === "link") {
    const link = async ({ subject }) => {
      await api.put(`${path}/identity`, { subject });
      onClose();
    };
    return html`<${Dialog} title=${t("people-link-title", { name: person.name })} onClose=${onClose} onSubmit=${link} submit=${t("people-link-do")}><${Field} label=${t("people-subject")} help=${t("people-subject-help")} name="subject" required maxlength="255" /><//>`;
  }
  const remove = kind === "remove";
  return html`<${Confirm} title=${t(remove ? "people-remove-title" : "people-unlink-title", { name: person.name })} text=${t(remove ? "people-remove-text" : "people-unlink-text")} verb=${t(remove ? "people-remove" : "people-unlink")} onConfirm=${() => api.remove(remove ? path : `${path}/identity`)} onClose=${onClose} />`;
}

function PersonDialog({ person, onClose, onSecret }) {
  const save = async (values) => {
    if (person) {
      await api.patch(`/v1/people/${person.id}`, { name: values.name, ...rightsOf(values, "none") });
      notify(t("people-changed", { name: values.name }));
      onClose();
      return;
    }
    const { body } = await api.post("/v1/people", { name: values.name, ...rightsOf(values) });
    onSecret(body.one_time_code, body.person);
  };
  return html`<${Dialog} title=${person ? t("people-change-title", { name: person.name }) : t("people-new-title")} onClose=${onClose} onSubmit=${save} submit=${person ? t("ui-save") : t("people-new-do")}>
    <${Field} label=${t("ui-name")} help=${t("people-name-help")} name="name" value=${person?.name ?? ""} maxlength="100" required autocomplete="off" />
    <${RightsFields} held=${person ?? undefined} />
  <//>`;
}
