// Each channel with what publishing it now would change.

import { useList } from "../../lib/lists.js";
import { href } from "../../lib/router.js";
import { may } from "../../lib/session.js";
import { number, sentence, t } from "../../lib/words.js";
import { html, useEffect, useState } from "../../lib/view.js";
import { ChangeList } from "../../parts/change_list.js";
import { countOf, loadUnpublished, unpublished } from "../../parts/unpublished.js";
import { Icon } from "../../ui/icon.js";
import { Card, Chip } from "../../ui/page.js";
import { Busy, Empty, Loaded, Wrong } from "../../ui/states.js";
import { PlanDialog } from "./plan_dialog.js";
import { PublishDialog } from "./publish_dialog.js";

/** All channels, those with changes first; `query.channel` shows one alone. */
export function Channels({ query }) {
  const list = useList("/v1/channels", { limit: 60, channel: query.channel });
  const waits = (one) => countOf(unpublished.value[one.channel]) + (unpublished.value[one.channel]?.left_out.length ?? 0) > 0;
  const rows = [...list.rows].sort((a, b) => waits(b) - waits(a));
  return html`<${Loaded} of=${list}>
    ${list.rows.length === 0 && html`<${Empty} level=${2} icon="channel" title=${t("releases-no-channel")} text=${t("releases-no-channel-text")}><a class="button primary" href=${href("schedule")}>${t("releases-to-schedule")}</a><//>`}
    ${query.channel && html`<a href=${href("releases")}>${t("releases-all-channels")}</a>`}
    <ul class="stack">${rows.map((one) => html`<li key=${one.channel}><${Channel} channel=${one} /></li>`)}</ul>
    ${list.hasMore && html`<button type="button" onClick=${list.more}>${t("ui-more")}</button>`}
  <//>`;
}

function Channel({ channel: { channel, sequence, devices, space } }) {
  const [problem, setProblem] = useState(null);
  const [window, setWindow] = useState(null);
  const found = unpublished.value[channel];
  const load = () => loadUnpublished(channel).then(() => setProblem(null), setProblem);
  useEffect(() => {
    if (!found) load();
  }, [channel, sequence]);
  const mayPublish = may("publisher", space);
  const actions = found && mayPublish && html`
    <button type="button" class="quiet" onClick=${() => setWindow("plan")}><${Icon} name="clock" size=${18} />${t("releases-later")}</button>
    <button type="button" class=${countOf(found) > 0 ? "primary" : ""} onClick=${() => setWindow("publish")}><${Icon} name="send" size=${18} />${t("releases-publish")}</button>`;
  const done = () => {
    setWindow(null);
    load();
  };
  return html`<${Card} title=${channel} actions=${actions}>
    <div class="row faint small">
      <span>${sequence > 0 ? t("releases-number", { sequence: number(sequence) }) : t("releases-never")}</span><span>·</span>
      <span>${t("releases-screens", { count: devices })}</span>
    </div>
    <div class="channel-state">
      ${problem ? html`<${Wrong} problem=${problem} onRetry=${load} />` : found ? html`<${State} found=${found} />` : html`<${Busy} lines=${1} />`}
    </div>
    ${window === "publish" && html`<${PublishDialog} channel=${channel} found=${found} onClose=${done} />`}
    ${window === "plan" && html`<${PlanDialog} channel=${channel} onClose=${() => setWindow(null)} />`}
  <//>`;
}

function State({ found }) {
  const count = countOf(found);
  const problems = Object.entries(found.problems ?? {});
  return html`<div class="stack tight">
    ${count === 0 && html`<p class="row"><${Chip} kind="good">${t("releases-same")}<//></p>`}
    ${count > 0 && html`<p class="row"><${Chip} kind="accent" icon="edit">${t("releases-changes", { count })}<//></p><${ChangeList} changes=${found.changes} more=${found.more} label=${t("releases-changes-of", { channel: found.channel })} />`}
    ${problems.length > 0 && html`<div class="wrong" role="alert"><${Icon} name="alert" /><div class="problem-text"><p>${t("releases-refused")}</p><ul>${problems.map(([field, text]) => html`<li key=${field}>${sentence({ ...found.problems_told?.[field], text })}</li>`)}</ul></div></div>`}
    ${found.left_out.length > 0 && html`<p class="faint">${t("releases-drafts", { count: found.left_out.length, names: found.left_out.map((one) => one.name).join(", ") })}</p>`}
  </div>`;
}
