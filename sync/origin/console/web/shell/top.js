// The line above every view: whether the origin answers, what waits, and who is logged in.

import { waiting } from "../lib/api.js";
import { counts, line } from "../lib/live.js";
import { href, route } from "../lib/router.js";
import { logOut, session } from "../lib/session.js";
import { LANGUAGES, language, speak, t, when } from "../lib/words.js";
import { applyTheme, theme, THEMES } from "../lib/theme.js";
import { html, useEffect, useState } from "../lib/view.js";
import { totalOf, unpublished } from "../parts/unpublished.js";
import { Icon } from "../ui/icon.js";
import { Menu } from "../ui/menu.js";
import { attempt } from "../ui/notify.js";
import { Brand } from "./navigation.js";

/** What stands above every view; `onHelp` opens the list of shortcuts. */
export function Top({ onHelp }) {
  const languages = Object.entries(LANGUAGES).map(([id, label]) => ({ label, icon: language.value === id ? "check" : "globe", onSelect: () => speak(id) }));
  const themes = THEMES.map((id) => ({ label: t(`shell-theme-${id}`), icon: theme() === id ? "check" : { system: "monitor", light: "sun", dark: "moon" }[id], onSelect: () => applyTheme(id) }));
  const mine = [
    { label: t("shell-account"), icon: "user", href: href("account") },
    { label: t("shell-shortcuts"), icon: "info", onSelect: onHelp },
    { label: t("shell-log-out"), icon: "logout", onSelect: () => attempt(logOut) },
  ];
  return html`<header class="top">
    <${Brand} />
    <div class="grow"><${LineState} /></div>
    <${Unpublished} />
    <${Menu} label=${t("shell-language")} icon="globe" items=${languages} />
    <${Menu} label=${t("shell-theme")} icon="sun" items=${themes} />
    <${Menu} label=${session.value.name} icon="user" text=${true} items=${mine} />
  </header>`;
}

/** The way to publishing from everywhere, while something waits for it. */
function Unpublished() {
  const { channels, changes } = totalOf(unpublished.value);
  if (changes === 0 || route.value.view === "releases") return null;
  const address = href("releases", "", "", channels.length === 1 ? { channel: channels[0] } : {});
  return html`<a class="button unpublished" href=${address}><${Icon} name="send" size=${18} /><span>${t("parts-not-published", { changes })}</span><b class="unpublished-count" aria-hidden="true">${changes}</b></a>`;
}

function LineState() {
  const { online, devices } = counts.value;
  const screens = line.value === "live" && devices > 0 ? t("shell-screens-online", { online, devices }) : t(`shell-line-${line.value}`);
  return html`<span class=${`line ${line.value}`} role="status" title=${t(`shell-line-${line.value}`)}><span>${screens}</span></span>`;
}

/** What is said across the page while the origin is silent, or changes wait. */
export function LineBanner() {
  const isSilent = line.value === "silent";
  const [since, setSince] = useState(null);
  useEffect(() => setSince(isSilent ? new Date() : null), [isSilent]);
  useEffect(() => {
    if (waiting.value === 0) return undefined;
    const warn = (event) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [waiting.value]);
  if (!isSilent && waiting.value === 0) return null;
  return html`<div class=${isSilent ? "banner" : "banner info"} role="alert">
    <${Icon} name="offline" />
    ${isSilent && html`<span>${t("shell-silent", { since: when(since ?? new Date(), { style: "time" }) })}</span>`}
    ${waiting.value > 0 && html`<span>${t("shell-waiting", { count: waiting.value })}</span>`}
  </div>`;
}
