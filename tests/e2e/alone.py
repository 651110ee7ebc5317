"""A player with no origin beside it, that holds its content; and what can be asked of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from sync.runtime.clock import SystemClock
from sync.wire.release import MediaKind
from tests.e2e.holding import Held, hold
from tests.e2e.site import Site, until
from tests.player.pixels import BLUE, GREEN, RED, ScreenRecording

CONTENT = (RED, GREEN, BLUE)


@contextmanager
def alone(folder: Path, media: Path, display: str) -> Iterator[Site]:
    site = Site(folder, display, extra={"SIGNAGE_PLAYER__PLAYBACK__FALLBACK": str(media / "yellow.png")})
    hold(state(site), *good(media))
    try:
        yield site
    finally:
        site.close()


def good(media: Path) -> tuple[Held, ...]:
    still = Held("green", (media / "green.png").read_bytes(), MediaKind.PICTURE, duration_ms=800)
    red, blue = ((media / f"{name}.mp4").read_bytes() for name in ("red", "blue"))
    return Held("red", red, length_ms=1000), still, Held("blue", blue, length_ms=1000)


def state(site: Site) -> Path:
    return site.folder / "player"


def plays(site: Site) -> list[dict[str, Any]]:
    """Return the plays on the device, oldest first."""
    return list(reversed(site.ask("player", "/v1/plays?limit=500")["plays"]))


def problems(site: Site) -> str:
    return "\n".join(site.ask("player", "/v1/status")["problems"])


def on_air(site: Site) -> bool:
    return bool(site.now()["showing"] == "item")


def wait_for_play(site: Site) -> None:
    """Start the player unless it runs, and wait until both decks run, an item is on air and plays are recorded."""
    if (process := site.processes.get("player")) is None or process.poll() is not None:
        site.start("player")
    until(lambda: on_air(site) and len(decks(site)) == 2 and len(plays(site)) >= 2, "it plays")


def decks(site: Site) -> list[int]:
    return [pid for pid in site.ask("player", "/v1/status")["decks"]["pids"] if pid]


def wait_for_cut(site: Site, chance: Random) -> None:
    """Wait for a moment within a tenth of a second of the end of what is on air."""
    until(lambda: 300 < (site.now()["remaining_ms"] or 0) < 1200, "an end is near")
    SystemClock().wait(site.now()["remaining_ms"] / 1000 + chance.uniform(-0.12, 0.1))


def longest_s(sight: ScreenRecording) -> float:
    """Return how long the screen stood still at most."""
    return max(until_s - since_s for _, since_s, until_s in sight.runs())


def three_cuts(sight: ScreenRecording) -> None:
    so_far = len(sight.runs())
    until(lambda: len(sight.runs()) >= so_far + 3, "three more cuts")
