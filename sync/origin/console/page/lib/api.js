// Calls the origin. Every answer that is not a success becomes a Problem; a 401 logs the page out.

/** A problem as the origin describes it (RFC 9457): title, detail, `fields`, `users`, status (0: no answer). */
export class Problem extends Error {
  constructor({ type = "", title, detail = "", status = 0, fields = {}, users = [], retryAfterS = 0 }) {
    super(detail || title);
    Object.assign(this, { type, title, detail, status, fields, users, retryAfterS });
  }
}

/** Return the address of a path of the origin, such as `/v1/media`: below this page, wherever a proxy puts it. */
export const at = (path) => new URL(path.replace(/^\//, ""), document.baseURI).href;

const FORMS = new Set(["/v1/session", "/v1/session-by-passkey", "/v1/session-by-provider", "/v1/account/reset"]); // what one sends them may be wrong

let loggedOut = () => {};

/** Set `callback` to be called when the session is not (or no longer) valid. */
export function onLoggedOut(callback) {
  loggedOut = callback;
}

/** Send a request; return the successful answer or throw a Problem. An abort stays an AbortError. */
export async function send(method, path, options = {}) {
  let answer;
  try {
    answer = await fetch(at(path), { method, ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ title: "The origin does not answer", detail: "Check the network. This page keeps trying." });
  }
  if (answer.ok) return answer;
  const problem = await problemOf(answer);
  if (problem.status === 401 && method !== "POST") loggedOut(problem);
  else if (problem.status === 401 && !FORMS.has(path)) loggedOut(problem);
  throw problem;
}

/** Send and receive JSON; `version` is sent as If-Match. */
export async function ask(method, path, body, version) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (version !== undefined) headers["If-Match"] = `"${version}"`;
  const answer = await send(method, path, { headers, body: body === undefined ? undefined : JSON.stringify(body) });
  return answer.status === 204 ? null : answer.json();
}

async function problemOf(answer) {
  const retryAfterS = Number(answer.headers.get("Retry-After")) || 0;
  const { status, statusText } = answer;
  if (answer.headers.get("Content-Type")?.startsWith("application/problem+json")) {
    try {
      return new Problem({ ...(await answer.json()), status, retryAfterS });
    } catch {
      // the answer is incomplete: only its status is known, which is told below
    }
  }
  const detail = "The answer has no explanation. A proxy between this page and the origin may have sent it.";
  return new Problem({ title: `${status} ${statusText || "from the origin"}`.trim(), detail, status, retryAfterS });
}
