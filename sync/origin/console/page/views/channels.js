// The channels view: what plays when, what publishing now would do, and what was published.

import { $, button, h, keyed, thumbnail } from "../lib/dom.js";
import { overlaySection } from "./overlays.js";
import { data, lists } from "../lib/data.js";
import { listControls } from "../lib/list_controls.js";
import { attempt } from "../lib/notices.js";
import { changeZone, newChannel, setDefault } from "./new_playlist_dialog.js";
import { answers, contents, publish } from "../lib/publish.js";
import { withColours, week } from "./week_chart.js";
import { bytes, count, day, moment, window as windowText } from "../lib/format.js";

const ORDER =
  "Where dayparts overlap, the highest priority plays, then the one that opened last, then the upper one here. One with nothing to show gives way.";

const publishing = new Set();

let drawControls = () => {};

export function start() {
  drawControls = listControls("schedule", "view-channels", "#channel-list", [["", "By name"]], draw);
  $("#new-channel").addEventListener("click", newChannel);
}

export function draw() {
  keyed($("#channel-list"), [...data.schedules.values()].map(enrich), card, ({ channel }) => channel);
  const { total, search } = lists.schedule;
  $("#channels-none").hidden = total > 0 || search !== "";
  drawControls();
}

function enrich(schedule) {
  const { channel, fallback } = schedule;
  return {
    ...schedule,
    names: data.names,
    fallback: fallback && data.facts.get(fallback),
    logos: Object.fromEntries(schedule.overlays.filter(({ media }) => media).map(({ media }) => [media, data.facts.get(media)?.name])),
    preview: data.previews.get(channel),
    releases: data.releases.get(channel) ?? [],
    devices: data.channels.get(channel)?.devices ?? 0,
    answer: answers.get(channel),
    busy: publishing.has(channel),
  };
}

function card(schedule) {
  const parts = withColours(schedule.dayparts);
  return h(
    "article",
    { class: "card channel", "data-id": schedule.channel },
    h("header", {}, h("h3", {}, schedule.channel), zone(schedule), h("span", { class: "faint" }, count(schedule.devices, "device"))),
    h("div", { class: "halves" }, h("div", {}, ...plan(schedule, parts)), h("div", {}, ...published(schedule))),
  );
}

function zone(schedule) {
  const text = schedule.zone ?? "no time zone";
  const change = button(text, "zone", () => changeZone(schedule), { class: "for-editor quiet", "aria-label": `Time zone of ${schedule.channel}: ${text}` });
  return h("span", {}, change, h("span", { class: "not-editor faint" }, text));
}

function plan(schedule, parts) {
  const name = (id) => schedule.names.find(([key]) => key === id)?.[1] ?? "an unknown playlist";
  const { every_items, ads } = schedule.break_rule;
  return [
    parts.length > 0 && week(parts),
    h(
      "ul",
      { class: "parts" },
      ...parts.map((part) =>
        h(
          "li",
          {},
          h("span", { class: `dot c${part.colour}`, "aria-hidden": "true" }),
          h("div", {}, h("b", {}, part.name), ` plays ${name(part.playlist)}`, h("p", { class: "faint" }, limits(part))),
        ),
      ),
      h("li", {}, h("span", { class: "dot", "aria-hidden": "true" }), defaultPlaylist(schedule, parts.length > 0, name)),
    ),
    parts.length > 1 && h("p", { class: "faint" }, ORDER),
    h("p", { class: "faint" }, `Ads: ${count(ads, "slot")} after every ${every_items === 1 ? "item" : `${every_items} items`}`),
    schedule.fallback && h("p", { class: "faint fallback" }, thumbnail(schedule.fallback), `When nothing can play: ${schedule.fallback.name}`),
    overlaySection(schedule),
  ];
}

function limits(part) {
  const dates = [part.first_day && `from ${day(part.first_day)}`, part.last_day && `to ${day(part.last_day)}`];
  return [windowText(part), ...dates, part.priority !== 0 && `priority ${part.priority}`].filter(Boolean).join(", ");
}

function defaultPlaylist({ channel, default_playlist, names }, others, name) {
  const options = [["", "nothing"], ...names].map(([id, text]) => {
    return h("option", { value: id, selected: id === (default_playlist ?? "") }, text);
  });
  const select = h("select", { "data-do": "default", class: "for-editor" }, ...options);
  const change = () => attempt(`Changing ${channel}`, () => setDefault(channel, select.value || null));
  select.addEventListener("change", async () => {
    if (!(await change())) select.value = default_playlist ?? ""; // back to the value of the origin
  });
  const shown = h("span", { class: "not-editor" }, default_playlist ? name(default_playlist) : "nothing");
  return h("label", {}, h("b", {}, others ? "Otherwise" : "Always"), " plays ", select, shown);
}

function published(schedule) {
  const { channel, preview, answer, busy, releases } = schedule;
  const wrong = Object.entries(preview?.problems ?? {});
  return [
    h("p", { class: wrong.length || !preview ? "faint" : "" }, wrong.length ? "It cannot be published yet:" : previewText(schedule)),
    wrong.length > 0 && h("dl", { class: "wrong" }, ...wrong.flatMap(([field, why]) => [h("dt", {}, field), h("dd", {}, why)])),
    ...lateTexts(preview).map((text) => h("p", { class: "caution" }, text)),
    ...(preview?.warnings ?? []).map((warning) => h("p", { class: "caution" }, warning)),
    button(busy ? "Publishing …" : "Publish", "publish", () => run(channel), {
      class: `for-publisher ${preview?.unchanged ? "" : "primary"}`,
      "aria-label": `Publish ${channel}`,
      disabled: busy,
    }),
    h("p", { class: "answer", role: "status" }, answer ?? ""),
    releases.length > 0 && h("ol", { class: "releases" }, ...releases.map(release)),
  ];
}

function previewText({ preview, sequence }) {
  if (!preview) return "Checking what publishing would do …";
  if (preview.unchanged) return "The release is up to date.";
  const news = preview.new_assets ? `${count(preview.new_assets, "new file")} of ${bytes(preview.new_bytes)} for each device` : "no new files";
  const since = sequence ? "Changed since the last release" : "Never published yet";
  return `${since}: ${count(preview.items, "item")}, ${count(preview.ads, "ad")}, ${news}.${readyText(preview.rollout)}`;
}

/** Say when the screens of the channel would have the release, by the rates that they measured last. */
function readyText(rollout) {
  if (!rollout?.devices) return "";
  const { devices, unknown, slowest } = rollout;
  const others = unknown && `not known of ${count(unknown, "screen")} that ${unknown === 1 ? "is" : "are"} offline, behind or not measured`;
  if (!slowest.length) return ` When it is ready is ${others}.`;
  const [last, ...before] = slowest;
  const named = [last, ...before.slice(0, 2)].map(({ name, ready_at }) => `${name} at ${moment(ready_at)}`).join(", ");
  const ready = `Ready on ${count(devices - unknown, "screen")}${before.length ? ", the last ones" : ""}: ${named}`;
  return ` ${ready}${others ? `; ${others}` : ""}.`;
}

function lateTexts(preview) {
  return (preview?.rollout?.late ?? []).map(({ at, what, devices, first }) =>
    `Too late on ${count(devices, "screen")}${devices > 1 ? `, ${first} among them` : ` (${first})`}: ${what}, ${moment(at)}.`);
}

function release(one) {
  const at = h("time", { class: "faint", datetime: one.created_at }, moment(one.created_at));
  return h("li", {}, h("b", {}, `Release ${one.sequence}`), at, h("span", { class: "faint" }, contents(one)), one.note && h("span", { class: "note" }, one.note));
}

async function run(channel) {
  publishing.add(channel);
  draw();
  await attempt(`Publishing ${channel}`, () => publish(channel));
  publishing.delete(channel);
  draw();
}
