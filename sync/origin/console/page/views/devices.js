// The devices view: devices that wait to be paired, what each device shows, and its health.

import { ask } from "../lib/api.js";
import { dialog } from "../lib/dialogs.js";
import { $, button, h, keyed, thumbnail } from "../lib/dom.js";
import { data } from "../lib/data.js";
import { inView } from "../lib/in_view.js";
import { listControls } from "../lib/list_controls.js";
import { announce, problemElements } from "../lib/notices.js";
import { byName, ago, bytes, count, moment, span } from "../lib/format.js";
import { giveIdentity, revokeKey } from "./device_keys.js";
import { history, historyOf, toggleHistory } from "./history.js";
import { checkProof, proof, proofOf } from "./proof.js";

const ORDERS = [["", "By name"], ["channel", "By channel"], ["seen_at", "Longest not seen"], ["-paired_at", "Newest"]];

let drawControls = () => {};
let followCards = () => {};

/** Handle the pairing form, and update the ages of heartbeats. `watch(ids)` is told which devices are in view. */
export function start({ watch }) {
  followCards = inView($("#device-list"), watch);
  drawControls = listControls("devices", "view-devices", "#device-list", ORDERS, draw);
  const form = $("#pair");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { code, channel, name } = form.elements;
    const wrong = $(".wrong", form);
    wrong.replaceChildren();
    try {
      const body = { code: code.value, channel: channel.value, name: name.value.trim() || null };
      const device = await ask("POST", "/v1/devices", body);
      form.reset();
      announce(`${device.name} now plays ${device.channel}.`);
    } catch (error) {
      wrong.replaceChildren(...problemElements(error));
    }
  });
  setInterval(draw, 5000);
}

export function draw() {
  const all = [...data.devices.values()];
  keyed($("#device-list"), all.map(enrich), card);
  followCards();
  const { devices, online, severity } = data.counts;
  const late = all.filter((device) => device.online && device.heartbeat?.coming?.late.length).length;
  const more = [[severity.critical, "critical"], [severity.warning, "with problems"], [late, "late"]].filter(([number]) => number);
  $("#device-count").textContent = devices ? [`${online} of ${devices} online`, ...more.map((one) => one.join(" "))].join(", ") : "";
  $("#devices-none").hidden = devices > 0;
  drawControls();
  drawWaiting();
}

function drawWaiting() {
  const waiting = data.pairings.length;
  $("#waiting").hidden = waiting === 0;
  $("#waiting").textContent = `${count(waiting, "device waits", "devices wait")} to be paired: ${data.pairings.map(({ name }) => name).join(", ")}`;
  const channels = data.channels.size ? [...data.channels.keys()] : ["main"];
  const options = channels.length > 1 ? ["", ...channels] : channels; // with several, the person has to choose
  keyed($("#pair select"), options.map((id) => ({ id })), ({ id }) => h("option", { value: id }, id || "choose …"));
}

function enrich(device) {
  const { heartbeat, seen_ms } = device;
  const showing = data.shown.get(heartbeat?.on_air?.asset);
  const picture = showing && { thumbnail: showing.thumbnail, source_sha256: showing.source_sha256 };
  const seen = seen_ms === null ? "not seen yet" : `seen ${ago((Date.now() - seen_ms) / 1000)}`;
  return { ...device, seen_ms: undefined, seen, picture, proof: proofOf(device), history: historyOf(device) };
}

function card(device) {
  const { heartbeat, online } = device;
  const doubts = device.doubts.map((text) => `${text[0].toUpperCase()}${text.slice(1)}.`);
  const problems = [...new Set([...doubts, ...(heartbeat?.problems ?? [])])];
  return h(
    "article",
    { class: `card device ${online ? "online" : "offline"}`, "data-id": device.id, "data-severity": device.severity },
    h("header", {}, h("h3", {}, device.name), h("span", { class: `chip ${online ? "good" : "bad"}` }, online ? "online" : "offline")),
    h("p", { class: "faint" }, [device.channel, device.seen].join(" · ")),
    heartbeat && shows(device),
    release(device),
    trust(device),
    coming(heartbeat, online),
    budget(device),
    problems.length > 0 && h("ul", { class: "problems" }, ...problems.map((text) => h("li", {}, text))),
    heartbeat && figures(heartbeat),
    ...proof(device),
    history(device),
    h(
      "menu",
      {},
      button(device.history ? "Hide history" : "History", "history", () => toggleHistory(device).then(draw), { class: "quiet", "aria-label": `History of ${device.name}` }),
      button("Check its proof", "proof", () => checkProof(device).then(draw), { class: "quiet", "aria-label": `Check the proof of play of ${device.name}` }),
    ),
    h(
      "menu",
      { class: "for-technician" },
      button("Rename", "rename", () => rename(device), { class: "quiet", "aria-label": `Rename ${device.name}` }),
      button("Move", "move", () => move(device), { class: "quiet", "aria-label": `Move ${device.name} to another channel` }),
      device.budget?.state === "waits" && button("Fetch its release now …", "let-through", () => letThrough(device), { "aria-label": `Fetch the next release on ${device.name} whatever the bytes of the month` }),
      doubts.length > 0 && button("Two machines …", "new-identity", () => giveIdentity(device), { "aria-label": `Deal with two machines that run as ${device.name}` }),
      button("Revoke key …", "revoke-key", () => revokeKey(device), { class: "quiet", "aria-label": `Revoke a key of ${device.name}` }),
      button("Remove", "remove", () => remove(device), { class: "quiet", "aria-label": `Remove ${device.name}` }),
    ),
  );
}

function shows({ heartbeat: { on_air, next_title }, picture, online }) {
  const kinds = { ad: "Ad", fallback: "Fallback picture", blank: "Blanked" };
  const kind = online ? (kinds[on_air?.kind] ?? "On now") : "Last shown";
  return h(
    "div",
    { class: "shows" },
    thumbnail(picture),
    h("div", {}, h("span", { class: "kicker" }, kind), h("b", { class: "name" }, on_air?.title ?? "nothing"), next_title && h("p", { class: "faint" }, `next: ${next_title}`)),
  );
}

function release({ sequence, channel_sequence, behind, heartbeat }) {
  if (channel_sequence === 0) return h("p", { class: "state" }, "Its channel has no release yet.");
  if (behind) return h("p", { class: "state behind" }, `Behind: ${sequence ? `plays release ${sequence}` : "has no release yet"}, the channel is at ${channel_sequence}.`);
  const age = heartbeat.sync_age_s;
  return h("p", { class: "state current" }, `Release ${sequence}, current${age === null ? "" : `, confirmed ${ago(age)}`}`);
}

/** Say that it refuses what it is sent, and which rule that breaks. */
function trust({ heartbeat, trust: words }) {
  const rule = heartbeat?.trust;
  return rule ? h("p", { class: "state behind trust", "data-rule": rule }, `Refuses what it is sent: ${words}.`) : null;
}

/** Say how far the coming release is, and when it is ready, in the time of this computer. */
function coming(heartbeat, online) {
  const found = online && heartbeat?.coming;
  if (!found) return null;
  const { sequence, bytes_done, bytes_to_do, ready_at, late, more_late } = found;
  const ready = ready_at ? `ready ${moment(ready_at)}` : "ready at a time not known yet";
  const misses = late.length ? `, too late for ${late[0].what}${late.length + more_late > 1 ? ` and ${late.length + more_late - 1} more` : ""}` : "";
  const fetched = `Fetching ${sequence ? `release ${sequence}` : "what it lost"}: ${bytes(bytes_done)} of ${bytes(bytes_to_do)}, ${ready}${misses}.`;
  return h("p", { class: `state ${late.length ? "behind" : "current"}` }, fetched);
}

/** Say what waits because the bytes of the month are spent, and whether a person let it through. */
function budget({ budget: wait }) {
  if (!wait) return null;
  const texts = {
    waits: `The bytes of ${wait.month} are spent: the media of its next release wait for the next month.`,
    asked: "The screen is told at its next heartbeat to fetch its next release now.",
    done: "It fetches its next release whatever the bytes of the month.",
  };
  return h("p", { class: `state ${wait.state === "waits" ? "behind" : "current"}` }, texts[wait.state]);
}

function letThrough({ id, name, budget: { release } }) {
  dialog({
    title: `Fetch the next release on ${name} now?`,
    text: "Its media come although the bytes of this month are spent. That may cost what the contract of its line says. The release after it waits again.",
    verb: "Fetch it now",
    submit: () => ask("POST", `/v1/devices/${id}/let-through`, { release }),
  });
}

function figures({ health, outbox_depth, version }) {
  const number = (value, unit) => (typeof value === "number" ? `${Math.round(value)} ${unit}` : null);
  const found = [
    ["Processor", number(health.cpu_percent, "%")],
    ["Memory", number(health.memory_percent, "%")],
    ["Temperature", number(health.temperature_c, "°C")],
    ["Disk free", typeof health.disk_free_bytes === "number" ? bytes(health.disk_free_bytes) : null],
    ["Display", { true: "connected", false: "not connected" }[health.monitor] ?? null],
    ["Clock", health.clock ?? null],
    ["Sent and received", monthText(health)],
    ["Running for", typeof health.uptime_s === "number" ? span(health.uptime_s) : null],
    ["Plays to deliver", outbox_depth ? String(outbox_depth) : null],
    ["Version", version],
  ];
  return h("dl", { class: "figures" }, ...found.filter(([, value]) => value).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** What a device sent and received this month, and its budget. */
function monthText({ month, month_bytes, month_budget_bytes, month_stream_bytes }) {
  if (typeof month_bytes !== "number") return null;
  const most = typeof month_budget_bytes === "number" ? ` of ${bytes(month_budget_bytes)}` : "";
  return `${bytes(month_bytes)}${most} in ${month}${month_stream_bytes ? `, streams ${bytes(month_stream_bytes)}` : ""}`;
}

function change(device, body) {
  return ask("PATCH", `/v1/devices/${device.id}`, body, device.version);
}

function rename(device) {
  dialog({
    title: "Rename",
    fields: [{ name: "name", label: "Name", value: device.name, required: true, maxlength: 200 }],
    verb: "Rename",
    submit: ({ name }) => change(device, { name }),
  });
}

function move(device) {
  const channels = new Set([...data.channels.keys(), device.channel]);
  dialog({
    title: `Move ${device.name}`,
    text: "It plays its present content until all of the other channel’s release is downloaded.",
    fields: [{ name: "channel", label: "Channel", value: device.channel, options: [...channels].sort(byName).map((name) => [name, name]) }],
    verb: "Move",
    submit: ({ channel }) => change(device, { channel }),
  });
}

function remove(device) {
  dialog({
    title: `Remove ${device.name}?`,
    text: "It gets nothing new from now on, and plays what it has until it is paired again. Its proof of play stays.",
    verb: "Remove",
    danger: true,
    submit: () => ask("DELETE", `/v1/devices/${device.id}`),
  });
}
