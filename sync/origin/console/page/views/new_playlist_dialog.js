// The dialog that makes a playlist of chosen media, puts it on a channel and publishes it.

import { ask } from "../lib/api.js";
import { dialog } from "../lib/dialogs.js";
import { data } from "../lib/data.js";
import { announce } from "../lib/notices.js";
import { publish } from "../lib/publish.js";
import { count } from "../lib/format.js";

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Ask for the name of a playlist of `media` and its channel; `done()` is called after it is made. */
export function openPlaylistDialog(media, done) {
  const channels = [...data.channels.keys()];
  const endless = media.filter(isEndless);
  const timed = endless.every(({ url }) => url) ? "stream" : endless.some(({ url }) => url) ? "picture or stream" : "picture";
  const made = {}; // steps that succeeded are not repeated when a later one is refused
  dialog({
    title: `A playlist of ${count(media.length, "medium", "media")}`,
    text: "They play in the order in which you chose them, again and again.",
    fields: [
      { name: "name", label: "Name", value: "", required: true, maxlength: 200, placeholder: "Window, winter" },
      ...(endless.length ? [{ name: "seconds", label: `Seconds per ${timed}`, type: "number", value: timed === "picture" ? "10" : "60", min: 1, max: 86400, required: true }] : []),
      {
        name: "channel",
        label: "Put it on a channel, to play when nothing else is planned",
        value: channels.length > 1 ? "" : (channels[0] ?? "main"), // with several, the person has to choose
        options: [...(channels.length ? channels : ["main"]).map((name) => [name, name]), ["", "on none yet"]],
      },
      { name: "publish", label: "Publish at once", type: "checkbox", value: true },
    ],
    verb: "Make playlist",
    submit: async ({ name, seconds, channel, publish: now }) => {
      const items = media.map((one) => {
        return isEndless(one) ? { media: one.id, duration_ms: Math.round(seconds * 1000) } : { media: one.id };
      });
      made.playlist ??= await ask("POST", "/v1/playlists", { name, items });
      if (channel) made.schedule ??= await setDefault(channel, made.playlist.id);
      if (channel && now) made.answer ??= await publish(channel);
      done();
      announce(channel ? `${name} is on ${channel}. ${made.answer ?? "Publish it to send it to the devices."}` : `${name} is made.`);
    },
  });
}

const isEndless = ({ asset, url }) => Boolean(url) || asset.kind === "picture";

/** Make a playlist the default of a channel. A missing channel is created. */
export async function setDefault(channel, playlist) {
  if (data.channels.has(channel)) return updateSchedule(channel, (draft) => ({ ...draft, default_playlist: playlist }));
  return ask("PUT", `/v1/schedule/${channel}`, { zone: ZONE, default_playlist: playlist });
}

/** Load a channel's schedule again and save it as `change` returns it. */
export async function updateSchedule(channel, change) {
  const { channel: _, version, sequence: __, ready_version: ___, ...draft } = await ask("GET", `/v1/schedule/${channel}`);
  return ask("PUT", `/v1/schedule/${channel}`, change(draft), version);
}

/** Open the dialog for the time zone of a channel. */
export function changeZone({ channel, zone }) {
  dialog({
    title: `Time zone of ${channel}`,
    text: "Dayparts and ad windows are read in this zone. Devices follow it when the channel is published.",
    fields: [zoneField(zone ?? ZONE)],
    verb: "Save",
    submit: ({ zone }) => updateSchedule(channel, (draft) => ({ ...draft, zone })),
  });
}

function zoneField(value) {
  const zones = Intl.supportedValuesOf("timeZone");
  const known = zones.includes(value) ? zones : [value, ...zones];
  return { name: "zone", label: "Time zone of the venue", value, options: known.map((zone) => [zone, zone]) };
}

/** Open the dialog for a new channel. */
export function newChannel() {
  dialog({
    title: "New channel",
    text: "A channel is what a group of devices shows.",
    fields: [
      { name: "channel", label: "Name", required: true, maxlength: 64, pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]*", hint: "letters, digits, dots and dashes" },
      zoneField(ZONE),
    ],
    verb: "Make channel",
    submit: ({ channel, zone }) => ask("PUT", `/v1/schedule/${channel}`, { zone }),
  });
}
