// Tickers and logos over a preview, in the sizes that a screen gives them (player/overlay).

import { at } from "../../lib/api.js";
import { html, useEffect, useRef } from "../../lib/view.js";

const GAP = 2; // heights of the bar between the end of a text and its next beginning

/** `overlays` as the origin tells them; `screen` is the size of the screen in its pixels. */
export const Overlays = ({ overlays, screen }) => overlays.map((one) => (one.kind === "ticker" ? html`<${Ticker} key=${one.id} ticker=${one} screen=${screen} />` : html`<${Logo} key=${one.id} logo=${one} screen=${screen} />`));

function Ticker({ ticker, screen }) {
  const [box, text] = [useRef(null), useRef(null)];
  useEffect(() => {
    const bar = box.current.getBoundingClientRect();
    const width = text.current.getBoundingClientRect().width;
    if (width <= bar.width - bar.height) return undefined;
    const period = width + GAP * bar.height;
    const speed = (bar.height / ticker.height_percent) * ticker.speed_percent; // pixels a second
    const way = getComputedStyle(text.current).direction === "rtl" ? period : -period;
    text.current.classList.add("scrolls");
    text.current.style.setProperty("--gap", `${GAP * bar.height}px`);
    const run = text.current.animate([{ transform: "none" }, { transform: `translateX(${way}px)` }], { duration: (period / speed) * 1000, iterations: Infinity });
    return () => run.cancel();
  }, [ticker, screen.width, screen.height]);
  const style = { [ticker.edge]: 0, height: `${ticker.height_percent}%`, background: ticker.background, color: ticker.colour, "--letters": `${ticker.height_percent * 0.6}cqh` };
  return html`<div ref=${box} class="stage-ticker" style=${style}><span ref=${text} dir="auto"><span>${ticker.text}</span><span class="again" aria-hidden="true">${ticker.text}</span></span></div>`;
}

function Logo({ logo, screen }) {
  const margin = (logo.margin_percent / 100) * Math.min(screen.width, screen.height);
  const [vertical, horizontal] = logo.corner.split("-");
  const style = { width: `${logo.width_percent}%`, [vertical]: `${(margin / screen.height) * 100}%`, [horizontal]: `${(margin / screen.width) * 100}%` };
  return html`<img class="stage-logo" alt="" src=${at(`/content/assets/${logo.asset}`)} style=${style} />`;
}
