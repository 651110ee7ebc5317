// The media: what is there, and a page for each.

import { html } from "../../lib/view.js";
import { MediaLibrary } from "./library.js";
import { OneMedia } from "./one.js";

/** All media, or the one with this id. */
export function View({ id, query }) {
  return id ? html`<${OneMedia} key=${id} id=${id} />` : html`<${MediaLibrary} query=${query} />`;
}
