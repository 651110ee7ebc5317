// Something that is shown only once, with a button that copies it.

import { t } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { Dialog } from "../../ui/dialog.js";
import { Icon } from "../../ui/icon.js";

/** A text to be copied; without a clipboard (no https) it is chosen, so that it can be copied by keyboard. */
export function Copyable({ text, label }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async (event) => {
    const box = event.currentTarget.parentElement.querySelector("input");
    box.select();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      document.execCommand("copy"); // at an address that is not https there is no other way
    }
    setCopied(true);
  };
  return html`<div class="row copyable"><input class="grow" readonly value=${text} aria-label=${label} onFocus=${(event) => event.target.select()} /><button type="button" onClick=${copy}><${Icon} name=${isCopied ? "check" : "copy"} size=${18} />${t(isCopied ? "parts-copied" : "parts-copy")}</button></div>`;
}

/** A window with a secret, which is shown only now. */
export function SecretDialog({ title, text, secret, onClose }) {
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <p>${text}</p><${Copyable} text=${secret} label=${title} />
    <div class="actions"><button type="button" class="primary" onClick=${onClose}>${t("parts-have-it")}</button></div>
  <//>`;
}
