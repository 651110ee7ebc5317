// The three steps to the first film, for who has not made them yet.

import { useList } from "../../lib/lists.js";
import { href } from "../../lib/router.js";
import { may } from "../../lib/session.js";
import { t } from "../../lib/words.js";
import { html } from "../../lib/view.js";
import { Icon } from "../../ui/icon.js";

const STEPS = [
  { name: "media", icon: "image", view: "media" },
  { name: "screen", icon: "monitor", view: "screens" },
  { name: "play", icon: "send", view: "playlists" },
];

/** Return the steps with whether each is done, in order; null: all are, or it is not known yet. */
export function stepsOf({ media, devices, published }) {
  if (media === null || devices === null || published === null) return null;
  const done = { media: media > 0, screen: devices > 0, play: published };
  if (STEPS.every(({ name }) => done[name])) return null;
  const next = STEPS.find(({ name }) => !done[name]).name;
  return STEPS.map((step) => ({ ...step, isDone: done[step.name], isNext: step.name === next }));
}

/** Return the first steps that are to be shown now; `devices` is the list of screens. */
export function useFirstSteps(devices) {
  const media = useList("/v1/media", { limit: 1 });
  const channels = useList("/v1/channels", { limit: 100 });
  if (!may("editor")) return null;
  const published = channels.state === "ready" ? channels.rows.some((one) => one.sequence > 0 && one.devices > 0) : null;
  return stepsOf({ media: media.total, devices: devices.total, published });
}

/** The steps, each with what to do. */
export function FirstSteps({ steps }) {
  return html`<section class="card first-steps" aria-labelledby="first-steps">
    <h2 id="first-steps">${t("start-first")}</h2>
    <ol>${steps.map((step, place) => html`<${Step} key=${step.name} ...${step} number=${place + 1} />`)}</ol>
  </section>`;
}

function Step({ name, icon, view, number, isDone, isNext }) {
  return html`<li class=${isDone ? "is-done" : isNext ? "is-next" : ""} aria-current=${isNext ? "step" : null}>
    <span class="step-sign">${isDone ? html`<${Icon} name="check" />` : html`<${Icon} name=${icon} />`}</span>
    <div>
      <h3>${number}. ${t(`start-step-${name}`)}${isDone && html`<span class="unseen"> ${t("start-step-done")}</span>`}</h3>
      <p class="faint">${t(`start-step-${name}-text`)}</p>
      ${!isDone && html`<a class=${isNext ? "button primary" : "button"} href=${href(view)}>${t(`start-step-${name}-do`)}</a>`}
    </div>
  </li>`;
}
