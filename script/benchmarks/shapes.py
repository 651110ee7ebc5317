"""shapes: films of every shape in all fits, as files on a screen turned four ways, over HTTP, and from an origin.

The edges of each film and of its white middle are measured on the display. A figure is by how many pixels the worst of
them is off: where a film is cropped to cover, that may be one of its own pixels. A film that is not shown says why.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from player.platform.geometry import Area, Turn
from player.protocol.screen import Shot
from player.stage.deck_options import DeckOptions
from player.stage.stage import Stage, open_stage
from player.streams.gateway import StreamGateway
from sync.errors import MediaUnplayable
from sync.origin.settings.model import PipelineSettings
from sync.origin.transcode.film.facts import VideoFile
from sync.origin.transcode.probe import probe
from sync.origin.transcode.sandbox import Limits
from sync.origin.transcode.transcode_job import TranscodeJob
from sync.origin.transcode.video import make_video
from sync.runtime.clock import SystemClock
from sync.wire.release import Fit, MediaKind

sys.path[:0] = [str(Path(__file__).parent.parent.parent), str(Path(__file__).parent.parent / "demonstration")]
from glass import Glass  # noqa: E402 - found by the line above
from processes import SIZE, virtual_display  # noqa: E402
from shape_films import FILMS, Film  # noqa: E402

from tests.player.stream_servers import http_server  # noqa: E402

_TURNS: tuple[Turn, ...] = (0, 90, 180, 270)
_RED, _WHITE = (255, 0, 0), (255, 255, 255)


async def measure() -> list[dict[str, Any]]:
    """Return a row for each film: how far its edges are off, for each turn of the screen and over HTTP."""
    with tempfile.TemporaryDirectory(prefix="bench-shapes-") as folder:
        for name, film in FILMS.items():
            await asyncio.to_thread(film.make, Path(folder) / name)
        async with virtual_display() as display:
            columns = {}
            shots = {name: _files(Path(folder) / name) for name in FILMS}
            for turn in _TURNS:
                columns[f"turned by {turn}"] = await _errors(display, turn, shots)
            with http_server(Path(folder)) as address:
                shots = {name: _streams(f"{address}/{quote(name)}") for name in FILMS}
                columns["over HTTP"] = await _errors(display, 0, shots)
            made = {name: await _make_asset(Path(folder) / name) for name in FILMS}
            columns["from an origin"] = await _errors(display, 0, {name: _files(path) for name, path in made.items()})
    return [{"film": name, **{column: errors[name] for column, errors in columns.items()}} for name in FILMS]


async def _errors(display: str, turn: Turn, shots: dict[str, list[Shot]]) -> dict[str, str]:
    """Show all films on a turned screen."""
    async with _running_stage(display, turn) as stage:
        return {name: await _worst(stage, FILMS[name], shots[name], display) for name in FILMS}


async def _make_asset(source: Path) -> Path:
    """Return what an origin makes of a film."""
    folder = source.with_name(f"{source.name} from an origin")
    folder.mkdir()
    limits = Limits(300, 8 * 1024**3, 1024**3, reads=(source,), writes=(folder,))
    job = TranscodeJob(source, source.name, folder, limits, PipelineSettings(), _no_progress)
    facts = await probe(source, limits)
    assert isinstance(facts, VideoFile)
    return (await make_video(facts, job)).path


async def _no_progress(percent: int) -> None:
    pass


def _files(path: Path) -> list[Shot]:
    return [_shot(fit, path=str(path), kind=MediaKind.VIDEO) for fit in Fit]


def _streams(url: str) -> list[Shot]:
    return [_shot(Fit.CONTAIN, path="", url=url, kind=MediaKind.STREAM)]


def _shot(fit: Fit, **where: Any) -> Shot:
    return Shot.model_validate({"take": fit.value, "fit": fit, "background": "#206040", **where})


@asynccontextmanager
async def _running_stage(display: str, turn: Turn) -> AsyncIterator[Stage]:
    area = Area(width=SIZE[0], height=SIZE[1], turn=turn)
    clock = SystemClock()
    async with open_stage(DeckOptions(display, area), clock) as stage:
        stage.streams = gateway = StreamGateway(clock, own_ports=lambda _: True)
        services = [asyncio.create_task(service()) for service in (stage.run, gateway.run)]
        try:
            yield stage
        finally:
            for service in services:
                service.cancel()
            await asyncio.gather(*services, return_exceptions=True)


async def _worst(stage: Stage, film: Film, shots: list[Shot], display: str) -> str:
    """Show a film; return how many pixels its edges are off at most, or why it is not shown."""
    off = 0.0
    for shot in shots:
        try:
            await stage.preroll(shot)
        except MediaUnplayable as error:
            return f"{shot.fit.value}: {error}"
        await stage.cut_now(shot.take)
        with closing(Glass(display)) as glass:
            off = max(off, *film.errors(stage.area, shot.fit, glass.bounds(_RED), glass.bounds(_WHITE)))
    return f"{off:.1f}"
