// Who books, where, and from when to when.

import { html } from "../../lib/view.js";
import { t } from "../../lib/words.js";
import { Choice, Field } from "../../ui/field.js";
import { Card } from "../../ui/page.js";
import { flightOf, instantsOf } from "./draft.js";
import { useTyped } from "../../parts/typed.js";

/** `change(fields)` changes the draft; days and times are those of `zone`. */
export function Booking({ draft, change, zone, channels }) {
  const flight = flightOf(draft, zone);
  const set = (name) => (event) => change({ [name]: event.target.value });
  const fly = (name) => (text) => text && change(instantsOf({ ...flight, [name]: text }, zone));
  const [first, last] = [useTyped(flight.first, fly("first")), useTyped(flight.last, fly("last"))];
  const [from, until] = [useTyped(flight.from, fly("from")), useTyped(flight.until === "24:00" ? "00:00" : flight.until, fly("until"))];
  const options = [{ value: "", label: t("campaigns-all-channels") }, ...channels.rows.map(({ channel, name }) => ({ value: channel, label: name ?? channel }))];
  const hasTimes = flight.from !== "00:00" || flight.until !== "24:00";
  return html`<${Card} title=${t("campaigns-booking")}>
    <div class="stack">
      <div class="fields">
        <${Field} label=${t("campaigns-name")} required maxlength="200" value=${draft.name} onInput=${set("name")} placeholder=${t("campaigns-name-example")} />
        <${Field} label=${t("campaigns-advertiser")} required maxlength="200" value=${draft.advertiser} onInput=${set("advertiser")} help=${t("campaigns-advertiser-help")} />
      </div>
      <${Choice} label=${t("campaigns-channel")} value=${draft.channel ?? ""} options=${options} onChange=${(event) => change({ channel: event.target.value || null })} />
      <div class="fields">
        <${Field} label=${t("campaigns-first-day")} type="date" required ...${first} />
        <${Field} label=${t("campaigns-last-day")} type="date" required min=${flight.first} ...${last} help=${t("campaigns-days-in", { zone })} />
      </div>
      <details open=${hasTimes}>
        <summary>${t("campaigns-exact-times")}</summary>
        <div class="fields">
          <${Field} label=${t("campaigns-from")} type="time" ...${from} />
          <${Field} label=${t("campaigns-until")} type="time" ...${until} help=${t("campaigns-until-help")} />
        </div>
      </details>
    </div>
  <//>`;
}
