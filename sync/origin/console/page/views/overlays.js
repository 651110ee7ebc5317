// What stands over whatever plays on a channel: told in words, and its line of text and its logo changed in a dialog.

import { dialog, instant, local } from "../lib/dialogs.js";
import { button, h } from "../lib/dom.js";
import { held } from "../lib/data.js";
import { replan } from "./playlist_dialog.js";

const EDGES = [["bottom", "at the bottom"], ["top", "at the top"]];
const CORNERS = ["top-right", "top-left", "bottom-right", "bottom-left"].map((name) => [name, `in the ${name.replace("-", " ")} corner`]);
const QUIET = { edge: "bottom", colour: "#ffffff", background: "#101820", height_percent: 8, speed_percent: 12 };

/** The overlays of a schedule for its card, with what can be done about them. */
export function front({ channel, overlays, logos }) {
  return h(
    "div",
    { class: "front faint" },
    ...overlays.map((one) => h("p", {}, one.kind === "ticker" ? ticker(one) : logo(one, logos))),
    button(overlays.length ? "Change text and logo" : "Add text or a logo", "front", () => change(channel), { class: "write quiet" }),
  );
}

const ticker = ({ text, edge }) => `Over it, ${saying(EDGES, edge)}: ${text}`;
const logo = ({ media, corner }, logos) => `Over it, ${saying(CORNERS, corner)}: ${logos[media] ?? "a logo"}`;
const saying = (words, key) => words.find(([name]) => name === key)[1];

function change(channel) {
  const before = held.schedules.get(channel).overlays;
  const [line, sign] = [first(before, "ticker") ?? QUIET, first(before, "logo")];
  const pictures = [...held.media.values()].filter(({ asset }) => asset?.kind === "picture").map(({ id, name }) => [id, name]);
  dialog({
    title: `Over what plays on ${channel}`,
    text: "The devices show it once the channel is published; what plays goes on.",
    fields: [
      { name: "text", label: "Line of text", value: line.text ?? "", maxlength: 500, hint: "it runs if it is too long to stand still; empty: none" },
      { name: "edge", label: "Where", value: line.edge, options: EDGES },
      { name: "colour", label: "Its colour", type: "color", value: line.colour },
      { name: "background", label: "On", type: "color", value: line.background },
      { name: "media", label: "Logo", value: sign?.media ?? "", options: [["", "none"], ...pictures] },
      { name: "corner", label: "Where", value: sign?.corner ?? "top-right", options: CORNERS },
      share("height_percent", "Height of the text’s bar", "percent of the screen’s height", line.height_percent, 2, 25),
      share("speed_percent", "Speed of the text", "percent of the screen’s height a second", line.speed_percent, 1, 100),
      ...times("text", "text", line),
      share("width_percent", "Width of the logo", "percent of the screen’s width", sign?.width_percent ?? 12, 1, 50),
      share("margin_percent", "Distance of the logo from the edges", "percent of the screen’s shorter side", sign?.margin_percent ?? 3, 0, 20),
      ...times("logo", "logo", sign ?? {}),
    ],
    more: "Size, speed and times",
    verb: "Change",
    submit: (wish) => replan(channel, (draft) => ({ ...draft, overlays: merged(draft.overlays, wish) })),
  });
}

const share = (name, label, hint, value, min, max) => ({ name, label, hint, type: "number", value: String(value), min, max, required: true, more: true });

const times = (name, what, { starts_at, ends_at }) => [
  { name: `${name}_starts_at`, label: `The ${what} from`, type: "datetime-local", value: local(starts_at), hint: "in the time of this computer", more: true },
  { name: `${name}_ends_at`, label: `The ${what} until`, type: "datetime-local", value: local(ends_at), more: true },
];

/** Put the wish in the place of the first ticker and the first logo; all others stay as they are. */
function merged(overlays, wish) {
  const { text, edge, colour, background, media, corner } = wish;
  const [height_percent, speed_percent] = [Number(wish.height_percent), Number(wish.speed_percent)];
  const [width_percent, margin_percent] = [Number(wish.width_percent), Number(wish.margin_percent)];
  const bounds = (name) => ({ starts_at: instant(wish[`${name}_starts_at`]), ends_at: instant(wish[`${name}_ends_at`]) });
  const line = text && { ...first(overlays, "ticker"), kind: "ticker", text, edge, colour, background, height_percent, speed_percent, ...bounds("text") };
  const sign = media && { ...first(overlays, "logo"), kind: "logo", media, corner, width_percent, margin_percent, ...bounds("logo") };
  const others = overlays.filter((one) => one !== first(overlays, one.kind));
  return [line, sign, ...others].filter(Boolean);
}

const first = (overlays, kind) => overlays.find((one) => one.kind === kind);
