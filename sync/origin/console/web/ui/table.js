// Rows and columns; on a phone each row is a card whose values have their labels.

import { t } from "../lib/words.js";
import { html } from "../lib/view.js";
import { Icon } from "./icon.js";

/**
 * `columns` are `{key, label, render(row), sort, end}`: `sort` is the name by which the origin sorts, `end` aligns
 * numbers. `sort` is the order now (`name`, `-name`), `onSort(order)` asks for another. `onOpen(row)`: a press on a row
 * does what the link or button in its first column does. `chosen`, a Set of keys, with `onChoose(Set)` adds boxes.
 */
export function Table({ label, columns, rows, keyOf = (row) => row.id, sort, onSort, onOpen, chosen, onChoose, nameOf = keyOf }) {
  const all = chosen && rows.length > 0 && rows.every((row) => chosen.has(keyOf(row)));
  const toggle = (key) => {
    const next = new Set(chosen);
    if (!next.delete(key)) next.add(key);
    onChoose(next);
  };
  const head = (column) => {
    if (!column.label) return html`<td key=${column.key}></td>`; // what can be done is no heading
    const held = column.sort && sort?.replace("-", "") === column.sort ? (sort.startsWith("-") ? "descending" : "ascending") : null;
    const inside = column.sort && onSort
      ? html`<button type="button" class="quiet sort" onClick=${() => onSort(held === "ascending" ? `-${column.sort}` : column.sort)}>${column.label}${held && html`<${Icon} name=${held === "ascending" ? "up" : "down"} size=${14} />`}</button>`
      : column.label;
    return html`<th key=${column.key} scope="col" aria-sort=${held} class=${column.end ? "end" : ""}>${inside}</th>`;
  };
  const open = (event, row) => onOpen && !event.target.closest("a, button, input, select, label") && onOpen(row);
  const line = (row) => {
    const key = keyOf(row);
    return html`<tr key=${key} class=${onOpen ? "opens" : ""} onClick=${(event) => open(event, row)}>
      ${chosen && html`<td class="choose"><input type="checkbox" aria-label=${t("ui-choose", { name: nameOf(row) })} checked=${chosen.has(key)} onChange=${() => toggle(key)} /></td>`}
      ${columns.map((column) => html`<td key=${column.key} data-label=${column.label} class=${column.end ? "end" : ""}>${column.render(row)}</td>`)}
    </tr>`;
  };
  return html`<div class="table-box" tabindex="-1"><table aria-label=${label}>
    <thead><tr>
      ${chosen && html`<th class="choose"><input type="checkbox" aria-label=${t("ui-choose-all")} checked=${all} onChange=${() => onChoose(all ? new Set() : new Set(rows.map(keyOf)))} /></th>`}
      ${columns.map(head)}
    </tr></thead>
    <tbody>${rows.map(line)}</tbody>
  </table></div>`;
}
