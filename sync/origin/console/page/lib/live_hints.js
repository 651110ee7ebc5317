// Receives hints over the WebSocket; without one it polls every ten seconds. Tells which of the two it does. The origin
// is told which screens are in view, and sends what those show.

import { at } from "./api.js";

const POLL_MS = 10_000;
const CHECK_MS = 60_000; // also while hints arrive: one may have been lost
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const COLLECT_MS = 120; // hints arrive in bursts
const REPORTED_MS = 3000; // heartbeats gather for so long before the rest of what they say is loaded

/**
 * `applyHints(hints)` loads what changed, `refresh()` loads everything, `showState(state)` shows live, polling or offline.
 * `applyScreens(screens)` and `applyCounts(counts)` take what the origin says of screens in view, and of all.
 */
export class Live {
  #applyHints;
  #applyScreens;
  #applyCounts;
  #refresh;
  #showState;
  #running = false;
  #applying = false;
  #socket = null;
  #failures = 0;
  #hints = new Map();
  #reported = new Set();
  #inView = [];
  #timers = new Map();

  constructor({ applyHints, applyScreens, applyCounts, refresh, showState }) {
    this.#applyHints = applyHints;
    this.#applyScreens = applyScreens;
    this.#applyCounts = applyCounts;
    this.#refresh = refresh;
    this.#showState = showState;
  }

  start() {
    this.stop();
    this.#running = true;
    this.#connect();
    this.#schedule("poll", POLL_MS, () => this.#poll());
  }

  stop() {
    this.#running = false;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#hints.clear();
    this.#reported.clear();
    const socket = this.#socket;
    this.#socket = null; // before it closes: this close is intended
    socket?.close();
  }

  /** Tell the origin which screens are in view from now on. */
  watch(ids) {
    this.#inView = ids;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ topic: "watch", screens: ids }));
  }

  #connect() {
    const socket = new WebSocket(at("/v1/live").replace(/^http/, "ws"));
    this.#socket = socket;
    socket.onopen = () => {
      this.#failures = 0;
      this.#showState("live");
      this.watch(this.#inView);
      this.#refresh(); // for changes while it was not connected
    };
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    socket.onclose = () => {
      if (this.#socket === socket) this.#reconnect();
    };
  }

  #take(message) {
    if (message.topic === "screens") this.#takeScreens(message.screens);
    else if (message.topic === "counts") this.#applyCounts({ devices: message.devices, online: message.online, severity: message.severity });
    else this.#collect(message);
  }

  #takeScreens(screens) {
    this.#applyScreens(screens);
    for (const { id, reported } of screens) if (reported) this.#reported.add(id);
    if (this.#reported.size > 0 && !this.#timers.has("reported")) this.#schedule("reported", REPORTED_MS, () => this.#loadReported());
  }

  #loadReported() {
    for (const id of this.#reported) this.#collect({ topic: "devices", id });
    this.#reported.clear();
  }

  #collect(hint) {
    this.#hints.set(`${hint.topic}/${hint.id ?? hint.channel}`, hint);
    if (!this.#applying && !this.#timers.has("hints")) this.#schedule("hints", COLLECT_MS, () => this.#apply());
  }

  async #apply() {
    const hints = [...this.#hints.values()];
    this.#hints.clear();
    this.#applying = true; // those that come meanwhile are applied together
    try {
      await this.#applyHints(hints);
    } finally {
      this.#applying = false;
    }
    if (this.#running && this.#hints.size > 0) this.#schedule("hints", COLLECT_MS, () => this.#apply());
  }

  #reconnect() {
    this.#socket = null;
    this.#applyCounts({ severity: {} }); // nobody tells when it changes
    this.#failures += 1;
    const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures);
    this.#schedule("connect", most * (0.5 + Math.random() / 2), () => this.#connect());
    this.#schedule("poll", 0, () => this.#poll());
  }

  async #poll() {
    const answered = await this.#refresh();
    if (!this.#running) return; // logged out meanwhile
    const open = this.#socket?.readyState === WebSocket.OPEN;
    this.#showState(open ? "live" : answered ? "polling" : "offline");
    this.#schedule("poll", open ? CHECK_MS : POLL_MS, () => this.#poll());
  }

  #schedule(name, wait_ms, work) {
    clearTimeout(this.#timers.get(name));
    const run = () => {
      this.#timers.delete(name);
      work();
    };
    this.#timers.set(name, setTimeout(run, wait_ms));
  }
}
