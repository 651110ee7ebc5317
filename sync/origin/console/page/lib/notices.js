// Shows problems until they are dismissed and good news for a while; nothing that goes wrong is swallowed.

import { Problem } from "./api.js";
import { $, button, h } from "./dom.js";

const GOOD_NEWS_MS = 6000;

/** Write a problem out: title, detail, each field at fault, each user in the way. */
export function written(problem) {
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

/** Show what went wrong while doing `what`; the same again only counts up. */
export function show(problem, what) {
  const key = `${what}|${problem.title}|${problem.message}`;
  const held = [...$("#notices").children].find((one) => one.dataset.key === key);
  if (held) {
    held.dataset.times = Number(held.dataset.times ?? 1) + 1;
    return;
  }
  const notice = h("div", { class: "notice bad", role: "alert", "data-key": key, "data-status": problem.status });
  const body = h("div", {}, what && h("p", { class: "what" }, what), ...written(problem));
  notice.append(body, button("×", "dismiss", () => notice.remove(), { class: "close", "aria-label": "Dismiss" }));
  $("#notices").append(notice);
  if (!(problem instanceof Problem)) console.error(problem);
}

/** Take away what said that the origin does not answer: it does again. */
export function answered() {
  for (const notice of document.querySelectorAll('#notices [data-status="0"]')) notice.remove();
}

export function clear() {
  $("#notices").replaceChildren();
}

/** Say good news. */
export function say(text) {
  const notice = h("div", { class: "notice good", role: "status" }, h("p", {}, text));
  notice.append(button("×", "dismiss", () => notice.remove(), { class: "close", "aria-label": "Dismiss" }));
  $("#notices").append(notice);
  setTimeout(() => notice.remove(), GOOD_NEWS_MS);
}

/** Do `work`; tell whether it went well, and show it if not. A page that was logged out says so by itself. */
export async function attempt(what, work) {
  try {
    await work();
    return true;
  } catch (error) {
    if (error.status !== 401) show(error, what);
    return false;
  }
}
