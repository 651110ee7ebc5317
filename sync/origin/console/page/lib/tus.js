// Uploads one file in verified chunks (tus 1.0): survives a lost connection and a reload of the page, can pause and cancel.

import { Problem, send } from "./api.js";

const FIRST_CHUNK_BYTES = 512 * 1024;
const LARGEST_CHUNK_BYTES = 960 * 1024; // below 1 MiB, the limit of nginx as it is installed
const SMALLEST_CHUNK_BYTES = 16 * 1024;
const WHOLE_HASH_BYTES = 64 * 1024 * 1024; // a larger file is not hashed as a whole, because that takes its size in memory
const LONGEST_WAIT_S = 30;
const RETRYABLE = new Set([0, 408, 409, 423, 429, 460, 500, 502, 503, 504]);

/** An upload. `state`: waiting, sending, retrying, paused, failed, cancelled or done. `changed()` is called after each step. */
export class Upload {
  #changed;
  #abort = new AbortController();
  #creating = null;
  #chunk_bytes = FIRST_CHUNK_BYTES;
  #most_bytes = LARGEST_CHUNK_BYTES;

  constructor(file, changed) {
    Object.assign(this, { file, state: "waiting", sent: 0, rate: 0, path: null, media: null, problem: null });
    this.#changed = changed;
  }

  get id() {
    return this.path?.split("/").at(-1) ?? null;
  }

  /** Send until it is done, paused, cancelled or refused. */
  async run() {
    const { signal } = (this.#abort = new AbortController());
    this.#setState("sending");
    for (let failures = 0; ; failures += 1) {
      try {
        await this.#findOffset(signal);
        while (this.sent < this.file.size) {
          if (await this.#chunk(signal)) failures = 0;
        }
        forgetPath(this.file);
        return this.#setState("done");
      } catch (error) {
        if (signal.aborted) return undefined;
        if (error.status === 404) this.#forgetUpload();
        else if (!RETRYABLE.has(error.status)) return this.#fail(error);
        if (failures > 7 && error.status) return this.#fail(error);
        this.#setState("retrying", error);
        await waitToRetry(failures, error.retryAfterS, signal);
        if (signal.aborted) return undefined;
        this.#setState("sending");
      }
    }
  }

  pause() {
    this.#abort.abort();
    this.#setState("paused");
  }

  /** Cancel here and at the origin. Waits for a chunk that is still being written. */
  async cancel() {
    this.#abort.abort();
    this.#setState("cancelled");
    await this.#creating?.catch(() => {}); // then there is nothing to cancel
    forgetPath(this.file);
    for (let tries = 0; this.path; tries += 1) {
      try {
        await this.#send("DELETE", this.path);
        return;
      } catch (error) {
        if (error.status === 404) return;
        if (error.status !== 409 || tries > 5) throw error;
        await waitToRetry(tries, 0, new AbortController().signal);
      }
    }
  }

  /** Ask where to continue, or create the upload. */
  async #findOffset(signal) {
    this.path ??= savedPath(this.file);
    if (this.path === null) await (this.#creating ??= this.#create().finally(() => (this.#creating = null)));
    else this.#readProgress(await this.#send("HEAD", this.path, { signal }));
  }

  /** Create the upload. A pause does not end this: the origin would have an upload that nobody knows. */
  async #create() {
    const headers = { "Upload-Length": String(this.file.size), "Upload-Metadata": await metadata(this.file) };
    const answer = await this.#send("POST", "/v1/uploads", { headers });
    this.path = `/v1/uploads/${answer.headers.get("Location").split("/").at(-1)}`;
    savePath(this.file, this.path);
    this.#readProgress(answer);
  }

  /** Send one chunk; return false if it was too large for something on the way, and a smaller one may pass. */
  async #chunk(signal) {
    const body = await read(this.file.slice(this.sent, this.sent + this.#chunk_bytes));
    const headers = {
      "Content-Type": "application/offset+octet-stream",
      "Upload-Offset": String(this.sent),
      ...(await checksum(body)),
    };
    const began = performance.now();
    let answer;
    try {
      answer = await this.#send("PATCH", this.path, { headers, body, signal });
    } catch (error) {
      if (!this.#halve(error, body.byteLength)) throw error;
      return false;
    }
    this.#chooseChunkSize(body.byteLength, (performance.now() - began) / 1000);
    this.#readProgress(answer);
    return true;
  }

  /** Make chunks smaller after 413 (a proxy has a limit), and after a lost line, which is how some proxies refuse. */
  #halve({ status }, sent_bytes) {
    if (status !== 413 && status !== 0) return false;
    const half = Math.max(SMALLEST_CHUNK_BYTES, Math.floor(sent_bytes / 2));
    this.#chunk_bytes = Math.min(this.#chunk_bytes, half);
    if (status === 413) this.#most_bytes = Math.min(this.#most_bytes, half);
    return status === 413 && sent_bytes > SMALLEST_CHUNK_BYTES;
  }

  /** Aim at chunks of about a second: small enough to show progress and to repeat, large enough to be cheap. */
  #chooseChunkSize(sent_bytes, took_s) {
    const rate = sent_bytes / Math.max(took_s, 0.001);
    this.rate = this.rate ? 0.7 * this.rate + 0.3 * rate : rate;
    if (took_s < 0.5) this.#chunk_bytes = Math.min(this.#most_bytes, this.#chunk_bytes * 2);
    if (took_s > 3) this.#chunk_bytes = Math.max(SMALLEST_CHUNK_BYTES, this.#chunk_bytes / 2);
  }

  #readProgress(answer) {
    this.sent = Number(answer.headers.get("Upload-Offset"));
    this.media = answer.headers.get("Signage-Media");
    this.#changed();
  }

  #forgetUpload() {
    forgetPath(this.file);
    Object.assign(this, { path: null, sent: 0 });
  }

  #fail(error) {
    if (error.status === 422) this.#forgetUpload();
    this.#setState("failed", error);
  }

  #setState(state, problem = null) {
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
    console.debug(error);
    const detail = "It is a folder, or it was changed or removed: choose it again.";
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

/** Wait longer each time, with jitter, or as long as the origin asks. Ends early when the network is back or on abort. */
function waitToRetry(failures, asked_s, signal) {
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

// The path of an unfinished upload, so that choosing the file again after a reload continues it. It is useless without a session.
const key = (file) => `upload ${file.name} ${file.size} ${file.lastModified}`;
const savedPath = (file) => localStorage.getItem(key(file));
const savePath = (file, path) => localStorage.setItem(key(file), path);
const forgetPath = (file) => localStorage.removeItem(key(file));
