// Logs in, lists devices and lets new ones in; hints over the WebSocket say when to look again.

const $ = (id) => document.getElementById(id);

async function ask(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
  });
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const problem = await answer.json();
  throw Object.assign(new Error(problem.detail), { status: answer.status });
}

function tell(error) {
  $("problem").textContent = error ? error.message : "";
  $("problem").hidden = !error;
}

function attempt(work) {
  return async (event) => {
    event?.preventDefault();
    try {
      tell(null);
      await work(event);
    } catch (error) {
      if (error.status === 401) outside();
      tell(error);
    }
  };
}

function outside() {
  $("inside").hidden = $("log-out").hidden = true;
  $("log-in").hidden = false;
}

function row(device) {
  const line = document.createElement("tr");
  const onAir = device.heartbeat?.on_air?.title ?? "–";
  const release = `${device.sequence ?? "–"} of ${device.channel_sequence}`;
  const seen = device.seen_age_s === null ? "never" : `${Math.round(device.seen_age_s)} s ago`;
  for (const text of [device.name, device.channel, onAir, release, seen]) {
    line.insertCell().textContent = text;
  }
  return line;
}

const show = attempt(async () => {
  const { devices } = await ask("GET", "/v1/devices");
  $("devices").replaceChildren(...devices.map(row));
  $("none").hidden = devices.length > 0;
});

function listen() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/live`);
  socket.onmessage = (message) => {
    if (["devices", "release"].includes(JSON.parse(message.data).topic)) show();
  };
  socket.onclose = () => setTimeout(() => !$("inside").hidden && listen(), 3000);
}

const inside = async () => {
  await ask("GET", "/v1/session");
  $("log-in").hidden = true;
  $("inside").hidden = $("log-out").hidden = false;
  await show();
  listen();
};

$("log-in").onsubmit = attempt(async () => {
  await ask("POST", "/v1/session", { token: $("token").value });
  $("token").value = "";
  await inside();
});
$("log-out").onclick = attempt(async () => {
  await ask("DELETE", "/v1/session");
  outside();
});
$("pair").onsubmit = attempt(async () => {
  await ask("POST", "/v1/devices", { code: $("code").value, channel: $("channel").value });
  $("code").value = "";
  await show();
});

inside().catch((error) => (error.status === 401 ? outside() : tell(error)));
