// What the page knows of the origin right now, and how each part of it is asked for again when a hint names it.

import { ask } from "./api.js";

const MOST_SINGLE = 8; // more of one kind at once are asked for as a list

/** Everything shown, by id (schedules, previews by channel; lines by line: their plays). */
export const held = {
  media: new Map(),
  uploads: [],
  playlists: new Map(), // summaries
  opened: new Map(), // playlists with their items, as far as somebody looked
  schedules: new Map(),
  previews: new Map(),
  releases: [],
  campaigns: new Map(),
  lines: new Map(),
  devices: new Map(),
  pairings: [],
};

const many = {
  media: async () => fill(held.media, (await ask("GET", "/v1/media")).media),
  uploads: async () => (held.uploads = (await ask("GET", "/v1/uploads")).uploads),
  playlists: async () => {
    fill(held.playlists, (await ask("GET", "/v1/playlists")).playlists);
    for (const id of held.opened.keys()) if (!held.playlists.has(id)) held.opened.delete(id);
    const stale = [...held.opened.values()].filter(({ id, version }) => held.playlists.get(id).version !== version);
    await Promise.all(stale.map(({ id }) => open(id)));
  },
  schedule: async () => fill(held.schedules, (await ask("GET", "/v1/schedule")).schedules, "channel"),
  releases: async () => (held.releases = (await ask("GET", "/v1/releases")).releases),
  campaigns: async () => fill(held.campaigns, (await ask("GET", "/v1/campaigns")).campaigns),
  plays: async () => fill(held.lines, (await ask("GET", "/v1/plays/summary?by=line&kind=ad")).sums),
  devices: async () => fill(held.devices, (await ask("GET", "/v1/devices")).devices.map(seen)),
  pairings: async () => (held.pairings = (await ask("GET", "/v1/pairings")).pairings),
};

const single = {
  media: (id) => one(held.media, `/v1/media/${id}`, id),
  schedule: (channel) => one(held.schedules, `/v1/schedule/${channel}`, channel),
  campaigns: (id) => one(held.campaigns, `/v1/campaigns/${id}`, id),
  devices: (id) => one(held.devices, `/v1/devices/${id}`, id, seen),
};

// What else changes with a topic: a release moves its channel's sequence, and with it what its devices lack.
const along = { releases: ["schedule", "devices"], release: ["releases", "schedule", "devices"] };
const plans = new Set(["schedule", "playlists", "campaigns", "releases", "release"]);

/** Ask for everything. */
export async function refresh() {
  await Promise.all(Object.values(many).map((load) => load()));
  await preview();
}

/** Ask for what the hints name, and no more. */
export async function hear(hints) {
  const before = states();
  const wanted = new Map();
  for (const { topic, id } of hints) {
    if (topic !== "release") wanted.set(topic, [...(wanted.get(topic) ?? []), id]);
    for (const other of along[topic] ?? []) wanted.set(other, [...(wanted.get(other) ?? []), null]);
  }
  await Promise.all([...wanted].filter(([topic]) => topic in many).map(([topic, ids]) => load(topic, ids)));
  if (hints.some(({ topic }) => plans.has(topic)) || states() !== before) await preview();
}

/** Ask for a playlist with its items. */
export async function open(id) {
  await one(held.opened, `/v1/playlists/${id}`, id);
}

async function load(topic, ids) {
  const each = single[topic];
  if (!each || ids.includes(null) || ids.length > MOST_SINGLE) return many[topic]();
  return Promise.all([...new Set(ids)].map((id) => each(encodeURIComponent(id))));
}

async function one(map, path, id, keep = (found) => found) {
  try {
    map.set(id, keep(await ask("GET", path)));
  } catch (error) {
    if (error.status !== 404) throw error;
    map.delete(id); // somebody removed it
  }
}

/** Ask what publishing each channel now would do. */
async function preview() {
  const channels = [...held.schedules.keys()];
  const found = await Promise.all(channels.map((channel) => ask("GET", `/v1/releases/preview?channel=${channel}`)));
  fill(held.previews, found, "channel");
}

function fill(map, found, key = "id") {
  map.clear();
  for (const each of found) map.set(each[key], each);
}

/** Keep when a device was seen by this page's clock: the origin's may differ. */
function seen({ seen_age_s, ...device }) {
  return { ...device, seen_ms: seen_age_s === null ? null : Date.now() - seen_age_s * 1000 };
}

const states = () => [...held.media.values()].map(({ id, state }) => id + state).join();
