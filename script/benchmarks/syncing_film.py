"""What a film on air loses while a GiB arrives: a real player, with and without a transfer in turns.

nginx serves a release with a film and, in each second arm, one with a GiB of new media beside it. `late` are pictures
that came to the display more than one and a half frames after the one before, seen by a client of the display that
reads a row of pixels every 4 ms; `lost` is what the player counted itself.
"""

import asyncio
import os
import shutil
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import encode
import footprint
import start
import syncing_content as content_of
from progress import tell

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import free_port, running, virtual_display

from sync.device.store.content_store import open_content_store
from sync.device.store.membership import DeviceMembership, save_membership
from sync.runtime.clock import SystemClock
from sync.wire.chunk_index import chunk_length
from sync.wire.release import Asset, Envelope, Item, MediaKind, Playlist, Release
from tests.sync.file_tree_origin import CHANNEL, EPOCH, Publisher

_SETTLE_S = 4.0
_ASIDE = ("nice", "-n", "19")  # the server stands for another machine
_FILES = 8


@dataclass(frozen=True, slots=True)
class Film:
    """A film that plays for longer than the bench: width and height, frames a second."""

    size: tuple[int, int]
    rate: int

    def made(self) -> Path:
        """Return its file; noise fills 8 Mbit/s."""
        width, height = self.size
        source = f"testsrc2=s={width}x{height}:r={self.rate}:d=10,noise=alls=12:allf=t,format=yuv420p"
        rate = ("-b:v", "8M", "-maxrate", "10M", "-bufsize", "16M", "-g", str(2 * self.rate))
        encoded = ("-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "superfast")
        clip = footprint.made(f"clip-{height}p{self.rate}.mp4", *encoded, *rate)
        more = ("-stream_loop", "29", "-i", str(clip), "-c", "copy", "-movflags", "+faststart")
        return footprint.made(f"film-{height}p{self.rate}.mp4", *more)


FILMS = (Film((1280, 720), 60), Film((1920, 1080), 30))


async def measure(folder: Path, rounds: int, size_bytes: int, seconds: int) -> list[dict[str, Any]]:
    """Return a row for each film and arm; each round has one of each, of so many seconds."""
    rows = []
    for film in FILMS:
        (place := folder / f"{film.size[1]}p{film.rate}").mkdir()
        rows += await _of_film(place, film, rounds, size_bytes, seconds)
        shutil.rmtree(place)
    return rows


async def _of_film(folder: Path, film: Film, rounds: int, size_bytes: int, seconds: int) -> list[dict[str, Any]]:
    publisher = Publisher(folder / "tree")
    path = await asyncio.to_thread(film.made)
    shown = publisher.asset(path.read_bytes(), chunk_length(path.stat().st_size)).model_copy(
        update={"kind": MediaKind.VIDEO, "width": film.size[0], "height": film.size[1], "duration_ms": 300_000}
    )
    publisher.publish_release(_release(shown))
    seen: dict[str, list[dict[str, float]]] = {"nothing": [], "a GiB": []}
    async with AsyncExitStack() as stack:
        display = await stack.enter_async_context(virtual_display(film.size))
        url = await stack.enter_async_context(content_of.nginx(folder / "nginx", publisher.folder, under=_ASIDE))
        state, port = folder / "player", free_port(0)
        with open_content_store(state) as store:
            member = DeviceMembership(device="bench", token="t", channel=CHANNEL, origin=url)
            save_membership(store, Envelope.model_validate_json(publisher.root), member)
        settings = {
            "DISPLAY": display,
            "SIGNAGE_PLAYER__STORAGE__STATE_DIR": str(state),
            "SIGNAGE_PLAYER__ORIGIN__URL": url,
            "SIGNAGE_PLAYER__ORIGIN__POLL_S": "1",
            "SIGNAGE_PLAYER__ENDPOINT__PORT": str(port),
        }
        command = (str(start.BIN / "signage-player"), "run")
        await stack.enter_async_context(running(command, folder / "player.log", settings))
        await _plays(state, publisher.release)
        await _on_air(f"http://127.0.0.1:{port}")
        await SystemClock().sleep(_SETTLE_S)
        for number in range(rounds):
            for arm in seen:
                if arm != "nothing":
                    _publish_more(publisher, shown, size_bytes // _FILES, number)
                seen[arm].append(await _watched(display, f"http://127.0.0.1:{port}", film, seconds))
                tell({"arrives": arm, **seen[arm][-1]})
                await _plays(state, publisher.release)
    return [_row(film, arm, looks, seconds) for arm, looks in seen.items()]


def _publish_more(publisher: Publisher, shown: Asset, size_bytes: int, number: int) -> None:
    more = tuple(publisher.asset(os.urandom(size_bytes), chunk_length(size_bytes)) for _ in range(_FILES))
    publisher.publish_release(_release(shown, *more, name=f"more {number}"))


def _release(shown: Asset, *more: Asset, name: str = "All") -> Release:
    item = Item(id="film", title="Film", asset=shown.sha256)
    others = tuple(Item(id=f"i{n}", title="More", asset=one.sha256) for n, one in enumerate(more))
    playlists = (Playlist(id="all", name="All", items=(item,)), Playlist(id="more", name=name, items=others))
    return Release(
        channel=CHANNEL,
        created_at=EPOCH,
        zone="UTC",
        default_playlist="all",
        playlists=playlists,
        assets=(shown, *more),
    )


async def _plays(state: Path, release: str) -> None:
    for _ in range(1200):
        pointer = state / "state" / "active"
        if pointer.exists() and release in pointer.read_text():
            return
        await SystemClock().sleep(0.1)
    raise TimeoutError("the release did not arrive within two minutes")


async def _on_air(url: str) -> None:
    for _ in range(300):
        with suppress(OSError):  # it does not listen yet
            if (await asyncio.to_thread(encode.now, url))["take"]:
                return
        await SystemClock().sleep(0.1)
    raise TimeoutError("the film is not on air within half a minute")


async def _watched(display: str, url: str, film: Film, seconds: int) -> dict[str, float]:
    before = await asyncio.to_thread(encode.now, url)
    times = await asyncio.to_thread(encode.watch, display, seconds)
    after = await asyncio.to_thread(encode.now, url)
    lost = after["lost"] - before["lost"] if before["take"] == after["take"] else float("nan")
    return encode.figures(times, seconds, 1 / film.rate) | {"lost": lost}


def _row(film: Film, arm: str, looks: list[dict[str, float]], seconds: int) -> dict[str, Any]:
    return {
        "film": f"{film.size[1]}p{film.rate}",
        "arrives": arm,
        "seconds": len(looks) * seconds,
        "pictures": sum(look["pictures"] for look in looks) / len(looks),
        "late": sum(look["late"] for look in looks),
        "lost": sum(look["lost"] for look in looks),
        "longest_ms": max(look["longest_ms"] for look in looks),
    }
