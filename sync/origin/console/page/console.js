// The root of the page: logs in and out, keeps the data up to date, and connects the views.

import { Problem, ask, onLoggedOut } from "./lib/api.js";
import { openAccount } from "./views/account.js";
import * as campaigns from "./views/campaigns.js";
import * as channels from "./views/channels.js";
import * as devices from "./views/devices.js";
import { $ } from "./lib/dom.js";
import { applyCounts, applyHints, applyScreens, refresh } from "./lib/data.js";
import { Live } from "./lib/live_hints.js";
import * as media from "./views/media.js";
import * as logIn from "./views/log_in.js";
import { clearOffline, attempt, clear, show } from "./lib/notices.js";
import * as people from "./views/people.js";
import * as playlists from "./views/playlists.js";
import * as reports from "./views/reports.js";
import * as uploads from "./views/uploads.js";

const NAMES = ["media", "playlists", "channels", "campaigns", "reports", "people", "devices"];
const VIEWS = [uploads, media, playlists, channels, campaigns, reports, people, devices];
const RETRY_MS = 5000;
const STATES = { live: "Live", polling: "Every 10 s", offline: "Offline", connecting: "Connecting" };

function draw() {
  for (const section of VIEWS) section.draw();
}

/** Load everything and show it; return whether the origin answered. */
async function reload() {
  try {
    await refresh();
    clearOffline();
  } catch (error) {
    if (error.status !== 401) show(error, "Loading changes");
    return Boolean(error.status);
  }
  draw();
  return true;
}

const live = new Live({
  refresh: reload,
  applyHints: async (hints) => {
    if (await attempt("Loading changes", () => applyHints(hints))) draw();
  },
  applyScreens: async (screens) => {
    if (await attempt("Loading changes", () => applyScreens(screens))) devices.draw();
  },
  applyCounts: (counts) => {
    applyCounts(counts);
    devices.draw();
  },
  showState: (state) => {
    $("#live").dataset.state = state;
    $("#live").textContent = STATES[state];
  },
});

let caller = null;

function showConsole(who) {
  caller = who;
  document.body.dataset.roles = who.roles.join(" ");
  $("#who").textContent = who.roles.includes("administrator") ? who.name : `${who.name} (${who.roles.at(-1)})`;
  document.body.dataset.page = "inside";
  live.start();
  people.opened(who);
}

function showLogin(problem) {
  live.stop();
  for (const box of document.querySelectorAll("dialog")) box.close();
  if (document.body.dataset.page === "inside") { // what the first of several refusals says stays
    logIn.explain(problem);
  }
  document.body.dataset.page = "outside";
  logIn.offer();
  logIn.focus();
}

function showView() {
  const named = location.hash.slice(1);
  const wanted = NAMES.includes(named) ? named : document.body.dataset.view;
  document.body.dataset.view = wanted;
  for (const link of document.querySelectorAll("nav a")) {
    link.removeAttribute("aria-current");
    if (link.hash !== `#${wanted}`) continue;
    link.setAttribute("aria-current", "page");
    link.scrollIntoView({ block: "nearest", inline: "nearest" }); // on a phone there is no room for all
  }
}

async function resume() {
  if (logIn.isLink()) return showLogin();
  if (await logIn.returned()) return;
  try {
    showConsole(await ask("GET", "/v1/session"));
  } catch (error) {
    if (error.status === 401) return;
    showLogin();
    logIn.explain(error);
    if (error.status === 0) setTimeout(resume, RETRY_MS);
  }
}

addEventListener("error", (event) => show(new Problem({ title: "This page has a fault", detail: event.message, status: -1 })));
addEventListener("unhandledrejection", ({ reason }) => show(reason, "This page has a fault"));
addEventListener("hashchange", showView);
onLoggedOut(showLogin);
logIn.start((who) => {
  clear();
  showConsole(who);
});
$("#who").addEventListener("click", () => openAccount(caller));
$("#log-out").addEventListener("click", async () => {
  if (await attempt("Logging out", () => ask("DELETE", "/v1/session"))) showLogin();
});
for (const section of VIEWS) section.start?.({ watch: (ids) => live.watch(ids) });
showView();
resume();
