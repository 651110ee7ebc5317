// Plays slots on two layers: while one is seen, the other one loads what comes next, so that a cut has no gap.

import { at } from "../../lib/api.js";
import { gainOf, styled } from "./geometry.js";

const LOAD_WITHIN_MS = 8000;
const NO_END_MS = 30_000; // so long a stream, or what cannot be shown, stays in a preview

/** A screen in `box`, an element; `onShow(place)` is called as each slot begins, `onWrong(place, why)` if one cannot be shown. */
export class Stage {
  constructor(box, screen, { onShow, onWrong }) {
    Object.assign(this, { box, screen, onShow, onWrong, slots: [], place: -1, isPlaying: false, isMuted: true, gain: 1 });
    this.layers = [0, 1].map(() => Object.assign(document.createElement("div"), { className: "stage-layer" }));
    box.prepend(...this.layers);
    this.front = 0;
  }

  /** Take other slots; what is seen stays until the next `show`. */
  use(slots) {
    this.slots = slots;
    this.loaded = null;
  }

  /** Load the slot at `place` into the hidden layer. */
  load(place) {
    if (this.loaded?.place === place) return this.loaded.ready;
    const layer = this.layers[1 - this.front];
    empty(layer);
    const slot = this.slots[place];
    layer.style.background = slot.background;
    const ready = this.fill(layer, slot, place);
    this.loaded = { place, ready };
    return ready;
  }

  async fill(layer, slot, place) {
    if (slot.kind === "picture") {
      const picture = this.element("img", slot);
      picture.src = at(slot.src);
      layer.append(picture);
      await picture.decode().catch(() => this.onWrong(place, "picture"));
    } else if (slot.kind === "video") {
      const film = this.element("video", slot);
      Object.assign(film, { src: at(slot.src), loop: slot.loop, muted: this.isMuted, playsInline: true, preload: "auto", disableRemotePlayback: true });
      film.volume = gainOf(slot.volume, slot.lufs) * this.gain;
      layer.append(film);
      await new Promise((resolve) => {
        const late = setTimeout(resolve, LOAD_WITHIN_MS);
        const done = () => (clearTimeout(late), resolve());
        film.onloadeddata = done;
        film.onerror = () => (this.onWrong(place, "film"), done());
      });
    }
  }

  element(name, slot) {
    const made = document.createElement(name);
    made.className = "stage-media";
    if (name === "img") made.alt = "";
    Object.assign(made.style, styled(this.screen, slot, slot.fit));
    return made;
  }

  /** Show the slot at `place`, and go on from there. */
  async show(place) {
    clearTimeout(this.timer);
    if (this.slots.length === 0) return;
    const turn = (this.turn = (this.turn ?? 0) + 1);
    await this.load(place);
    if (turn !== this.turn || this.isOver) return;
    const [before, after] = [this.layers[this.front], this.layers[1 - this.front]];
    after.classList.add("is-seen");
    before.classList.remove("is-seen");
    this.front = 1 - this.front;
    this.loaded = null;
    Object.assign(this, { place, begun: performance.now(), spent: 0 });
    this.onShow(place);
    const film = after.querySelector("video");
    if (film && this.isPlaying) await film.play().catch(() => {}); // a browser that plays nothing by itself shows its first picture
    empty(before);
    if (this.isPlaying) this.wait();
  }

  wait() {
    const slot = this.slots[this.place];
    const next = (this.place + 1) % this.slots.length;
    this.begun = performance.now();
    this.timer = setTimeout(() => this.show(next), Math.max(0, (slot.ms ?? NO_END_MS) - this.spent));
    if (next !== this.place) this.load(next);
  }

  /** Play or stop; a stopped preview goes on where it was. */
  play(isPlaying) {
    if (this.isPlaying === isPlaying) return;
    this.isPlaying = isPlaying;
    clearTimeout(this.timer);
    const film = this.film();
    if (isPlaying) {
      film?.play().catch(() => {}); // as above
      this.wait();
    } else {
      film?.pause();
      this.spent += performance.now() - this.begun;
    }
  }

  /** Return how long the present slot has been seen, in ms. */
  seen() {
    return this.isPlaying ? this.spent + performance.now() - this.begun : this.spent;
  }

  mute(isMuted) {
    this.isMuted = isMuted;
    for (const film of this.box.querySelectorAll("video")) film.muted = isMuted;
  }

  /** Take another shape of screen. */
  reshape(screen) {
    this.screen = screen;
    this.layers.forEach((layer, number) => {
      const slot = this.slots[number === this.front ? this.place : this.loaded?.place];
      const media = layer.querySelector(".stage-media");
      if (media && slot) Object.assign(media.style, styled(screen, slot, slot.fit));
    });
  }

  film() {
    return this.layers[this.front].querySelector("video");
  }

  end() {
    this.isOver = true;
    clearTimeout(this.timer);
    this.layers.forEach(empty);
  }
}

function empty(layer) {
  layer.classList.remove("is-seen");
  for (const film of layer.querySelectorAll("video")) {
    film.onerror = film.onloadeddata = null;
    film.pause();
    film.removeAttribute("src");
    film.load();
  }
  layer.replaceChildren();
}
