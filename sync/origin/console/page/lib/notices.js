// Shows problems until they are dismissed, and good news for some seconds. Every error is shown.

import { Problem } from "./api.js";
import { $, button, h } from "./dom.js";

const GOOD_NEWS_MS = 6000;

/** Return a problem as elements: title, detail, each wrong field, each user of what cannot be removed. */
export function problemElements(problem) {
  const fields = Object.entries(problem.fields ?? {});
  const parts = [
    h("strong", {}, problem.title ?? problem.name),
    problem.detail !== "" && h("p", {}, problem.detail ?? problem.message),
    fields.length > 0 && h("dl", {}, ...fields.map(([name, why]) => [h("dt", {}, name), h("dd", {}, why)]).flat()),
    problem.users?.length > 0 && h("p", {}, "Used by ", ...listed(problem.users)),
  ];
  return parts.filter(Boolean);
}

const listed = (names) => names.flatMap((name, place) => [place ? ", " : "", h("b", {}, name)]);

/** Show what went wrong while doing `what`. The same problem again only raises its count. */
export function show(problem, what) {
  const key = `${what}|${problem.title}|${problem.message}`;
  const same = [...$("#notices").children].find((one) => one.dataset.key === key);
  if (same) {
    same.dataset.times = Number(same.dataset.times ?? 1) + 1;
    return;
  }
  const notice = h("div", { class: "notice bad", role: "alert", "data-key": key, "data-status": problem.status });
  const body = h("div", {}, what && h("p", { class: "what" }, what), ...problemElements(problem));
  notice.append(body, button("×", "dismiss", () => notice.remove(), { class: "close", "aria-label": "Dismiss" }));
  $("#notices").append(notice);
  if (!(problem instanceof Problem)) console.error(problem);
}

/** Remove notices that the origin does not answer: it answers again. */
export function clearOffline() {
  for (const notice of document.querySelectorAll('#notices [data-status="0"]')) notice.remove();
}

export function clear() {
  $("#notices").replaceChildren();
}

/** Show good news. */
export function announce(text) {
  const notice = h("div", { class: "notice good", role: "status" }, h("p", {}, text));
  notice.append(button("×", "dismiss", () => notice.remove(), { class: "close", "aria-label": "Dismiss" }));
  $("#notices").append(notice);
  setTimeout(() => notice.remove(), GOOD_NEWS_MS);
}

/** Do `work`; return whether it succeeded, and show the problem if not. A logged-out page tells that by itself. */
export async function attempt(what, work) {
  try {
    await work();
    return true;
  } catch (error) {
    if (error.status !== 401) show(error, what);
    return false;
  }
}
