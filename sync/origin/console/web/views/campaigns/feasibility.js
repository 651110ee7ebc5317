// What a booking would not get, while one types: in sentences with numbers, and what would help.

import { send, withQuery } from "../../lib/api.js"; // a question: it is not kept, and does not wait for the line
import { html, useEffect, useState } from "../../lib/view.js";
import { hasWords, listed, number, sentence, t, when } from "../../lib/words.js";
import { Icon } from "../../ui/icon.js";
import { Card } from "../../ui/page.js";
import { ProblemText } from "../../ui/states.js";
import { WHOLE_PPM, asked, shortfallsOf } from "./draft.js";

const WAIT_MS = 400;

const percent = (share) => number(share, { style: "percent", maximumFractionDigits: share < 0.1 ? 1 : 0 });

/** `replaces` is the campaign whose booking `draft` would be. */
export function Feasibility({ draft, replaces, zone }) {
  const [found, setFound] = useState({ answer: null, problem: null, isBusy: true });
  const body = JSON.stringify(asked(draft));
  useEffect(() => {
    let isOld = false;
    setFound((before) => ({ ...before, isBusy: true }));
    const timer = setTimeout(async () => {
      try {
        const path = withQuery("/v1/campaigns/feasibility", { campaign: replaces });
        const answer = await (await send("POST", path, { body, headers: { "Content-Type": "application/json" } })).json();
        if (!isOld) setFound({ answer, problem: null, isBusy: false });
      } catch (problem) {
        if (!isOld) setFound({ answer: null, problem, isBusy: false });
      }
    }, WAIT_MS);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [body, replaces]);
  return html`<${Card} title=${t("campaigns-feasibility")}>
    <div class="stack tight feasibility" role="status" aria-live="polite">
      ${found.problem && html`<${ProblemText} problem=${found.problem} />`}
      ${found.answer ? html`<${Verdicts} ...${{ answer: found.answer, draft, zone }} />` : !found.problem && html`<p class="faint">${t("campaigns-asking")}</p>`}
    </div>
  <//>`;
}

function Verdicts({ answer, draft, zone }) {
  if (answer.channels.length === 0) return html`<p class="note"><${Icon} name="info" />${t("campaigns-no-channel")}</p>`;
  const short = answer.channels.flatMap(shortfallsOf);
  const isShort = new Set(short.flatMap(({ lines }) => lines.map(({ id }) => id)));
  const isOver = short.some(({ lines }) => lines.length === 0);
  const good = isOver ? [] : draft.lines.map((line, at) => ({ ...line, id: answer.lines[at] })).filter(({ id }) => !isShort.has(id));
  return html`
    ${short.map((one, at) => html`<div key=${at} class="verdict warn"><${Icon} name="alert" /><div><p>${shortText(one, zone)}</p>${answer.channels.length > 1 && html`<small class="faint">${t("campaigns-on-channel", { channel: one.channel })}</small>`}</div></div>`)}
    ${good.map((line) => html`<div key=${line.id} class="verdict good"><${Icon} name="check" /><p>${line.share_ppm === null ? t("campaigns-gets-rest", { line: line.name }) : t("campaigns-gets-all", { line: line.name, share: percent(line.share_ppm / WHOLE_PPM) })}</p></div>`)}`;
}

/** Return a shortfall in words, with its numbers; without words for its code the sentence of the origin. */
function shortText({ code, values = {}, text, lines, at }, zone) {
  if (!code || !hasWords(`told-${code}`)) return text;
  const named = listed(lines.map(({ name, advertiser, bought, gets }) => t("campaigns-line-gets", { line: name, advertiser, bought: percent(bought), gets: percent(gets) })));
  const instant = at ? when(at, { zone }) : values.when;
  return sentence({ code, values: { ...values, lines: named, when: instant ?? "" }, text });
}
