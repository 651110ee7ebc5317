// What a media is, as pure functions of what the origin says of it; and what the origin is asked for.

const DAY_MS = 86_400_000;

/** What can be filtered, with the values of each; empty is no filter. */
export const FILTERS = {
  kind: ["", "video", "picture", "stream"],
  state: ["", "ready", "processing", "queued", "failed"],
  use: ["", "used", "unused"],
  shape: ["", "landscape", "portrait", "square"],
  age: ["", "1", "7", "30", "365"],
};

export const SORTS = ["-created_at", "name", "-source_bytes", "-updated_at", "created_at"];

/** Return the parameters of the list that the address of the view asks for. `age` is in days. */
export function listQuery({ search, kind, state, use, shape, age, tag, folder, sort = "-created_at" }, now_ms) {
  const day_ms = Math.floor(now_ms / DAY_MS) * DAY_MS; // of one day: the same list, whenever it is asked for
  const after = Number(age) > 0 ? new Date(day_ms - Number(age) * DAY_MS).toISOString() : undefined;
  const place = folder === "none" ? { folder: "none" } : folder ? { within: folder } : {};
  return { sort, search, kind, state, use, shape, tag, created_after: after, ...place };
}

/** Return whether the address asks for a part of the media only. */
export const isFiltered = (query) => ["search", "folder", "tag", ...Object.keys(FILTERS)].some((name) => query[name]);

/** Return its kind: of the asset, or of what is sent; empty while nobody knows. */
export const kindOf = ({ asset, url }) => asset?.kind ?? (url ? "stream" : "");

/** Return its shape in words of `FILTERS`; empty while nobody knows. */
export function shapeOf({ asset }) {
  if (!asset || asset.kind === "stream") return "";
  return asset.width > asset.height ? "landscape" : asset.width < asset.height ? "portrait" : "square";
}

/** Return a name without the ending of its file. */
export const plainName = (name) => name.replace(/\.[a-z0-9]{2,5}$/i, "");

/** Return folders as a tree, each with its `children`, in the order in which they came. */
export function treeOf(folders) {
  const nodes = new Map(folders.map((one) => [one.id, { ...one, children: [] }]));
  const top = [];
  for (const node of nodes.values()) (nodes.get(node.parent)?.children ?? top).push(node);
  return top;
}

/** Return how many media lie in a folder of the tree and all inside it. */
export const allIn = (node) => node.children.reduce((sum, child) => sum + allIn(child), node.media);

/** Return the folders into which some may be moved: all but themselves and those inside them. */
export function targetsOf(folders, moved) {
  const inside = (one) => one.id === moved || (one.parent !== null && folders.some(({ id }) => id === one.parent) && inside(folders.find(({ id }) => id === one.parent)));
  return moved ? folders.filter((one) => !inside(one)) : folders;
}

/** Return tags that somebody typed, separated by commas: each once. */
export const tagsOf = (text) => [...new Map(text.split(",").map((tag) => tag.trim()).filter(Boolean).map((tag) => [tag.toLowerCase(), tag])).values()];

/** Return the sums of where several media are used: what their removal takes along. */
export function usesTogether(all) {
  const once = (lists, key) => [...new Map(lists.flat().map((one) => [one[key], one])).values()];
  return {
    playlists: once(all.map(({ playlists = [] }) => playlists), "id"),
    campaigns: once(all.map(({ campaigns = [] }) => campaigns), "id"),
    channels: once(all.map(({ channels = [] }) => channels), "channel"),
    emptied: once(all.map(({ emptied = [] }) => emptied), "id"),
    releases: once(all.map(({ releases = [] }) => releases), "sha256"),
  };
}

/** Return whether anything in plans uses it. */
export const isUsed = ({ playlists, campaigns, channels }) => playlists.length + campaigns.length + channels.length > 0;
