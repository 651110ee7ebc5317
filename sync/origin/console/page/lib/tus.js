// Sends one file in verified chunks (tus 1.0): survives a lost line and a reloaded page, pauses, and can be called off.

import { Problem, send } from "./api.js";

const FIRST_CHUNK_BYTES = 512 * 1024;
const LARGEST_CHUNK_BYTES = 8 * 1024 * 1024;
const SMALLEST_CHUNK_BYTES = 64 * 1024;
const WHOLE_HASH_BYTES = 64 * 1024 * 1024; // up to here the file is hashed as a whole, which takes its size in memory
const LONGEST_WAIT_S = 30;
const MAY_PASS = new Set([0, 408, 409, 423, 429, 460, 500, 502, 503, 504]);

/** An upload: `state` is waiting, sending, retrying, paused, failed or done; `changed()` follows each step. */
export class Upload {
  #changed;
  #line = new AbortController();
  #chunk_bytes = FIRST_CHUNK_BYTES;

  constructor(file, changed) {
    Object.assign(this, { file, state: "waiting", sent: 0, rate: 0, path: null, media: null, problem: null });
    this.#changed = changed;
  }

  get id() {
    return this.path?.split("/").at(-1) ?? null;
  }

  /** Send until it is done, paused, called off, or refused. */
  async run() {
    const { signal } = (this.#line = new AbortController());
    this.#be("sending");
    for (let failures = 0; ; failures += 1) {
      try {
        await this.#reach(signal);
        while (this.sent < this.file.size) {
          await this.#chunk(signal);
          failures = 0;
        }
        forget(this.file);
        return this.#be("done");
      } catch (error) {
        if (signal.aborted) return undefined;
        if (error.status === 404) this.#lose();
        else if (!MAY_PASS.has(error.status)) return this.#fail(error);
        if (failures > 7 && error.status) return this.#fail(error);
        this.#be("retrying", error);
        await rest(failures, error.retryAfterS, signal);
        if (signal.aborted) return undefined;
        this.#be("sending");
      }
    }
  }

  pause() {
    this.#line.abort();
    this.#be("paused");
  }

  /** Call it off, here and at the origin; a chunk that is still being written is waited for. */
  async cancel() {
    this.#line.abort();
    forget(this.file);
    this.#be("cancelled");
    for (let tries = 0; this.path; tries += 1) {
      try {
        await this.#send("DELETE", this.path);
        return;
      } catch (error) {
        if (error.status === 404) return;
        if (error.status !== 409 || tries > 5) throw error;
        await rest(tries, 0, new AbortController().signal);
      }
    }
  }

  /** Find out where to go on, or begin. */
  async #reach(signal) {
    this.path ??= recall(this.file);
    if (this.path === null) {
      const headers = { "Upload-Length": String(this.file.size), "Upload-Metadata": await metadata(this.file) };
      const answer = await this.#send("POST", "/v1/uploads", { headers, signal });
      this.path = answer.headers.get("Location");
      remember(this.file, this.path);
      this.#note(answer);
    } else {
      this.#note(await this.#send("HEAD", this.path, { signal }));
    }
  }

  async #chunk(signal) {
    const body = await read(this.file.slice(this.sent, this.sent + this.#chunk_bytes));
    const headers = {
      "Content-Type": "application/offset+octet-stream",
      "Upload-Offset": String(this.sent),
      ...(await checksum(body)),
    };
    const began = performance.now();
    const answer = await this.#send("PATCH", this.path, { headers, body, signal });
    this.#pace(body.byteLength, (performance.now() - began) / 1000);
    this.#note(answer);
  }

  /** Choose chunks of about a second: small enough to show progress and to lose, large enough to be cheap. */
  #pace(sent_bytes, took_s) {
    const rate = sent_bytes / Math.max(took_s, 0.001);
    this.rate = this.rate ? 0.7 * this.rate + 0.3 * rate : rate;
    if (took_s < 0.5) this.#chunk_bytes = Math.min(LARGEST_CHUNK_BYTES, this.#chunk_bytes * 2);
    if (took_s > 3) this.#chunk_bytes = Math.max(SMALLEST_CHUNK_BYTES, this.#chunk_bytes / 2);
  }

  #note(answer) {
    this.sent = Number(answer.headers.get("Upload-Offset"));
    this.media = answer.headers.get("Signage-Media");
    this.#changed();
  }

  #lose() {
    forget(this.file);
    Object.assign(this, { path: null, sent: 0 });
  }

  #fail(error) {
    if (error.status === 413 || error.status === 422) this.#lose();
    this.#be("failed", error);
  }

  #be(state, problem = null) {
    Object.assign(this, { state, problem });
    this.#changed();
  }

  #send(method, path, { headers = {}, ...options } = {}) {
    return send(method, path, { headers: { "Tus-Resumable": "1.0.0", ...headers }, ...options });
  }
}

async function read(blob) {
  try {
    return await blob.arrayBuffer();
  } catch (error) {
    const detail = `It is a folder, or was changed or removed meanwhile: choose it again. (${error.message})`;
    throw new Problem({ title: "The file cannot be read", detail, status: -1 });
  }
}

const base64 = (octets) => btoa(Array.from(octets, (octet) => String.fromCharCode(octet)).join(""));
const digest = async (body) => new Uint8Array(await crypto.subtle.digest("SHA-256", body));

async function checksum(body) {
  return crypto.subtle ? { "Upload-Checksum": `sha256 ${base64(await digest(body))}` } : {};
}

async function metadata(file) {
  const name = `filename ${base64(new TextEncoder().encode(file.name))}`;
  if (!crypto.subtle || file.size > WHOLE_HASH_BYTES) return name;
  return `${name},sha256 ${base64(await digest(await read(file)))}`;
}

/** Wait longer each time, with jitter, or as long as we were asked to; being back on line or an abort ends it. */
function rest(failures, asked_s, signal) {
  const wait_s = Math.max(asked_s, Math.min(LONGEST_WAIT_S, 2 ** failures) * (0.5 + Math.random() / 2));
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, wait_s * 1000);
    addEventListener("online", done);
    signal.addEventListener("abort", done, { once: true });
  });
}

// Where an unfinished file went, so that choosing it again after a reload goes on; a path is worth nothing without a session.
const key = (file) => `upload ${file.name} ${file.size} ${file.lastModified}`;
const recall = (file) => localStorage.getItem(key(file));
const remember = (file, path) => localStorage.setItem(key(file), path);
const forget = (file) => localStorage.removeItem(key(file));
