// The campaigns view: who booked what, when it runs, what it shows, and how often it was played.

import { $, h, keyed, thumbnail, withThumbnail } from "../lib/dom.js";
import { data, lists } from "../lib/data.js";
import { listControls } from "../lib/list_controls.js";
import { count, moment, span, durationText, window as windowText } from "../lib/format.js";

const ORDERS = [["", "By name"], ["-starts_at", "Last to start"], ["ends_at", "First to end"]];

let drawControls = () => {};

export function start() {
  drawControls = listControls("campaigns", "view-campaigns", "#campaign-list", ORDERS, draw);
}

export function draw() {
  keyed($("#campaign-list"), [...data.campaigns.values()].map(enrich), card);
  const { total, search } = lists.campaigns;
  $("#campaigns-none").hidden = total > 0 || search !== "";
  drawControls();
}

function enrich(campaign) {
  const lines = campaign.lines.map((line) => ({ ...line, plays: data.lines.get(line.id), short: short(line), creatives: line.creatives.map(creative) }));
  return { ...campaign, media: null, lines, flight: flight(campaign) };

  function creative(one) {
    const { name, thumbnail: path, source_sha256, asset, url, state } = data.media.get(one.media) ?? withThumbnail(one.media, campaign.media[one.media]);
    return { ...one, url, title: one.title ?? name, thumbnail: path, source_sha256, asset, state };
  }
}

/** Say on which channels a line cannot get what it bought, and why. */
function short({ id }) {
  const found = [...data.previews.values()].filter(({ short_lines }) => short_lines?.[id]);
  return found.map(({ channel, short_lines }) => `${channel}: ${short_lines[id]}`);
}

function flight({ starts_at, ends_at }) {
  const [starts, ends, now] = [Date.parse(starts_at), Date.parse(ends_at), Date.now()];
  if (now < starts) return ["", `starts in ${span((starts - now) / 1000)}`];
  return now < ends ? ["good", `runs for ${span((ends - now) / 1000)} more`] : ["", "is over"];
}

function card(campaign) {
  const [state, words] = campaign.flight;
  return h(
    "article",
    { class: "card campaign", "data-id": campaign.id },
    h("header", {}, h("h3", {}, campaign.name), h("span", { class: `chip ${state}` }, words)),
    h("p", { class: "faint" }, `${campaign.advertiser} · ${campaign.channel ?? "all channels"} · ${moment(campaign.starts_at)} to ${moment(campaign.ends_at)}`),
    ...campaign.lines.map(line),
  );
}

function line(one) {
  const when = one.windows.length ? one.windows.map(windowText).join("; ") : "at any time";
  const gaps = one.category && `category ${one.category}`;
  return h(
    "section",
    { class: "line" },
    h("div", {}, h("b", {}, one.name), h("p", { class: "faint" }, [share(one), when, gaps].filter(Boolean).join(" · ")), ...one.short.map((text) => h("p", { class: "caution" }, text)), proof(one)),
    h("ul", { class: "creatives" }, ...one.creatives.map(creative)),
  );
}

function share({ share_ppm, weight }) {
  return share_ppm ? `${(share_ppm / 10_000).toLocaleString("en-GB")} % of the ad slots` : `weight ${weight} of the slots without a fixed share`;
}

function proof({ plays }) {
  return h("p", {}, plays ? `Played ${count(plays.plays, "time")}, ${plays.complete} of them complete` : "Not played yet");
}

function creative(one) {
  const bad = one.state !== "ready" && h("span", { class: "chip bad" }, one.state === "failed" ? "cannot be shown" : "not ready yet");
  return h("li", {}, thumbnail(one), h("span", { class: "name" }, one.title), h("span", { class: "faint" }, durationText(one, one.asset)), bad);
}
