// The screen of a preview, its buttons, and the list of what comes.

import { duration, t, when } from "../../lib/words.js";
import { html, useEffect, useMemo, useRef, useState } from "../../lib/view.js";
import { Segments } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Overlays } from "./overlays.js";
import { overlaysAt, stepped } from "./slots.js";
import { Stage } from "./stage.js";

const SHAPES = { landscape: { width: 1920, height: 1080 }, portrait: { width: 1080, height: 1920 } };
const LOOK_MS = 250;
const MOST_LISTED = 200;

/** Plays `slots` from the one at `start`; `zone` is that of their times. */
export function Player({ slots, overlays = [], zone, start = 0 }) {
  const box = useRef(null);
  const stage = useRef(null);
  const [place, setPlace] = useState(start);
  const [isPlaying, setPlaying] = useState(true);
  const [isMuted, setMuted] = useState(true);
  const [shape, setShape] = useState("landscape");
  const [wrong, setWrong] = useState({});
  const screen = SHAPES[shape];

  useEffect(() => {
    const made = new Stage(box.current, screen, { onShow: setPlace, onWrong: (at, why) => setWrong((before) => ({ ...before, [at]: why })) });
    stage.current = made;
    return () => made.end();
  }, []);
  useEffect(() => {
    stage.current.use(slots);
    stage.current.isPlaying = isPlaying;
    setWrong({});
    stage.current.show(Math.min(place, slots.length - 1));
  }, [slots]);
  useEffect(() => stage.current.reshape(screen), [shape]);
  const play = (wanted) => (stage.current.play(wanted), setPlaying(wanted));
  const mute = () => (stage.current.mute(!isMuted), setMuted(!isMuted));
  const show = (to) => stage.current.show(stepped(to, 0, slots.length));
  const press = (event) => {
    if (event.target.closest("input, select, button, a") && event.key === " ") return;
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by) show(place + by);
    else if (event.key === " ") play(!isPlaying);
    else return;
    event.preventDefault();
  };
  const slot = slots[Math.min(place, slots.length - 1)];
  const now = slot.at ? Date.parse(slot.at) : Date.now();
  const over = useMemo(() => overlaysAt(overlays, now), [overlays, now]);
  return html`<div class="preview" onKeyDown=${press}>
    <div class="preview-main">
      <div class=${`stage-frame ${shape}`}><div ref=${box} class="stage" role="img" aria-label=${t("preview-screen", { title: slot.title || t("preview-fallback") })} style=${{ aspectRatio: `${screen.width} / ${screen.height}` }}>
        <${Instead} slot=${slot} why=${wrong[place]} />
        <${Overlays} overlays=${over} screen=${screen} />
      </div></div>
      <${Progress} stage=${stage} slot=${slot} isPlaying=${isPlaying} />
      <div class="preview-buttons">
        <button type="button" class="icon-only quiet" aria-label=${t("preview-before")} onClick=${() => show(place - 1)}><${Icon} name="left" /></button>
        <button type="button" class="primary" onClick=${() => play(!isPlaying)}><${Icon} name=${isPlaying ? "pause" : "play"} />${isPlaying ? t("preview-pause") : t("preview-play")}</button>
        <button type="button" class="icon-only quiet" aria-label=${t("preview-next")} onClick=${() => show(place + 1)}><${Icon} name="right" /></button>
        <button type="button" class="quiet" aria-pressed=${String(!isMuted)} onClick=${mute}><${Icon} name=${isMuted ? "mute" : "volume"} />${isMuted ? t("preview-sound-off") : t("preview-sound-on")}</button>
        <span class="grow"></span>
        <${Segments} label=${t("preview-shape")} value=${shape} onChange=${setShape} options=${Object.keys(SHAPES).map((value) => ({ value, label: t(`preview-shape-${value}`) }))} />
      </div>
    </div>
    <${Coming} slots=${slots} place=${place} zone=${zone} onShow=${show} />
  </div>`;
}

function Instead({ slot, why }) {
  const text = slot.kind === "stream" ? t("preview-stream", { url: slot.src }) : slot.kind === "fallback" ? t("preview-fallback") : why ? t(`preview-wrong-${why}`) : null;
  return text && html`<div class="stage-instead"><${Icon} name=${slot.kind === "stream" ? "globe" : "image"} size=${32} /><p>${text}</p></div>`;
}

function Progress({ stage, slot, isPlaying }) {
  const [seen, setSeen] = useState(0);
  useEffect(() => {
    const look = () => setSeen(stage.current?.seen() ?? 0);
    look();
    const timer = isPlaying ? setInterval(look, LOOK_MS) : 0;
    return () => clearInterval(timer);
  }, [slot, isPlaying]);
  const ms = slot.ms ?? 0;
  return html`<div class="preview-progress">
    <div class="preview-title"><b class="cut" title=${slot.title}>${slot.title || t("preview-fallback")}</b>${slot.isAd && html`<span class="chip accent">${t("preview-ad", { campaign: slot.campaign ?? "" })}</span>`}
      <span class="grow"></span><span class="number faint">${ms ? `${duration(Math.min(seen, ms))} / ${duration(ms)}` : t("preview-no-end")}</span></div>
    <progress max=${Math.max(1, ms)} value=${Math.min(seen, ms)} aria-label=${t("preview-progress")}></progress>
  </div>`;
}

function Coming({ slots, place, zone, onShow }) {
  const list = useRef(null);
  useEffect(() => {
    const row = list.current.children[place];
    if (row) list.current.scrollTop = Math.max(0, row.offsetTop - list.current.offsetTop - list.current.clientHeight / 3);
  }, [place]);
  return html`<section class="card preview-coming" aria-label=${t("preview-coming")}>
    <h2>${t("preview-coming")}</h2>
    <ol ref=${list}>${slots.slice(0, MOST_LISTED).map((slot, number) => html`<li key=${number}><button type="button" class=${`quiet ${number === place ? "is-now" : ""}`} aria-current=${number === place ? "true" : null} onClick=${() => onShow(number)}>
      <span class="preview-at number faint">${slot.at ? when(slot.at, { zone, style: "time", says: false }) : number + 1}</span>
      <span class="cut grow">${slot.title || t("preview-fallback")}</span>
      ${slot.isAd && html`<span class="chip accent">${t("preview-ad-short")}</span>`}
      <span class="number faint">${slot.ms ? duration(slot.ms) : "–"}</span>
    </button></li>`)}</ol>
    ${slots.length > MOST_LISTED && html`<p class="faint">${t("preview-more", { count: slots.length - MOST_LISTED })}</p>`}
  </section>`;
}
