// What will be wrong soon, or waits for somebody: flights that end, screens that will be late, reviews, room on the disk.

import { useList, useThing } from "../../lib/lists.js";
import { href } from "../../lib/router.js";
import { ago, bytes, t, when } from "../../lib/words.js";
import { html } from "../../lib/view.js";
import { Icon } from "../../ui/icon.js";
import { Card } from "../../ui/page.js";
import { Loaded } from "../../ui/states.js";

const WEEK_MS = 7 * 86_400_000;
const MOST = 8;

/** Return the campaigns that end within a week of `now`, the first to end first. */
export function endingOf(campaigns, now = Date.now()) {
  const ends = (one) => Date.parse(one.ends_at);
  return campaigns.filter((one) => ends(one) > now && ends(one) <= now + WEEK_MS).sort((a, b) => ends(a) - ends(b));
}

/** Return the screens that will not have their next release in time. */
export const lateOf = (devices) => devices.filter((one) => one.heartbeat?.coming?.late?.length > 0);

/** The card of what comes; `worst` is the list of screens. */
export function Soon({ worst }) {
  const campaigns = useList("/v1/campaigns", { sort: "-ends_at", limit: 100 });
  const planned = useList("/v1/publications", { state: "planned", limit: 5 });
  const reviews = useList("/v1/reviews", { state: "open", limit: 5 });
  const storage = useThing("/v1/storage");
  const disk = storage.body;
  const isFull = disk && disk.free_bytes < 2 * disk.reserve_bytes;
  const lines = [
    ...(isFull ? [{ key: "disk", icon: "alert", title: t("start-disk"), text: t("start-disk-text", { free: bytes(disk.free_bytes) }), to: href("media", "", "", { use: "unused" }) }] : []),
    ...lateOf(worst.rows).map((one) => ({ key: one.id, icon: "clock", title: one.name, text: t("start-late"), to: href("screens", one.id) })),
    ...reviews.rows.map((one) => ({ key: one.id, icon: "eye", title: one.name, text: t("start-review", { who: one.asked_by }), to: href("releases", "reviews") })),
    ...planned.rows.map((one) => ({ key: one.id, icon: "calendar", title: one.channel, text: t("start-planned", { at: when(one.at, { zone: one.zone }) }), to: href("releases", "planned") })),
    ...endingOf(campaigns.rows).map((one) => ({ key: one.id, icon: "megaphone", title: one.name, text: t("start-ends", { when: ago((Date.now() - Date.parse(one.ends_at)) / 1000) }), to: href("campaigns", one.id) })),
  ];
  const parts = [campaigns, planned, reviews, storage];
  const failed = parts.find((one) => one.state === "failed");
  return html`<${Card} title=${t("start-soon")}>
    <${Loaded} of=${failed ?? campaigns}>
      ${lines.length === 0 && !failed && html`<p class="all-well"><${Icon} name="check" />${t("start-nothing-soon")}</p>`}
      <ul class="reports">${lines.slice(0, MOST).map((one) => html`<li key=${one.key}><span class="sign"><${Icon} name=${one.icon} /></span><a class="report" href=${one.to}><b class="cut" title=${one.title}>${one.title}</b><span>${one.text}</span></a></li>`)}</ul>
    <//>
  <//>`;
}
