// Preview: what a screen will show, played in the browser: one playlist, or a channel from an instant on.

import { useList, useThing } from "../../lib/lists.js";
import { href, query as setQuery } from "../../lib/router.js";
import { t } from "../../lib/words.js";
import { html, useMemo } from "../../lib/view.js";
import { Choice, Field } from "../../ui/field.js";
import { Page } from "../../ui/page.js";
import { Empty, Loaded } from "../../ui/states.js";
import { Player } from "./player.js";
import { slotsOfChannel, slotsOfPlaylist } from "./slots.js";

/** `#/preview/playlist/ID`, `#/preview/channel/NAME`; without either a channel is chosen. */
export function View({ id, part, query }) {
  if (id === "playlist" && part) return html`<${OfPlaylist} key=${part} id=${part} query=${query} />`;
  return html`<${OfChannel} channel=${id === "channel" ? part : ""} query=${query} />`;
}

function OfPlaylist({ id, query }) {
  const playlist = useThing(`/v1/playlists/${encodeURIComponent(id)}`);
  const channels = useList("/v1/channels", { limit: 200 });
  const asked = query.channel ? { channel: query.channel, playlist: id, most: 200 } : null;
  const showing = useThing(asked && "/v1/releases/showing", asked ?? {});
  const source = asked ? showing : playlist;
  const slots = useMemo(() => (!source.body ? [] : asked ? slotsOfChannel(source.body) : slotsOfPlaylist(source.body)), [source.body]);
  const options = [{ value: "", label: t("preview-alone") }, ...channels.rows.map((one) => ({ value: one.channel, label: t("preview-as-in", { channel: one.channel }) }))];
  const name = playlist.body?.name ?? t("preview-title");
  return html`<${Page} full title=${name} lead=${t("preview-lead-playlist")} back=${{ href: href("playlists", id), label: t("preview-back-playlist") }}>
    ${options.length > 1 && html`<div class="preview-asked"><${Choice} label=${t("preview-ads")} value=${query.channel ?? ""} options=${options} onChange=${(event) => setQuery({ channel: event.target.value })} /></div>`}
    <${Loaded} of=${source} lines=${6}>${() => html`<${Shown} slots=${slots} overlays=${asked ? source.body.overlays : []} fallback=${asked ? source.body.fallback : null} start=${query.item} />`}<//>
  <//>`;
}

function OfChannel({ channel, query }) {
  const channels = useList("/v1/channels", { limit: 200 });
  const chosen = channel || (channels.rows[0] ? channels.rows[0].channel : "");
  const at = query.at ? new Date(query.at) : null;
  const asked = { channel: chosen, of: query.of ?? "draft", at: at && !Number.isNaN(at.getTime()) ? at.toISOString() : null, most: 200 };
  const showing = useThing(chosen ? "/v1/releases/showing" : null, asked);
  const slots = useMemo(() => (showing.body ? slotsOfChannel(showing.body) : []), [showing.body]);
  const ofs = ["draft", "release"].map((value) => ({ value, label: t(`preview-of-${value}`) }));
  const choose = (event) => (location.hash = href("preview", "channel", event.target.value, query));
  return html`<${Page} full title=${chosen ? t("preview-channel", { channel: chosen }) : t("preview-title")} lead=${t("preview-lead-channel")}>
    <${Loaded} of=${channels}>${() => (!chosen ? html`<${Empty} level=${2} icon="channel" title=${t("preview-no-channel")} text=${t("preview-no-channel-text")} />` : html`
      <div class="preview-asked">
        <${Choice} label=${t("preview-of-channel")} value=${chosen} options=${channels.rows.map((one) => ({ value: one.channel, label: one.channel }))} onChange=${choose} />
        <${Field} type="datetime-local" label=${t("preview-when")} help=${t("preview-when-help", { zone: Intl.DateTimeFormat().resolvedOptions().timeZone })} value=${query.at ?? ""} onChange=${(event) => setQuery({ at: event.target.value })} />
        <${Choice} label=${t("preview-of")} value=${asked.of} options=${ofs} onChange=${(event) => setQuery({ of: event.target.value })} />
      </div>
      <${Loaded} of=${showing} lines=${6}>${() => html`<${Shown} slots=${slots} overlays=${showing.body.overlays} fallback=${showing.body.fallback} zone=${showing.body.zone} />`}<//>`)}<//>
  <//>`;
}

function Shown({ slots, overlays, fallback, zone, start }) {
  if (slots.length === 0) return html`<${Empty} level=${2} icon="play" title=${t("preview-nothing")} text=${t("preview-nothing-text")} />`;
  const withPicture = slots.map((slot) => (slot.kind === "fallback" && fallback ? { ...slot, kind: "picture", src: `/content/assets/${fallback}`, width: 16, height: 9, fit: "contain" } : slot));
  return html`<${Player} slots=${withPicture} overlays=${overlays} zone=${zone} start=${Math.max(0, slots.findIndex((one) => one.item === start))} />`;
}
