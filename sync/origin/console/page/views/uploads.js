// Uploads dropped or chosen files, two at a time, and shows the progress of all uploads, also of other pages.

import { send } from "../lib/api.js";
import { $, button, h, keyed } from "../lib/dom.js";
import { data } from "../lib/data.js";
import { attempt, problemElements } from "../lib/notices.js";
import { Upload } from "../lib/tus.js";
import { byName, bytes } from "../lib/format.js";

const AT_ONCE = 2;
const ACTIVE = new Set(["waiting", "sending", "retrying"]);

let uploads = [];
let numbers = 0;

/** Accept dropped and chosen files. */
export function start() {
  const chooser = $("#files");
  chooser.addEventListener("change", () => {
    add(chooser.files);
    chooser.value = "";
  });
  let inside = 0;
  const over = (step) => {
    inside += step;
    document.body.classList.toggle("dropping", inside > 0);
  };
  addEventListener("dragenter", (event) => carriesFiles(event) && over(1));
  addEventListener("dragleave", (event) => carriesFiles(event) && over(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    over(-inside);
    if (document.body.dataset.roles.split(" ").includes("editor")) add(event.dataTransfer.files);
  });
  addEventListener("beforeunload", (event) => uploads.some(({ state }) => ACTIVE.has(state)) && event.preventDefault());
}

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
const same = (a, b) => a.name === b.name && a.size === b.size && a.lastModified === b.lastModified;

function add(files) {
  if (files.length) location.hash = "#media";
  for (const file of [...files].sort((a, b) => byName(a.name, b.name))) {
    if (uploads.some((upload) => same(upload.file, file))) continue; // it is already being sent
    const upload = new Upload(file, () => uploadChanged(upload));
    upload.number = numbers += 1;
    uploads.push(upload);
  }
  next();
}

function next() {
  const busy = uploads.filter(({ state }) => state === "sending" || state === "retrying").length;
  const waiting = uploads.filter(({ state }) => state === "waiting").slice(0, Math.max(0, AT_ONCE - busy));
  for (const upload of waiting) upload.run();
  draw();
}

function uploadChanged(upload) {
  if (upload.state === "sending" || upload.state === "retrying") return draw();
  if (upload.state === "done" || upload.state === "cancelled") uploads = uploads.filter((one) => one !== upload);
  return next();
}

/** Show all uploads: those of this page first, then those of others and unfinished ones. */
export function draw() {
  const own = uploads.map(({ number, id, state, file, sent, rate, problem }) => {
    const key = `own${number}`;
    return { key, number, id, state, name: file.name, size: file.size, sent, rate: Math.round(rate / 1e4) * 1e4, problem };
  });
  const mine = new Set(own.map(({ id }) => id));
  const others = data.uploads
    .filter(({ id }) => !mine.has(id))
    .map(({ id, name, size_bytes, offset_bytes }) => {
      return { key: id, id, state: "elsewhere", name, size: size_bytes, sent: offset_bytes };
    });
  keyed($("#uploads"), [...own, ...others], row, ({ key }) => key);
}

function row(shown) {
  const upload = uploads.find(({ number }) => number === shown.number);
  const percent = shown.size ? Math.floor((100 * shown.sent) / shown.size) : 0;
  const bar = h("progress", { max: 100, value: percent, "aria-label": `${shown.name}: ${percent} % sent` });
  const bad = shown.state === "failed";
  return h(
    "li",
    { class: `upload ${shown.state}` },
    h("div", { class: "grow" }, h("b", { class: "name" }, shown.name), h("span", { class: "faint" }, stateText(shown, percent))),
    h("menu", { class: "for-editor" }, ...actions(shown, upload)),
    !bad && bar,
    bad && h("div", { class: "wrong", role: "alert" }, ...problemElements(shown.problem)),
  );
}

function stateText({ state, size, sent, rate, problem }, percent) {
  const far = `${percent} % of ${bytes(size)}`;
  return {
    waiting: `waiting · ${bytes(size)}`,
    sending: sent < size ? `${far}${rate ? ` · ${bytes(rate)}/s` : ""}` : `checking ${bytes(size)}`,
    retrying: `${far} · ${problem?.title}. ${problem?.detail} Trying again.`,
    paused: `paused at ${far}`,
    failed: `stopped at ${far}`,
    elsewhere: `${far} · sent from another page, or unfinished: choose the same file again to continue`,
  }[state];
}

function actions({ id, name, state }, upload) {
  const what = `Cancelling ${name}`;
  if (!upload) return [button("Discard", "cancel", () => attempt(what, () => discard(id)), { class: "quiet" })];
  const again = () => {
    upload.state = "waiting";
    next();
  };
  const cancel = () => attempt(what, () => upload.cancel());
  return [
    ACTIVE.has(state) && button("Pause", "pause", () => upload.pause(), { class: "quiet" }),
    state === "paused" && button("Continue", "pause", again, { class: "quiet" }),
    state === "failed" && button("Try again", "pause", again, { class: "quiet" }),
    button(state === "failed" ? "Dismiss" : "Cancel", "cancel", cancel, { class: "quiet" }),
  ];
}

async function discard(id) {
  await send("DELETE", `/v1/uploads/${encodeURIComponent(id)}`, { headers: { "Tus-Resumable": "1.0.0" } });
}
