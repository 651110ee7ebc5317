"""fuzz: ruined media before real decks: what is played, refused, what kills or hangs a deck, and what it costs.

Two stages share a display, left and right. Each has a good picture on air and has ruined files prerolled one after the
other; what loads is shown for a moment, then the picture again. Over the picture no look may be black, and each deck
that is lost must be followed by another. Loading gets 3 s instead of 8. What killed or hung a deck is kept, named after
its seed, in `var/bench/fuzz`. A file of the same number and seed is always the same.
"""

import asyncio
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glass import Glass
from mutation import FORMATS, Format, mutated, originals

from player.screen import Area, Shot
from player.stage import Stage, open_stage
from sync import DeckLost, MediaUnplayable
from sync.clock import SystemClock
from sync.release import MediaKind

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import SIZE, virtual_display

SEED = 1
_STAGES = 2
_SHOWN_MS = 300
_GOOD_WITHIN_S = 30.0
_KEPT = Path(__file__).parent.parent.parent / "var" / "bench" / "fuzz"
_LOOK_EVERY_S = 0.02
_DARK = 12
_HASTY = "import player.deck.loading as l, player.deck.__main__ as m; l.LOAD_WITHIN_S = 3.0; m.os._exit(m.main())"
_PROGRAM = (sys.executable, "-c", _HASTY)


@dataclass
class Tally:
    """What became of the files of one format."""

    counts: Counter[str] = field(default_factory=Counter)
    lost_s: float = 0.0
    worst_s: float = 0.0
    most_mib: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)

    def row(self, name: str) -> dict[str, Any]:
        """Return it as a row of the table."""
        known = ("files", "played", "refused", "failed_on_air", "crashed", "hung")
        often = "; ".join(f"{count}x {reason}" for reason, count in self.reasons.most_common(3))
        times = {"seconds_lost": self.lost_s, "longest_s": self.worst_s, "most_mib": self.most_mib}
        return {"format": name, **{key: self.counts[key] for key in known}, **times, "reasons": often}


@dataclass
class Bay:
    """One stage, the part of the display it fills, and whether nothing but the good picture may be there now."""

    stage: Stage
    area: Area
    good: Shot
    steady: bool = False
    looks: int = 0
    black: int = 0
    number: int = 0

    async def rest(self) -> None:
        """Have the good picture on air, whatever was there."""
        async with asyncio.timeout(_GOOD_WITHIN_S):
            while not self.steady:
                self.number += 1
                take = f"good {self.number}"
                with suppress(DeckLost):
                    await self.stage.preroll(self.good.model_copy(update={"take": take}))
                    await self.stage.cut_at_end(take)
                    self.steady = True


async def measure(files: int, seed: int = SEED) -> list[dict[str, Any]]:
    """Return a row for each format and one for all of them, of `files` files, the formats in turn."""
    tallies = {each.name: Tally() for each in FORMATS}
    with tempfile.TemporaryDirectory(prefix="bench-fuzz-") as name:
        folder, clock = Path(name), SystemClock()
        whole = await asyncio.to_thread(originals, folder)
        good = await asyncio.to_thread(_good, folder)
        began_s, bays = clock.monotonic(), list[Bay]()
        async with virtual_display() as display:
            numbers = iter(range(files))

            async def work(side: int) -> None:
                area = Area(width=SIZE[0] // _STAGES, height=SIZE[1], x=side * (SIZE[0] // _STAGES))
                async with open_stage(display, area, clock, program=_PROGRAM) as stage:
                    running = asyncio.create_task(stage.run())
                    bays.append(bay := Bay(stage, area, good))
                    try:
                        await bay.rest()
                        for number in numbers:
                            await _judge(
                                bay, FORMATS[number % len(FORMATS)], whole, f"{seed}-{number}", folder, tallies
                            )
                    finally:
                        bay.steady = False
                        running.cancel()
                        with suppress(asyncio.CancelledError):
                            await running

            with _watching(display, bays):
                await asyncio.gather(*(work(side) for side in range(_STAGES)))
        took_s = clock.monotonic() - began_s
    return [*(tally.row(name) for name, tally in tallies.items()), _all(tallies, bays, took_s)]


def _all(tallies: dict[str, Tally], bays: list[Bay], took_s: float) -> dict[str, Any]:
    total = Tally()
    for tally in tallies.values():
        total.counts.update(tally.counts)
        total.lost_s += tally.lost_s
        total.worst_s = max(total.worst_s, tally.worst_s)
        total.most_mib = max(total.most_mib, tally.most_mib)
    looks, black = sum(bay.looks for bay in bays), sum(bay.black for bay in bays)
    new = sum(bay.stage.facts().restarts for bay in bays)
    rate = 60 * total.counts["files"] / took_s
    said = f"{black} of {looks} looks black; {new} decks lost and followed by another; {rate:.0f} files a minute"
    return total.row("all") | {"reasons": said}


async def _judge(bay: Bay, form: Format, whole: dict[str, bytes], seed: str, folder: Path, tally: Tally) -> None:
    """Ruin a file, show it, and write down what became of it; the good picture is on air before and after."""
    others = [content for name, content in whole.items() if name != form.name]
    how, content = mutated(whole[form.name], others, seed)
    path = folder / seed
    path.write_bytes(content)
    clock, before = SystemClock(), bay.stage.facts().restarts
    began_s = clock.monotonic()
    outcome, reason = await _show(bay, Shot(take=seed, path=str(path), kind=form.kind, duration_ms=_SHOWN_MS))
    tally.most_mib = max(tally.most_mib, _most_mib(bay.stage))
    await bay.rest()
    if bay.stage.facts().restarts > before:
        outcome = "hung" if "no answer" in reason or "no sign of life" in reason else "crashed"
        _KEPT.mkdir(parents=True, exist_ok=True)
        (_KEPT / f"{form.name}-{seed}-{how}-{outcome}").write_bytes(content)
    path.unlink()
    took_s = clock.monotonic() - began_s
    tally.counts.update(["files", outcome])
    if outcome != "played":
        tally.lost_s += took_s
        tally.worst_s = max(tally.worst_s, took_s)
        tally.reasons[reason.replace(seed, "N").partition(": ")[2] or reason] += 1


async def _show(bay: Bay, shot: Shot) -> tuple[str, str]:
    """Preroll and show a shot; return what became of it and the reason in words."""
    try:
        await bay.stage.preroll(shot)
    except MediaUnplayable as refusal:
        return "refused", str(refusal)
    except DeckLost as loss:
        return "crashed", str(loss)
    bay.steady = False  # what comes now may be as black as it likes
    try:
        await bay.stage.cut_now(shot.take)
        ended = await bay.stage.ended()
    except DeckLost as loss:
        return "crashed", str(loss)
    return ("failed_on_air", f"N: {ended.reason}") if ended.failed else ("played", "")


def _most_mib(stage: Stage) -> float:
    """Return the most memory a deck of this stage ever held since it was last asked."""
    most = 0
    for pid in (pid for pid in stage.facts().pids if pid):
        with suppress(OSError):  # gone
            status = Path(f"/proc/{pid}/status").read_text()
            most = max(most, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # the kernel begins to count anew
    return most / 1024


def _good(folder: Path) -> Shot:
    path = folder / "good"
    source = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=lime:s=640x720"]
    subprocess.run([*source, "-frames:v", "1", "-f", "image2", "-c:v", "png", str(path)], check=True)
    return Shot(take="", path=str(path), kind=MediaKind.PICTURE)


@contextmanager
def _watching(display: str, bays: list[Bay]) -> Iterator[None]:
    """Look at the middle of each bay from a thread of its own; count what is black while it must not be."""
    stop, glass = threading.Event(), Glass(display)

    def look() -> None:
        while not stop.wait(_LOOK_EVERY_S):
            for bay in tuple(bays):
                if bay.steady:
                    colour = glass.pixel(bay.area.x + bay.area.width // 2, bay.area.height // 2)
                    bay.looks += bay.steady  # still: the look itself takes a moment
                    bay.black += bay.steady and max(colour) < _DARK

    thread = threading.Thread(target=look, name="eyes")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        glass.close()
