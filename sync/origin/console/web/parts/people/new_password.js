// The two fields of a new password.

import { t } from "../../lib/words.js";
import { html } from "../../lib/view.js";
import { Field } from "../../ui/field.js";

/** Return the new password of a form; throws what is said beside the second field if they differ. */
export function chosenPassword({ password, again }) {
  if (password === again) return password;
  throw Object.assign(new Error(), { status: 422, code: "passwords-differ", fields: { again: t("shell-passwords-differ") } });
}

/** The two fields. */
export function PasswordFields() {
  return html`
    <${Field} label=${t("shell-new-password")} help=${t("shell-new-password-help")} name="password" type="password" autocomplete="new-password" minlength="12" maxlength="256" required />
    <${Field} label=${t("shell-password-again")} name="again" type="password" autocomplete="new-password" required />`;
}
