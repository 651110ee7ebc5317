"""A second witness of what stands on the display: whole frames by ffmpeg's x11grab, each compared with what was drawn.

The sampler looks at one column and one row, often; this looks at every pixel, five times a second, and so finds a
picture that is torn, shifted, grey in parts or mixed with another one. It costs about a sixth of a core and slows what
it watches down, so it runs only when asked for (`--whole`).
"""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from seam_barcode import SCREEN, Mark, Place, read
from seam_clips import Clip, Painter, full_range

_A_SECOND = 5
_TILE = 40  # pixels; the mean of each is compared
_TOLERANCE = 32  # of 255: scaling and lossy codecs
_GREY = NDArray[np.uint8]


@dataclass
class Testimony:
    """How many whole frames were looked at, and what was wrong with those that were not what was drawn."""

    frames: int = 0
    wrong: list[str] = field(default_factory=list)


class Witness:
    """Compares frames of the display with the clips; draws each expected frame anew, for there are thousands."""

    def __init__(self, pool: Sequence[Clip]) -> None:
        self._clips = {clip.number: clip for clip in pool}
        self._painters: dict[int, Painter] = {}

    def judge(self, screen: _GREY) -> str:
        """Return what is wrong with a screen of greys; empty when it is one whole frame of a clip."""
        column = np.repeat(screen[:, SCREEN[0] // 2], 4).tobytes()
        mark = read(column)
        if mark is None or mark.clip not in self._clips:
            return f"no mark; mean grey {screen.mean():.0f}"
        off = np.abs(_tiles(screen) - _tiles(self._expected(mark)))
        bad = int((off > _TOLERANCE).sum())
        return f"clip {mark.clip} frame {mark.frame}: {bad} of {off.size} tiles differ" if bad else ""

    def _expected(self, mark: Mark) -> _GREY:
        clip = self._clips[mark.clip]
        painter = self._painters.setdefault(mark.clip, Painter(clip))
        place = Place.of(clip.width, clip.height)
        size = (round(clip.width * place.scale), round(clip.height * place.scale))
        drawn = Image.fromarray(full_range(painter.frame(mark.frame))).resize(size, Image.Resampling.BILINEAR)
        screen = Image.new("L", SCREEN)
        screen.paste(drawn, (round(place.left), round(place.top)))
        return np.asarray(screen)


def _tiles(screen: _GREY) -> NDArray[np.float64]:
    across, down = SCREEN[0] // _TILE, SCREEN[1] // _TILE
    means: NDArray[np.float64] = screen.reshape(down, _TILE, across, _TILE).mean(axis=(1, 3))
    return means


@asynccontextmanager
async def witnessing(display: str, pool: Sequence[Clip]) -> AsyncIterator[Testimony]:
    """Look at the whole display while the block runs, from the first clip on to the last."""
    size = f"{SCREEN[0]}x{SCREEN[1]}"
    grab = ("-f", "x11grab", "-draw_mouse", "0", "-framerate", str(_A_SECOND), "-video_size", size, "-i", display)
    command = ("ffmpeg", "-v", "error", "-nostdin", *grab, "-pix_fmt", "gray", "-f", "rawvideo", "-")
    bytes_ = SCREEN[0] * SCREEN[1]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=DEVNULL, limit=4 * bytes_)
    testimony = Testimony()
    watching = asyncio.create_task(_watch(process, Witness(pool), testimony), name="witness")
    try:
        yield testimony
    finally:
        process.kill()
        await watching
        await process.wait()


async def _watch(process: asyncio.subprocess.Process, witness: Witness, testimony: Testimony) -> None:
    assert process.stdout
    since: list[str] = []  # wrong frames that count only if a right one follows
    with suppress(asyncio.IncompleteReadError):
        while True:
            data = await process.stdout.readexactly(SCREEN[0] * SCREEN[1])
            screen = np.frombuffer(data, np.uint8).reshape(SCREEN[1], SCREEN[0])
            wrong = await asyncio.to_thread(witness.judge, screen)
            if testimony.frames or not wrong:
                testimony.frames += 1
                since.append(wrong)
            if not wrong:
                testimony.wrong += filter(None, since)
                since.clear()
