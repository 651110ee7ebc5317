// What the page knows of screens beside the lists: what those in view show now, the media on them, and the time.

import { api } from "../../lib/api.js";
import { watchScreens } from "../../lib/live.js";
import { signal, useEffect, useMemo, useState } from "../../lib/view.js";
import { received, withTold } from "./state.js";

const TICK_MS = 5000;
const GATHER_MS = 40;
const MOST_AT_ONCE = 100;

/** The time, for ages: each five seconds. */
export const now = signal(Date.now());

setInterval(() => {
  if (document.visibilityState === "visible") now.value = Date.now();
}, TICK_MS);

/** Return a device with what its screen says as long as this part is in the page; null stays null. */
export function useScreen(device) {
  const [told, setTold] = useState(null);
  const id = device?.id;
  useEffect(() => (id ? watchScreens([id], (screen) => setTold({ ...screen, at_ms: Date.now() })) : undefined), [id]);
  const kept = useMemo(() => device && received(device, Date.now()), [device]);
  return useMemo(() => kept && withTold(kept, told?.id === id ? told : null), [kept, told]);
}

const media = new Map(); // signals by asset
let wanted = new Set();
let timer = 0;

/** Return a signal of the media that has these bytes: null until it is known, and if there is none. */
export function mediaOf(asset) {
  if (!media.has(asset)) {
    media.set(asset, signal(null));
    if (asset) wanted.add(asset);
    timer ||= setTimeout(load, GATHER_MS);
  }
  return media.get(asset);
}

async function load() {
  const assets = [...wanted];
  [wanted, timer] = [new Set(), 0];
  for (let first = 0; first < assets.length; first += MOST_AT_ONCE) {
    const some = assets.slice(first, first + MOST_AT_ONCE);
    try {
      const { body } = await api.get("/v1/media", { asset: some.join(","), limit: 1000 });
      for (const one of body.media) media.get(one.asset.sha256).value ??= one;
    } catch {
      for (const asset of some) media.delete(asset); // asked for again by the next part that shows it
    }
  }
}
