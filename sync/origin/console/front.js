// What stands over whatever plays on a channel: told in words, and its line of text and its logo changed in a dialog.

import { dialog } from "./dialogs.js";
import { button, h } from "./dom.js";
import { held } from "./held.js";
import { replan } from "./offer.js";

const EDGES = [["bottom", "at the bottom"], ["top", "at the top"]];
const CORNERS = ["top-right", "top-left", "bottom-right", "bottom-left"].map((name) => [name, `in the ${name.replace("-", " ")} corner`]);
const QUIET = { edge: "bottom", colour: "#ffffff", background: "#101820" };

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
    ],
    verb: "Change",
    submit: (wish) => replan(channel, (draft) => ({ ...draft, overlays: merged(draft.overlays, wish) })),
  });
}

/** Put the wish in the place of the first ticker and the first logo; all others stay as they are. */
function merged(overlays, { text, edge, colour, background, media, corner }) {
  const line = text && { ...first(overlays, "ticker"), kind: "ticker", text, edge, colour, background };
  const sign = media && { ...first(overlays, "logo"), kind: "logo", media, corner };
  const others = overlays.filter((one) => one !== first(overlays, one.kind));
  return [line, sign, ...others].filter(Boolean);
}

const first = (overlays, kind) => overlays.find((one) => one.kind === kind);
