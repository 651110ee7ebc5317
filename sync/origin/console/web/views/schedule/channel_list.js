// The channels: each with its screens and what was published; a new one is made here.

import { api } from "../../lib/api.js";
import { useList } from "../../lib/lists.js";
import { go, href } from "../../lib/router.js";
import { may } from "../../lib/session.js";
import { t } from "../../lib/words.js";
import { html, useEffect, useState } from "../../lib/view.js";
import { Dialog } from "../../ui/dialog.js";
import { Field } from "../../ui/field.js";
import { Icon } from "../../ui/icon.js";
import { Chip, Page } from "../../ui/page.js";
import { Empty, Loaded } from "../../ui/states.js";
import { PlaylistChoice } from "./daypart_dialog.js";
import { ZoneField } from "./settings.js";

/** All channels; with a single one its schedule is shown at once, unless `stays`. */
export function ChannelList({ stays }) {
  const channels = useList("/v1/channels");
  const [isNew, setNew] = useState(false);
  const [search, setSearch] = useState("");
  const only = !stays && channels.state === "ready" && channels.total === 1 ? channels.rows[0].channel : null;
  useEffect(() => {
    if (only) go("schedule", only, "", {}, { replace: true });
  }, [only]);
  const add = may("editor") && html`<button type="button" class="primary" onClick=${() => setNew(true)}><${Icon} name="plus" />${t("schedule-new-channel")}</button>`;
  const found = channels.rows.filter((one) => (one.name ?? one.channel).toLowerCase().includes(search.toLowerCase()));
  return html`<${Page} title=${t("schedule-title")} lead=${t("schedule-lead")} actions=${add}>
    <${Loaded} of=${channels}>${() =>
      channels.rows.length === 0
        ? html`<${Empty} level=${2} icon="calendar" title=${t("schedule-none")} text=${t("schedule-none-text")}>${add}<//>`
        : html`${channels.rows.length > 8 && html`<${Field} label=${t("ui-search")} type="search" unseen placeholder=${t("ui-search")} value=${search} onInput=${(event) => setSearch(event.target.value)} />`}
          <ul class="grid channel-cards">${found.map((one) => html`<li key=${one.channel}><${ChannelCard} ...${one} /></li>`)}</ul>
          ${channels.hasMore && html`<button type="button" onClick=${channels.more}>${t("ui-more")}</button>`}`}
    <//>
    ${isNew && html`<${NewChannel} onClose=${() => setNew(false)} />`}
  <//>`;
}

function ChannelCard({ channel, name = channel, sequence, devices }) {
  return html`<a class="card channel-card" href=${href("schedule", channel)}>
    <h2 class="cut-2" title=${name}>${name}</h2>
    <p class="row tight">
      <${Chip} icon="monitor">${t("schedule-screens", { count: devices })}<//>
      ${sequence === 0 ? html`<${Chip} kind="warn">${t("schedule-never-published")}<//>` : html`<${Chip} icon="check">${t("schedule-release", { sequence })}<//>`}
    </p>
  </a>`;
}

const SLUG = /^[A-Za-z0-9._-]{1,64}$/;

/** Return what a name is as the identifier of a channel: letters, digits and dashes. */
export const slugOf = (name) => name.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").replace(/ß/g, "ss").toLowerCase().replace(/[^a-z0-9._]+/g, "-").replace(/^[-.]+|[-.]+$/g, "").slice(0, 64);

function NewChannel({ onClose }) {
  const playlists = useList("/v1/playlists", { limit: 1000 });
  const [name, setName] = useState("");
  const channel = SLUG.test(name) ? name : slugOf(name);
  const save = async (values) => {
    await api.put(`/v1/schedule/${encodeURIComponent(channel)}`, { zone: values.zone || null, default_playlist: values.default_playlist || null });
    onClose();
    go("schedule", channel);
  };
  const help = channel && channel !== name ? t("schedule-channel-called", { channel }) : t("schedule-channel-help");
  return html`<${Dialog} title=${t("schedule-new-channel")} onClose=${onClose} onSubmit=${save} submit=${t("schedule-make")} disabled=${!channel}>
    <${Field} label=${t("schedule-channel")} name="channel" required maxlength="64" value=${name} onInput=${(event) => setName(event.target.value)} help=${help} />
    <${ZoneField} value=${Intl.DateTimeFormat().resolvedOptions().timeZone} />
    <${PlaylistChoice} playlists=${playlists} name="default_playlist" label=${t("schedule-default")} none />
  <//>`;
}
