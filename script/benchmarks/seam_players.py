"""The players side by side: our stage, mpv with one playlist, mpv once per item, VLC's MediaListPlayer."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from seam_barcode import SCREEN
from seam_clips import Clip, table

from player.platform.geometry import Area
from player.protocol.stage_interface import Shot
from player.stage.deck_options import DeckOptions
from player.stage.stage import Stage, open_stage
from sync.errors import ScreenFailed
from sync.runtime.clock import SystemClock
from sync.wire.release import MediaKind

_PATIENCE_S = 30.0
_PER_ITEM_S = 0.5
_SLOWER = 2.5  # times the length of the list: then a player hangs

# x11 (shared memory) is the output that works fastest without a GPU; the profile is mpv's own for slow machines.
_MPV = (
    "mpv", "--no-config", "--really-quiet", "--fs", "--vo=x11", "--profile=sw-fast", "--ao=null", "--osc=no",
    "--hwdec=no",
)  # fmt: skip
_MPV_LIST = ("--prefetch-playlist=yes", "--gapless-audio=weak", "--force-window=immediate", "--keep-open=no")

Player = Callable[[str, Sequence[Clip]], Awaitable[None]]


async def ours(display: str, items: Sequence[Clip]) -> None:
    """Preroll the next item while the one before plays, and cut at its end."""
    async with open_stage(DeckOptions(display, Area(width=SCREEN[0], height=SCREEN[1])), SystemClock()) as stage:
        running = asyncio.create_task(stage.run())
        try:
            for number, clip in enumerate(items):
                with suppress(ScreenFailed):  # the item is skipped, as the director would; the report counts it
                    await _next(stage, str(number), clip)
            await stage.ended()
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def _next(stage: Stage, take: str, clip: Clip) -> None:
    kind = MediaKind.PICTURE if clip.picture else MediaKind.VIDEO
    length_ms = round(clip.duration_s * 1000)
    how = {"duration_ms" if clip.picture else "length_ms": length_ms}
    try:
        await stage.preroll(Shot(take=take, path=clip.path, kind=kind, **how))
        await stage.cut_at_end(take)
    except ScreenFailed as error:
        print(f"skipped {clip.name}: {error}", file=sys.stderr)
        raise


async def mpv_list(display: str, items: Sequence[Clip]) -> None:
    """Play everything in one mpv that opens the next item ahead."""
    listed = [word for clip in items for word in ("--{", *_stay(clip), clip.path, "--}")]
    await _run(display, (*_MPV, *_MPV_LIST, *listed), _patience_s(items))


async def mpv_each(display: str, items: Sequence[Clip]) -> None:
    """Start an mpv for each item."""
    until_s = SystemClock().monotonic() + _patience_s(items)
    for clip in items:
        left_s = until_s - SystemClock().monotonic()
        if left_s > 0:
            await _run(display, (*_MPV, *_stay(clip), clip.path), min(left_s, _patience_s([clip])))


async def vlc_list(display: str, items: Sequence[Clip]) -> None:
    """Play everything with libVLC's own list player, in a process of its own."""
    child = Path(__file__).with_name("seam_vlc.py")
    await _run(display, (sys.executable, str(child)), _patience_s(items), table(list(items)).encode())


PLAYERS: dict[str, Player] = {
    "signage-player": ours,
    "mpv, one playlist": mpv_list,
    "mpv, one process per item": mpv_each,
    "VLC MediaListPlayer": vlc_list,
}


def _stay(clip: Clip) -> tuple[str, ...]:
    return (f"--image-display-duration={clip.duration_s}",) if clip.picture else ()


def _patience_s(items: Sequence[Clip]) -> float:
    return _PATIENCE_S + _SLOWER * sum(clip.duration_s + _PER_ITEM_S for clip in items)


async def _run(display: str, command: tuple[str, ...], patience_s: float, said: bytes = b"") -> None:
    """Run a player to its end; one that hangs is ended, and shows as items never seen."""
    environment = {**os.environ, "DISPLAY": display}
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        await asyncio.wait_for(process.communicate(said), patience_s)
    except TimeoutError:
        print(f"{command[0]} did not end within {patience_s:.0f} s", file=sys.stderr)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
