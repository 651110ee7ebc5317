// Hears over a WebSocket what changed; without one it asks every ten seconds. An origin that is silent is noticed within
// five seconds. Says which screens are in view, and hears what those show.

import { at } from "./api.js";
import { signal } from "./view.js";

const PING_MS = 2000;
const SILENT_MS = 2500; // with PING_MS below five seconds
const POLL_MS = 10_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const MOST_IN_VIEW = 100; // what the origin takes

/** `connecting`, `live`, `polling` (it answers, and no WebSocket passes) or `silent`. */
export const line = signal("connecting");

/** How many screens there are: `{devices, online, severity}`; empty until the origin said so. */
export const counts = signal({});

const listeners = new Set();
const watchers = new Map();
let socket = null;
let failures = 0;
const timers = {};

/**
 * Have `listen({topic, id})` called when something changed: without `id` all of that topic, with topic `*` perhaps
 * anything (after a time without connection). Returns what ends it.
 */
export function onHint(listen) {
  listeners.add(listen);
  return () => listeners.delete(listen);
}

/** Have `listen(screen)` called with what each of these screens shows, now and whenever it changes. Returns what ends it. */
export function watchScreens(ids, listen) {
  const watcher = {};
  watchers.set(watcher, { ids, listen });
  tellWatched();
  return () => {
    watchers.delete(watcher);
    tellWatched();
  };
}

/** Begin to listen. */
export function startLive() {
  connect();
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && line.value === "silent" && connect());
  addEventListener("online", () => line.value === "silent" && connect());
}

function tell(hint) {
  for (const listen of [...listeners]) listen(hint);
}

function later(name, ms, work) {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(work, ms);
}

function never(name) {
  clearTimeout(timers[name]);
  delete timers[name];
}

const isOpen = () => socket?.readyState === WebSocket.OPEN;

function tellWatched() {
  const ids = new Set([...watchers.values()].flatMap((one) => one.ids));
  const message = JSON.stringify({ topic: "watch", screens: [...ids].slice(0, MOST_IN_VIEW) });
  later("watch", 50, () => isOpen() && socket.send(message)); // many parts may say so at once
}

function connect() {
  const opened = new WebSocket(at("/v1/live").replace(/^http/, "ws"));
  socket?.close();
  socket = opened;
  opened.onopen = () => {
    failures = 0;
    line.value = "live";
    never("poll");
    tellWatched();
    ping();
    tell({ topic: "*" }); // for changes while it was not connected
  };
  opened.onmessage = ({ data }) => {
    if (socket !== opened) return; // it was given up
    heard();
    take(JSON.parse(data));
  };
  opened.onclose = () => socket === opened && lost();
  later("silent", SILENT_MS + PING_MS, silent);
}

function heard() {
  line.value = "live";
  never("silent");
}

function silent() {
  line.value = "silent";
  lost();
}

/** Ask for a sign of life; an origin that hangs keeps its sockets open. */
function ping() {
  if (!isOpen()) return;
  socket.send(JSON.stringify({ topic: "ping" }));
  if (!timers.silent) later("silent", SILENT_MS, silent);
  later("ping", PING_MS, ping);
}

function take(message) {
  if (message.topic === "screens") for (const screen of message.screens) tellScreen(screen);
  else if (message.topic === "counts") counts.value = message;
  else if (message.topic !== "pong") tell({ topic: message.topic, id: message.id ?? message.channel, sequence: message.sequence });
}

function tellScreen(screen) {
  for (const { ids, listen } of [...watchers.values()]) if (ids.includes(screen.id)) listen(screen);
  if (screen.reported) tell({ topic: "devices", id: screen.id });
}

function lost() {
  for (const name of Object.keys(timers)) never(name);
  const dead = socket;
  socket = null;
  dead?.close();
  failures += 1;
  const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
  later("connect", most * (0.5 + Math.random() / 2), connect);
  poll();
}

/** Without a WebSocket, ask whether the origin answers, every two seconds; every ten, have all lists loaded again. */
async function poll(since = 0) {
  let answers = false;
  try {
    answers = (await fetch(at("/healthz"), { signal: AbortSignal.timeout(SILENT_MS) })).status !== 502;
  } catch {
    // no answer: said by `line`
  }
  if (isOpen()) return;
  line.value = answers ? "polling" : "silent";
  const due = since + PING_MS >= POLL_MS;
  if (answers && due) tell({ topic: "*" });
  later("poll", PING_MS, () => poll(due ? 0 : since + PING_MS));
}
