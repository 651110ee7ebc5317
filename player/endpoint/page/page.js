// The page of the device: shows what /v1/live sends and a new picture each second, and sends commands.

const byId = (id) => document.getElementById(id);
const state = { now: null, status: null, offsetMs: 0, picture: null }; // offsetMs: clock of the device minus ours

// Values as text

const formatBytes = (bytes) => {
  if (bytes == null) return "unknown";
  const step = Math.min(4, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  return `${(bytes / 2 ** (10 * step)).toFixed(step > 1 ? 1 : 0)} ${["B", "KiB", "MiB", "GiB", "TiB"][step]}`;
};
const formatSeconds = (seconds) => {
  if (seconds == null) return "never";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
};
const choose = (value, whenTrue, whenFalse) => (value == null ? "unknown" : value ? whenTrue : whenFalse);

// Requests

// The address of a path, below this page: a proxy may put it under a path of its own.
const at = (path) => new URL(path.slice(1), document.baseURI).href;

async function request(path, options = {}) {
  const answer = await fetch(at(path), { headers: { "Content-Type": "application/json" }, ...options }).catch(() => {
    throw new Error("The player does not answer. Check the network and try again.");
  });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({ detail: `The player answers with status ${answer.status}.` }));
  throw Object.assign(new Error(problem.detail || problem.title), { status: answer.status });
}

async function sendCommand(path, document) {
  try {
    await request(path, { method: "POST", body: JSON.stringify(document) });
  } catch (error) {
    if (error.status !== 401) return toast(error.message);
    if (await logIn()) await sendCommand(path, document);
  }
}

function logIn() {
  const dialog = byId("login");
  byId("token").value = "";
  byId("login-problem").textContent = "";
  dialog.returnValue = "cancel";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = async () => {
      if (dialog.returnValue !== "go") return resolve(false);
      try {
        await request("/v1/session", { method: "POST", body: JSON.stringify({ token: byId("token").value.trim() }) });
        byId("log-out").hidden = false;
        resolve(true);
      } catch (error) {
        byId("login-problem").textContent = error.message;
        byId("token").value = "";
        dialog.returnValue = "cancel";
        dialog.showModal();
      }
    };
  });
}

let toastTimer = 0;
function toast(text) {
  byId("toast").textContent = text;
  byId("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { byId("toast").hidden = true; }, 6000);
}

// The documents `now` and `status`

function showFacts(id, rows) {
  byId(id).replaceChildren(...rows.flatMap(([name, value, warning]) => {
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    text.textContent = value;
    text.classList.toggle("warning", Boolean(warning));
    return [term, text];
  }));
}

function showNow(now) {
  const changed = !state.now || state.now.take !== now.take;
  state.now = now;
  const kinds = { item: "on air", ad: "on air · ad", fallback: "fallback picture", blank: "blank" };
  byId("kind").textContent = kinds[now.showing] ?? now.showing;
  byId("title").textContent = now.title || (now.showing === "blank" ? "Nothing, because of a command" : "Nothing to show");
  byId("why").textContent = [now.advertiser, now.playlist, now.why].filter(Boolean).join(" · ");
  byId("next").textContent = now.next.title || (now.next.readiness === "none" ? "not decided yet" : "untitled");
  showPictureFacts();
  if (changed) showPicture();
}

function showStatus(status) {
  state.status = status;
  state.offsetMs = Date.parse(status.at) - Date.now();
  document.title = `${status.name} · signage player`;
  byId("name").textContent = status.name;
  byId("identity").textContent = [status.device ?? "not paired", status.channel, `version ${status.version}`]
    .filter(Boolean).join(" · ");
  const count = status.problems.length;
  byId("trouble").classList.toggle("bad-news", count > 0);
  showState(count ? `${count} problem${count > 1 ? "s" : ""}` : "no problems", count ? "bad" : "good");
  byId("pairing").hidden = !status.pairing_code;
  byId("code").textContent = status.pairing_code ?? "";
  byId("origin").textContent = status.origin;
  showOverlays(status.overlays);
  showProblems(status.problems);
  showSync(status);
  showHealth(status);
  showPictureFacts();
}

// Facts of the take on air and of the decks. The rows are always the same, so that the page does not move.
function showPictureFacts() {
  const [now, decks] = [state.now, state.status?.decks];
  if (!now || !decks) return;
  const { decoder, fps, painted_fps: painted, frames_lost: lost } = now;
  const hardware = { true: "in hardware", false: "in software" }[decoder?.hardware] ?? "(hardware or software unknown)";
  const late = decks.last_cut_ms > 34;  // two frames at 60 Hz
  showFacts("picture-facts", [
    ["Shown for", now.position_ms == null ? "–" : formatSeconds(now.position_ms / 1000)],
    ["Frames per second", fps ? `${painted == null ? "–" : Math.round(painted)} of ${Math.round(fps)}` : "–", painted < 0.8 * fps],
    ["Frames lost", lost == null || !fps ? "–" : String(lost), fps && lost > 2],
    ["Decoder", decoder ? `${decoder.codec} ${hardware}` : "–"],
    ["Cuts", `${decks.cuts}${now.deck ? ` · deck ${now.deck}` : ""}`],
    ["Decks replaced", String(decks.restarts), decks.restarts > 2],
    ["Last cut", decks.last_cut_ms == null ? "–" : late ? `${Math.round(decks.last_cut_ms)} ms late` : "in time", late],
    ["Last load", decks.last_preroll_ms == null ? "–" : `${(decks.last_preroll_ms / 1000).toFixed(1)} s`],
  ]);
}

function showProblems(problems) {
  byId("problems").replaceChildren(...(problems.length ? problems : ["None."]).map((sentence) => {
    const item = document.createElement("li");
    item.textContent = sentence;
    item.className = problems.length ? "" : "none";
    return item;
  }));
}

// The overlays that should be over the picture, and whether they are.
function showOverlays(overlays) {
  byId("overlays").replaceChildren(...overlays.map(({ kind, text, place, shown }) => {
    const item = document.createElement("li");
    const where = place.includes("-") ? `${place.replace("-", " ")} corner` : `at the ${place}`;
    item.textContent = `${kind === "ticker" ? `Text ${where}: ${text}` : `Logo, ${where}`}${shown ? "" : " (not on the screen)"}`;
    item.className = shown ? "faint" : "warning";
    return item;
  }));
}

const untilText = (until) =>
  until ? ` until ${new Date(until).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", timeZone: state.status.zone })}` : "";

function limitText({ all_kbit_s, line_kbit_s, until }) {
  const limits = [[all_kbit_s, ""], [line_kbit_s, " over the line"]].filter(([rate]) => rate != null);
  const texts = limits.map(([rate, where]) => (rate ? `${rate} kbit/s${where}` : `no media${where}`));
  return (texts.join(", ") || "none") + untilText(until);
}

// What was sent and received this month, and its budget.
function monthText({ month, sent_bytes, received_bytes, stream_bytes, budget_bytes, spent, goes_on_at }) {
  const most = budget_bytes == null ? "" : ` of ${formatBytes(budget_bytes)}`;
  const streams = stream_bytes ? `, streams ${formatBytes(stream_bytes)}` : "";
  const until = goes_on_at ? ` until ${new Date(goes_on_at).toLocaleDateString([], { timeZone: state.status.zone })}` : "";
  return `${formatBytes(sent_bytes + received_bytes)}${most}${streams}${spent ? `: spent${until}` : ""} (${month})`;
}

const soundText = ({ volume, why, until }) => {
  const end = untilText(until);
  return why === "muted" ? "muted" : why ? `${why}${end}: ${volume} %` : `${volume} %`;
};

function showSync({ sync, traffic, outbox_depth, origin, health }) {
  const { coming } = sync;
  const outOfBudget = sync.waiting_for === "budget";
  byId("let-through").hidden = !outOfBudget;
  byId("fetching").hidden = !coming;
  byId("fetched").style.width = `${coming ? (100 * coming.bytes_done) / coming.bytes_to_do : 0}%`;
  showFacts("sync-facts", [
    ["State", outOfBudget ? "waiting: budget" : sync.state],
    ["Release", sync.sequence ? `${sync.sequence} (${(sync.release ?? "").slice(0, 8)})` : "none"],
    ["Confirmed", sync.age_s == null ? "never" : `${formatSeconds(sync.age_s)} ago`],
    ...sync.releases.filter(({ state }) => state !== "active").map((release) => [release.sequence ? "Coming" : "Refused", releaseText(release), release.why]),
    ...(coming ? [
      ["Fetched", `${formatBytes(coming.bytes_done)} of ${formatBytes(coming.bytes_to_do)}${rateText(sync.bytes_s)}`],
      ["Ready", coming.ready_at ? `at ${momentText(coming.ready_at)}` : "at a time not known yet", coming.late.length],
    ] : []),
    ...coming?.late.map(({ at, what }) => ["Late", `${what}, ${momentText(at)}`, true]) ?? [],
    ...(sync.limits ? [["Limit", limitText(sync.limits)]] : []),
    ["This month", monthText(traffic), traffic.spent],
    ...sync.sources.map((source) => [source.name === "origin" ? "From the origin" : "From a mirror", sourceText(source), source.problem]),
    ["Room", `${formatBytes(health.disk_free_bytes)} free, ${formatBytes(sync.reserve_bytes)} of them stay; ${formatBytes(sync.spare_bytes)} can go`],
    ["Trust", `${sync.trust && "refused: "}${sync.trust_text}`, sync.trust],
    ["Plays to deliver", String(outbox_depth)],
    ["Origin", origin],
  ]);
}

const releaseText = ({ sequence, state, why }) => (sequence ? `release ${sequence}, ${state}${why ? `: ${why}` : ""}` : why);
const rateText = (rate) => (rate ? `, ${formatBytes(rate)}/s` : "");
const sourceText = ({ name, url, received_bytes, bytes_s, errors, problem }) =>
  [name === "origin" ? "" : url, formatBytes(received_bytes) + rateText(bytes_s), errors ? `${errors} errors` : "", problem].filter(Boolean).join(" · ");

// A moment in the time of the venue, with its day unless that is today.
function momentText(iso) {
  const { at, zone } = state.status;
  const day = (when) => new Date(when).toLocaleDateString([], { weekday: "short", day: "numeric", month: "short", timeZone: zone });
  const time = new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", timeZone: zone });
  return day(iso) === day(at) ? time : `${time} on ${day(iso)}`;
}

function showHealth({ health, display, zone, sound }) {
  const temperature = health.temperature_c;
  showFacts("health-facts", [
    ["Processor", `${Math.round(health.cpu_percent)} % · load ${health.load_1m.toFixed(1)}`],
    ["Memory", `${Math.round(health.memory_percent)} % used`],
    ["Disk", `${formatBytes(health.disk_free_bytes)} free`],
    ["Temperature", temperature == null ? "unknown" : `${Math.round(temperature)} °C`],
    ["Power", health.undervoltage == null ? "unknown" : health.undervoltage ? "too weak" : "good"],
    ["Display", `${display.area.width}×${display.area.height} · ${choose(display.connected, "connected", "not connected")}`],
    ["Sound", soundText(sound), sound.why],
    ["Clock", `${health.clock === "synced" ? "synchronised" : "not synchronised"}${zone ? ` · ${zone}` : ""}`],
    ["Time since boot", formatSeconds(health.uptime_s)],
  ]);
}

function showState(text, kind) {
  byId("pill").textContent = text;
  byId("pill").className = `pill ${kind}`;
}

function tick() {
  const now = state.now;
  const time = Date.now() + state.offsetMs;
  const since = now?.since ? Date.parse(now.since) : null;
  const until = now?.until ? Date.parse(now.until) : null;
  const part = since && until > since ? Math.min(1, Math.max(0, (time - since) / (until - since))) : 0;
  byId("progress").style.width = `${100 * part}%`;
  const { readiness, since: ready } = now?.next ?? {};
  const waited = ready ? formatSeconds(Math.max(0, (time - Date.parse(ready)) / 1000)) : "";
  byId("ready").textContent = { ready: "loaded", loading: `loading for ${waited}` }[readiness] ?? "";
  byId("clock").textContent = until ? `${formatSeconds(Math.max(0, (until - time) / 1000))} left` : "";
}

// The picture of the display, only while the page is visible. It is fetched, not linked: after a failure the old one stays.

let loadingPicture = false;
async function showPicture() {
  if (loadingPicture || document.hidden) return;
  loadingPicture = true;
  try {
    const width = Math.min(1920, Math.ceil(byId("picture").clientWidth * devicePixelRatio) || 960);
    const known = state.picture ? { "If-None-Match": state.picture.tag } : {};
    const answer = await fetch(at(`/v1/screenshot.jpg?width=${width}`), { headers: known });
    if (answer.status === 200) await replacePicture(answer);
    byId("picture-age").textContent = answer.ok || answer.status === 304 ? "" : answer.status === 401 ? "log in to see the screen" : "no picture";
  } catch {
    byId("picture-age").textContent = "no picture";
  } finally {
    loadingPicture = false;
  }
}

async function replacePicture(answer) {
  const old = state.picture;
  state.picture = { url: URL.createObjectURL(await answer.blob()), tag: answer.headers.get("ETag") };
  byId("picture").src = state.picture.url;
  if (old) URL.revokeObjectURL(old.url);
}

// The WebSocket; it connects again by itself

let retryMs = 500;
function listen() {
  const socket = new WebSocket(at("/v1/live").replace(/^http/, "ws"));
  const show = { now: showNow, status: showStatus };
  socket.onmessage = ({ data }) => {
    retryMs = 500;
    const { topic, document } = JSON.parse(data);
    show[topic]?.(document);
  };
  socket.onclose = async () => {
    showState("not connected", "bad");
    const refused = await request("/v1/now").then(() => false, (error) => error.status === 401);
    const loggedIn = refused && !byId("login").open && (await logIn());
    setTimeout(listen, loggedIn ? 0 : retryMs);
    retryMs = Math.min(10000, retryMs * 2);
  };
}

for (const button of document.querySelectorAll("[data-command]")) {
  button.onclick = () => sendCommand("/v1/commands", { do: button.dataset.command });
}
byId("sync").onclick = () => sendCommand("/v1/sync", {});
byId("let-through").onclick = () => sendCommand("/v1/let-through", { release: state.status.sync.preparing });
byId("log-out").onclick = async () => {
  await request("/v1/session", { method: "DELETE" });
  byId("log-out").hidden = true;
};
document.addEventListener("visibilitychange", showPicture);
setInterval(showPicture, 1000);
setInterval(tick, 250);
listen();
