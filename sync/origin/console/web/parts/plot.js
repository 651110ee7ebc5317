// Numbers over days or hours as lines or columns. The same numbers stand beside it as text.

import { locale, number } from "../lib/words.js";
import { html, useEffect, useRef, useState } from "../lib/view.js";
import { loadPlots } from "../lib/classic.js";
import { ProblemText } from "../ui/states.js";

const HEIGHT = 220;
const COLOURS = { accent: "--accent", soft: "--line-strong", good: "--good", warn: "--warn", bad: "--bad" };

const colour = (name) => {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe); // light-dark() as it is now
  probe.remove();
  return color;
};

/**
 * `days` (such as 2026-12-08), or `names` of columns; `series` are `{label, values, kind}`; `columns` draws columns
 * instead of lines.
 */
export function Plot({ label, days, names, series, columns = false }) {
  const box = useRef(null);
  const [problem, setProblem] = useState(null);
  const count = (days ?? names).length;
  const told = JSON.stringify([days, names, series, columns]);
  useEffect(() => {
    let plot = null;
    let isGone = false;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const draw = async () => {
      const UPlot = await loadPlots();
      if (isGone) return;
      plot?.destroy();
      plot = new UPlot(optionsOf({ UPlot, days, names, series, columns, width: box.current.clientWidth }), dataOf({ days, count, series }), box.current);
    };
    const drawn = () => draw().catch((error) => !isGone && setProblem(error));
    const sized = new ResizeObserver(() => plot && box.current && plot.setSize({ width: box.current.clientWidth, height: HEIGHT }));
    const themed = new MutationObserver(drawn);
    drawn();
    sized.observe(box.current);
    dark.addEventListener("change", drawn);
    themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      isGone = true;
      sized.disconnect();
      themed.disconnect();
      dark.removeEventListener("change", drawn);
      plot?.destroy();
    };
  }, [told]);
  if (problem) return html`<${ProblemText} problem=${problem} />`;
  return html`<figure class="plot" role="img" aria-label=${label}>
    <div ref=${box} style=${{ minHeight: `${HEIGHT}px` }}></div>
    <figcaption class="row tight" aria-hidden="true">${series.map((one) => html`<span key=${one.label} class="row tight small"><span class="plot-key" style=${{ background: `var(${COLOURS[one.kind]})` }}></span>${one.label}</span>`)}</figcaption>
  </figure>`;
}

const dataOf = ({ days, count, series }) => [days ? days.map((day) => Date.parse(`${day}T00:00:00Z`) / 1000) : Array.from({ length: count }, (_, at) => at), ...series.map(({ values }) => values)];

function optionsOf({ UPlot, days, names, series, columns, width }) {
  const [ink, line] = [colour("--soft"), colour("--line")];
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  const dayOf = new Intl.DateTimeFormat(locale, { timeZone: "UTC", day: "numeric", month: "short" });
  const named = (splits) => splits.map((at) => (Number.isInteger(at) ? (names[at] ?? "") : ""));
  const dated = (splits) => splits.map((at) => (at % 86_400 === 0 ? dayOf.format(new Date(at * 1000)) : ""));
  const drawn = series.map(({ label, kind }, at) => {
    const stroke = colour(COLOURS[kind]);
    const look = columns ? { paths: UPlot.paths.bars({ size: [at === 0 ? 0.8 : 0.5, 60] }), fill: stroke, width: 0 } : { width: at === 0 ? 2 : 2.5, ...(at === 0 && { dash: [5, 4] }) };
    return { label, stroke, points: { show: false }, ...look };
  });
  return {
    width,
    height: HEIGHT,
    tzDate: (at) => UPlot.tzDate(new Date(at * 1000), "UTC"),
    legend: { show: false },
    cursor: { show: false },
    scales: { x: days ? { time: true } : { time: false, range: [-0.6, names.length - 0.4] }, y: { range: (_, __, most) => [0, Math.max(1, most * 1.08)] } },
    axes: [{ ...axis, grid: { show: false }, values: (_, splits) => (days ? dated : named)(splits) }, { ...axis, size: 60, values: (_, splits) => splits.map((at) => (Number.isInteger(at) ? number(at) : "")) }],
    series: [{}, ...drawn],
  };
}
