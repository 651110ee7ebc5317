// Keys: what programs log in with, and what they may do.

import { api } from "../../lib/api.js";
import { useList } from "../../lib/lists.js";
import { t, when } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { RightsFields, RightsText, rightsOf } from "../../parts/people/rights.js";
import { SecretDialog } from "../../parts/people/secret.js";
import { Confirm, Dialog } from "../../ui/dialog.js";
import { Field } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Page } from "../../ui/page.js";
import { Loaded } from "../../ui/states.js";
import { Table } from "../../ui/table.js";

/** The view of keys. */
export function View() {
  const list = useList("/v1/keys");
  const spaces = useList("/v1/spaces").rows;
  const [window, setWindow] = useState(null);
  const close = () => {
    setWindow(null);
    list.reload();
  };
  const make = async (values) => setWindow({ made: (await api.post("/v1/keys", { name: values.name, ...rightsOf(values) })).body });
  const columns = [
    { key: "name", label: t("ui-name"), render: (one) => html`<b>${one.name}</b>` },
    { key: "role", label: t("keys-may"), render: (one) => html`<${RightsText} of=${one} spaces=${spaces} />` },
    { key: "since", label: t("keys-since"), render: (one) => when(one.created_at, { style: "day" }) },
    { key: "do", label: "", render: (one) => html`<button type="button" class="quiet icon-only" aria-label=${t("keys-remove-it", { name: one.name })} title=${t("keys-remove")} onClick=${() => setWindow({ remove: one })}><${Icon} name="trash" /></button>` },
  ];
  return html`<${Page} title=${t("keys-title")} lead=${t("keys-lead")} actions=${html`<button type="button" class="primary" onClick=${() => setWindow({ isNew: true })}><${Icon} name="plus" size=${18} />${t("keys-new")}</button>`}>
    <${Loaded} of=${list}><${Table} label=${t("keys-title")} columns=${columns} rows=${list.rows} /><//>
    ${window?.isNew && html`<${Dialog} title=${t("keys-new-title")} onClose=${close} onSubmit=${make} submit=${t("keys-new-do")}>
      <${Field} label=${t("ui-name")} help=${t("keys-name-help")} name="name" maxlength="100" required autocomplete="off" /><${RightsFields} />
    <//>`}
    ${window?.made && html`<${SecretDialog} title=${t("keys-made", { name: window.made.key.name })} text=${t("keys-made-text")} secret=${window.made.token} onClose=${close} />`}
    ${window?.remove && html`<${Confirm} title=${t("keys-remove-title", { name: window.remove.name })} text=${t("keys-remove-text")} verb=${t("keys-remove")} onConfirm=${() => api.remove(`/v1/keys/${window.remove.id}`)} onClose=${close} />`}
  <//>`;
}
