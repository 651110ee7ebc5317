// Draws the plots of a report as SVG. What they show stands beside them as text.

const SVG = "http://www.w3.org/2000/svg";

function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function title(text) {
  return s("title", {}, text);
}

const rect = (x, y, width, height, kind) => s("rect", { x, y, width: Math.max(0, width), height: Math.max(0, height), class: kind });

/** Draw one row: what was billed, over what was promised, with a line where it should be by what was bought. */
export function bar({ delivered, expected, contracted }, most) {
  const wide = (n) => (100 * (n ?? 0)) / most;
  const mark = contracted === null ? [] : [rect(Math.min(99, wide(contracted)), 0, 1, 12, "bought")];
  return s("svg", { viewBox: "0 0 100 12", preserveAspectRatio: "none", class: "bar", "aria-hidden": "true" }, rect(0, 3, wide(expected), 6, "promised"), rect(0, 1, wide(delivered), 10, "billed"), ...mark);
}

/** Draw what a shortfall comes from: one bar in parts, each { name, plays, colour }. */
export function causes(parts, shortfall) {
  let x = 0;
  const drawn = parts.map(({ name, plays, colour }) => {
    const wide = (100 * plays) / shortfall;
    const part = s("rect", { x, y: 0, width: wide, height: 12, class: `f${colour}` }, title(`${name}: ${Math.round(plays)}`));
    x += wide;
    return part;
  });
  return s("svg", { viewBox: "0 0 100 12", preserveAspectRatio: "none", class: "bar", "aria-hidden": "true" }, ...drawn);
}

/** Draw days or hours side by side. */
export function columns(rows, most, nameOf) {
  const wide = 100 / rows.length;
  const tall = (n) => (60 * (n ?? 0)) / most;
  const drawn = rows.map((row, place) => {
    const x = place * wide;
    const [promised, billed] = [tall(row.expected), tall(row.delivered)];
    const words = `${nameOf(row)}: ${row.delivered} billed of ${Math.round(row.expected ?? 0)} promised`;
    return s("g", {}, rect(x + wide * 0.1, 60 - promised, wide * 0.8, promised, "promised"), rect(x + wide * 0.25, 60 - billed, wide * 0.5, billed, "billed"), title(words));
  });
  const plot = s("svg", { viewBox: "0 0 100 60", preserveAspectRatio: "none", class: "columns", role: "img", "aria-label": "Billed and promised plays; the table has the numbers" }, ...drawn);
  const axis = document.createElement("div");
  axis.className = "axis faint";
  axis.append(...[rows[0], rows.at(-1)].map((row) => Object.assign(document.createElement("span"), { textContent: nameOf(row) })));
  const figure = document.createElement("figure");
  figure.append(plot, axis);
  return figure;
}
