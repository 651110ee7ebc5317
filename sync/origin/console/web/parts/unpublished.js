// What is changed and not published yet, channel by channel: asked one after the other, and again when something changed.

import { api } from "../lib/api.js";
import { onHint } from "../lib/live.js";
import { may } from "../lib/session.js";
import { signal } from "../lib/view.js";

const MOST_CHANNELS = 30; // looked after for the bar above every view
const PAUSE_MS = 1500; // changes come in bursts
const TOPICS = new Set(["playlists", "schedule", "campaigns", "releases", "release", "media", "*"]);

/** By channel: what publishing would change (`changes`, `more`, `left_out`, `problems`, `sequence`). */
export const unpublished = signal({});

/** Return how many changes an answer of the origin has. */
export const countOf = (one) => (one ? one.changes.length + one.more : 0);

/** Return the channels of which something is not published, and how many changes that are. */
export function totalOf(all) {
  const channels = Object.values(all).filter((one) => countOf(one) > 0).map((one) => one.channel);
  return { channels, changes: channels.reduce((sum, channel) => sum + countOf(all[channel]), 0) };
}

/** Ask what publishing a channel would change; the answer is kept for all who show it. */
export async function loadUnpublished(channel) {
  const { body } = await api.get("/v1/releases/changes", { channel });
  unpublished.value = { ...unpublished.peek(), [channel]: body };
  return body;
}

let turn = 0;

async function loadAll() {
  const mine = (turn += 1);
  const { body } = await api.get("/v1/channels", { limit: MOST_CHANNELS });
  const names = body.channels.map((one) => one.channel);
  unpublished.value = Object.fromEntries(Object.entries(unpublished.peek()).filter(([name]) => body.next || names.includes(name)));
  for (const channel of names) {
    if (mine !== turn) return; // something changed meanwhile
    await loadUnpublished(channel).catch(() => {}); // the view of publishing says why
  }
}

/** Keep `unpublished` up to date from now on, for who may publish or edit. Returns what ends it. */
export function watchUnpublished() {
  if (!may("editor")) return () => {};
  let timer = 0;
  const look = () => loadAll().catch(() => {}); // the line says that the origin is silent
  const end = onHint((hint) => {
    if (!TOPICS.has(hint.topic)) return;
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE_MS);
  });
  look();
  return () => {
    turn += 1;
    clearTimeout(timer);
    end();
  };
}
