// What is wrong now: screens, and files that became no media.

import { useList } from "../../lib/lists.js";
import { href } from "../../lib/router.js";
import { ago, hasWords, number, t } from "../../lib/words.js";
import { html } from "../../lib/view.js";
import { Icon } from "../../ui/icon.js";
import { Card, Chip } from "../../ui/page.js";
import { Loaded } from "../../ui/states.js";

const MOST = 6;

/** Return what is wrong with a screen: `{kind, level, code, text}`; null: nothing. */
export function wrongOf({ online, seen_age_s: age, severity, heartbeat, paired_at }, now = Date.now()) {
  if (age === null) return now - Date.parse(paired_at) > 600_000 ? { kind: "bad", level: "never" } : null;
  if (!online) return { kind: "bad", level: "silent", age };
  if (severity !== "critical" && severity !== "warning") return null;
  const [code] = heartbeat?.problem_codes ?? [];
  const [text] = heartbeat?.problems ?? [];
  return { kind: severity === "critical" ? "bad" : "warn", level: severity, code, text };
}

/** Return the sentence of what is wrong: in the words of the page where it has them. */
function saidOf({ level, code, text, age }) {
  if (level === "silent") return t("start-silent", { ago: ago(age) });
  if (level === "never") return t("start-never");
  if (code && hasWords(`screens-problem-${code}`)) return t(`screens-problem-${code}`);
  return text || t(`start-${level}`);
}

/** The card of what is wrong now; `worst` is the list of screens, the worst first. */
export function WrongNow({ worst }) {
  const failed = useList("/v1/media", { state: "failed", limit: 3 });
  const wrong = worst.rows.map((device) => ({ device, wrong: wrongOf(device) })).filter((one) => one.wrong);
  const isWell = wrong.length === 0 && (failed.total ?? 0) === 0;
  const failures = failed.total ?? 0;
  return html`<${Card} title=${t("start-wrong-now")} actions=${wrong.length > MOST && html`<a href=${href("screens")}>${t("start-all-screens")}</a>`}>
    <${Loaded} of=${worst}>
      ${isWell && html`<p class="all-well"><${Icon} name="check" />${t("start-all-well")}</p>`}
      <ul class="reports">
        ${wrong.slice(0, MOST).map(({ device, wrong: one }) => html`<li key=${device.id}>
          <${Chip} kind=${one.kind}>${t(`start-level-${one.level}`)}<//>
          <a class="report" href=${href("screens", device.id)}><b class="cut" title=${device.name}>${device.name}</b><span>${saidOf(one)}</span></a>
        </li>`)}
        ${failures > 0 && html`<li><${Chip} kind="warn">${t("start-media-failed-chip")}<//><a class="report" href=${href("media", "", "", { state: "failed" })}><b>${t("start-media-failed", { count: failures })}</b><span class="cut-2">${failed.rows.map((one) => one.name).join(", ")}</span></a></li>`}
      </ul>
    <//>
    ${wrong.length > MOST && html`<p class="faint">${t("start-more", { count: number(wrong.length - MOST) })}</p>`}
  <//>`;
}
