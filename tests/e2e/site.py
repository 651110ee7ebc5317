"""A whole site as it is installed: the commands people run, on a display of its own, looked at from outside."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from sync.runtime.clock import SystemClock

BIN = Path(sys.executable).parent
ENROLMENT = "e2e-enrolment-key"

Colour = tuple[int, int, int]


def until(condition: Callable[[], bool], what: str, within_s: float = 120.0) -> None:
    """Block until a condition of the world holds; fail, saying what was waited for, when it does not come."""
    clock = SystemClock()
    by_s = clock.monotonic() + within_s
    while not condition():
        assert clock.monotonic() < by_s, f"not within {within_s} s: {what}"
        clock.wait(0.2)


def video(path: Path, colour: str, *, size: str = "320x180", rate: int = 10, seconds: float = 1.2) -> None:
    source = f"color={colour}:s={size}:r={rate}:d={seconds}"
    codec = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, *codec, str(path)], check=True)


def picture(path: Path, colour: str) -> None:
    Image.new("RGB", (640, 360), colour).save(path)


@dataclass
class Site:
    """An origin and a player with their folders; each can be started, stopped and killed."""

    folder: Path
    display: str
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)  # environment of the player
    options: tuple[str, ...] = ()  # of the player's command line
    programs: dict[str, tuple[str, ...]] = field(default_factory=dict)  # run instead of the installed ones

    # ── commands ───────────────────────────────────────────────────────────────────────────────────────────────────

    def environment(self) -> dict[str, str]:
        mine = {
            "DISPLAY": self.display,
            "SIGNAGE_ORIGIN__STORAGE__DATA_DIR": str(self.folder / "origin"),
            "SIGNAGE_ORIGIN__SERVER__PORT": str(self.ports.get("origin", 0)),
            "SIGNAGE_ORIGIN__PUBLISH__ENROLMENT_KEY": ENROLMENT,
            "SIGNAGE_ORIGIN__PIPELINE__PRIORITY": "normal",  # the other tests leave nothing to the idle
            "SIGNAGE_PLAYER__STORAGE__STATE_DIR": str(self.folder / "player"),
            "SIGNAGE_PLAYER__ORIGIN__URL": f"http://127.0.0.1:{self.ports.get('origin', 1)}",
            "SIGNAGE_PLAYER__ORIGIN__ENROLMENT_KEY": ENROLMENT,
            "SIGNAGE_PLAYER__ORIGIN__POLL_S": "1",
            "SIGNAGE_PLAYER__ORIGIN__PLAYS_S": "0",
            "SIGNAGE_PLAYER__ENDPOINT__PORT": str(self.ports.get("player", 0)),
        }
        return {**os.environ, **mine, **self.extra}

    def command(self, *words: str) -> str:
        """Run one of our commands to its end and return what it prints."""
        ran = subprocess.run(self._line(*words), env=self.environment(), capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def _line(self, program: str, *rest: str) -> list[str]:
        return [*self.programs.get(program.removeprefix("signage-"), (str(BIN / program),)), *rest]

    def publish(self) -> None:
        """Publish the media folder as it is now."""
        self.command("signage-origin", "publish", str(self.folder / "media"), "--channel", "main")

    def start(self, what: str) -> None:
        """Start `origin` or `player` and wait until it answers; it keeps its port over restarts."""
        began = self._spawn(what)
        until(lambda: self._find_port(what, began) is not None, f"{what} listens: {self.log(what)}")
        port = self._find_port(what, began)
        assert port is not None
        self.ports[what] = port

    def _spawn(self, what: str) -> int:
        """Start a process; return where in its log its words begin."""
        words = {"origin": ("signage-origin", "serve"), "player": ("signage-player", "run", *self.options)}[what]
        with self.log(what).open("ab") as log:
            self.processes[what] = subprocess.Popen(self._line(*words), env=self.environment(), stdout=log, stderr=log)
            return log.tell()

    def _find_port(self, what: str, began: int) -> int | None:
        assert self.processes[what].poll() is None, self.log(what).read_text()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", self.log(what).read_bytes()[began:].decode())
        return int(found.group(1)) if found else None

    def stop(self, what: str, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal a process and wait for its end; return its code."""
        process = self.processes.pop(what)
        process.send_signal(number)
        return process.wait(60)

    def close(self) -> None:
        for what in tuple(self.processes):
            self.stop(what)

    def log(self, what: str) -> Path:
        return self.folder / f"{what}.log"

    # ── what can be asked ──────────────────────────────────────────────────────────────────────────────────────────

    def ask(self, what: str, path: str) -> Any:
        """GET a JSON document of the origin or the player."""
        headers = {"Authorization": f"Bearer {self.key()}"} if what == "origin" else {}
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports[what]}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def key(self) -> str:
        """Return the key to everything, which the origin prints at its first start."""
        (line,) = [line for line in self.log("origin").read_text().splitlines() if line.startswith("first key")]
        return line.split()[-1]

    def plays(self) -> list[dict[str, Any]]:
        """Return the plays the origin has, oldest first."""
        return list(reversed(self.ask("origin", "/v1/plays?limit=1000")["plays"]))

    def complete(self) -> list[dict[str, Any]]:
        """Return the plays the origin has that showed all of their item."""
        return [play for play in self.plays() if play["outcome"] == "complete"]

    def now(self) -> dict[str, Any]:
        """Return what the player says it shows."""
        answer: dict[str, Any] = self.ask("player", "/v1/now")
        return answer
