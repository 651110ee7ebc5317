// When what plays: the channels, and the week and month of each.

import { html } from "../../lib/view.js";
import { Channel } from "./channel.js";
import { ChannelList } from "./channel_list.js";

/** `id` is the channel; `query`: `day`, `show`, `of`; `all` stays at the list even of a single channel. */
export function View({ id, query }) {
  return html`<div class="of-schedule">${id ? html`<${Channel} key=${id} channel=${id} query=${query} />` : html`<${ChannelList} stays=${query.all === "1"} />`}</div>`;
}
