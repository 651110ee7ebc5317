// The overlays of a channel: shown as text on its card, and the first ticker and logo changed in a dialog.

import { dialog, instant, local } from "../lib/dialogs.js";
import { button, h } from "../lib/dom.js";
import { ask } from "../lib/api.js";
import { data } from "../lib/data.js";
import { attempt } from "../lib/notices.js";
import { updateSchedule } from "./new_playlist_dialog.js";

const PICTURES = 200; // to choose from
const EDGES = [["bottom", "at the bottom"], ["top", "at the top"]];
const CORNERS = ["top-right", "top-left", "bottom-right", "bottom-left"].map((name) => [name, `in the ${name.replace("-", " ")} corner`]);
const QUIET = { edge: "bottom", colour: "#ffffff", background: "#101820", height_percent: 8, speed_percent: 12 };

/** Return the overlays of a schedule for its card, with a button to change them. */
export function overlaySection({ channel, overlays, logos }) {
  return h(
    "div",
    { class: "overlays faint" },
    ...overlays.map((one) => h("p", {}, one.kind === "ticker" ? ticker(one) : logo(one, logos))),
    button(overlays.length ? "Change text and logo" : "Add text or a logo", "overlays", () => attempt("Loading pictures", () => change(channel)), { class: "for-editor quiet" }),
  );
}

const ticker = ({ text, edge }) => `Text ${saying(EDGES, edge)}: ${text}`;
const logo = ({ media, corner }, logos) => `Logo ${saying(CORNERS, corner)}: ${logos[media] ?? "a logo"}`;
const saying = (words, key) => words.find(([name]) => name === key)[1];

async function change(channel) {
  const before = data.schedules.get(channel).overlays;
  const [line, sign] = [first(before, "ticker") ?? QUIET, first(before, "logo")];
  const newest = (await ask("GET", `/v1/media?kind=picture&limit=${PICTURES}`)).media;
  const used = data.facts.get(sign?.media);
  const pictures = [...(used && !newest.some(({ id }) => id === used.id) ? [used] : []), ...newest].map(({ id, name }) => [id, name]);
  dialog({
    title: `Over what plays on ${channel}`,
    text: "Devices show it when the channel is published. What plays is not interrupted.",
    fields: [
      { name: "text", label: "Line of text", value: line.text ?? "", maxlength: 500, hint: "it scrolls if it is too long; empty: none" },
      { name: "edge", label: "Where", value: line.edge, options: EDGES },
      { name: "colour", label: "Colour", type: "color", value: line.colour },
      { name: "background", label: "Background", type: "color", value: line.background },
      { name: "media", label: "Logo", value: sign?.media ?? "", options: [["", "none"], ...pictures], hint: newest.length === PICTURES && `the newest ${PICTURES} pictures` },
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
    submit: (values) => updateSchedule(channel, (draft) => ({ ...draft, overlays: merged(draft.overlays, values) })),
  });
}

const share = (name, label, hint, value, min, max) => ({ name, label, hint, type: "number", value: String(value), min, max, required: true, more: true });

const times = (name, what, { starts_at, ends_at }) => [
  { name: `${name}_starts_at`, label: `The ${what} from`, type: "datetime-local", value: local(starts_at), hint: "in the time of this computer", more: true },
  { name: `${name}_ends_at`, label: `The ${what} until`, type: "datetime-local", value: local(ends_at), more: true },
];

/** Replace the first ticker and the first logo by the values of the dialog; the others stay. */
function merged(overlays, values) {
  const { text, edge, colour, background, media, corner } = values;
  const [height_percent, speed_percent] = [Number(values.height_percent), Number(values.speed_percent)];
  const [width_percent, margin_percent] = [Number(values.width_percent), Number(values.margin_percent)];
  const bounds = (name) => ({ starts_at: instant(values[`${name}_starts_at`]), ends_at: instant(values[`${name}_ends_at`]) });
  const line = text && { ...first(overlays, "ticker"), kind: "ticker", text, edge, colour, background, height_percent, speed_percent, ...bounds("text") };
  const sign = media && { ...first(overlays, "logo"), kind: "logo", media, corner, width_percent, margin_percent, ...bounds("logo") };
  const others = overlays.filter((one) => one !== first(overlays, one.kind));
  return [line, sign, ...others].filter(Boolean);
}

const first = (overlays, kind) => overlays.find((one) => one.kind === kind);
