// The search field, the choice of an order, and the buttons that turn the pages of a list.

import { lists, reload } from "./data.js";
import { $, button, h } from "./dom.js";
import { attempt } from "./notices.js";

const FEW = 9; // nobody searches fewer entries
const PAUSE_MS = 250; // after the last letter

/**
 * Put controls of the list `name` into the head of a section and below its entries; `draw()` shows the section.
 * `sorts` are [order of the API, label]. Return what shows their state.
 */
export function listControls(name, section, entries, sorts, draw) {
  const list = lists[name];
  const go = async (change) => {
    Object.assign(list, { cursor: "", ...change });
    await attempt(`Loading ${name}`, () => reload(name));
    draw();
  };
  let pause;
  const find = h("input", { type: "search", placeholder: "Find", maxlength: 200 });
  find.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(() => go({ search: find.value.trim() }), PAUSE_MS);
  });
  const order = h("select", { "aria-label": "Order" }, ...sorts.map(([value, label]) => h("option", { value }, label)));
  order.addEventListener("change", () => go({ sort: order.value }));
  const found = h("span", { class: "find", hidden: true }, h("label", {}, h("span", { class: "unseen" }, "Find by name"), find), sorts.length > 1 && order);
  const none = h("p", { class: "none", hidden: true }, "Nothing has this in its name.");
  const turn = (label, key, side) => button(label, key, () => go({ cursor: list[side] }), { class: "quiet" });
  const [previous, next] = [turn("Previous", "previous", "previous"), turn("Next", "next", "next")];
  const size = h("span", { class: "faint" });
  const pages = h("div", { class: "pages", role: "navigation", "aria-label": `Pages of ${name}`, hidden: true }, previous, size, next);
  const head = $(`#${section} .head`);
  head.insertBefore(found, $("button", head));
  $(entries).after(none, pages);
  return () => {
    found.hidden = !list.search && list.total < FEW;
    none.hidden = !list.search || list.total > 0;
    pages.hidden = !list.next && !list.previous;
    size.textContent = `${list.total} in all`;
    for (const [one, side] of [[previous, "previous"], [next, "next"]]) one.disabled = !list[side];
  };
}
