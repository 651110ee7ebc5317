// The items of a playlist: only those in view are in the page. Chosen, moved and opened by mouse, finger and keyboard.

import { at } from "../../lib/api.js";
import { t } from "../../lib/words.js";
import { html, useEffect, useRef, useState } from "../../lib/view.js";
import { Icon } from "../../ui/icon.js";
import { windowOf } from "../../ui/virtual_list.js";
import { between, moveTo, newId } from "./edits.js";
import { factsOf, lengthText, titleOf } from "./item_facts.js";
import { useMediaDrop, useRowDrag } from "./row_drag.js";

export const SIZE = 74; // CSS pixels of a row with its gap
const GAP = 6;

/** `chosen` is a Set of ids, `onChoose` takes another; `act` has what is done with those chosen. */
export function ItemRows({ editing, list, chosen, onChoose, act, mine }) {
  const { items } = list;
  const box = useRef(null);
  const anchor = useRef(null);
  const wanted = useRef(null);
  const [shown, setShown] = useState(() => windowOf({ count: items.length, columns: 1, size: SIZE, top: 0, height: 900 }));
  const [focused, setFocused] = useState(0);
  const [told, setTold] = useState("");

  const look = () => {
    const next = windowOf({ count: items.length, columns: 1, size: SIZE, top: box.current.getBoundingClientRect().top, height: innerHeight });
    setShown((before) => (before.first === next.first && before.end === next.end ? before : next));
  };
  useEffect(() => {
    look();
    addEventListener("scroll", look, { capture: true, passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look, { capture: true });
      removeEventListener("resize", look);
    };
  }, [items.length]);
  useEffect(() => {
    if (wanted.current === null) return;
    const row = box.current.querySelector(`[data-id="${wanted.current}"] .item-open`);
    if (!row) return;
    wanted.current = null;
    row.focus({ preventScroll: true });
    row.closest("li").scrollIntoView({ block: "nearest" });
  });

  const focus = (place, among = items) => {
    const to = Math.max(0, Math.min(place, among.length - 1));
    if (!among[to]) return;
    wanted.current = among[to].id;
    setFocused(to);
    const top = box.current.getBoundingClientRect().top + to * SIZE;
    if (top < 80 || top + SIZE > innerHeight - 20) {
      document.scrollingElement.scrollBy({ top: top - innerHeight / 2 });
      look();
    }
  };
  const move = (ids, to) => {
    const edit = moveTo(items, ids, to);
    if (!edit) return;
    editing.edit(edit);
    const after = editing.shown.value.items;
    const place = after.findIndex((one) => one.id === ids[0]);
    setTold(t("ui-moved", { name: titleOf(items.find((one) => one.id === ids[0]), list.media), place: place + 1, total: items.length }));
    focus(place, after);
  };
  const choose = (id, event) => {
    if (event?.shiftKey && anchor.current) {
      onChoose(new Set([...chosen, ...between(items, anchor.current, id)]));
      return;
    }
    anchor.current = id;
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    onChoose(next);
  };
  const only = (id, event) => {
    if (event.shiftKey || event.ctrlKey || event.metaKey) choose(id, event);
    else {
      anchor.current = id;
      onChoose(chosen.size === 1 && chosen.has(id) ? new Set() : new Set([id]));
    }
  };
  const idsFor = (id) => (chosen.has(id) ? items.filter((one) => chosen.has(one.id)).map((one) => one.id) : [id]);
  const press = (event) => {
    const row = event.target.closest("[data-id]");
    if (!row || !event.target.classList.contains("item-open")) return;
    const id = row.dataset.id;
    const here = items.findIndex((one) => one.id === id);
    if (done(event, id, here)) event.preventDefault();
  };
  const done = (event, id, here) => {
    const isMod = event.ctrlKey || event.metaKey;
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
    if (event.altKey && mine && by) return move(idsFor(id), by > 0 ? here + by + 1 : Math.max(0, here + by)), true;
    if (event.altKey && mine && event.key === "Home") return move(idsFor(id), 0), true;
    if (event.altKey && mine && event.key === "End") return move(idsFor(id), items.length), true;
    if (by) {
      if (event.shiftKey && mine) choose(items[Math.max(0, Math.min(here + by, items.length - 1))].id, anchor.current ? event : null);
      return focus(here + by), true;
    }
    if (event.key === "Home") return focus(0), true;
    if (event.key === "End") return focus(items.length - 1), true;
    if (!mine) return false;
    if (event.key === " ") return choose(id, event), true;
    if (event.key === "a" && isMod) return onChoose(new Set(items.map((one) => one.id))), true;
    if (event.key === "Escape") return onChoose(new Set()), true;
    if (event.key === "Delete" || event.key === "Backspace") return remove(idsFor(id), here), true;
    if (event.key === "d" && isMod && chosen.size > 0) return act.copy(), true;
    return false;
  };
  const remove = (ids, here) => {
    if (chosen.size > 0) act.remove();
    else editing.edit({ do: "remove_items", ids });
    focus(here, editing.shown.value.items);
  };

  const drag = useRowDrag({ box, size: SIZE, count: items.length, onDrop: move, idsFor });
  const drop = useMediaDrop({ box, size: SIZE, count: items.length, onDrop: (media, to) => act.add(media.map((id) => ({ id: newId(), media: id })), to <= 0 ? { at: "first" } : { after: items[to - 1].id }) });
  const line = mine ? (drag.to ?? drop.to) : null;
  const all = chosen.size === items.length;
  const inView = items.slice(shown.first, shown.end);
  return html`<div class="item-rows">
    ${mine && html`<label class="item-all"><input type="checkbox" checked=${all} onChange=${() => onChoose(all ? new Set() : new Set(items.map((one) => one.id)))} />${chosen.size > 0 ? t("playlists-chosen", { count: chosen.size }) : t("ui-choose-all")}</label>`}
    <div ref=${box} class="item-box" style=${{ height: `${items.length * SIZE}px` }} onKeyDown=${press} ...${mine ? drop.on : {}}>
      <ol aria-label=${t("playlists-item-list")} style=${{ transform: `translateY(${shown.offset}px)` }}>
        ${inView.map((item, place) => html`<${Row} key=${item.id} ...${{ item, list, mine, only, choose, drag }} place=${shown.first + place} total=${items.length} isChosen=${chosen.has(item.id)} isDragged=${drag.ids?.includes(item.id)} isTouched=${editing.touched.value.has(item.id)} isFocus=${shown.first + place === Math.min(focused, items.length - 1)} onFocus=${() => setFocused(shown.first + place)} />`)}
      </ol>
      ${line !== null && html`<div class="drop-line" style=${{ top: `${line * SIZE - GAP / 2}px` }}></div>`}
    </div>
    <span class="unseen" role="status" aria-live="assertive">${told}</span>
  </div>`;
}

function Row({ item, list, place, total, mine, only, choose, drag, isChosen, isDragged, isTouched, isFocus, onFocus }) {
  const fact = list.media[item.media];
  const title = titleOf(item, list.media);
  const facts = factsOf(item, fact);
  const kind = `item ${isChosen ? "is-chosen" : ""} ${isDragged ? "is-dragged" : ""} ${isTouched ? "is-touched" : ""}`;
  return html`<li class=${kind} data-id=${item.id} aria-setsize=${total} aria-posinset=${place + 1}>
    ${mine && html`<span class="grip item-grip" title=${t("ui-move-help")} aria-hidden="true" onPointerDown=${(event) => drag.take(event, item.id)}><${Icon} name="grip" /></span>`}
    ${mine && html`<input type="checkbox" tabindex="-1" aria-label=${t("ui-choose", { name: title })} checked=${isChosen} onClick=${(event) => choose(item.id, event)} />`}
    <span class="item-number number faint">${place + 1}</span>
    <${Thumbnail} media=${item.media} fact=${fact} />
    <button type="button" class="item-open" tabindex=${isFocus ? 0 : -1} aria-pressed=${mine ? String(isChosen) : null} title=${title} onFocus=${onFocus} onClick=${(event) => mine && only(item.id, event)}>
      <span class="cut">${title}</span>
      <span class="item-facts">${facts.map((one) => html`<span key=${one.text} class=${`item-fact ${one.kind ?? ""}`}>${one.icon && html`<${Icon} name=${one.icon} size=${14} />`}${one.text}</span>`)}</span>
    </button>
    <span class="item-length number">${lengthText(item, fact)}</span>
  </li>`;
}

function Thumbnail({ media, fact }) {
  const [failed, setFailed] = useState(null);
  const icon = fact?.url ? "globe" : "image";
  return html`<span class="item-picture">${failed !== media && !fact?.url
    ? html`<img src=${at(`/v1/media/${media}/thumbnail`)} alt="" loading="lazy" decoding="async" draggable=${false} onError=${() => setFailed(media)} />`
    : html`<${Icon} name=${icon} />`}</span>`;
}
