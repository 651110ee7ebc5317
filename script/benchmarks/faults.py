"""faults: what the shop sees while something breaks under the stage, from the fault to the next item.

Each fault is done to a real stage with a film on air whose picture changes with every frame; what follows is what the
director does. The display is looked at 200 times a second: the film moving, or standing still (`frozen`), the fallback,
black. `next item` counts from the fault or, where the film plays on after it, from its last new picture. Times are
median / maximum over the rounds; `widest look` is their error.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from faults_eye import Account, Kind, View, account, spread, watching
from progress import tell

from player.display import open_display
from player.display.backdrop_pictures import RawPicture
from player.platform.geometry import Area
from player.protocol.stage_interface import Shot
from player.stage import deck_process
from player.stage.deck_options import DeckOptions
from player.stage.deck_state import DeckState
from player.stage.stage import Stage, open_stage
from sync.errors import DeckLost, MediaUnplayable
from sync.runtime.clock import SystemClock
from sync.wire.release import MediaKind

sys.path[:0] = [str(Path(__file__).parent.parent.parent), str(Path(__file__).parent.parent / "demonstration")]
from processes import SIZE, virtual_display  # noqa: E402 - found by the line above

from tests.player.faulty_decks import DECK, frozen_decoder  # noqa: E402

ROUNDS = 5
_ROUND_S = 60  # after this the next item does not come any more
_FILM_S = 12
_AIRED_S = 0.7  # before the fault: libVLC has told the time by then
_SOON_S = 0.05  # after the order to load
_YELLOW = b"\x00\xff\xff\x00"


class Shop:
    """A stage with a film on air, and what happens to it."""

    def __init__(self, stage: Stage, view: View, folder: Path, stack: ExitStack) -> None:
        self.stage = stage
        self.view = view
        self.folder = folder
        self.stack = stack
        self.struck_s = 0.0
        self._takes = count(1)
        self._ready: Shot | None = None

    def shot(self, name: str, original: str = "film") -> Shot:
        """Return a shot of a copy of a file under another name."""
        path = self.folder / name
        if not path.exists():
            shutil.copy(self.folder / original, path)
        kind = MediaKind.PICTURE if original == "next" else MediaKind.VIDEO
        return Shot(take=str(next(self._takes)), path=str(path), kind=kind)

    async def air(self, shot: Shot) -> None:
        """Have a film on air for a while, with both decks up."""
        while not all(state.takes_commands for state in self.stage.facts().states):
            await SystemClock().sleep(0.02)
        self._ready = None
        while self._ready is None:  # what failed on air before is refused once
            with suppress(DeckLost, MediaUnplayable):
                await self.load(shot)
        await self.cut(urgent=True)
        self._ready = None
        while self.view.latest is not Kind.FILM:
            await SystemClock().sleep(0.01)
        await SystemClock().sleep(_AIRED_S)

    async def load(self, shot: Shot) -> None:
        """Preroll a shot."""
        self._ready = None
        await self.stage.preroll(shot)
        self._ready = shot

    async def cut(self, *, urgent: bool) -> None:
        """Cut to what is ready: at once, or when what is on air ends or fails."""
        assert self._ready
        await (self.stage.cut_now if urgent else self.stage.cut_at_end)(self._ready.take)

    def strike(self, *, on_air: bool, number: int) -> None:
        """Send a signal to a deck."""
        pid = self.deck_pid(on_air=on_air)
        self.struck()
        os.kill(pid, number)

    def deck_pid(self, *, on_air: bool) -> int:
        """Return the process of the deck on air, or of the other one."""
        facts = self.stage.facts()
        on_screen = facts.states.index(DeckState.ON_AIR)
        pid = facts.pids[on_screen if on_air else 1 - on_screen]
        assert pid
        return pid

    def struck(self) -> None:
        """Note that this is the instant of the fault."""
        self.struck_s = SystemClock().monotonic()

    async def follow(self, *, urgent: bool) -> Account:
        """Show the next item as the director does, and return what the shop saw until it stood."""
        while (seen := account(self.view.sights, self.struck_s)) is None:
            with suppress(DeckLost, MediaUnplayable):
                if self._ready is None:
                    await self.load(self.shot("next", "next"))
                await self.cut(urgent=urgent)
                await SystemClock().sleep(0.05)
                continue
            self._ready = None
        return seen


Fault = Callable[[Shop], Awaitable[None]]

# ── signals ────────────────────────────────────────────────────────────────────────────────────────────────────────


def signalled(number: int, phase: str, *, on_air: bool) -> Fault:
    """Return the fault that a deck gets a signal in that phase of the next one's life."""

    async def fault(shop: Shop) -> None:
        await shop.air(shop.shot("film"))
        if phase == "loading":
            task = asyncio.create_task(shop.load(shop.shot("red", "red")))
            await SystemClock().sleep(_SOON_S)
        else:
            await shop.load(shop.shot("red", "red"))
            task = asyncio.create_task(shop.cut(urgent=True) if phase == "cutting" else asyncio.sleep(0))
            await SystemClock().sleep(0)
        shop.strike(on_air=on_air, number=number)
        with suppress(DeckLost, MediaUnplayable):
            await task

    return fault


async def both_decks(shop: Shop) -> None:
    """Kill both, with the next one ready."""
    await shop.air(shop.shot("film"))
    await shop.load(shop.shot("red", "red"))
    for on_air in (False, True):
        shop.strike(on_air=on_air, number=signal.SIGKILL)


# ── media and decoders ─────────────────────────────────────────────────────────────────────────────────────────────


def decoder(name: str) -> Fault:
    """Return the fault that the decoder of the film on air fails; the last new picture tells when."""

    async def fault(shop: Shop) -> None:
        await shop.air(shop.shot(f"{name}-on-air"))
        shop.struck()
        await shop.load(shop.shot("red", "red"))

    return fault


async def stands(shop: Shop) -> None:
    """Have all threads of libVLC stand still; the deck's own go on."""
    await shop.air(shop.shot("film"))
    await shop.load(shop.shot("red", "red"))
    shop.struck()
    shop.stack.enter_context(frozen_decoder(shop.deck_pid(on_air=True)))  # until the round is over


def loading(name: str, *, over: bool) -> Fault:
    """Return the fault that a decoder fails while it loads; `over` a film on air, or with nothing there."""

    async def fault(shop: Shop) -> None:
        await shop.air(shop.shot("film"))
        if not over:
            await shop.stage.clear()
        shop.struck()
        with suppress(DeckLost, MediaUnplayable):
            await shop.load(shop.shot(name))

    return fault


def harmed(how: Callable[[Path], None]) -> Fault:
    """Return the fault that the file on air is harmed."""

    async def fault(shop: Shop) -> None:
        (shop.folder / "harmed").unlink(missing_ok=True)
        shot = shop.shot("harmed", "large").model_copy(update={"duration_ms": 6000})
        await shop.air(shot)
        await shop.load(shop.shot("red", "red"))
        shop.struck()
        how(Path(shot.path))

    return fault


def _truncate(path: Path) -> None:
    os.truncate(path, 1000)


KILL, STOP = signal.SIGKILL, signal.SIGSTOP
AT_ONCE, AT_END = True, False
FAULTS: dict[str, tuple[Fault, bool]] = {
    **{
        f"{number.name} of the deck {where}, the next one {phase}": (signalled(number, phase, on_air=air), not air)
        for where, air in (("on air", True), ("aside", False))
        for number in (KILL, STOP)
        for phase in ("loading", "prerolled", "cutting")
    },
    "SIGKILL of both": (both_decks, AT_END),
    "on air: the decoder crashes": (decoder("crashes"), AT_END),
    "on air: the decoder eats the memory": (decoder("swells"), AT_END),
    "on air: the deck never returns from libVLC": (decoder("hangs"), AT_END),
    "on air: libVLC stands still": (stands, AT_END),
    "on air: the file is deleted": (harmed(Path.unlink), AT_END),
    "on air: the file is truncated": (harmed(_truncate), AT_END),
    "aside: the decoder crashes on loading": (loading("crashes", over=True), AT_ONCE),
    "aside: the decoder eats the memory on loading": (loading("swells", over=True), AT_ONCE),
    "aside: the deck never returns on loading": (loading("hangs", over=True), AT_ONCE),
    "nothing on air, the deck never returns on loading": (loading("hangs", over=False), AT_ONCE),
}
_PLAYS_ON = "on air: the "  # counted from the last new picture

# ── rounds ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def measure(rounds: int, only: str) -> list[dict[str, Any]]:
    """Return a row for each fault that has `only` in its name; each is told as it is done."""
    deck_process._STABLE_AFTER_S = 0.0  # in a shop decks live longer than a round: the next one starts at once
    with tempfile.TemporaryDirectory(prefix="bench-faults-") as made:
        await asyncio.to_thread(_media, Path(made))
        rows = []
        for name, (fault, urgent) in ((name, how) for name, how in FAULTS.items() if only in name):
            async with _shop(Path(made)) as shop:
                seen = [await _round(shop, fault, urgent=urgent) for _ in range(rounds)]
            rows.append(_row(name, [one for one in seen if one is not None], rounds))
            tell(rows[-1])
        return rows


async def _round(shop: Shop, fault: Fault, *, urgent: bool) -> Account | None:
    """Return what the shop saw in one round; None if the next item did not come."""
    shop.view.sights.clear()
    with ExitStack() as shop.stack, suppress(TimeoutError):
        async with asyncio.timeout(_ROUND_S):
            await fault(shop)
            return await shop.follow(urgent=urgent)
    return None


def _row(name: str, seen: list[Account], rounds: int) -> dict[str, Any]:
    on = name.startswith(_PLAYS_ON)
    return {
        "fault": name,
        "rounds": rounds,
        "without_end": rounds - len(seen),
        "next_item_ms": spread([one.stopped_s if on else one.next_item_s for one in seen]),
        "frozen_ms": spread([one.frozen_s for one in seen]),
        "fallback_ms": spread([one.fallback_s for one in seen]),
        "black_ms": spread([one.black_s for one in seen]),
        "widest_look_ms": 1000 * max((one.widest_look_s for one in seen), default=0.0),
    }


@asynccontextmanager
async def _shop(folder: Path) -> AsyncIterator[Shop]:
    async with virtual_display(SIZE) as name, open_display(name, SystemClock()) as display:
        await display.show_root(RawPicture(*SIZE, _YELLOW * (SIZE[0] * SIZE[1])))
        options = DeckOptions(name, Area(width=SIZE[0], height=SIZE[1]), program=DECK)
        async with open_stage(options, SystemClock()) as stage:
            service = asyncio.create_task(stage.run())
            try:
                with watching(name, SIZE) as view, ExitStack() as stack:
                    yield Shop(stage, view, folder, stack)
            finally:
                service.cancel()
                with suppress(asyncio.CancelledError):
                    await service


def _media(folder: Path) -> None:
    """Make a blue film with a bar that moves at every frame, a large one likewise, a red film and a green picture."""
    size = f"{SIZE[0]}x{SIZE[1]}"
    blue = ["-f", "lavfi", "-i", f"color=blue:s={size}:r=25:d={_FILM_S}"]
    bar = ["-f", "lavfi", "-i", f"color=white:s=64x120:r=25:d={_FILM_S}"]
    moving = [*blue, *bar, "-filter_complex", "overlay=x='mod(16*n,1200)':y=0"]
    h264 = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-f", "mp4"]
    noisy = [*moving[:-1], f"{moving[-1]},noise=c0s=12:c0f=t"]
    mjpeg = ["-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p", "-f", "avi"]
    _make(folder / "film", *moving, *h264)
    _make(folder / "large", *noisy, *mjpeg)
    _make(folder / "red", "-f", "lavfi", "-i", f"color=red:s={size}:r=25:d=4", *h264)
    picture = ["-frames:v", "1", "-f", "image2", "-c:v", "png"]
    _make(folder / "next", "-f", "lavfi", "-i", f"color=lime:s={size}", *picture)


def _make(target: Path, *how: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *how, str(target)], check=True)
