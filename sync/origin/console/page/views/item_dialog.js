// The dialog for one item of a playlist: everything that a release can say about it.

import { ask } from "../lib/api.js";
import { dialog, instant, local } from "../lib/dialogs.js";

const FITS = [["", "the setting of the screen"], ["contain", "show all of it, with background beside it"], ["cover", "fill the screen, cut off the rest"], ["fill", "fill the screen, distorted"]];
const ENDS = [["cut", "is cut"], ["finish", "plays to its end first"]];

/** Open the dialog for an item; `shown` is its title on the page. */
export function changeItem(playlist, item, shown, kind) {
  const still = kind === "picture";
  dialog({
    title: `How ${shown} shows`,
    text: "Devices follow when the channel is published.",
    fields: [
      { name: "title", label: "Title", value: item.title ?? "", maxlength: 200, placeholder: shown, hint: "empty: the name of its media" },
      { name: "seconds", label: "Seconds", type: "number", value: item.duration_ms ? item.duration_ms / 1000 : "", min: 0.1, max: 86400, step: "any", hint: still ? "empty: 10 seconds" : "empty: to its end" },
      ...(still ? [] : [{ name: "loop", label: "Repeat until the seconds are over", type: "checkbox", value: item.loop, hint: "for a video that is shorter; needs Seconds" }]),
      { name: "fit", label: "On a screen of another shape", value: item.fit ?? "", options: FITS },
      { name: "background", label: "Background", value: item.background ?? "", pattern: "#[0-9a-fA-F]{6}", placeholder: "#101820", hint: "beside the picture; empty: the setting of the screen" },
      ...(still ? [] : [{ name: "volume", label: "Volume in percent", type: "number", value: String(item.volume), min: 0, max: 100, required: true, hint: "of the screen’s own volume; 0: silent" }]),
      { name: "at_end", label: "When its daypart ends, it", value: item.at_end, options: ENDS, more: true },
      { name: "starts_at", label: "Not before", type: "datetime-local", value: local(item.starts_at), hint: "in the time of this computer", more: true },
      { name: "ends_at", label: "Not after", type: "datetime-local", value: local(item.ends_at), more: true },
      ...(kind === "stream" ? [{ name: "ends_with_budget", label: "Not when the screen’s bytes of the month are spent", type: "checkbox", value: item.ends_with_budget, more: true }] : []),
    ],
    more: "When it may be shown",
    verb: "Change",
    submit: (values) => put(playlist, { ...item, ...read({ ...item, ...values }) }),
  });
}

function read({ title, seconds, fit, background, at_end, starts_at, ends_at, ends_with_budget, loop, volume }) {
  return {
    title: title || null,
    duration_ms: seconds ? Math.round(seconds * 1000) : null,
    loop,
    fit: fit || null,
    background: background || null,
    volume: Number(volume),
    at_end,
    starts_at: instant(starts_at),
    ends_at: instant(ends_at),
    ends_with_budget,
  };
}

/** Load the playlist again and save it with the changed item. */
async function put(playlist, changedItem) {
  const { name, items, version } = await ask("GET", `/v1/playlists/${playlist}`);
  const changed = items.map((one) => (one.id === changedItem.id ? changedItem : one));
  await ask("PUT", `/v1/playlists/${playlist}`, { name, items: changed }, version);
}
