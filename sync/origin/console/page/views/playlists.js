// The playlists view: each playlist with its items in order and their durations.

import { ask } from "../lib/api.js";
import { dialog } from "../lib/dialogs.js";
import { $, button, h, keyed, thumbnail, withThumbnail } from "../lib/dom.js";
import { data, lists, open } from "../lib/data.js";
import { listControls } from "../lib/list_controls.js";
import { changeItem } from "./item_dialog.js";
import { attempt } from "../lib/notices.js";
import { count, durationMs, length, moment, durationText } from "../lib/format.js";

const OPEN_AT_FIRST = 6;
const FIRST_ITEMS = 60;

const whole = new Set(); // long playlists that are shown to their end
const asked = new Set(); // those that are being loaded
const ORDERS = [["", "By name"], ["-updated_at", "Changed last"]];

let drawControls = () => {};

export function start() {
  drawControls = listControls("playlists", "view-playlists", "#playlist-list", ORDERS, draw);
}

export function draw() {
  const all = [...data.playlists.values()];
  keyed($("#playlist-list"), all.map(enrich), card);
  const { total, search } = lists.playlists;
  $("#playlists-none").hidden = total > 0 || search !== "";
  drawControls();
  for (const { id } of all.slice(0, OPEN_AT_FIRST)) loadItems(id);
}

function loadItems(id) {
  if (data.opened.has(id) || asked.has(id)) return;
  asked.add(id);
  attempt("Loading a playlist", async () => {
    await open(id);
    draw();
  }).finally(() => asked.delete(id));
}

function enrich(summary, place) {
  const items = data.opened.get(summary.id)?.items;
  const most = whole.has(summary.id) ? Infinity : FIRST_ITEMS;
  return { ...summary, first: place < OPEN_AT_FIRST, total_ms: total(summary.id), shown: items?.slice(0, most).map(item(summary.id)) };
}

const fact = (playlist, media) => data.media.get(media) ?? withThumbnail(media, data.opened.get(playlist).media[media]);

const item = (playlist) => (one) => {
  const { name, thumbnail: path, source_sha256, asset, url, state } = fact(playlist, one.media);
  return { ...one, asset, url, state, title: one.title ?? name, thumbnail: path, source_sha256 };
};

function total(id) {
  const playlist = data.opened.get(id);
  return playlist?.items.reduce((sum, one) => sum + durationMs(one, fact(id, one.media).asset), 0) ?? 0;
}

function card(playlist) {
  const used = users(playlist.id);
  const facts = [count(playlist.items, "item"), playlist.total_ms > 0 && `${length(playlist.total_ms)} a round`];
  const details = h(
    "details",
    { class: "card playlist", open: playlist.first, "data-id": playlist.id },
    h(
      "summary",
      {},
      h("b", { class: "name" }, playlist.name),
      h("span", { class: "faint" }, facts.filter(Boolean).join(" · ")),
      ...used.map((channel) => h("span", { class: "chip" }, channel)),
    ),
    playlist.shown ? h("ol", { class: "items" }, ...playlist.shown.map(entry(playlist.id))) : h("p", { class: "faint" }, "Loading …"),
    playlist.shown?.length < playlist.items && button(`Show all ${playlist.items} items`, "whole", () => showWhole(playlist.id)),
    playlist.items === 0 && h("p", { class: "faint" }, "It has no items."),
    h("menu", { class: "for-editor" }, button("Remove", "remove", () => remove(playlist), { class: "quiet", "aria-label": `Remove ${playlist.name}` })),
  );
  details.addEventListener("toggle", () => details.open && loadItems(playlist.id));
  return details;
}

const entry = (playlist) => (one) => {
  const limits = [one.loop && "repeated", one.starts_at && `from ${moment(one.starts_at)}`, one.ends_at && `until ${moment(one.ends_at)}`];
  return h(
    "li",
    {},
    thumbnail(one),
    h("span", { class: "name" }, one.title),
    h("span", { class: "faint" }, [durationText(one, one.asset), ...limits].filter(Boolean).join(", ")),
    one.state !== "ready" && h("span", { class: "chip bad" }, one.state === "failed" ? "cannot be shown" : "not ready yet"),
    button("Change", `item-${one.id}`, () => change(playlist, one), { class: "for-editor quiet", "aria-label": `Change ${one.title}` }),
  );
};

function change(playlist, { id, title, asset }) {
  const item = data.opened.get(playlist)?.items.find((one) => one.id === id);
  if (item) changeItem(playlist, item, title, asset?.kind);
}

function showWhole(id) {
  whole.add(id);
  draw();
}

function users(id) {
  const uses = ({ default_playlist, dayparts }) => default_playlist === id || dayparts.some(({ playlist }) => playlist === id);
  return [...data.schedules.values()].filter(uses).map(({ channel }) => channel);
}

function remove(playlist) {
  dialog({
    title: `Remove ${playlist.name}?`,
    text: "Its media stay.",
    verb: "Remove",
    danger: true,
    submit: () => ask("DELETE", `/v1/playlists/${playlist.id}`, undefined, playlist.version),
  });
}
