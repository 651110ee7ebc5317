// A field that searches while somebody types; the address of the view follows a little later.

import { useShortcut } from "../lib/keys.js";
import { query } from "../lib/router.js";
import { html, useCallback, useEffect, useRef, useState } from "../lib/view.js";
import { Icon } from "../ui/icon.js";

const TYPING_MS = 150;

/** `value` is what is searched now; what is typed becomes `search` of the address, or goes to `onSearch(text)`. */
export function SearchField({ value, label, onSearch = (search) => query({ search }) }) {
  const box = useRef(null);
  const [typed, setTyped] = useState(value);
  useShortcut(["/"], label, useCallback(() => box.current.focus(), []));
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed === value) return undefined;
    const timer = setTimeout(() => onSearch(typed), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return html`<div class="search"><${Icon} name="search" /><input ref=${box} type="search" aria-label=${label} placeholder=${label} value=${typed} maxlength="200" onInput=${(event) => setTyped(event.target.value)} /></div>`;
}
