"""An origin of its own process, as an installer runs it, and how tests talk to it beside the page."""

import asyncio
import base64
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from aiohttp import ClientSession

from sync.trust.signing import pairing_code
from sync.wire.release import Envelope


@dataclass
class Site:
    """A listening origin and its first key; `stop` and `start` keep its address; `settings` are variables."""

    folder: Path
    url: str = ""
    token: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        port = self.url.rpartition(":")[2] or "0"
        program = (sys.executable, "-m", "sync.origin.app.start")
        command = (*program, "serve", "--data-dir", str(self.folder), "--port", port)
        normal = {
            **os.environ,
            "SIGNAGE_ORIGIN__PIPELINE__PRIORITY": "normal",
            **self.settings,
        }  # other tests leave nothing to the idle
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=normal)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1]
        self.token = self.token or self._process.stdout.readline().split()[-1]

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.communicate(timeout=60)
            self._process = None

    @property
    def process(self) -> int:
        """The id of its process."""
        assert self._process is not None
        return self._process.pid

    def key(self, name: str) -> str:
        """Make a read-only key, on the command line beside the serving origin."""
        command = (sys.executable, "-m", "sync.origin.app.start", "keys", "add", name, "--json", "--data-dir")
        done = subprocess.run((*command, str(self.folder)), check=True, capture_output=True, text=True)
        return str(json.loads(done.stdout)["token"])

    def ask(self, method: str, path: str, body: object = None, token: str | None = None, **headers: str) -> Any:
        """Ask over the API as another client would; raises on any error."""
        data = None if body is None else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {token or self.token}", **headers}
        with urlopen(Request(self.url + path, data, sent, method=method), timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def log_in(self) -> tuple[str, str]:
        """Begin a session; return its cookie's name and value."""
        body = json.dumps({"token": self.token}).encode()
        with urlopen(Request(f"{self.url}/v1/session", body), timeout=60) as answer:
            name, _, value = str(answer.headers["Set-Cookie"]).partition(";")[0].partition("=")
        return name, value

    def send(self, path: Path, name: str) -> str:
        """Send a file whole; return the id of the media it becomes."""
        raw, encoded = path.read_bytes(), base64.b64encode(name.encode()).decode()
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(len(raw)),
            "Upload-Metadata": f"filename {encoded}",
            "Content-Type": "application/offset+octet-stream",
        }
        with urlopen(Request(f"{self.url}/v1/uploads", raw, headers), timeout=60) as answer:
            return str(answer.headers["Signage-Media"])

    def wait_to_pair(self, name: str) -> "Visitor":
        """Have a device ask to be let in; it shows its code from now on."""
        secret = secrets.token_hex(32)
        asked = self.ask("POST", "/v1/pairings", {"name": name, "secret": secret})
        return Visitor(self, asked["pairing"], secret, pairing_code(Envelope.model_validate(asked["root"]), secret))


@dataclass
class Visitor:
    """A device that waits, and what it does once it is let in."""

    site: Site
    pairing: str
    secret: str
    code: str

    @cached_property
    def token(self) -> str:
        """Its token, which it fetches once it is let in."""
        return str(self.site.ask("GET", f"/v1/pairings/{self.pairing}", token=self.secret)["token"])

    def show(self, *titles: str) -> None:
        """Say over its live connection what it shows, one after the other."""

        async def say() -> None:
            headers = {"Authorization": f"Bearer {self.token}"}
            async with (
                ClientSession(headers=headers) as session,
                session.ws_connect(f"{self.site.url}/v1/live") as live,
            ):
                for title in titles:
                    await live.send_json({"topic": "on_air", "on_air": {"title": title, "kind": "item"}})
                await live.ping()

        with ThreadPoolExecutor(1) as pool:  # in the thread of a test that drives Playwright a loop runs already
            pool.submit(lambda: asyncio.run(say())).result()

    def beat(self, title: str, **facts: object) -> None:
        """Send one heartbeat."""
        now = datetime.now(UTC).isoformat()
        pulse = {"at": now, "version": "1.2.3", "on_air": {"title": title, "kind": "item"}, **facts}
        self.site.ask("POST", "/v1/heartbeats", pulse, self.token)
