"""A display, media and a running stage for the player's tests."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from player.display import Display, WantedOutput, open_display
from player.display.backdrop_pictures import RawPicture, brand_picture
from player.platform.geometry import Area
from player.protocol.stage_interface import Shot
from player.settings.configuration import Configuration, load_configuration
from player.stage.deck_options import DECK, DeckOptions
from player.stage.deck_state import DeckState
from player.stage.stage import Stage, open_stage
from player.streams.gateway import StreamGateway
from sync.runtime.clock import SystemClock
from sync.wire.release import MediaKind
from tests.display import start_xvfb
from tests.player.pixels import SCREEN, PixelReader, wait_until

_DEFAULT_OUTPUT = WantedOutput()
_YELLOW = RawPicture(SCREEN.width, SCREEN.height, b"\x00\xff\xff\x00" * (SCREEN.width * SCREEN.height))
_STILL = ["-frames:v", "1", "-f", "image2", "-c:v"]
H264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-f", "mp4"]


@dataclass(frozen=True)
class Media:
    """Media files as on a device: their names have no extension."""

    folder: Path

    def shot(self, name: str, *, take: str = "", **how: Any) -> Shot:
        kind = MediaKind.PICTURE if name.endswith("picture") else MediaKind.VIDEO
        return Shot(take=take or name, path=str(self.folder / name), kind=kind, **how)


def make_media(target: Path, *arguments: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments, str(target)], check=True, timeout=60)


def _colour(name: str, size: str, rate: int, seconds: float) -> list[str]:
    return ["-f", "lavfi", "-i", f"color={name}:s={size}:r={rate}:d={seconds}"]


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Media:
    folder = tmp_path_factory.mktemp("media")
    made: list[Future[None]] = []
    with ThreadPoolExecutor() as making:

        def make(name: str, *arguments: str) -> None:
            made.append(making.submit(make_media, folder / name, *arguments))

        make("red", *_colour("red", "320x180", 30, 1), *H264)
        make("green", *_colour("lime", "320x240", 25, 1), *H264)
        make("long", *_colour("blue", "320x180", 10, 20), *H264)
        sound = ["-f", "lavfi", "-i", "sine=440:d=1"]
        make("loud", *_colour("yellow", "320x180", 30, 1), *sound, "-c:a", "aac", *H264)
        make("wide", *_colour("white", "400x100", 10, 20), *H264)
        # The luma of frame n is 16 + 10 n.
        frame_count = ["-vf", "geq=lum='16+10*N':cb=128:cr=128"]
        make("counting", *_colour("gray", "320x180", 10, 2), *frame_count, *H264)
        make("blue_picture", *_colour("blue", "640x360", 1, 1), *_STILL, "png")
        make("green_picture", *_colour("lime", "640x360", 1, 1), *_STILL, "png")
        make("red_picture", *_colour("red", "320x240", 1, 1), *_STILL, "mjpeg")
        pattern = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=15:d=6"]
        make("faststart", *pattern, "-movflags", "+faststart", "-preset", "ultrafast", *H264)
    for each in made:
        each.result()
    (folder / "zero").touch()
    (folder / "junk").write_bytes(bytes(range(256)) * 40)
    (folder / "junk_picture").write_bytes(b"not a picture at all" * 100)
    complete = (folder / "red").read_bytes()
    # Cut before its index, which is at the end of the file.
    (folder / "headless").write_bytes(complete[: len(complete) // 3])
    faststart = (folder / "faststart").read_bytes()
    (folder / "short").write_bytes(faststart[: len(faststart) // 3])  # cut between its frames
    return Media(folder)


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path))
    (tmp_path / "state").mkdir()
    return load_configuration(None)


@pytest.fixture(scope="session")
def display_name() -> Iterator[str]:
    with start_xvfb() as name:
        yield name


@pytest.fixture
def pixels(display_name: str) -> Iterator[PixelReader]:
    reader = PixelReader(display_name)
    yield reader
    reader.close()


@pytest.fixture
async def display(display_name: str) -> AsyncIterator[Display]:
    async with open_display(display_name, SystemClock()) as display:
        yield display


@asynccontextmanager
async def running_stage(
    display_name: str, *, area: Area = SCREEN, program: tuple[str, ...] = DECK, **how: Any
) -> AsyncIterator[Stage]:
    """Run a stage of decks on a display."""
    options, clock = DeckOptions(display_name, area, program=program), SystemClock()
    async with open_stage(options, clock, **how) as stage:
        # The servers of tests are on this machine.
        stage.streams = gateway = StreamGateway(clock, own_ports=lambda _: True)
        services = [asyncio.create_task(service()) for service in (stage.run, gateway.run)]
        try:
            yield stage
        finally:
            for service in services:
                service.cancel()
            await asyncio.gather(*services, return_exceptions=True)


@asynccontextmanager
async def running_display_and_stage(
    name: str, wanted: WantedOutput = _DEFAULT_OUTPUT
) -> AsyncIterator[tuple[Display, Stage]]:
    """A display and a stage that follows it, wired as `player.app.wiring` does."""
    clock = SystemClock()
    async with (
        open_display(name, clock, wanted) as display,
        open_stage(DeckOptions(name, display.area), clock) as stage,
    ):

        async def fill() -> None:
            area = display.area
            while True:
                await display.show_root(brand_picture(*area.upright))
                area = await display.area_change(area)
                stage.fill(area)

        running = [asyncio.create_task(run()) for run in (display.run, stage.run, fill)]
        try:
            yield display, stage
        finally:
            for task in running:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


@pytest.fixture
async def stage(display_name: str) -> AsyncIterator[Stage]:
    async with running_stage(display_name) as stage:
        yield stage


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all tests that share a stage in the event loop of its decks."""
    for item in items:
        if "shared_stage" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage_of_module(display_name: str) -> AsyncIterator[Stage]:
    async with running_stage(display_name) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="module")
async def shared_stage(stage_of_module: Stage) -> AsyncIterator[Stage]:
    """A stage whose decks start once for all tests of a module; each begins with both up and nothing on air.

    Other async fixtures must not be used beside it: they live in an event loop of their own.
    """
    await wait_for_both_decks(stage_of_module)
    yield stage_of_module
    await stage_of_module.clear()


@pytest.fixture
async def yellow_root(display: Display) -> None:
    """Make the fallback yellow: then every colour but yellow and the items' is a fault."""
    await display.show_root(_YELLOW)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_yellow_root(display_name: str) -> AsyncIterator[None]:
    """The same, beside a shared stage."""
    async with open_display(display_name, SystemClock()) as display:
        await display.show_root(_YELLOW)
        yield


def on_air_pid(stage: Stage) -> int:
    """Return the process id of the deck on air."""
    facts = stage.facts()
    pid = facts.pids[facts.states.index(DeckState.ON_AIR)]
    assert pid
    return pid


async def wait_for_both_decks(stage: Stage) -> None:
    """Wait until both decks take commands."""
    await wait_until(lambda: all(state.takes_commands for state in stage.facts().states), within_s=90.0)


async def put_on_air(stage: Stage, shot: Shot) -> None:
    """Put a shot on air, with both decks up."""
    await wait_for_both_decks(stage)
    await stage.preroll(shot)
    await stage.cut_now(shot.take)
