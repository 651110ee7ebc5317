// Asks the origin. What is no success becomes a Problem. A session that has ended is renewed and the request repeated;
// a change that the line swallowed waits until it is back, and is sent once.

import { signal } from "./view.js";

const ROOT = new URL("../../", import.meta.url); // the origin, wherever a proxy puts it
const LONGEST_READ_MS = 30_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/** How many changes wait for the line. */
export const waiting = signal(0);

/**
 * What the origin, or the line to it, refused (RFC 9457): `status` (0: no answer), `code` and `values` of its sentence,
 * `fields` and `fieldsTold` of what was sent, `users` of a thing that is in use, `clashes` with what others did.
 */
export class Problem extends Error {
  constructor({ status = 0, code = "", title = "", detail = "", values = {}, fields = {}, fields_told = {}, ...rest }) {
    super(detail || title);
    Object.assign(this, { status, code, title, detail, values, fields, fieldsTold: fields_told, ...rest });
  }
}

/** Return the address of something of the origin, such as `/v1/media`. */
export const at = (path) => new URL(path.replace(/^\//, ""), ROOT).href;

/** Return a path with a query; empty values are left out, lists are joined by commas. */
export function withQuery(path, query = {}) {
  const kept = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(kept.map(([name, value]) => [name, String(value)])).toString();
  return text ? `${path}${path.includes("?") ? "&" : "?"}${text}` : path;
}

let renew = null;

/** Have `work()` called when a session has ended: it resolves once somebody is logged in again. */
export function renewSessionBy(work) {
  renew = work;
}

/** Return a name for a request, so that the origin carries it out once, however often it is sent. */
export const onceKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");

const paused = (ms) =>
  new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
  });

/**
 * Send a request and return its answer, or throw a Problem; an abort stays an AbortError. For bodies that are no JSON;
 * `renews: false` is for log-ins, which a refusal does not end.
 */
export async function send(method, path, { renews = true, ...options } = {}) {
  for (;;) {
    let answer;
    try {
      answer = await fetch(at(path), { method, ...options });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem({ code: "no-answer", title: "No answer" });
    }
    if (answer.ok) return answer;
    const problem = await problemOf(answer);
    if (problem.status !== 401 || !renews || !renew) throw problem;
    await renew();
  }
}

async function problemOf(answer) {
  const status = answer.status;
  const retryAfterS = Number(answer.headers.get("Retry-After")) || 0;
  if (answer.headers.get("Content-Type")?.startsWith("application/problem+json")) {
    const told = await answer.json().catch(() => null); // incomplete: only its status is known
    if (told) return new Problem({ ...told, status, retryAfterS });
  }
  return new Problem({ status, retryAfterS, code: "no-explanation", title: `${status}`, values: { status } });
}

const versionOf = (answer) => answer.headers.get("ETag")?.replace(/^(W\/)?"|(-gzip)?"$/g, "") ?? null;

function linksOf(answer) {
  const found = (answer.headers.get("Link") ?? "").matchAll(/<([^>]*)>;\s*rel="?(\w+)"?/g);
  return Object.fromEntries(Array.from(found, ([, address, name]) => [name, address]));
}

async function read(answer) {
  const text = answer.status === 204 ? "" : await answer.text();
  const body = text && answer.headers.get("Content-Type")?.includes("json") ? JSON.parse(text) : text || null;
  return { body, version: versionOf(answer), links: linksOf(answer), total: body?.total ?? null };
}

/** Send a change as often as the line swallows it. Only what has a key may be sent twice. */
async function sendOnce(method, path, options) {
  let failures = 0;
  try {
    for (;;) {
      try {
        return await send(method, path, options);
      } catch (error) {
        if (error.status !== 0 || error.name === "AbortError") throw error;
        if (failures === 0) waiting.value += 1;
        failures += 1;
        await paused(Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures));
      }
    }
  } finally {
    if (failures > 0) waiting.value -= 1;
  }
}

async function change(method, path, body, { version, key, query, ...options } = {}) {
  const headers = { "Idempotency-Key": key ?? onceKey() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (version !== undefined && version !== null) headers["If-Match"] = `"${version}"`;
  const sent = { headers, body: body === undefined ? undefined : JSON.stringify(body), ...options };
  const again = options.renews === false ? send : sendOnce;
  return read(await again(method, withQuery(path, query), sent));
}

async function get(path, query, { signal: wanted } = {}) {
  const late = AbortSignal.timeout(LONGEST_READ_MS);
  try {
    return await read(await send("GET", withQuery(path, query), { signal: wanted ? AbortSignal.any([wanted, late]) : late }));
  } catch (error) {
    if (late.aborted && !wanted?.aborted) throw new Problem({ code: "no-answer", title: "No answer" });
    throw error;
  }
}

/**
 * Each returns `{body, version, links, total}`. `version` of a change is the one that the person saw; `key` names it, so
 * that it happens once; `query` adds to the address.
 */
export const api = {
  get,
  post: (path, body, options) => change("POST", path, body, options),
  put: (path, body, options) => change("PUT", path, body, options),
  patch: (path, body, options) => change("PATCH", path, body, options),
  remove: (path, options) => change("DELETE", path, undefined, options),
};
