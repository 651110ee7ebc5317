"""rhythm: odd films and damaged ones on real decks: how each ended, and how long its picture stood that should not.

Odd films have to play to their end with no time counted as standing. Damaged ones have 40 % of their bytes replaced by
noise or by zeros, in the middle, which is 8 s of their 20 s: each has to fail, or to count what stood. Four at a time.
"""

import asyncio
import sys
import tempfile
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

sys.path[:0] = [str(Path(__file__).parent.parent.parent), str(Path(__file__).parent.parent / "demonstration")]
from processes import SIZE, virtual_display  # noqa: E402 - found by the line above

from player.protocol.stage_interface import Shot  # noqa: E402
from sync.wire.release import MediaKind  # noqa: E402
from tests.player.conftest import make_media  # noqa: E402
from tests.player.deck.test_rhythm_on_decks import played  # noqa: E402

_AT_A_TIME = 4
_X264 = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
_SOUND = ["-f", "lavfi", "-i", "sine=440:d=12"]
_GAP = ["-vf", "select='lt(t,2)+gt(t,10)'", "-fps_mode", "vfr"]
_RECORDING = ["-vf", "select='lt(mod(t,5),0.3)'", "-fps_mode", "vfr"]


def _pattern(rate: str, seconds: int = 12, source: str = "testsrc2") -> list[str]:
    return ["-f", "lavfi", "-i", f"{source}=s=640x360:r={rate}:d={seconds}"]


ODD = {
    "25 a second": [*_pattern("25"), *_X264],
    "60 a second": [*_pattern("60"), *_X264],
    "1 a second": [*_pattern("1"), *_X264],
    "1 in 2 s": [*_pattern("1/2"), *_X264],
    "3 pictures, 1 in 8 s": [*_pattern("1/8", 24), *_X264],
    "3 pictures, 1 in 8 s, sound": [*_pattern("1/8", 24), *_SOUND, *_X264],
    "a gap of 8 s": [*_pattern("30"), *_GAP, *_X264],
    "a gap of 8 s, sound": [*_pattern("30"), *_SOUND, *_GAP, *_X264],
    "a screen recording": [*_pattern("25"), *_RECORDING, *_X264],
    "still, 25 a second": [*_pattern("25", source="smptebars"), *_X264],
    "still, 5 a second": [*_pattern("5", source="smptebars"), *_X264],
    "still, sound": [*_pattern("5", source="smptebars"), *_SOUND, *_X264],
    "short picture, long sound": [*_pattern("25", 4), *_SOUND, *_X264],
    "one group of pictures": [*_pattern("25"), *_X264, "-g", "999"],
}
CODECS = {
    "H.264": [*_X264],
    "H.264, sound": ["-f", "lavfi", "-i", "sine=440:d=20", *_X264],
    "HEVC": ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", "-tag:v", "hvc1"],
    "VP9": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "2M"],
    "MPEG-4": ["-c:v", "mpeg4", "-q:v", "3"],
    "MPEG-2": ["-c:v", "mpeg2video", "-q:v", "3"],
}


def _harm(film: Path, noise: bool) -> None:
    data = bytearray(film.read_bytes())
    part = slice(len(data) * 3 // 10, len(data) * 7 // 10)
    length = part.stop - part.start
    data[part] = Random(1).randbytes(length) if noise else bytes(length)
    film.write_bytes(data)


def _make(folder: Path) -> dict[str, tuple[str, Path]]:
    """Return each film by name, with what it is: odd or damaged."""
    films, number = {}, count()
    for name, how in ODD.items():
        for container in ("mp4", "matroska") if "short picture" not in name else ("mp4",):
            film = folder / str(next(number))
            make_media(film, *how, "-f", container)
            films[f"{name} ({container})"] = ("odd", film)
    for name, how in CODECS.items():
        for noise in (True, False):
            film = folder / str(next(number))
            make_media(film, *_pattern("30", 20), *how, "-f", "mp4")
            _harm(film, noise)
            films[f"{name}, {'noise' if noise else 'zeros'}"] = ("damaged", film)
    return films


async def measure() -> list[dict[str, Any]]:
    """Return a row for each film."""
    with tempfile.TemporaryDirectory(prefix="bench-rhythm-") as made:
        films = await asyncio.to_thread(_make, Path(made))
        limit, columns = asyncio.Semaphore(_AT_A_TIME), count()
        async with virtual_display(SIZE) as display:

            async def row(name: str, kind: str, film: Path) -> dict[str, Any]:
                async with limit:
                    shot = Shot(take="a", path=str(film), kind=MediaKind.VIDEO)
                    ended, still_ms = await played(display, shot, next(columns) % _AT_A_TIME)
                found = ended != "eof" or still_ms > 0
                right = found == (kind == "damaged")
                return {"film": name, "is": kind, "ended": ended, "still_s": still_ms / 1000, "right": right}

            return list(await asyncio.gather(*(row(name, kind, film) for name, (kind, film) in films.items())))
