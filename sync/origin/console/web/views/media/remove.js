// Deletes media, one or many, once it was seen what that takes along.

import { api } from "../../lib/api.js";
import { t } from "../../lib/words.js";
import { html, useEffect, useState } from "../../lib/view.js";
import { Dialog } from "../../ui/dialog.js";
import { notify } from "../../ui/notify.js";
import { Busy, Wrong } from "../../ui/states.js";
import { whatOf } from "./dialogs.js";
import { isUsed, usesTogether } from "./facts.js";
import { Emptied, Uses } from "./uses.js";

const AT_ONCE = 6;

/** Return where each of these media is used. */
async function usesOf(media) {
  const found = new Array(media.length);
  let next = 0;
  const turn = async () => {
    while (next < media.length) {
      const place = next++;
      found[place] = (await api.get(`/v1/media/${media[place].id}/uses`)).body;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, turn));
  return found;
}

/** Ask, and show what goes with it. */
export function RemoveDialog({ media: now, onClose, onDone = onClose }) {
  const [media] = useState(now); // what somebody saw as it was opened
  const [found, setFound] = useState(null);
  const [problem, setProblem] = useState(null);
  const look = () => {
    setProblem(null);
    usesOf(media).then(setFound, setProblem);
  };
  useEffect(look, []);
  const uses = found && usesTogether(found);
  const remove = async () => {
    const used = isUsed(uses);
    if (media.length === 1) await api.remove(`/v1/media/${media[0].id}`, { version: media[0].version, query: used ? { with_uses: true, mark: found[0].mark } : {} });
    else await api.post("/v1/media/removal", { media: media.map(({ id }) => id), with_uses: used });
    notify(t("media-deleted", { count: media.length, name: media[0].name }));
    onDone();
  };
  return html`<${Dialog} title=${t("media-delete-title", { what: whatOf(media) })} onClose=${onClose} onSubmit=${remove} submit=${t("ui-delete")} danger disabled=${!found}>
    ${problem && html`<${Wrong} problem=${problem} onRetry=${look} />`}
    ${!found && !problem && html`<${Busy} label=${t("media-looking-for-uses")} />`}
    ${uses && !isUsed(uses) && html`<p>${t("media-delete-unused", { count: media.length })}</p>`}
    ${uses && isUsed(uses) && html`<p>${t("media-delete-used", { count: media.length })}</p><${Uses} uses=${uses} links=${false} /><${Emptied} emptied=${uses.emptied} />`}
    <p class="small faint">${t("media-delete-screens")}</p>
  <//>`;
}
