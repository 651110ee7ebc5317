// A campaign: its booking and lines, what it would not get while one types, its pace, and its report.

import { api } from "../../lib/api.js";
import { today as todayIn } from "../../lib/calendar/days.js";
import { useEdits } from "../../parts/plans/edits.js";
import { useList, useThing } from "../../lib/lists.js";
import { go, href } from "../../lib/router.js";
import { may, session } from "../../lib/session.js";
import { t } from "../../lib/words.js";
import { html, useEffect, useMemo, useState } from "../../lib/view.js";
import { Clash } from "../../parts/plans/clash.js";
import { History } from "../../parts/plans/history.js";
import { Confirm } from "../../ui/dialog.js";
import { Icon } from "../../ui/icon.js";
import { Menu } from "../../ui/menu.js";
import { notify } from "../../ui/notify.js";
import { Card, Page } from "../../ui/page.js";
import { Loaded, ProblemText } from "../../ui/states.js";
import { Booking } from "./booking.js";
import { clashFieldText, clashValueText } from "./clash_words.js";
import { bodyOf, editsBetween, flightOf, instantsOf, newCampaign, newLine } from "./draft.js";
import { Feasibility } from "./feasibility.js";
import { Line } from "./lines/line.js";
import { forget, keep, kept } from "./kept.js";
import { State } from "./list.js";
import { Pace } from "./pace.js";

const NEW = "new";
const BROWSER_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** A new booking. */
export function NewCampaign() {
  const begun = useMemo(() => newCampaign(t("campaigns-first-line"), BROWSER_ZONE, todayIn(BROWSER_ZONE)), []);
  const save = async (draft) => {
    const { body } = await api.post("/v1/campaigns", bodyOf(draft));
    forget(NEW);
    notify(t("parts-saved", { name: draft.name }));
    go("campaigns", body.id, "", {}, { replace: true });
  };
  return html`<${Page} title=${t("campaigns-new")} back=${{ href: href("campaigns"), label: t("campaigns-title") }}>
    <${Editor} seen=${begun} isNew onSave=${save} />
  <//>`;
}

/** A booking that is there. */
export function Campaign({ id }) {
  const path = `/v1/campaigns/${encodeURIComponent(id)}`;
  const campaign = useThing(path);
  const edits = useEdits(path, campaign, { onSettled: () => leave() });
  const [seen, setSeen] = useState(() => kept(id)?.seen ?? null); // what one began to change
  const leave = () => {
    forget(id);
    setSeen(null);
  };
  const [isRemoving, setRemoving] = useState(false);
  const [isHistory, setHistory] = useState(false);
  const shown = seen ?? campaign.body;
  const save = async (draft) => {
    const changed = editsBetween(shown, draft);
    if (changed.length === 0 || (await edits.send(changed, { said: t("parts-saved", { name: draft.name }), version: shown.version }))) leave();
  };
  const remove = async () => {
    await api.remove(path, { version: campaign.version });
    go("campaigns");
  };
  const canEdit = shown && may("editor", shown.space);
  const actions = shown && html`<${State} campaign=${campaign.body ?? shown} />
    <a class="button" href=${href("reports", "", "", { campaign: id, by: "day" })}><${Icon} name="chart" />${t("campaigns-report")}</a>
    <${Menu} label=${t("campaigns-menu")} items=${[{ label: t("parts-history"), icon: "clock", onSelect: () => setHistory(true) }, canEdit && { label: t("campaigns-remove"), icon: "trash", danger: true, onSelect: () => setRemoving(true) }]} />`;
  return html`<${Page} title=${campaign.body?.name ?? "…"} lead=${campaign.body?.advertiser} back=${{ href: href("campaigns"), label: t("campaigns-title") }} actions=${actions}>
    <${Loaded} of=${campaign} lines=${8}>${() => html`
      ${seen && campaign.body.version > seen.version && html`<p class="note"><${Icon} name="info" />${t("campaigns-changed-meanwhile")}</p>`}
      <${Pace} campaign=${campaign.body} />
      <${Editor} key=${`${shown.id} ${shown.version}`} seen=${shown} canEdit=${canEdit} onBegin=${() => setSeen((before) => before ?? campaign.body)} onLeave=${leave} onSave=${save} />`}<//>
    <${Clash} edits=${edits} fieldName=${clashFieldText} valueText=${clashValueText} />
    ${isHistory && html`<${History} ...${{ path, edits, canEdit }} fieldName=${clashFieldText} onClose=${() => setHistory(false)} />`}
    ${isRemoving && html`<${Confirm} title=${t("campaigns-remove-named", { name: shown.name })} text=${t("campaigns-remove-text")} verb=${t("campaigns-remove")} onConfirm=${remove} onClose=${() => setRemoving(false)} />`}
  <//>`;
}

function Editor({ seen, isNew = false, canEdit = true, onBegin, onLeave, onSave }) {
  const [draft, setDraft] = useState(() => kept(seen.id ?? NEW)?.draft ?? seen);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState(null);
  const channels = useList("/v1/channels", { limit: 500 });
  const channel = useThing(draft.channel ? `/v1/schedule/${encodeURIComponent(draft.channel)}` : null);
  const [zone, setZone] = useState(BROWSER_ZONE);
  const isChanged = isNew || editsBetween(seen, draft).length > 0;
  useEffect(() => {
    if (isChanged) onBegin?.();
  }, [isChanged]);
  useEffect(() => {
    if (draft !== seen) keep(seen.id ?? NEW, seen, draft);
  }, [draft]);
  const zoneNow = draft.channel ? channel.body && (channel.body.zone ?? BROWSER_ZONE) : BROWSER_ZONE;
  useEffect(() => {
    if (!zoneNow || zoneNow === zone) return;
    setZone(zoneNow);
    if (isNew) setDraft((before) => ({ ...before, ...instantsOf(flightOf(before, zone), zoneNow) })); // the days stay
  }, [zoneNow]);
  const change = (fields) => setDraft((before) => ({ ...before, ...fields }));
  const changeLine = (id, fields) => change({ lines: draft.lines.map((line) => (line.id === id ? { ...line, ...fields } : line)) });
  const discard = () => {
    setDraft(seen);
    onLeave?.();
  };
  const save = async (event) => {
    event.preventDefault();
    const bare = draft.lines.find(({ creatives }) => creatives.length === 0);
    if (bare) {
      setProblem(Object.assign(new Error(), { status: 422, code: "", detail: t("campaigns-no-creative", { line: bare.name }), fields: {} }));
      return;
    }
    setBusy(true);
    setProblem(null);
    try {
      await onSave(draft);
    } catch (error) {
      if (error.status === undefined) console.error(error);
      setProblem(error);
    }
    setBusy(false);
  };
  return html`<form class="booking" onSubmit=${save}>
    <fieldset class="stack booking-main" disabled=${!canEdit}>
      <legend class="unseen">${t("campaigns-booking")}</legend>
      <${Booking} ...${{ draft, change, zone, channels }} />
      ${draft.lines.map((line) => html`<${Line} key=${line.id} ...${{ line, media: seen.media ?? {} }} change=${(fields) => changeLine(line.id, fields)} onRemove=${draft.lines.length > 1 ? () => change({ lines: draft.lines.filter(({ id }) => id !== line.id) }) : null} />`)}
      ${canEdit && html`<div><button type="button" onClick=${() => change({ lines: [...draft.lines, newLine(t("campaigns-another-line", { number: draft.lines.length + 1 }))] })}><${Icon} name="plus" />${t("campaigns-add-line")}</button></div>`}
    </fieldset>
    <aside class="booking-side" aria-label=${t("campaigns-feasibility")}>
      ${canEdit && may("editor") && !session.value.only_in_spaces && html`<${Feasibility} draft=${draft} replaces=${seen.id} zone=${zone} />`}
      ${canEdit && html`<${Card}>
        ${problem && html`<div class="wrong" role="alert"><${Icon} name="alert" /><${ProblemText} problem=${problem} /></div>`}
        <div class="row save-row">
          <button class="primary" disabled=${!isChanged} aria-busy=${isBusy}>${isNew ? t("campaigns-book") : t("ui-save")}</button>
          ${isChanged && !isNew && html`<button type="button" onClick=${discard}>${t("campaigns-discard")}</button>`}
          ${!isChanged && html`<span class="faint">${t("campaigns-nothing-changed")}</span>`}
        </div>
      <//>`}
    </aside>
  </form>`;
}
