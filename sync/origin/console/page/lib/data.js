// What the page knows of the origin, and how each part is loaded again when a hint names it.

import { ask } from "./api.js";

const MOST_SINGLE = 8; // more of one kind at once are loaded as a list

/** All data on the page, by id (schedules and previews by channel; plays by line). */
export const data = {
  media: new Map(),
  uploads: [],
  playlists: new Map(), // summaries
  opened: new Map(), // playlists with their items, those that were opened
  schedules: new Map(),
  previews: new Map(),
  releases: [],
  campaigns: new Map(),
  lines: new Map(),
  devices: new Map(),
  pairings: [],
};

const many = {
  media: async () => fill(data.media, (await ask("GET", "/v1/media")).media),
  uploads: async () => (data.uploads = (await ask("GET", "/v1/uploads")).uploads),
  playlists: async () => {
    fill(data.playlists, (await ask("GET", "/v1/playlists")).playlists);
    for (const id of data.opened.keys()) if (!data.playlists.has(id)) data.opened.delete(id);
    const stale = [...data.opened.values()].filter(({ id, version }) => data.playlists.get(id).version !== version);
    await Promise.all(stale.map(({ id }) => open(id)));
  },
  schedule: async () => fill(data.schedules, (await ask("GET", "/v1/schedule")).schedules, "channel"),
  releases: async () => (data.releases = (await ask("GET", "/v1/releases")).releases),
  campaigns: async () => fill(data.campaigns, (await ask("GET", "/v1/campaigns")).campaigns),
  plays: async () => fill(data.lines, (await ask("GET", "/v1/plays/summary?by=line&kind=ad")).sums),
  devices: async () => fill(data.devices, (await ask("GET", "/v1/devices")).devices.map(seen)),
  pairings: async () => (data.pairings = (await ask("GET", "/v1/pairings")).pairings),
};

const single = {
  media: (id) => one(data.media, `/v1/media/${id}`, id),
  schedule: (channel) => one(data.schedules, `/v1/schedule/${channel}`, channel),
  campaigns: (id) => one(data.campaigns, `/v1/campaigns/${id}`, id),
  devices: (id) => one(data.devices, `/v1/devices/${id}`, id, seen),
};

// What else changes with a topic: a release changes the sequence of its channel, and whether its devices are behind.
const related = { releases: ["schedule", "devices"], release: ["releases", "schedule", "devices"] };
const plans = new Set(["schedule", "playlists", "campaigns", "releases", "release"]);

/** Load everything. */
export async function refresh() {
  await Promise.all(Object.values(many).map((load) => load()));
  await preview();
}

/** Load what the hints name. */
export async function applyHints(hints) {
  const before = states();
  const wanted = new Map();
  for (const { topic, id } of hints) {
    if (topic !== "release") wanted.set(topic, [...(wanted.get(topic) ?? []), id]);
    for (const other of related[topic] ?? []) wanted.set(other, [...(wanted.get(other) ?? []), null]);
  }
  await Promise.all([...wanted].filter(([topic]) => topic in many).map(([topic, ids]) => load(topic, ids)));
  if (hints.some(({ topic }) => plans.has(topic)) || states() !== before) await preview();
}

/** Load a playlist with its items. */
export async function open(id) {
  await one(data.opened, `/v1/playlists/${id}`, id);
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

/** Load the preview of each channel: what publishing now would do. */
async function preview() {
  const channels = [...data.schedules.keys()];
  const found = await Promise.all(channels.map((channel) => ask("GET", `/v1/releases/preview?channel=${channel}`)));
  fill(data.previews, found, "channel");
}

function fill(map, found, key = "id") {
  map.clear();
  for (const each of found) map.set(each[key], each);
}

/** Store when a device was seen by this computer's clock: the origin's may differ. */
function seen({ seen_age_s, ...device }) {
  return { ...device, seen_ms: seen_age_s === null ? null : Date.now() - seen_age_s * 1000 };
}

const states = () => [...data.media.values()].map(({ id, state }) => id + state).join();
