// Builds elements, and updates lists of them from data. Text is always text, never markup.

import { at } from "./api.js";

export const $ = (selector, root = document) => root.querySelector(selector);

/** Make an element; `on…` attributes are listeners, false and null attributes and children are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== false && child !== null && child !== undefined));
  return element;
}

/** Make a button; `key` names it inside its card, so that it keeps the focus when the card is rebuilt. */
export function button(label, key, onclick, attributes = {}) {
  return h("button", { type: "button", "data-do": key, onclick, ...attributes }, label);
}

/** Make a picture of a media's thumbnail, or the empty frame of one. */
export function thumbnail(media, alt = "") {
  const shown = media?.thumbnail;
  return shown
    ? h("img", { class: "thumb", src: `${at(shown)}?v=${media.source_sha256.slice(0, 12)}`, alt, loading: "lazy" })
    : h("span", { class: "thumb empty", "aria-hidden": "true" });
}

/** Return what a plan knows of a media with the path of its thumbnail. */
export const withThumbnail = (id, fact) => ({ ...fact, thumbnail: fact.asset && `/v1/media/${id}/thumbnail`, source_sha256: fact.asset?.sha256 });

/** Make `container` show `items` in order. Only changed ones are rebuilt; focus and open details stay. */
export function keyed(container, items, build, idOf = (item) => item.id) {
  const existing = new Map([...container.children].map((child) => [child.dataset.key, child]));
  const wanted = items.map((item) => {
    const key = String(idOf(item));
    const print = JSON.stringify(item);
    const old = existing.get(key);
    if (old?.print === print) return old;
    const fresh = build(item);
    fresh.dataset.key = key;
    fresh.print = print;
    if (old) swap(old, fresh);
    return fresh;
  });
  const staying = new Set(wanted);
  for (const child of [...container.children]) if (!staying.has(child)) child.remove();
  wanted.forEach((element, place) => {
    const here = container.children[place];
    if (here !== element) container.insertBefore(element, here ?? null);
  });
}

function swap(old, fresh) {
  if (old.open !== undefined) fresh.open = old.open;
  const focused = old.contains(document.activeElement) ? document.activeElement.dataset.do : undefined;
  old.replaceWith(fresh);
  if (focused) fresh.querySelector(`[data-do="${focused}"]`)?.focus();
}
