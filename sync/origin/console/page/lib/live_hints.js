// Hears over the WebSocket what changed; without one it asks every ten seconds, and says which of the two it is.

const POLL_MS = 10_000;
const CHECK_MS = 60_000; // even while hints come: one may have been lost
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const GATHER_MS = 120; // hints come in bursts

/** `hear(hints)` gets what changed, `refresh()` asks for everything, `tell(state)` shows live, polling or offline. */
export class Live {
  #hear;
  #refresh;
  #tell;
  #running = false;
  #hearing = false;
  #socket = null;
  #failures = 0;
  #hints = new Map();
  #timers = new Map();

  constructor({ hear, refresh, tell }) {
    this.#hear = hear;
    this.#refresh = refresh;
    this.#tell = tell;
  }

  start() {
    this.stop();
    this.#running = true;
    this.#connect();
    this.#later("poll", POLL_MS, () => this.#poll());
  }

  stop() {
    this.#running = false;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#hints.clear();
    const socket = this.#socket;
    this.#socket = null; // before it closes: this end is wanted
    socket?.close();
  }

  #connect() {
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/v1/live`);
    this.#socket = socket;
    socket.onopen = () => {
      this.#failures = 0;
      this.#tell("live");
      this.#refresh(); // what changed while nobody listened
    };
    socket.onmessage = ({ data }) => this.#gather(JSON.parse(data));
    socket.onclose = () => {
      if (this.#socket === socket) this.#lost();
    };
  }

  #gather(hint) {
    this.#hints.set(`${hint.topic}/${hint.id ?? hint.channel}`, hint);
    if (!this.#hearing && !this.#timers.has("hear")) this.#later("hear", GATHER_MS, () => this.#handOver());
  }

  async #handOver() {
    const hints = [...this.#hints.values()];
    this.#hints.clear();
    this.#hearing = true; // one after the other: an older answer must not come after a newer one
    try {
      await this.#hear(hints);
    } finally {
      this.#hearing = false;
    }
    if (this.#running && this.#hints.size > 0) this.#later("hear", GATHER_MS, () => this.#handOver());
  }

  #lost() {
    this.#socket = null;
    this.#failures += 1;
    const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures);
    this.#later("connect", most * (0.5 + Math.random() / 2), () => this.#connect());
    this.#later("poll", 0, () => this.#poll());
  }

  async #poll() {
    const answered = await this.#refresh();
    if (!this.#running) return; // logged out meanwhile
    const open = this.#socket?.readyState === WebSocket.OPEN;
    this.#tell(open ? "live" : answered ? "polling" : "offline");
    this.#later("poll", open ? CHECK_MS : POLL_MS, () => this.#poll());
  }

  #later(name, wait_ms, work) {
    clearTimeout(this.#timers.get(name));
    const run = () => {
      this.#timers.delete(name);
      work();
    };
    this.#timers.set(name, setTimeout(run, wait_ms));
  }
}
