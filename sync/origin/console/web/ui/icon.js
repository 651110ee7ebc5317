// Small pictures beside words: lines of 24 by 24. They say nothing by themselves.

import { html } from "../lib/view.js";

const PATHS = {
  alert: "M12 4 2.5 20h19ZM12 10v4M12 17v.5",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l2 2H4ZM10 21h4",
  calendar: "M4 6h16v14H4ZM4 10h16M8 3v4M16 3v4",
  channel: "M12 12v8M8 20h8M8.5 15.5a5 5 0 1 1 7 0M5.6 18.4a9 9 0 1 1 12.8 0",
  chart: "M4 20V4M4 20h16M8 16v-4M12 16V8M16 16v-6",
  check: "m5 12.5 4.5 4.5L19 7.5",
  clock: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 8v4.5l3 2",
  copy: "M9 9h11v11H9ZM5 15H4V4h11v1",
  down: "m6 9 6 6 6-6",
  download: "M12 4v11M7 11l5 5 5-5M4 20h16",
  edit: "M4 20h4L19 9l-4-4L4 16ZM13 7l4 4",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z",
  filter: "M3 5h18l-7 8v6l-4 2v-8Z",
  folder: "M3 6h6l2 2.5h10V19H3Z",
  globe: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM3.5 12h17M12 3.5c-5 5-5 12 0 17M12 3.5c5 5 5 12 0 17",
  grip: "M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01",
  home: "M4 11 12 4l8 7v9h-5v-6H9v6H4Z",
  image: "M3.5 5h17v14h-17ZM8 9.5h.01M4 17l5-5 4 4 3-3 4 4",
  info: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 11v5M12 8v.01",
  key: "M14.5 3.5a5 5 0 1 0 0 10 5 5 0 0 0 0-10ZM11 12l-8 8M5 18l2 2M8 15l2 2",
  layers: "m12 3 9 5-9 5-9-5ZM3 12.5l9 5 9-5M3 17l9 5 9-5",
  left: "m15 6-6 6 6 6",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  list: "M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01",
  lock: "M5 11h14v9H5ZM8 11V8a4 4 0 0 1 8 0v3",
  logout: "M10 4H4v16h6M15 8l4 4-4 4M19 12H9",
  megaphone: "M3 10v4h3l9 5V5L6 10ZM18.5 9.5a4 4 0 0 1 0 5M7 14l1 5h3l-1-4",
  menu: "M4 6h16M4 12h16M4 18h16",
  minus: "M5 12h14",
  monitor: "M3 5h18v12H3ZM8 21h8M12 17v4",
  moon: "M20 14A8 8 0 1 1 10 4a6.5 6.5 0 0 0 10 10Z",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  mute: "M4 9v6h4l5 4V5L8 9ZM17 9l5 6M22 9l-5 6",
  offline: "M3 3l18 18M8.5 15.5a5 5 0 0 1 7 0M5 12a10 10 0 0 1 4-2.3M14 9.4a10 10 0 0 1 5 2.6M12 19h.01",
  pause: "M7 5h3v14H7ZM14 5h3v14h-3Z",
  pin: "M9 4h6l-1 6 3 3H7l3-3ZM12 13v7",
  play: "M7 4.5v15l12-7.5Z",
  plus: "M12 5v14M5 12h14",
  print: "M7 9V4h10v5M7 17H4V9h16v8h-3M7 14h10v6H7Z",
  refresh: "M20 12a8 8 0 1 1-2.3-5.7L20 8.5M20 4v4.5h-4.5",
  right: "m9 6 6 6-6 6",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM15.5 15.5 20 20",
  send: "M21 3 10 14M21 3l-7 18-4-7-7-4Z",
  shield: "M12 3 4.5 6v6c0 4.5 3 7.5 7.5 9 4.5-1.5 7.5-4.5 7.5-9V6Z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  tag: "M4 4h8l8 8-8 8-8-8ZM8 8h.01",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  undo: "M4 9h10a5.5 5.5 0 0 1 0 11H8M4 9l4.5-4.5M4 9l4.5 4.5",
  up: "m6 15 6-6 6 6",
  upload: "M12 16V4M7 9l5-5 5 5M4 20h16",
  user: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM4 21c1-5 4-6.5 8-6.5s7 1.5 8 6.5",
  users: "M9 5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7ZM2.5 20c.6-4.5 3-6 6.5-6s5.9 1.5 6.5 6M16 5.3a3.5 3.5 0 0 1 0 6.4M17.5 14.5c2.3.8 3.6 2.6 4 5.5",
  volume: "M4 9v6h4l5 4V5L8 9ZM16 9a4 4 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11",
  x: "M6 6l12 12M18 6 6 18",
};

const DOTS = new Set(["more", "grip"]); // of which each line is a point

/** Return whether there is such a picture. */
export const hasIcon = (name) => name in PATHS;

/** A picture by its name; `size` in CSS pixels. */
export function Icon({ name, size = 20 }) {
  return html`<svg class="icon" width=${size} height=${size} viewBox="0 0 24 24" stroke-width=${DOTS.has(name) ? 3 : 1.8} aria-hidden="true" focusable="false"><path d=${PATHS[name] ?? PATHS.info} /></svg>`;
}
