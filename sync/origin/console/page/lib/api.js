// Talks to the origin: every answer that is no success becomes a Problem, and one that asks for a key locks the page.

/** What went wrong, in the origin's own words (RFC 9457): title, detail, `fields`, `users`, status (0: no answer). */
export class Problem extends Error {
  constructor({ title, detail = "", status = 0, fields = {}, users = [], retryAfterS = 0 }) {
    super(detail || title);
    Object.assign(this, { title, detail, status, fields, users, retryAfterS });
  }
}

let locked = () => {};

/** Have `callback` called when the session is worth nothing (any more). */
export function whenLocked(callback) {
  locked = callback;
}

/** Send a request; return the successful answer or throw a Problem. An abort stays an AbortError. */
export async function send(method, path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { method, ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ title: "The origin does not answer", detail: "Check the network; this page goes on trying." });
  }
  if (answer.ok) return answer;
  const problem = await problemOf(answer);
  if (problem.status === 401 && method !== "POST") locked(problem);
  else if (problem.status === 401 && path !== "/v1/session") locked(problem);
  throw problem;
}

/** Send and receive JSON; `version` goes along as If-Match. */
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
      // the answer broke off: its status is all we know, and it is told below
    }
  }
  const detail = "The answer has no explanation: something between this page and the origin may have sent it.";
  return new Problem({ title: `${status} ${statusText || "from the origin"}`.trim(), detail, status, retryAfterS });
}
