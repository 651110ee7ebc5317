// The screens: all of them, the worst first, and a page for each.

import { html } from "../../lib/view.js";
import { ScreenList } from "./list.js";
import { OneScreen } from "./one.js";

/** All screens, or the one with this id. */
export function View({ id, part, query }) {
  return id ? html`<${OneScreen} key=${id} id=${id} part=${part} />` : html`<${ScreenList} query=${query} />`;
}
