// Playlists: the list of them, and one that is edited.

import { html } from "../../lib/view.js";
import { Editor } from "./editor.js";
import { List } from "./list.js";

/** Without an id the list; with one the playlist itself. */
export function View({ id, query }) {
  return id ? html`<${Editor} key=${id} id=${id} />` : html`<${List} query=${query} />`;
}
