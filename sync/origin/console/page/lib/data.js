// What the page knows of the origin, and how each part is loaded again when a hint names it.

import { ask } from "./api.js";

const MOST_SINGLE = 8; // more of one kind at once are loaded as a list
const MOST = 1000; // names to choose from

/** What the page knows, by id (schedules and previews by channel; plays by line): of each list the page that is shown. */
export const data = {
  media: new Map(),
  uploads: [],
  playlists: new Map(), // summaries
  opened: new Map(), // playlists with their items, those that were opened
  schedules: new Map(),
  channels: new Map(), // all, each with its number of devices
  previews: new Map(),
  releases: new Map(), // by channel
  campaigns: new Map(),
  lines: new Map(),
  devices: new Map(),
  pairings: [],
  names: [], // id and name of playlists
  booked: [], // campaigns to choose from
  counts: { media: {}, devices: 0, online: 0, severity: {} },
  facts: new Map(), // media that channels show, by id
  shown: new Map(), // media that devices show, by asset; null: none is known
};

/** What is asked of each list, and what its last answer said of the pages beside it. */
export const lists = Object.fromEntries(
  Object.entries({ media: 60, playlists: 30, schedule: 20, campaigns: 20, devices: 50 }).map(([name, limit]) => {
    return [name, { limit, search: "", sort: "", cursor: "", next: null, previous: null, total: 0 }];
  }),
);

const many = {
  media: async () => {
    const states = ["queued", "processing", "failed"];
    const [, ...counts] = await Promise.all([page("media", data.media), ...states.map((state) => total(`media?state=${state}`))]);
    data.counts.media = Object.fromEntries(states.map((state, number) => [state, counts[number]]));
  },
  uploads: async () => (data.uploads = (await ask("GET", "/v1/uploads")).uploads),
  playlists: async () => {
    const [names] = await Promise.all([ask("GET", `/v1/playlists?limit=${MOST}`), page("playlists", data.playlists)]);
    data.names = names.playlists.map(({ id, name }) => [id, name]);
    for (const id of data.opened.keys()) if (!data.playlists.has(id)) data.opened.delete(id);
    const stale = [...data.opened.values()].filter(({ id, version }) => data.playlists.get(id).version !== version);
    await Promise.all(stale.map(({ id }) => open(id)));
  },
  schedule: async () => {
    await Promise.all([page("schedule", data.schedules, { key: "schedules", id: "channel" }), channels()]);
    await findUsed();
  },
  campaigns: async () => {
    await page("campaigns", data.campaigns);
    const { search, next, previous } = lists.campaigns;
    const whole = !search && !next && !previous;
    data.booked = whole ? [...data.campaigns.values()] : (await ask("GET", "/v1/campaigns?sort=-starts_at&limit=200")).campaigns;
  },
  plays: async () => fill(data.lines, (await ask("GET", "/v1/plays/summary?by=line&kind=ad")).sums),
  devices: async () => {
    const counts = ["devices?sort=name", "devices?online=true"].map(total);
    const [all, online] = await Promise.all([...counts, page("devices", data.devices, { keep: seen }), channels()]);
    Object.assign(data.counts, { devices: all, online });
    await findShown();
  },
  pairings: async () => (data.pairings = (await ask("GET", "/v1/pairings")).pairings),
};

const single = {
  media: (id) => one(data.media, `/v1/media/${id}`, id),
  schedule: (channel) => one(data.schedules, `/v1/schedule/${channel}`, channel).then(findUsed),
  campaigns: (id) => one(data.campaigns, `/v1/campaigns/${id}`, id),
};
const singles = { media: data.media, schedule: data.schedules, campaigns: data.campaigns, devices: data.devices };

// What else changes with a topic: a release changes the sequence of its channel, and whether its devices are behind.
const related = { releases: ["schedule", "devices"], release: ["schedule", "devices"] };
const plans = new Set(["schedule", "playlists", "campaigns", "releases", "release"]);

let turn = Promise.resolve();

/** Do `work` once what began before it is done: an older answer must not overwrite a newer one. */
function inTurn(work) {
  const done = turn.then(work);
  turn = done.catch(() => {}); // who asked for it tells that it failed
  return done;
}

/** Load everything that is shown. */
export const refresh = () =>
  inTurn(async () => {
    await Promise.all(Object.values(many).map((load) => load()));
    await details();
  });

/** Load a page of a list again, or another one of it. */
export const reload = (name) =>
  inTurn(async () => {
    await many[name]();
    if (plans.has(name)) await details();
  });

/** Take what screens in view show now. */
export const applyScreens = (screens) =>
  inTurn(async () => {
    const first = screens.map(({ id }) => id).filter((id) => data.devices.get(id)?.heartbeat === null);
    if (first.length > 0) await devicesOnPage(first);
    for (const { id, online, severity, on_air, next_title, seen_age_s } of screens) {
      const device = data.devices.get(id);
      if (!device) continue;
      const heartbeat = device.heartbeat && { ...device.heartbeat, on_air, next_title };
      data.devices.set(id, seen({ ...device, online, severity, heartbeat, seen_age_s }));
    }
    await findShown();
  });

/** Take how many devices there are, in all and of each severity. */
export const applyCounts = (counts) => Object.assign(data.counts, counts);

/** Load what the hints name. */
export const applyHints = (hints) => inTurn(() => loadHinted(hints));

async function loadHinted(hints) {
  const before = states();
  const wanted = new Map();
  for (const { topic, id } of hints) {
    if (topic in many) wanted.set(topic, [...(wanted.get(topic) ?? []), id]);
    for (const other of related[topic] ?? []) wanted.set(other, [...(wanted.get(other) ?? []), null]);
  }
  await Promise.all([...wanted].map(([topic, ids]) => load(topic, ids)));
  const worked = states() !== before;
  if (worked) await many.media(); // it counts those that are being prepared
  await usersOf(wanted.get("media") ?? []);
  if (worked || hints.some(({ topic }) => plans.has(topic))) await details();
}

/** Load a playlist with its items. */
export async function open(id) {
  await one(data.opened, `/v1/playlists/${id}`, id);
}

async function load(topic, ids) {
  const [each, known] = [single[topic], singles[topic]];
  if (topic === "devices" && ids.every((id) => known.has(id))) return devicesOnPage(ids);
  const beyond = () => ids.some((id) => !known.has(id));
  if (!each || ids.length > MOST_SINGLE || beyond()) return many[topic]();
  await Promise.all([...new Set(ids)].map((id) => each(encodeURIComponent(id))));
  if (beyond()) await many[topic](); // somebody removed one: another one takes its place
}

/** Load devices that are on the page, all in one request. */
async function devicesOnPage(ids) {
  const found = (await ask("GET", `/v1/devices?id=${[...new Set(ids)].join()}`)).devices;
  for (const device of found) data.devices.set(device.id, seen(device));
  if (found.length < new Set(ids).size) return many.devices(); // somebody removed one: another one takes its place
  await findShown();
}

/** Load again what tells these media, which changed and are not on the page: playlists, campaigns and channels. */
async function usersOf(changed) {
  const ids = changed.filter((id) => !data.media.has(id));
  const uses = (plan) => ids.some((id) => id in plan.media);
  await Promise.all([
    ...changed.filter((id) => data.facts.has(id)).map((id) => one(data.facts, `/v1/media/${id}`, id)),
    ...[...data.opened.values()].filter(uses).map(({ id }) => open(id)),
    ...[...data.campaigns.values()].filter(uses).map(({ id }) => single.campaigns(id)),
  ]);
}

/** Load the page of a list that is wanted; if it is empty by now, the first one. */
async function page(name, map, { key = name, id = "id", keep = (one) => one } = {}) {
  const list = lists[name];
  const { limit, search, sort, cursor } = list;
  const query = new URLSearchParams(Object.entries({ limit, search, sort, cursor }).filter(([, value]) => value));
  const answer = await ask("GET", `/v1/${name}?${query}`);
  if (list.search !== search || list.sort !== sort || list.cursor !== cursor) return; // another one is wanted by now
  if (cursor && answer[key].length === 0) {
    list.cursor = "";
    return page(name, map, { key, id, keep });
  }
  Object.assign(list, { next: answer.next, previous: answer.previous, total: answer.total });
  fill(map, answer[key].map(keep), id);
}

const total = async (list) => (await ask("GET", `/v1/${list}&limit=1`)).total;

const channels = async () => fill(data.channels, (await ask("GET", `/v1/channels?limit=${MOST}`)).channels, "channel");

/** Load the media that are not in `map` yet, by their `id` or `asset`; null stands for one that there is not. */
async function lookUp(filter, keys, map, keyOf) {
  const missing = [...new Set(keys)].filter((key) => key && !map.has(key)).slice(0, 100);
  if (missing.length === 0) return;
  const found = (await ask("GET", `/v1/media?${filter}=${missing.join()}`)).media;
  for (const key of missing) map.set(key, null);
  for (const media of found) map.set(keyOf(media), media);
}

function findUsed() {
  const used = [...data.schedules.values()].flatMap(({ fallback, overlays }) => [fallback, ...overlays.map(({ media }) => media)]);
  return lookUp("id", used, data.facts, ({ id }) => id);
}

function findShown() {
  const assets = [...data.devices.values()].map(({ heartbeat }) => heartbeat?.on_air?.asset);
  return lookUp("asset", assets, data.shown, ({ asset }) => asset.sha256);
}

async function one(map, path, id, keep = (found) => found) {
  try {
    map.set(id, keep(await ask("GET", path)));
  } catch (error) {
    if (error.status !== 404) throw error;
    map.delete(id); // somebody removed it
  }
}

/** Load of each channel on the page its last releases, and the preview: what publishing now would do. */
async function details() {
  const shown = [...data.schedules.keys()];
  const booked = [...data.campaigns.values()].map(({ channel }) => channel).filter((channel) => data.channels.has(channel));
  const previews = [...new Set([...shown, ...booked])].map((channel) => ask("GET", `/v1/releases/preview?channel=${channel}`));
  const releases = shown.map(async (channel) => [channel, (await ask("GET", `/v1/releases?channel=${channel}&limit=5`)).releases]);
  fill(data.previews, await Promise.all(previews), "channel");
  data.releases = new Map(await Promise.all(releases));
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
