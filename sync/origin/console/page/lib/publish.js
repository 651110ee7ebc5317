// Publishes a channel and remembers what the origin answered.

import { ask } from "./api.js";
import { bytes, count } from "./format.js";

/** The last answer per channel, in words. */
export const answers = new Map();

/** Publish a channel; return what the origin answered, in words. */
export async function publish(channel) {
  const done = await ask("POST", "/v1/releases", { channel });
  const text = done.unchanged
    ? `Nothing changed: release ${done.sequence} stays, its signature is new.`
    : `Release ${done.sequence} is published: ${contents(done)}.`;
  answers.set(channel, text);
  return text;
}

export const contents = ({ items, ads, asset_bytes }) => `${count(items, "item")}, ${count(ads, "ad")}, ${bytes(asset_bytes)}`;
