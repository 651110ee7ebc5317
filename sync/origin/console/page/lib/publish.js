// Publishes a channel and keeps the answer.

import { ask } from "./api.js";
import { bytes, count } from "./format.js";

/** The last answer of each channel, as a sentence. */
export const answers = new Map();

/** Publish a channel; return the answer as a sentence. */
export async function publish(channel) {
  const done = await ask("POST", "/v1/releases", { channel });
  const text = done.unchanged
    ? `Nothing changed: release ${done.sequence} stays, its signature is new.`
    : `Release ${done.sequence} is published: ${contents(done)}.`;
  answers.set(channel, text);
  return text;
}

export const contents = ({ items, ads, asset_bytes }) => `${count(items, "item")}, ${count(ads, "ad")}, ${bytes(asset_bytes)}`;
