// The media view: uploaded media, their progress, why some failed, and choosing some for a playlist.

import { ask } from "../lib/api.js";
import { dialog } from "../lib/dialogs.js";
import { $, button, h, keyed, thumbnail } from "../lib/dom.js";
import { data, lists } from "../lib/data.js";
import { listControls } from "../lib/list_controls.js";
import { attempt, announce } from "../lib/notices.js";
import { openPlaylistDialog } from "./new_playlist_dialog.js";
import { mediaText, bytes, count } from "../lib/format.js";

const chosen = new Map(); // media by id, in the order they were chosen
const ORDERS = [["", "Newest"], ["name", "By name"], ["-source_bytes", "Largest"]];

let drawControls = () => {};

/** Handle the search field and the buttons for chosen media. */
export function start() {
  drawControls = listControls("media", "view-media", "#media-grid", ORDERS, draw);
  $("#offer").addEventListener("click", () => openPlaylistDialog([...chosen.values()], forgetChoice));
  $("#unchoose").addEventListener("click", forgetChoice);
  $("#add-stream").addEventListener("click", addStream);
}

function forgetChoice() {
  chosen.clear();
  draw();
}

export function draw() {
  const all = [...data.media.values()];
  for (const media of all) {
    if (media.state !== "ready") chosen.delete(media.id);
    else if (chosen.has(media.id)) chosen.set(media.id, media);
  }
  const order = [...chosen.keys()];
  keyed($("#media-grid"), all.map((media) => ({ ...media, place: order.indexOf(media.id) + 1 })), card);
  const { total, search } = lists.media;
  $("#media-count").textContent = total ? `${count(total, "medium", "media")}${working(data.counts.media)}` : "";
  $("#media-none").hidden = total > 0 || search !== "";
  drawControls();
  $("#choice").hidden = chosen.size === 0;
  $("#choice-count").textContent = `${chosen.size} chosen`;
}

function working({ queued, processing, failed }) {
  const busy = queued + processing;
  return `${busy ? ` · ${busy} being prepared` : ""}${failed ? ` · ${failed} failed` : ""}`;
}

function card(media) {
  const ready = media.state === "ready";
  return h(
    "li",
    { class: `media ${media.state}${media.place ? " chosen" : ""}`, "data-id": media.id },
    h("div", { class: "frame" }, thumbnail(media), ready && choice(media), !ready && stage(media)),
    h("b", { class: "name", title: media.name }, media.name),
    media.problem && h("p", { class: "problem" }, media.problem),
    (ready || !media.problem) && h("p", { class: "faint" }, facts(media)),
    h(
      "menu",
      { class: "for-editor" },
      media.retryable && button("Try again", "retry", () => retry(media), { class: "quiet" }),
      button("Rename", "rename", () => rename(media), { class: "quiet", "aria-label": `Rename ${media.name}` }),
      button("Delete", "delete", () => remove(media), { class: "quiet", "aria-label": `Delete ${media.name}` }),
    ),
  );
}

const facts = (media) => [mediaText(media), media.asset && bytes(media.asset.size_bytes)].filter(Boolean).join(" · ");

function choice(media) {
  const box = h("input", { type: "checkbox", "data-do": "choose", checked: media.place > 0 });
  box.addEventListener("change", () => {
    if (box.checked) chosen.set(media.id, media);
    else chosen.delete(media.id);
    draw();
  });
  const name = h("span", { class: "unseen" }, `Choose ${media.name}`);
  return h("label", { class: "choose for-editor" }, box, h("span", { class: "mark", "aria-hidden": "true" }, media.place || ""), name);
}

function stage(media) {
  if (media.state === "failed") return h("span", { class: "chip bad" }, "Cannot be shown");
  if (media.state === "queued") return h("span", { class: "chip" }, media.problem ? "Trying again soon" : "Waiting");
  const bar = h("progress", { max: 100, value: media.progress, "aria-label": `${media.name} is being prepared` });
  return h("span", { class: "chip" }, `Being prepared, ${media.progress} %`, bar);
}

function addStream() {
  dialog({
    title: "Add a stream",
    text: "Devices play it from the network. Its address, password included, is in the release that every device can fetch.",
    fields: [
      { name: "url", label: "Address", required: true, maxlength: 2000, placeholder: "https://example.com/live.m3u8", hint: "http, https, rtmp, udp, rtp or rtsp" },
      { name: "name", label: "Name", maxlength: 200, hint: "empty: the name of its host" },
    ],
    verb: "Add",
    submit: ({ url, name }) => ask("POST", "/v1/media/streams", { url, ...(name && { name }) }),
  });
}

function retry(media) {
  return attempt(`Trying ${media.name} again`, () => ask("POST", `/v1/media/${media.id}/retry`));
}

function rename(media) {
  dialog({
    title: "Rename",
    fields: [{ name: "name", label: "Name", value: media.name, required: true, maxlength: 200 }],
    verb: "Rename",
    submit: ({ name }) => ask("PATCH", `/v1/media/${media.id}`, { name }, media.version),
  });
}

function remove(media) {
  dialog({
    title: `Delete ${media.name}?`,
    text: "Published releases keep it; new releases cannot use it.",
    verb: "Delete",
    danger: true,
    submit: async () => {
      await ask("DELETE", `/v1/media/${media.id}`, undefined, media.version);
      chosen.delete(media.id);
      announce(`${media.name} is deleted.`);
    },
  });
}
