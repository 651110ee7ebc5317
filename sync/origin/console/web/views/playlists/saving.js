// Keeps a playlist that somebody edits: shows edits at once, sends them one request after the other, keeps what was not sent
// yet over a reload, and takes back what it saved.

import { api, onceKey } from "../../lib/api.js";
import { onHint } from "../../lib/live.js";
import { batch, computed, signal } from "../../lib/view.js";
import { edited, settled } from "./edits.js";

const GATHER_MS = 300; // edits that come together are one version, and one step of undo
const LOOK_MS = 400; // hints come in bursts, also those of one's own edits
const MOST_AT_ONCE = 500;

const keptName = (id) => `console-playlist-${id}`;

function readKept(id) {
  try {
    return JSON.parse(localStorage.getItem(keptName(id)));
  } catch {
    localStorage.removeItem(keptName(id)); // it is damaged: nothing can be read from it
    return null;
  }
}

/** A playlist in the hands of a person; `start()` loads it and returns what ends it. */
export class Editing {
  constructor(id) {
    this.id = id;
    this.path = `/v1/playlists/${encodeURIComponent(id)}`;
    this.base = signal(null); // as the origin has it
    this.pending = signal([]); // edits that it does not have yet
    this.state = signal("loading"); // ready, saving, clash, refused, failed (nothing to show)
    this.problem = signal(null);
    this.history = signal([]);
    this.undoable = signal([]); // versions that this person saved
    this.redoable = signal([]);
    this.asDraft = signal(false);
    this.touched = signal(new Set()); // items that somebody else has just changed
    this.shown = computed(() => this.base.value && edited(this.base.value, this.pending.value));
    this.seen = null; // the version that pending edits were made on
  }

  start() {
    this.load(true);
    let timer = 0;
    const end = onHint((hint) => {
      const isMine = hint.topic === "*" || (hint.topic === "playlists" && (hint.id === undefined || hint.id === this.id));
      if (isMine || hint.topic === "media") timer ||= setTimeout(() => ((timer = 0), this.look(hint.topic === "media")), LOOK_MS);
    });
    return () => {
      this.isOver = true;
      clearTimeout(timer);
      clearTimeout(this.timer);
      if (this.state.value === "ready" && this.pending.value.length > 0) this.flush();
      end();
    };
  }

  /** Load it as it is now; what others changed since is marked. */
  async load(isFirst = false) {
    try {
      const { body } = await api.get(this.path);
      const before = this.base.value;
      batch(() => {
        this.base.value = body;
        this.touched.value = before && !isFirst ? changedIn(edited(before, this.pending.value), body) : new Set();
        if (this.state.value === "loading" || this.state.value === "failed") this.state.value = "ready";
        this.problem.value = this.state.value === "ready" ? null : this.problem.value;
      });
      if (isFirst) this.begin(body);
      this.lookAtHistory();
    } catch (problem) {
      if (problem.name === "AbortError") return;
      batch(() => {
        this.problem.value = problem;
        if (!this.base.value || problem.status === 404) this.state.value = "failed";
      });
    }
  }

  begin(body) {
    this.asDraft.value = body.ready_version !== body.version;
    const kept = readKept(this.id);
    if (!kept?.edits?.length) return;
    this.pending.value = kept.edits;
    Object.assign(this, { seen: kept.seen, sent: kept.sent });
    this.flush();
  }

  /** Look whether somebody else changed it. */
  async look(isAboutMedia) {
    if (this.isOver || this.isSending) return;
    const newest = await this.lookAtHistory();
    if (isAboutMedia || (newest !== null && newest !== this.base.value?.version) || !this.base.value) await this.load();
    else if (newest !== null) await this.lookWhetherReady();
  }

  /** Somebody may have made it ready: its version stays the same. */
  async lookWhetherReady() {
    const { body } = await api.get("/v1/playlists", { id: this.id, limit: 1 }).catch(() => ({ body: null })); // the next hint asks again
    const found = body?.playlists?.[0];
    if (found && this.base.value) this.base.value = { ...this.base.value, ready_version: found.ready_version };
  }

  async lookAtHistory() {
    try {
      const { body } = await api.get(`${this.path}/history`, { limit: 20 });
      this.history.value = body.history;
      return body.history.find((one) => one.version_after)?.version_after ?? null;
    } catch {
      return null; // who changed it is not known: it can be edited all the same
    }
  }

  /** Make edits: they show at once, and are sent shortly after. */
  edit(...edits) {
    const wanted = edits.filter(Boolean);
    if (wanted.length === 0 || !this.base.value) return;
    if (this.pending.value.length === 0) this.seen = this.base.value.version;
    this.pending.value = [...this.pending.value, ...wanted];
    this.redoable.value = [];
    this.keep();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), GATHER_MS);
  }

  keep() {
    const edits = this.pending.value;
    if (edits.length === 0) localStorage.removeItem(keptName(this.id));
    else localStorage.setItem(keptName(this.id), JSON.stringify({ seen: this.seen, sent: this.sent, edits }));
  }

  /** Send what was edited, until all is sent. */
  async flush() {
    if (this.isSending || this.pending.value.length === 0 || this.state.value === "clash") return;
    this.isSending = true;
    this.state.value = "saving";
    try {
      while (this.pending.value.length > 0) await this.sendSome();
      this.state.value = "ready";
      this.problem.value = null;
    } catch (problem) {
      batch(() => {
        this.problem.value = problem;
        this.state.value = problem.status === 409 && problem.clashes?.length ? "clash" : "refused";
      });
    } finally {
      this.isSending = false;
    }
    if (this.state.value === "ready") this.lookAtHistory();
  }

  async sendSome() {
    this.sent ??= { key: onceKey(), count: Math.min(MOST_AT_ONCE, this.pending.value.length), draft: this.asDraft.value };
    this.keep();
    const { key, count, draft } = this.sent;
    const edits = this.pending.value.slice(0, count);
    let answer;
    try {
      answer = (await api.patch(this.path, { edits }, { version: this.seen, key, query: draft ? { draft: true } : {} })).body;
    } catch (problem) {
      if (problem.status !== 0) this.sent = null; // what is refused is sent anew, as another request
      throw problem;
    }
    const mine = this.base.value?.version === answer.made_on;
    batch(() => {
      if (mine) this.base.value = { ...edited(this.base.value, edits), version: answer.version, ready_version: draft ? this.base.value.ready_version : answer.version };
      this.pending.value = this.pending.value.slice(count);
      this.undoable.value = [...this.undoable.value, answer.version];
    });
    Object.assign(this, { sent: null, seen: answer.version });
    this.keep();
    if (!mine || edits.some((edit) => edit.do === "add_items" || edit.set?.media)) await this.load();
  }

  /** Settle a clash: `isMine(clash)` tells whether this person's side holds. */
  async settle(isMine) {
    const { clashes } = this.problem.value;
    const count = this.pending.value.length;
    const rest = settled(this.pending.value, clashes, isMine, this.shown.value.items);
    const { body } = await api.get(this.path);
    batch(() => {
      this.base.value = body;
      this.pending.value = [...rest, ...this.pending.value.slice(count)];
      this.state.value = "ready";
      this.problem.value = null;
    });
    Object.assign(this, { sent: null, seen: body.version });
    this.keep();
    await this.flush();
  }

  /** Give up what the origin refused, and show what it has. */
  async discard() {
    this.pending.value = [];
    Object.assign(this, { sent: null });
    this.keep();
    this.state.value = "ready";
    await this.load();
  }

  /** Take back the last step, or with `again` the last step back. Throws a Problem that names what stands in the way. */
  async undo(again = false) {
    await this.flush();
    const [from, to] = again ? [this.redoable, this.undoable] : [this.undoable, this.redoable];
    const version = from.value.at(-1);
    if (version === undefined || this.state.value !== "ready") return;
    const { body } = await api.post(`${this.path}/undo`, { version }, { query: this.asDraft.value ? { draft: true } : {} });
    from.value = from.value.slice(0, -1);
    to.value = [...to.value, body.version];
    await this.load(true);
  }

  /** Take back what any version changed, such as one of somebody else. */
  async takeBack(version) {
    const { body } = await api.post(`${this.path}/undo`, { version }, { query: this.asDraft.value ? { draft: true } : {} });
    this.undoable.value = [...this.undoable.value, body.version];
    await this.load();
  }
}

/** Return the ids of items that are new or otherwise in `after`. */
export function changedIn(before, after) {
  const known = new Map(before.items.map((one) => [one.id, JSON.stringify(one)]));
  return new Set(after.items.filter((one) => known.get(one.id) !== JSON.stringify(one)).map((one) => one.id));
}
