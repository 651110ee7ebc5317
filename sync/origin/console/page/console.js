// The root of the page: logs in and out, keeps what is shown in step with the origin, and wires the rooms.

import { Problem, ask, whenLocked } from "./lib/api.js";
import * as campaigns from "./views/campaigns.js";
import * as channels from "./views/channels.js";
import * as devices from "./views/devices.js";
import { $ } from "./lib/dom.js";
import { hear, refresh } from "./lib/data.js";
import { Live } from "./lib/live_hints.js";
import * as media from "./views/media.js";
import { answered, attempt, clear, show, written } from "./lib/notices.js";
import * as playlists from "./views/playlists.js";
import * as uploads from "./views/uploads.js";

const VIEWS = ["media", "playlists", "channels", "campaigns", "devices"];
const ROOMS = [uploads, media, playlists, channels, campaigns, devices];
const AGAIN_MS = 5000;
const STATES = { live: "Live", polling: "Every 10 s", offline: "Offline", connecting: "Connecting" };

function draw() {
  for (const room of ROOMS) room.draw();
}

/** Ask for everything and show it; tell whether the origin answered. */
async function renew() {
  try {
    await refresh();
    answered();
  } catch (error) {
    if (error.status !== 401) show(error, "Reading what is new");
    return Boolean(error.status);
  }
  draw();
  return true;
}

const live = new Live({
  refresh: renew,
  hear: async (hints) => {
    if (await attempt("Reading what is new", () => hear(hints))) draw();
  },
  tell: (state) => {
    $("#live").dataset.state = state;
    $("#live").textContent = STATES[state];
  },
});

async function enter(who) {
  document.body.dataset.access = who.access;
  $("#who").textContent = who.access === "read" ? `${who.name} (may look)` : who.name;
  document.body.dataset.page = "inside";
  live.start();
}

function leave(problem) {
  live.stop();
  for (const box of document.querySelectorAll("dialog")) box.close();
  const expired = document.body.dataset.page === "inside" && problem;
  document.body.dataset.page = "outside";
  $("#login-problem").replaceChildren(...(expired ? written(problem) : []));
  $("#token").focus();
}

async function logIn(event) {
  event.preventDefault();
  $("#login-problem").replaceChildren();
  try {
    const who = await ask("POST", "/v1/session", { token: $("#token").value });
    $("#token").value = "";
    clear();
    await enter(who);
  } catch (error) {
    $("#login-problem").replaceChildren(...written(error));
  }
}

function view() {
  const named = location.hash.slice(1);
  const wanted = VIEWS.includes(named) ? named : document.body.dataset.view;
  document.body.dataset.view = wanted;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${wanted}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

async function begin() {
  try {
    await enter(await ask("GET", "/v1/session"));
  } catch (error) {
    if (error.status === 401) return;
    leave();
    $("#login-problem").replaceChildren(...written(error));
    if (error.status === 0) setTimeout(begin, AGAIN_MS);
  }
}

addEventListener("error", (event) => show(new Problem({ title: "This page has a fault", detail: event.message, status: -1 })));
addEventListener("unhandledrejection", ({ reason }) => show(reason, "This page has a fault"));
addEventListener("hashchange", view);
whenLocked(leave);
$("#log-in").addEventListener("submit", logIn);
$("#log-out").addEventListener("click", async () => {
  if (await attempt("Logging out", () => ask("DELETE", "/v1/session"))) leave();
});
for (const room of ROOMS) room.start?.();
view();
begin();
