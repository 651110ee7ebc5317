// What somebody may do: a role for everything, or roles in spaces.

import { useList } from "../../lib/lists.js";
import { listed, t } from "../../lib/words.js";
import { html } from "../../lib/view.js";
import { Choice } from "../../ui/field.js";

const ROLES = ["viewer", "editor", "publisher", "technician", "administrator"];
const IN_SPACE = "space ";

/** Return the role and rights of a form with `RightsFields`, as the origin takes them. */
export function rightsOf(values, none = null) {
  const rights = Object.entries(values).filter(([name, role]) => name.startsWith(IN_SPACE) && role).map(([name, role]) => ({ space: name.slice(IN_SPACE.length), role }));
  return { role: values.role || none, rights };
}

/** The fields of what somebody may do: `held` is `{role, rights}` of who has something already. */
export function RightsFields({ held = { role: "editor" } }) {
  const spaces = useList("/v1/spaces").rows;
  const roles = ROLES.map((value) => ({ value, label: t(`parts-role-${value}`) }));
  const nothing = [{ value: "", label: t("parts-role-none") }];
  const inSpace = (id) => held.rights?.find((one) => one.space === id)?.role ?? "";
  return html`
    <${Choice} label=${t("parts-role")} help=${t("parts-role-help")} name="role" value=${held.role ?? ""} options=${[...(spaces.length > 1 ? nothing : []), ...roles]} />
    ${spaces.length > 1 && html`<fieldset class="stack tight"><legend><b>${t("parts-rights-in-spaces")}</b></legend><div class="fields">
      ${spaces.map((one) => html`<${Choice} key=${one.id} label=${one.name} name=${IN_SPACE + one.id} value=${inSpace(one.id)} options=${[...nothing, ...roles]} />`)}
    </div></fieldset>`}`;
}

/** What somebody may do, in a line. */
export function RightsText({ of: { role, rights = [] }, spaces }) {
  const nameOf = (id) => spaces.find((one) => one.id === id)?.name ?? id;
  const inSpaces = rights.map((one) => t("parts-role-in", { role: t(`parts-role-name-${one.role}`), space: nameOf(one.space) }));
  return html`<span>${listed([...(role ? [t(`parts-role-name-${role}`)] : []), ...inSpaces])}</span>`;
}
