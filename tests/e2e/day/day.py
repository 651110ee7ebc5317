"""A day of a site in a minute: two dayparts with ads, a clock that can be set, plays that are signed every few seconds.

Origin, player, decks and X server are the real ones. Of the player two things are set: its wall clock, and how long an
hour of signing is.
"""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sync.runtime.clock import SystemClock
from tests.display import Xvfb
from tests.e2e.day.agreement import Play
from tests.e2e.day.witness import Sight, witnessing
from tests.e2e.site import BIN, Site, picture, until, video

_PLAYER = """
import os, sys
from datetime import timedelta
from pathlib import Path
sys.executable = os.environ["DAY_PYTHON"]
from player.proof import log_signer
from sync.runtime import clock
log_signer.LOOK_EVERY_S, log_signer.SIGN_EVERY_S = 1.0, 3.0
clock._BOOT_ID = Path(os.environ["DAY_BOOT_ID"])
set_by, now = Path(os.environ["DAY_CLOCK"]), clock.SystemClock.now
clock.SystemClock.trust = lambda self: clock.ClockTrust.SYNCED
clock.SystemClock.now = lambda self: now(self) + timedelta(seconds=float(set_by.read_text()))
from player.app.cli import main
main()
"""

_PLAN = """
name = "{name}"
zone = "UTC"
duration_ms = {ms}
items = [{items}]

[[dayparts]]
name = "{name}"
start = "{start}"
end = "{end}"
"""

_ADS = """
[[ads]]
name = "yellow half"
advertiser = "Yellow"
share_ppm = 500_000
creatives = [{ file = "yellow.mp4" }]

[[ads]]
name = "magenta half"
advertiser = "Magenta"
share_ppm = 500_000
creatives = [{ file = "magenta.png" }]
"""

_MORNING, _EVENING, _ADS_OF = ("red.mp4", "lime.png"), ("cyan.mp4", "white.png"), ("yellow.mp4", "magenta.png")
_LONG_S = 2.0
_MORNING_S = 3_600.0
_TRIES = 30


@dataclass(frozen=True, slots=True)
class Disturbed:
    """A disturbance, and from when to when its consequences were there, in seconds of the clock that nobody sets."""

    what: str
    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """The plays of an export, what the verifier says of it, the report by line, and the plays that are not counted."""

    plays: list[Play]
    verified: dict[str, Any]
    report: dict[str, Any]
    set_aside: list[Play]


class Day:
    """A site whose day can be disturbed. Made by `running_day`."""

    def __init__(self, folder: Path, server: Xvfb) -> None:
        self.server = server
        self.site = Site(folder, server.name)
        self.disturbed: list[Disturbed] = []
        self.clock = SystemClock()
        self.ahead_s: list[float] = []  # by so much the player's wall clock was ahead, one after the other
        self.python = folder / "python"
        self._ahead, self._boot_id = folder / "ahead", folder / "boot_id"
        self.site.extra = {
            "SIGNAGE_PLAYER__PLAYBACK__FALLBACK": str(folder / "fallback.png"),
            "SIGNAGE_PLAYER__STORAGE__RESERVE_BYTES": "1000000",  # its disk may be small
            "DAY_PYTHON": str(self.python),
            "DAY_CLOCK": str(self._ahead),
            "DAY_BOOT_ID": str(self._boot_id),
        }
        self.site.programs["player"] = (sys.executable, "-c", _PLAYER)

    # ── what a day needs ───────────────────────────────────────────────────────────────────────────────────────────

    def prepare(self) -> None:
        """Make media and plans, and publish them: the evening begins at a full minute."""
        folder = self.site.folder
        picture(folder / "fallback.png", "#404040")
        self.python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        self.python.chmod(0o755)
        self.boot_anew("0" * 31 + "1")
        evening = self._evening = (self.clock.now() + timedelta(seconds=_MORNING_S + 180)).replace(
            second=0, microsecond=0
        )
        other = evening + timedelta(hours=12)
        self._publish("morning", _MORNING, other, evening, _ADS)
        self._publish("evening", _EVENING, evening, other, "")

    def _publish(self, name: str, files: tuple[str, ...], start: datetime, end: datetime, ads: str) -> None:
        folder = self.site.folder / name
        folder.mkdir()
        for file in (*files, *(_ADS_OF if ads else ())):
            if file.endswith(".mp4"):
                video(folder / file, Path(file).stem, seconds=_LONG_S)
            else:
                picture(folder / file, Path(file).stem)
        items = ", ".join(f'{{ file = "{file}" }}' for file in files)
        times = {"start": f"{start:%H:%M}", "end": f"{end:%H:%M}", "ms": round(_LONG_S * 1000)}
        (folder / "playlist.toml").write_text(_PLAN.format(name=name, items=items, **times) + ads)
        self.site.command("signage-origin", "publish", str(folder), "--channel", "main")

    def begin(self) -> None:
        """Start origin and player, an hour before the evening."""
        self.site.start("origin")
        self.set_clock((self._evening - self.clock.now()).total_seconds() - _MORNING_S)
        self.site.start("player")

    # ── what can be done to it ─────────────────────────────────────────────────────────────────────────────────────

    def set_clock(self, ahead_s: float) -> None:
        """Set the player's wall clock so much ahead of this machine's."""
        self.ahead_s.append(ahead_s)
        new = self._ahead.with_suffix(".new")
        new.write_text(str(ahead_s))
        new.rename(self._ahead)

    def until_evening_s(self) -> float:
        """Return how many seconds of the player's wall clock it is until the evening begins."""
        return (self._evening - self.now()).total_seconds()

    def boot_anew(self, boot_id: str) -> None:
        """Have the player's next start be in another start of the machine."""
        self._boot_id.write_text(boot_id)

    def now(self) -> datetime:
        """Return the player's wall clock."""
        return self.clock.now() + timedelta(seconds=self.ahead_s[-1])

    def order(self, **command: Any) -> None:
        """Give the screen an operator's order."""
        site = self.site
        token = (site.folder / "player" / "state" / "endpoint_token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{site.ports['player']}/v1/commands", json.dumps(command).encode(), headers
        )
        urllib.request.urlopen(request, timeout=60).close()

    def decks(self) -> dict[str, Any]:
        """Return the state of the decks."""
        found: dict[str, Any] = self.site.ask("player", "/v1/status")["decks"]
        return found

    def plays_with_both_decks(self) -> bool:
        """Tell whether an item is on, and another deck stands by."""
        return all(self.decks()["pids"]) and (self.site.now()["remaining_ms"] or 0) > 0

    # ── what came of it ────────────────────────────────────────────────────────────────────────────────────────────

    def end(self) -> Evidence:
        """Have the screen stop, and return what the origin proves of the day once all of it is signed."""
        self.order(do="stop", for_ms=3_600_000)
        until(lambda: self.site.now()["showing"] not in ("item", "ad"), "the screen stopped")
        self.set_clock(max(self.ahead_s))  # the period ends after all plays, also if the clock was set back
        ends_at, site = self.now() + timedelta(seconds=1), self.site
        (device,) = site.ask("origin", "/v1/devices")["devices"]
        root = json.loads(site.command("signage-origin", "trust", "show", "--json"))["fingerprint"]
        begins_at = ends_at - timedelta(days=2)
        period = ("--from", begins_at.isoformat(), "--until", ends_at.isoformat())
        file, verified = site.folder / "export.jsonl", dict[str, Any]()
        for _ in range(_TRIES):
            file.unlink(missing_ok=True)
            site.command("signage-origin", "plays", "export", str(file), "--device", device["id"], *period)
            verify = (BIN / "signage-origin", "verify", file, "--root", root, "--json")
            verified = json.loads(subprocess.run(verify, capture_output=True, check=False).stdout)
            if verified["verdict"] != "incomplete":
                break
            self.clock.wait(1.0)
        days = ("--first-day", str(begins_at.date()), "--last-day", str(ends_at.date()))
        report = json.loads(site.command("signage-origin", "report", "line", *days, "--json"))
        records = [json.loads(line) for line in file.read_text().splitlines()]
        plays = [each["play"] for each in records if each["record"] == "play"]
        return Evidence(plays, verified, report, site.ask("origin", "/v1/plays?set_aside=true")["plays"])


@contextmanager
def running_day(folder: Path) -> Iterator[tuple[Day, Sight]]:
    """Give a day that begins, on a display of its own, and what a witness sees of it from the first picture on."""
    with Xvfb() as server:
        day = Day(folder, server)
        try:
            day.prepare()
            with witnessing(server.name) as sight:
                day.begin()
                yield day, sight
        finally:
            day.site.close()
