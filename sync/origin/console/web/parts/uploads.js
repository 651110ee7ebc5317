// Sends files to the origin by tus, some at a time: on over a line that drops, a session that ends and a reload of the page.
// What is sent goes on from where it was; the browser remembers which files those are, not the files themselves.

import { api, at, send } from "../lib/api.js";
import { onHint } from "../lib/live.js";
import { batch, signal } from "../lib/view.js";
import { mediaProblem } from "./media_problem.js";
import { loadTus } from "./tus.js";
import { ACTIVE, afterFailure, sameFile, stateOf, toBegin } from "./upload_queue.js";

const LARGEST_BYTES = 960 * 1024; // below 1 MiB, the limit of nginx as it is installed
const LEAST_BYTES = 16 * 1024;
const WHOLE_HASH_BYTES = 64 * 1024 * 1024; // a larger file is not hashed as a whole, because that takes its size in memory
const TELL_MS = 200;
const LOOK_MS = 400;
const MOST_AT_ONCE = 100;

/** What is sent: `{key, number, name, size, modified, state, sent, problem, media, sameAs, note}`. */
export const uploads = signal([]);

/** What was begun and not ended in this browser before: its file has to be chosen again. */
export const unfinished = signal([]);

const work = new Map(); // by key: {file, tus, failures, timer, folder, space}
let changes = new Map();
let timer = 0;
let looking = 0;
let numbers = 0;

const entryOf = (key) => uploads.value.find((one) => one.key === key);

/** Change entries; those of progress gather, so that the page is not drawn for each piece. */
function set(key, change, { isProgress = false } = {}) {
  changes.set(key, { ...changes.get(key), ...change });
  if (!isProgress) return apply();
  timer ||= setTimeout(apply, TELL_MS);
  return undefined;
}

function apply() {
  clearTimeout(timer);
  const given = changes;
  [changes, timer] = [new Map(), 0];
  uploads.value = uploads.value.map((one) => (given.has(one.key) ? { ...one, ...given.get(one.key) } : one));
}

/** Send files; those that are being sent already are left out. `folder` and `space` are where they come to lie. */
export function addFiles(files, { folder = null, space = null } = {}) {
  const added = [];
  for (const file of files) {
    if (sameFile([...uploads.value, ...added], file)) continue;
    const key = `upload-${(numbers += 1)}`;
    work.set(key, { file, tus: null, failures: 0, folder, space });
    added.push({ key, number: numbers, name: file.name, size: file.size, modified: file.lastModified, state: "waiting", sent: 0, problem: null, media: null, sameAs: null });
  }
  const names = new Set(added.map(({ name, size }) => `${name} ${size}`));
  batch(() => {
    uploads.value = [...uploads.value, ...added];
    unfinished.value = unfinished.value.filter(({ name, size_bytes: size }) => !names.has(`${name} ${size}`));
  });
  follow();
  next();
}

function next() {
  for (const { key } of toBegin(uploads.value)) begin(key);
}

async function begin(key) {
  const job = work.get(key);
  set(key, { state: "checking", problem: null });
  try {
    const tus = await loadTus();
    job.tus ??= await made(tus, key, job);
    if (entryOf(key)?.state !== "checking") return; // paused meanwhile
    set(key, { state: "sending" });
    job.tus.start();
  } catch (error) {
    failed(key, error);
  }
}

async function made(tus, key, job) {
  const { file, space } = job;
  const upload = new tus.Upload(file, {
    endpoint: at(`/v1/uploads${space ? `?space=${encodeURIComponent(space)}` : ""}`),
    chunkSize: LARGEST_BYTES,
    retryDelays: null, // when to try again is decided by `afterFailure`
    removeFingerprintOnSuccess: true,
    metadata: { filename: file.name, ...(await hashOf(file)) },
    onAfterResponse: (_, answer) => heard(key, answer),
    onProgress: (sent) => {
      job.failures = 0;
      set(key, { sent, state: "sending" }, { isProgress: true });
    },
    onSuccess: () => sent(key),
    onError: (error) => failed(key, error),
  });
  const [before] = (await upload.findPreviousUploads()).sort((a, b) => b.creationTime.localeCompare(a.creationTime));
  if (before) upload.resumeFromPreviousUpload(before);
  return upload;
}

async function hashOf(file) {
  if (!crypto.subtle || file.size > WHOLE_HASH_BYTES) return {};
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  return { sha256: Array.from(hash, (octet) => octet.toString(16).padStart(2, "0")).join("") };
}

function heard(key, answer) {
  const media = answer.getHeader("Signage-Media");
  if (media) set(key, { media, sameAs: answer.getHeader("Signage-Same-As") ?? null });
}

function sent(key) {
  const { size } = entryOf(key);
  const { folder } = work.get(key);
  set(key, { state: "preparing", sent: size, problem: null });
  work.delete(key);
  const { media } = entryOf(key);
  if (folder && media) api.patch(`/v1/media/${media}`, { folder }).catch((problem) => set(key, { problem }));
  next();
  look();
}

async function failed(key, error) {
  const job = work.get(key);
  if (!job || entryOf(key)?.state === "paused") return;
  const answer = error.originalResponse;
  const status = error.status ?? (answer ? answer.getStatus() : error.originalRequest ? 0 : null);
  const problem = { code: "", detail: "", ...toldBy(answer), status: status ?? 0 };
  if (status === null) return give(key, { ...problem, code: "unreadable" });
  job.failures += 1;
  const chunk_bytes = job.tus?.options.chunkSize ?? LARGEST_BYTES;
  const { what, wait_ms = 0 } = afterFailure({ status, failures: job.failures, chunk_bytes, least_bytes: LEAST_BYTES, chance: Math.random() });
  if (what === "fail") return give(key, problem);
  if (what === "smaller") job.tus.options.chunkSize = Math.max(LEAST_BYTES, Math.floor(chunk_bytes / 2));
  set(key, { state: "retrying", problem: what === "again" ? problem : null });
  if (what === "login") await send("GET", "/v1/session").catch(() => {}); // asks for a log-in; what fails then is told by the next try
  await pause(job, wait_ms);
  if (entryOf(key)?.state === "retrying") begin(key);
  return undefined;
}

function give(key, problem) {
  set(key, { state: "failed", problem });
  next();
}

function toldBy(answer) {
  try {
    return JSON.parse(answer.getBody());
  } catch {
    return {}; // no problem of the origin: of a proxy, or none at all
  }
}

/** Wait, but not once the line is back. */
function pause(job, ms) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(job.timer);
      removeEventListener("online", done);
      resolve();
    };
    job.timer = setTimeout(done, ms);
    addEventListener("online", done);
  });
}

/** Stop sending for now: one, or all. */
export function pauseUpload(key) {
  for (const one of key ? [entryOf(key)] : uploads.value) {
    if (!ACTIVE.has(one.state)) continue;
    set(one.key, { state: "paused" });
    work.get(one.key).tus?.abort();
  }
  next();
}

/** Go on: with one, or all that were paused or failed. */
export function resumeUpload(key) {
  for (const one of key ? [entryOf(key)] : uploads.value) {
    if (one.state !== "paused" && one.state !== "failed") continue;
    work.get(one.key).failures = 0;
    set(one.key, { state: "waiting", problem: null });
  }
  next();
}

/** Send a file no more, and have the origin forget what came of it. */
export async function cancelUpload(key) {
  const job = work.get(key);
  set(key, { state: "paused" });
  uploads.value = uploads.value.filter((one) => one.key !== key);
  work.delete(key);
  next();
  await job?.tus?.abort(true);
}

/** Take what is ended out of the list. */
export function clearUploads() {
  uploads.value = uploads.value.filter(({ state }) => ACTIVE.has(state) || state === "paused");
}

let ended = null;

/** Look at media that are being made of what was sent, when they change. */
function follow() {
  ended ??= onHint(({ topic }) => (topic === "media" || topic === "*") && look());
}

function look() {
  looking ||= setTimeout(async () => {
    const waited = uploads.value.filter(({ state, media }) => state === "preparing" && media).slice(0, MOST_AT_ONCE);
    if (waited.length > 0) await read(waited).catch(() => {}); // the next hint has it looked for again
    looking = 0;
  }, LOOK_MS);
}

async function read(waited) {
  const { body } = await api.get("/v1/media", { id: waited.map(({ media }) => media).join(","), limit: MOST_AT_ONCE });
  const found = new Map(body.media.map((one) => [one.id, one]));
  for (const { key, media } of waited) {
    const one = found.get(media);
    if (one) set(key, { ...stateOf(one), note: mediaProblem(one).join(" "), progress: one.progress, thumbnail: one.thumbnail });
  }
  if (uploads.value.some(({ state, media }) => state === "preparing" && media && !found.has(media))) look();
}

/** Find out what was begun in this browser and not ended, for the list of what is to be chosen again. */
export async function lookForUnfinished() {
  const held = Object.keys(localStorage).filter((name) => name.startsWith("tus::"));
  const ids = new Set(held.map((name) => JSON.parse(localStorage.getItem(name)).uploadUrl?.split("/").at(-1)));
  if (ids.size === 0) return;
  const { body } = await api.get("/v1/uploads", { limit: 1000 });
  unfinished.value = body.uploads.filter(({ id, name, size_bytes: size }) => ids.has(id) && !uploads.value.some((one) => one.name === name && one.size === size));
}

/** Forget one that was not ended, here and at the origin. */
export async function forgetUnfinished(id) {
  await send("DELETE", `/v1/uploads/${encodeURIComponent(id)}`, { headers: { "Tus-Resumable": "1.0.0" } });
  unfinished.value = unfinished.value.filter((one) => one.id !== id);
  for (const name of Object.keys(localStorage)) if (name.startsWith("tus::") && localStorage.getItem(name).includes(id)) localStorage.removeItem(name);
}
