// The device page: listens to /v1/live, shows the picture each second while it is looked at, sends orders.

const at = (id) => document.getElementById(id);
const state = { now: null, status: null, offsetMs: 0, picture: null };

// Numbers, in words

const size = (bytes) => {
  if (bytes == null) return "unknown";
  const step = Math.min(4, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  return `${(bytes / 2 ** (10 * step)).toFixed(step > 1 ? 1 : 0)} ${["B", "KiB", "MiB", "GiB", "TiB"][step]}`;
};
const span = (seconds) => {
  if (seconds == null) return "never";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
};
const yes = (value, good, bad) => (value == null ? "unknown" : value ? good : bad);

// Talking to the device

async function ask(path, options = {}) {
  const answer = await fetch(path, { headers: { "Content-Type": "application/json" }, ...options });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({ detail: answer.statusText }));
  throw Object.assign(new Error(problem.detail || problem.title), { status: answer.status });
}

async function order(path, document) {
  try {
    await ask(path, { method: "POST", body: JSON.stringify(document) });
  } catch (error) {
    if (error.status !== 401) return toast(error.message);
    if (await logIn()) await order(path, document);
  }
}

function logIn() {
  const dialog = at("login");
  at("token").value = "";
  at("login-problem").textContent = "";
  dialog.returnValue = "cancel";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = async () => {
      if (dialog.returnValue !== "go") return resolve(false);
      try {
        await ask("/v1/session", { method: "POST", body: JSON.stringify({ token: at("token").value.trim() }) });
        at("log-out").hidden = false;
        resolve(true);
      } catch (error) {
        at("login-problem").textContent = error.message;
        at("token").value = "";
        dialog.returnValue = "cancel";
        dialog.showModal();
      }
    };
  });
}

let toasting = 0;
function toast(text) {
  at("toast").textContent = text;
  at("toast").hidden = false;
  clearTimeout(toasting);
  toasting = setTimeout(() => { at("toast").hidden = true; }, 6000);
}

// What is shown

function facts(id, rows) {
  at(id).replaceChildren(...rows.flatMap(([name, value, doubtful]) => {
    const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
    dt.textContent = name;
    dd.textContent = value;
    dd.classList.toggle("doubtful", Boolean(doubtful));
    return [dt, dd];
  }));
}

function showNow(now) {
  const changed = !state.now || state.now.take !== now.take;
  state.now = now;
  const kinds = { item: "on air", ad: "on air · ad", fallback: "fallback picture", blank: "blank on purpose" };
  at("kind").textContent = kinds[now.showing] ?? now.showing;
  at("title").textContent = now.title || (now.showing === "blank" ? "Nothing, on purpose" : "Nothing to show");
  at("why").textContent = [now.advertiser, now.playlist, now.why].filter(Boolean).join(" · ");
  at("next").textContent = now.next.title || (now.next.readiness === "none" ? "being chosen" : "untitled");
  showPictureFacts();
  if (changed) showPicture();
}

function showStatus(status) {
  state.status = status;
  state.offsetMs = Date.parse(status.at) - Date.now();
  document.title = `${status.name} · signage player`;
  at("name").textContent = status.name;
  at("identity").textContent = [status.device ?? "not paired", status.channel, `version ${status.version}`]
    .filter(Boolean).join(" · ");
  const count = status.problems.length;
  at("trouble").classList.toggle("bad-news", count > 0);
  pill(count ? `${count} problem${count > 1 ? "s" : ""}` : "all is well", count ? "bad" : "good");
  at("pairing").hidden = !status.pairing_code;
  at("code").textContent = status.pairing_code ?? "";
  at("origin").textContent = status.origin;
  showFront(status.overlays);
  showProblems(status.problems);
  showSync(status);
  showHealth(status);
  showPictureFacts();
}

// Of the take on air: does it move, at what cost, and was the cut in time? Always the same rows: nothing jumps.
function showPictureFacts() {
  const [now, decks] = [state.now, state.status?.decks];
  if (!now || !decks) return;
  const { decoder, fps, painted_fps: painted, frames_lost: lost } = now;
  const hardware = { true: "in hardware", false: "in software" }[decoder?.hardware] ?? "unknown how";
  const late = decks.last_cut_ms > 34;  // two frames of a display
  facts("picture-facts", [
    ["Shown for", now.position_ms == null ? "–" : span(now.position_ms / 1000)],
    ["Frames a second", fps ? `${painted == null ? "–" : Math.round(painted)} of ${Math.round(fps)}` : "–", painted < 0.8 * fps],
    ["Frames lost", lost == null || !fps ? "–" : String(lost), fps && lost > 2],
    ["Decoder", decoder ? `${decoder.codec} ${hardware}` : "–"],
    ["Cuts", `${decks.cuts}${now.deck ? ` · deck ${now.deck}` : ""}`],
    ["Decks replaced", String(decks.restarts), decks.restarts > 2],
    ["Last cut", decks.last_cut_ms == null ? "–" : late ? `${Math.round(decks.last_cut_ms)} ms late` : "in time", late],
    ["Last load", decks.last_preroll_ms == null ? "–" : `${(decks.last_preroll_ms / 1000).toFixed(1)} s`],
  ]);
}

function showProblems(problems) {
  at("problems").replaceChildren(...(problems.length ? problems : ["None."]).map((sentence) => {
    const item = document.createElement("li");
    item.textContent = sentence;
    item.className = problems.length ? "" : "none";
    return item;
  }));
}

// What should stand over the picture, and whether it does.
function showFront(overlays) {
  at("front").replaceChildren(...overlays.map(({ kind, text, place, shown }) => {
    const item = document.createElement("li");
    const where = place.includes("-") ? `${place.replace("-", " ")} corner` : `at the ${place}`;
    item.textContent = `${kind === "ticker" ? `Text ${where}: ${text}` : `Logo, ${where}`}${shown ? "" : " (not on the screen)"}`;
    item.className = shown ? "faint" : "doubtful";
    return item;
  }));
}

const quietly = ({ volume, why, until }) => {
  const end = until ? ` until ${new Date(until).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", timeZone: state.status.zone })}` : "";
  return why === "muted" ? "muted" : why ? `${why}${end}: ${volume} %` : `${volume} %`;
};

function showSync({ sync, outbox_depth, origin }) {
  const fetching = sync.bytes_to_do > sync.bytes_done;
  at("fetching").hidden = !fetching;
  at("fetched").style.width = `${fetching ? (100 * sync.bytes_done) / sync.bytes_to_do : 0}%`;
  facts("sync-facts", [
    ["State", sync.state],
    ["Release", sync.sequence ? `${sync.sequence} (${(sync.release ?? "").slice(0, 8)})` : "none"],
    ["Confirmed", sync.age_s == null ? "never" : `${span(sync.age_s)} ago`],
    ...(fetching ? [["Fetched", `${size(sync.bytes_done)} of ${size(sync.bytes_to_do)}`]] : []),
    ["Plays to deliver", String(outbox_depth)],
    ["Origin", origin],
  ]);
}

function showHealth({ health, display, zone, sound }) {
  const temperature = health.temperature_c;
  facts("health-facts", [
    ["Processor", `${Math.round(health.cpu_percent)} % · load ${health.load_1m.toFixed(1)}`],
    ["Memory", `${Math.round(health.memory_percent)} % used`],
    ["Disk", `${size(health.disk_free_bytes)} free`],
    ["Temperature", temperature == null ? "unknown" : `${Math.round(temperature)} °C`],
    ["Power", health.undervoltage == null ? "unknown" : health.undervoltage ? "too weak" : "good"],
    ["Display", `${display.area.width}×${display.area.height} · ${yes(display.connected, "connected", "not connected")}`],
    ["Sound", quietly(sound), sound.why],
    ["Clock", `${health.clock === "synced" ? "synchronised" : "not vouched for"}${zone ? ` · ${zone}` : ""}`],
    ["Up", span(health.uptime_s)],
  ]);
}

function pill(text, kind) {
  at("pill").textContent = text;
  at("pill").className = `pill ${kind}`;
}

function tick() {
  const now = state.now;
  const moment = Date.now() + state.offsetMs;
  const since = now?.since ? Date.parse(now.since) : null;
  const until = now?.until ? Date.parse(now.until) : null;
  const part = since && until > since ? Math.min(1, Math.max(0, (moment - since) / (until - since))) : 0;
  at("progress").style.width = `${100 * part}%`;
  const { readiness, since: ready } = now?.next ?? {};
  const waited = ready ? span(Math.max(0, (moment - Date.parse(ready)) / 1000)) : "";
  at("ready").textContent = { ready: "stands ready", loading: `loading for ${waited}` }[readiness] ?? "";
  at("clock").textContent = until ? `${span(Math.max(0, (until - moment) / 1000))} left` : "";
}

// The live picture: only while somebody looks; fetched, not linked, so that a failure is told and an old picture stays.

let asking = false;
async function showPicture() {
  if (asking || document.hidden) return;
  asking = true;
  try {
    const width = Math.min(1920, Math.ceil(at("picture").clientWidth * devicePixelRatio) || 960);
    const known = state.picture ? { "If-None-Match": state.picture.tag } : {};
    const answer = await fetch(`/v1/screenshot.jpg?width=${width}`, { headers: known });
    if (answer.status === 200) await putPicture(answer);
    at("picture-age").textContent = answer.ok || answer.status === 304 ? "" : answer.status === 401 ? "log in to see the screen" : "no picture";
  } catch {
    at("picture-age").textContent = "no picture";
  } finally {
    asking = false;
  }
}

async function putPicture(answer) {
  const old = state.picture;
  state.picture = { url: URL.createObjectURL(await answer.blob()), tag: answer.headers.get("ETag") };
  at("picture").src = state.picture.url;
  if (old) URL.revokeObjectURL(old.url);
}

// The live channel; it comes back by itself

let wait = 500;
function listen() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/live`);
  const show = { now: showNow, status: showStatus };
  socket.onmessage = ({ data }) => {
    wait = 500;
    const { topic, document } = JSON.parse(data);
    show[topic]?.(document);
  };
  socket.onclose = async () => {
    pill("not connected", "bad");
    const refused = await ask("/v1/now").then(() => false, (error) => error.status === 401);
    const entered = refused && !at("login").open && (await logIn());
    setTimeout(listen, entered ? 0 : wait);
    wait = Math.min(10000, wait * 2);
  };
}

for (const button of document.querySelectorAll("[data-order]")) {
  button.onclick = () => order("/v1/commands", { do: button.dataset.order });
}
at("sync").onclick = () => order("/v1/sync", {});
at("log-out").onclick = async () => {
  await ask("/v1/session", { method: "DELETE" });
  at("log-out").hidden = true;
};
document.addEventListener("visibilitychange", showPicture);
setInterval(showPicture, 1000);
setInterval(tick, 250);
listen();
