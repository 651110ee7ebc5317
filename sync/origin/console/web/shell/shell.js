// The frame of all views: navigation, the line to the origin, who is logged in, and the view itself.

import { startLive } from "../lib/live.js";
import { useShortcut } from "../lib/keys.js";
import { route } from "../lib/router.js";
import { hasEnded, may, resume, session } from "../lib/session.js";
import { loadWords, t } from "../lib/words.js";
import { html, useEffect, useState } from "../lib/view.js";
import { Uploads } from "../parts/upload_panel.js";
import { watchUnpublished } from "../parts/unpublished.js";
import { Dialog } from "../ui/dialog.js";
import { Notices } from "../ui/notify.js";
import { Busy, Empty, Guard, Wrong } from "../ui/states.js";
import { VIEWS, loadView } from "../views.js";
import { LogIn } from "./log_in.js";
import { isLink, SetPassword } from "./one_time_link.js";
import { BottomTabs, Side } from "./navigation.js";
import { Shortcuts } from "./shortcuts.js";
import { LineBanner, Top } from "./top.js";

const RETRY_MS = 3000;

/** The whole page: inside once somebody is logged in, else the log-in. */
export function Shell() {
  const [problem, setProblem] = useState(null);
  const who = session.value;
  useEffect(() => {
    if (isLink()) return undefined;
    let timer = 0;
    const look = () => resume().then(() => setProblem(null), (error) => {
      setProblem(error);
      timer = setTimeout(look, RETRY_MS);
    });
    look();
    return () => clearTimeout(timer);
  }, []);
  if (isLink()) return html`<${Outside}><${SetPassword} /><//>`;
  if (who) return html`<${Inside} />`;
  if (who === null) return html`<${Outside}><${LogIn} /><//>`;
  return html`<${Outside}>${problem ? html`<${Wrong} problem=${problem} />` : html`<${Busy} />`}<//>`;
}

function Outside({ children }) {
  return html`<main class="outside"><h1 class="unseen">${t("shell-title")}</h1>${children}</main><${Notices} />`;
}

function Inside() {
  const [hasHelp, setHelp] = useState(false);
  const [openHelp] = useState(() => () => setHelp(true));
  useEffect(() => {
    startLive();
    loadWords("problem").catch(() => {}); // until then the origin's own sentences are shown
    return watchUnpublished();
  }, []);
  useShortcut(["?"], t("shell-shortcuts"), openHelp);
  const skip = (event) => {
    event.preventDefault();
    document.querySelector("#main").focus();
  };
  return html`
    <a class="skip" href="#main" onClick=${skip}>${t("shell-skip")}</a>
    <div class="frame">
      <${Side} />
      <div class="column">
        <${Top} onHelp=${openHelp} />
        <${LineBanner} />
        <main id="main" tabindex="-1"><${Guard} key=${route.value.view} of=${route.value}><${CurrentView} /><//></main>
      </div>
      <${BottomTabs} />
    </div>
    <${Uploads} />
    <${Notices} />
    ${hasHelp && html`<${Shortcuts} onClose=${() => setHelp(false)} />`}
    ${hasEnded.value && html`<${LogInAgain} />`}
  `;
}

function LogInAgain() {
  return html`<${Dialog} title=${t("shell-log-in-again")} onClose=${() => {}}><p>${t("shell-log-in-again-why")}</p><${LogIn} /><//>`;
}

function CurrentView() {
  const { view, id, part, query } = route.value;
  const known = VIEWS.find((one) => one.name === view);
  const [loaded, setLoaded] = useState({});
  const load = () => loadView(view, loadWords).then((View) => setLoaded({ view, View }), (problem) => setLoaded({ view, problem }));
  useEffect(() => {
    if (known) load();
    scrollTo(0, 0);
  }, [view]);
  useEffect(() => {
    if (loaded.view === view && document.activeElement?.closest(".side, .tabs-bottom") && !matchMedia("(min-width: 861px)").matches) document.querySelector("main h1")?.focus();
  }, [loaded]);
  if (!known) return html`<div class="page"><${Empty} level=${2} icon="search" title=${t("shell-no-view")} text=${t("shell-no-view-text")}><a class="button primary" href="#/start">${t("shell-to-start")}</a><//></div>`;
  if (known.role && !may(known.role)) return html`<div class="page"><${Empty} level=${2} icon="lock" title=${t("shell-not-yours")} text=${t("shell-not-yours-text", { role: known.role })} /></div>`;
  if (loaded.view !== view) return html`<div class="page"><${Busy} lines=${5} /></div>`;
  if (loaded.problem) return html`<div class="page"><${Wrong} problem=${loaded.problem} onRetry=${load} /></div>`;
  return html`<${loaded.View} id=${id} part=${part} query=${query} />`;
}
