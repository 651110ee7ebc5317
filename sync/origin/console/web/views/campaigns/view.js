// Campaigns: what advertisers booked, and what becomes of it.

import { html } from "../../lib/view.js";
import { Campaign, NewCampaign } from "./editor.js";
import { CampaignList } from "./list.js";

/** `id` is a campaign, or `new`; without one all are listed. */
export function View({ id, query }) {
  const inside = id === "new" ? html`<${NewCampaign} />` : id ? html`<${Campaign} key=${id} id=${id} />` : html`<${CampaignList} query=${query} />`;
  return html`<div class="of-campaigns">${inside}</div>`;
}
