// The page of one screen: what it shows and why, its content, its problems and health, its history, proof and keys.

import { useThing } from "../../lib/lists.js";
import { go, href } from "../../lib/router.js";
import { may } from "../../lib/session.js";
import { t, when } from "../../lib/words.js";
import { html, useState } from "../../lib/view.js";
import { Icon } from "../../ui/icon.js";
import { Menu } from "../../ui/menu.js";
import { Card, Page } from "../../ui/page.js";
import { Empty, Loaded } from "../../ui/states.js";
import { Tabs } from "../../ui/tabs.js";
import { FetchNowDialog, MoveDialog, RemoveDialog, RenameDialog } from "./dialogs.js";
import { Content, Health, Problems } from "./facts.js";
import { History } from "./history.js";
import { Keys } from "./keys.js";
import { mediaOf, now, useScreen } from "./known.js";
import { Proof } from "./proof.js";
import { Age, Level, Shown } from "./rows.js";
import { summaryOf } from "./state.js";

const PARTS = { now: Now, history: History, proof: Proof, keys: Keys };
const BACK = () => ({ href: href("screens"), label: t("screens-title") });

/** The screen with this id; `part` is what is seen of it. */
export function OneScreen({ id, part }) {
  const thing = useThing(`/v1/devices/${encodeURIComponent(id)}`);
  const device = useScreen(thing.body);
  const [open, setOpen] = useState(null);
  const close = () => setOpen(null);
  if (thing.problem?.status === 404) {
    return html`<${Page} title=${t("screens-title")} back=${BACK()}><${Empty} level=${2} icon="monitor" title=${t("screens-gone")} text=${t("screens-gone-text")} /><//>`;
  }
  if (!device) return html`<${Page} title=${t("screens-title")} back=${BACK()}><${Loaded} of=${thing} lines=${6} /><//>`;
  const summary = summaryOf(device, now.value);
  const chosen = part in PARTS ? part : "now";
  const mayChange = may("technician", thing.body.space);
  const actions = mayChange && html`
    <button type="button" onClick=${() => setOpen("rename")}><${Icon} name="edit" />${t("ui-rename")}</button>
    <button type="button" onClick=${() => setOpen("move")}><${Icon} name="channel" />${t("screens-move")}</button>
    <${Menu} label=${t("ui-more")} items=${[{ label: t("screens-remove"), icon: "trash", danger: true, onSelect: () => setOpen("remove") }]} />`;
  const devices = [thing.body];
  return html`<${Page} title=${device.name} back=${BACK()} actions=${actions}>
    <div class=${`screen-state ${summary.level}`}>
      <${Level} level=${summary.level} /><span class="grow">${t(summary.id, summary.values)}</span><${Age} ms=${summary.age_ms} isExpected=${summary.isExpected} />
    </div>
    <${Tabs} label=${device.name} tabs=${Object.keys(PARTS).map((one) => ({ id: one, label: t(`screens-part-${one}`) }))} chosen=${chosen} onChoose=${(one) => go("screens", id, one === "now" ? "" : one, {}, { replace: true })}>
      <${PARTS[chosen]} device=${device} onFetch=${() => setOpen("fetch")} />
    <//>
    ${open === "rename" && html`<${RenameDialog} device=${thing.body} onClose=${close} />`}
    ${open === "move" && html`<${MoveDialog} devices=${devices} onClose=${close} />`}
    ${open === "remove" && html`<${RemoveDialog} devices=${devices} onClose=${close} onDone=${() => go("screens")} />`}
    ${open === "fetch" && html`<${FetchNowDialog} device=${device} onClose=${close} />`}
  <//>`;
}

function Now({ device, onFetch }) {
  return html`<div class="screen-parts">
    <div class="stack"><${OnScreen} device=${device} /></div>
    <div class="stack"><${Problems} device=${device} /><${Content} device=${device} onFetch=${onFetch} /><${Health} device=${device} /></div>
  </div>`;
}

function OnScreen({ device }) {
  const { heartbeat, shown_ms, online } = device;
  const on_air = heartbeat?.on_air;
  const media = mediaOf(on_air?.asset ?? "").value;
  const zone = heartbeat?.zone || undefined;
  return html`<${Card} title=${t("screens-on-screen")}>
    <div class="stack">
      <${Shown} device=${device} />
      ${on_air
        ? html`<dl class="facts two">
            <div><dt>${t(online ? "screens-shows" : "screens-showed")}</dt><dd>${media ? html`<a href=${href("media", media.id)}>${on_air.title}</a>` : on_air.title} <span class="faint">${t(`screens-kind-${on_air.kind}`)}</span></dd></div>
            ${on_air.since && html`<div><dt>${t("screens-since")}</dt><dd>${when(on_air.since, { zone, style: "short" })}</dd></div>`}
            ${heartbeat.next_title && html`<div><dt>${t("screens-next")}</dt><dd>${heartbeat.next_title}</dd></div>`}
            <div><dt>${t("screens-why")}</dt><dd><${Why} device=${device} /></dd></div>
          </dl>`
        : html`<p class="faint">${t(heartbeat ? "screens-says-nothing" : "screens-says-new")}</p>`}
      ${on_air && html`<p class="small faint">${t("screens-no-photograph")} <${Age} ms=${shown_ms === null ? null : Math.max(0, now.value - shown_ms)} /></p>`}
    </div>
  <//>`;
}

/** What of the schedule has its playlist on air now, by the release of the channel. */
function Why({ device: { channel, channel_sequence: published } }) {
  const { body } = useThing(published > 0 ? `/v1/channels/${encodeURIComponent(channel)}/at` : null, { of: "release" });
  const schedule = html`<a href=${href("schedule", channel)}>${t("screens-why-channel", { channel })}</a>`;
  if (!body?.playlist) return schedule;
  const playlist = html`<a href=${href("playlists", body.playlist)}>${body.playlist_name ?? body.playlist}</a>`;
  const until = body.until ? t("screens-why-until", { until: when(body.until, { zone: body.zone, style: "short" }) }) : "";
  return html`${playlist} <span class="faint">${t(body.daypart ? "screens-why-daypart" : "screens-why-default", { daypart: body.daypart_name ?? "" })} ${until}</span><br />${schedule}`;
}
