// Publishing: what would change, what is planned, what waits for a review, and what was published before.

import { go } from "../../lib/router.js";
import { useList } from "../../lib/lists.js";
import { t } from "../../lib/words.js";
import { html } from "../../lib/view.js";
import { Page } from "../../ui/page.js";
import { Tabs } from "../../ui/tabs.js";
import { Channels } from "./channels.js";
import { Earlier } from "./earlier.js";
import { Planned } from "./planned.js";
import { Reviews } from "./reviews.js";

const PARTS = { now: Channels, planned: Planned, reviews: Reviews, earlier: Earlier };

/** The view of publishing; `id` is the part of it. */
export function View({ id, query }) {
  const chosen = id in PARTS ? id : "now";
  const open = useList("/v1/reviews", { state: "open", limit: 1 });
  const tabs = Object.keys(PARTS).map((name) => ({ id: name, label: name === "reviews" && open.total > 0 ? t("releases-tab-reviews-open", { count: open.total }) : t(`releases-tab-${name}`) }));
  return html`<${Page} title=${t("releases-title")} lead=${t("releases-lead")}>
    <${Tabs} label=${t("releases-title")} tabs=${tabs} chosen=${chosen} onChoose=${(name) => go("releases", name === "now" ? "" : name)}>
      <${PARTS[chosen]} query=${query} />
    <//>
  <//>`;
}
