"""Odd films and streams on real decks, all at once beside each other: what each deck says of its own."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from random import Random
from urllib.parse import quote

import pytest

from player.deck.picture_judgement import PictureFault
from player.protocol.deck_messages import DECK_EVENT, DeckPulse, Load, Loaded, Quit, ShotFailed, ShotFinished, Show
from player.protocol.stage_interface import Shot
from player.streams.gateway import StreamGateway
from sync.runtime.clock import SystemClock
from sync.wire.release import MediaKind
from tests.player.conftest import H264, make_media
from tests.player.stream_servers import http_server

PLAYED = "eof"
MOVING = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=7"]
SOUND = ["-f", "lavfi", "-i", "sine=440:d=7"]
STILL = ["-f", "lavfi", "-i", "smptebars=s=320x180:r=5:d=7"]
GAP = ["-vf", "select='lt(t,0.7)+gt(t,6.3)'", "-fps_mode", "vfr"]  # 5.6 s: longer than a picture may stand
FAST = ["-preset", "ultrafast", "-g", "25"]
FILMS = {
    "a gap with sound": [*MOVING, *SOUND, *GAP, "-c:a", "aac", *H264],
    "a gap in a Matroska file": [*MOVING, *GAP, *H264[:-2], "-f", "matroska"],
    "1 a second": ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=1:d=7", *H264],
    "a still film": [*STILL, *H264],
    "harmed for long": [*MOVING[:-1], "testsrc2=s=320x180:r=25:d=10", *FAST, *H264],
    "harmed for a while": [*MOVING, *SOUND, *FAST, "-c:a", "aac", *H264],
}

PART = ["-f", "mpegts", "-muxdelay", "0", "-muxpreload", "0", "-c:a", "aac"]  # of a stream, one behind the other
LATER = ["-output_ts_offset", "3"]
STREAMS = {
    "a stream of another codec": [
        [*MOVING, *SOUND, "-t", "3", *FAST, *H264[:-2], *PART],
        [*MOVING, *SOUND, "-c:v", "mpeg2video", *PART, *LATER],
    ],
}


def harm(film: Path, since: float, until: float) -> None:
    """Replace a part of a file by noise."""
    data = bytearray(film.read_bytes())
    part = slice(int(len(data) * since), int(len(data) * until))
    data[part] = Random(1).randbytes(part.stop - part.start)
    film.write_bytes(data)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rhythm")
    for name, how in FILMS.items():
        make_media(folder / name, *how)
    harm(folder / "harmed for long", 0.22, 0.97)
    harm(folder / "harmed for a while", 0.3, 0.85)
    for name, parts in STREAMS.items():
        for part in parts:
            make_media(folder / "part", *part)
            with (folder / name).open("ab") as stream:
                stream.write((folder / "part").read_bytes())
    return folder


async def played(display: str, shot: Shot, column: int) -> tuple[str, int]:
    """Play a shot on a deck of its own; return how it ended, and how long its picture stood still.

    Eight decks have room on the screen. The films are larger: a small one that is harmed ends before it is blamed.
    """
    deck = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "player.deck", "--area", f"160x90+{160 * (column % 4)}+{90 * (column // 4)}",
        stdin=PIPE, stdout=PIPE, env={**os.environ, "DISPLAY": display},
    )  # fmt: skip
    assert deck.stdin and deck.stdout
    still_ms = 0
    deck.stdin.write(Load(shot=shot).model_dump_json().encode() + b"\n")
    async for line in deck.stdout:
        match DECK_EVENT.validate_json(line):
            case Loaded():
                deck.stdin.write(Show(take="a").model_dump_json().encode() + b"\n")
            case DeckPulse(still_ms=int(still)):
                still_ms = still
            case ShotFinished(reason=reason) | ShotFailed(reason=reason):
                deck.stdin.write(Quit().model_dump_json().encode() + b"\n")
                await deck.wait()
                return reason, still_ms
    return "the deck ended", still_ms


async def test_odd_films_play_to_their_end_and_damage_is_found(display_name: str, films: Path) -> None:
    shots = [Shot(take="a", path=str(films / name), kind=MediaKind.VIDEO) for name in FILMS]
    gateway = StreamGateway(SystemClock(), own_ports=lambda _: True)
    serving = asyncio.create_task(gateway.run())
    with http_server(films) as address:
        for url in (f"{address}/{quote(name)}" for name in STREAMS):
            source = await gateway.source(url)
            shots.append(Shot(take="a", path="", url=url, source=source, kind=MediaKind.STREAM))
        ends = await asyncio.gather(*(played(display_name, shot, at) for at, shot in enumerate(shots)))
        serving.cancel()
        await asyncio.wait({serving})
    found = dict(zip((*FILMS, *STREAMS), ends, strict=True))
    reason, still_ms = found.pop("harmed for long")
    assert reason == PictureFault.FROZEN and still_ms > 5000
    reason, still_ms = found.pop("harmed for a while")
    assert reason == PLAYED and 3000 < still_ms < 5000, "less than what is blamed, and counted"
    reason, still_ms = found.pop("a stream of another codec")
    assert reason == PictureFault.FROZEN and still_ms > 5000
    assert found == dict.fromkeys(found, (PLAYED, 0))
