// Where one begins: what is wrong now, what will be wrong soon, what is on air; and the first steps of who is new.

import { counts } from "../../lib/live.js";
import { useList } from "../../lib/lists.js";
import { loadWords, t } from "../../lib/words.js";
import { html, useEffect, useState } from "../../lib/view.js";
import { Page } from "../../ui/page.js";
import { FirstSteps, useFirstSteps } from "./first_steps.js";
import { OnAir } from "./on_air.js";
import { Soon } from "./soon.js";
import { WrongNow } from "./wrong_now.js";

/** The start. */
export function View() {
  const [, setHasWords] = useState(false);
  useEffect(() => {
    loadWords("screens").then(() => setHasWords(true), () => {}); // without them a screen's own sentences are shown
  }, []);
  const worst = useList("/v1/devices", { sort: "worst", limit: 12 });
  const steps = useFirstSteps(worst);
  const { devices, online } = counts.value;
  return html`<${Page} title=${t("start-title")} lead=${devices > 0 ? t("start-lead", { online, devices }) : null}>
    ${steps && html`<${FirstSteps} steps=${steps} />`}
    <div class="grid start-wrong">
      <${WrongNow} worst=${worst} />
      <${Soon} worst=${worst} />
    </div>
    <${OnAir} />
  <//>`;
}
