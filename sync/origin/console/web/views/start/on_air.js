// What is on air where: a picture of each screen that is connected, as it changes.

import { api } from "../../lib/api.js";
import { useList } from "../../lib/lists.js";
import { watchScreens } from "../../lib/live.js";
import { href } from "../../lib/router.js";
import { ago, t } from "../../lib/words.js";
import { html, useEffect, useState } from "../../lib/view.js";
import { Card } from "../../ui/page.js";
import { Picture } from "../../ui/picture.js";
import { Empty, Loaded } from "../../ui/states.js";

const MOST = 12;

/** The card of what is on air. */
export function OnAir() {
  const list = useList("/v1/devices", { online: true, limit: MOST });
  const [told, setTold] = useState({});
  const ids = list.rows.map((one) => one.id).join(" ");
  useEffect(() => {
    if (!ids) return undefined;
    return watchScreens(ids.split(" "), (screen) => setTold((before) => ({ ...before, [screen.id]: screen })));
  }, [ids]);
  const shown = list.rows.map((device) => ({ device, onAir: (told[device.id] ?? device.heartbeat)?.on_air ?? null, age: told[device.id]?.seen_age_s ?? device.seen_age_s }));
  const media = useMediaOf(shown.map(({ onAir }) => onAir?.asset).filter(Boolean));
  const more = (list.total ?? 0) - list.rows.length;
  return html`<${Card} title=${t("start-on-air")} actions=${more > 0 && html`<a href=${href("screens")}>${t("start-more", { count: more })}</a>`}>
    <${Loaded} of=${list}>
      ${list.rows.length === 0 && html`<${Empty} icon="monitor" title=${t("start-no-screen")} text=${t("start-no-screen-text")} />`}
      <ul class="grid on-air">${shown.map((one) => html`<${Screen} key=${one.device.id} ...${one} media=${media[one.onAir?.asset]} />`)}</ul>
    <//>
  <//>`;
}

function Screen({ device, onAir, age, media }) {
  const what = onAir ? (onAir.kind === "fallback" ? t("start-fallback") : onAir.title || t("start-untitled")) : t("start-shows-nothing");
  return html`<li><a href=${href("screens", device.id)}>
    <${Picture} src=${media?.thumbnail} icon=${onAir ? "play" : "monitor"} />
    <b class="cut" title=${device.name}>${device.name}</b>
    <span class="faint cut" title=${what}>${what}</span>
    ${age !== null && html`<span class="faint small">${t("start-heard", { ago: ago(age) })}</span>`}
  </a></li>`;
}

/** Return the media of assets, by their hashes; each is asked for once. */
function useMediaOf(assets) {
  const [known, setKnown] = useState({});
  const missing = [...new Set(assets)].filter((asset) => !(asset in known)).sort();
  useEffect(() => {
    if (missing.length === 0) return;
    const nothing = Object.fromEntries(missing.map((asset) => [asset, null]));
    api.get("/v1/media", { asset: missing.join(","), limit: 100 }).then(({ body }) => {
      const found = Object.fromEntries(body.media.map((one) => [one.asset.sha256, one]));
      setKnown((before) => ({ ...before, ...nothing, ...found }));
    }, () => {}); // without its picture a screen still has its title
  }, [missing.join()]);
  return known;
}
