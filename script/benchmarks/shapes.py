"""shapes: films of every shape, however stored, in all fits, on a screen turned four ways, on every way to a deck.

The edges of each film and of its white middle are measured on the display, as soon as it is shown and a second later. A
figure is by how many pixels the worst of them is off: where a film is cropped to cover, that may be one of its own
pixels. All of it would be twelve thousand cases; those chosen have each two properties together that a case can have.
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterable
from contextlib import closing
from itertools import combinations, product
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote

from progress import tell

from player.platform.geometry import Area, Turn
from player.protocol.stage_interface import Shot
from player.stage.stage import Stage
from sync.errors import DeckLost, MediaUnplayable, Rejected
from sync.origin.settings.model import PipelineSettings
from sync.origin.transcode.film.facts import VideoFile
from sync.origin.transcode.forked_tools import ForkedTools
from sync.origin.transcode.probe import probe
from sync.origin.transcode.sandbox import Limits
from sync.origin.transcode.transcode_job import TranscodeJob
from sync.origin.transcode.video import make_video
from sync.runtime.clock import SystemClock
from sync.wire.release import Fit, MediaKind

sys.path[:0] = [str(Path(__file__).parent.parent.parent), str(Path(__file__).parent.parent / "demonstration")]
from glass import Glass  # noqa: E402 - found by the line above
from processes import SIZE, virtual_display  # noqa: E402
from shape_films import ENCODINGS, SHAPES, Film  # noqa: E402

from tests.player.conftest import running_stage  # noqa: E402
from tests.player.stream_servers import http_server  # noqa: E402

_TURNS: tuple[Turn, ...] = (0, 90, 180, 270)
_WAITING, _AT_ONCE, _HTTP, _ORIGIN = WAYS = ("a file that waits", "a file at once", "over HTTP", "from an origin")
_RED, _WHITE = (255, 0, 0), (255, 255, 255)
_SECONDS = 4.0
_LATER_S = 1.0
_SAMPLE = 200  # cases looked at for each that is chosen


Errors = tuple[float, float]
"""By how many pixels the worst edge is off: at the first look, and later."""


class Case(NamedTuple):
    """A film, how it comes to a deck, and how it is shown there."""

    shape: str
    encoding: str
    turned: Turn
    fit: Fit
    way: str
    screen: Turn

    @property
    def film(self) -> Film:
        """The film that is shown."""
        return Film(self.shape, self.encoding, self.turned)

    @property
    def exists(self) -> bool:
        """Whether it can be. What libVLC shows wrongly an origin encodes anew: turned AV1, cropping by the codec."""
        wrong = self.shape == "cropped by its codec" or (self.turned and self.encoding == "AV1")
        return self.film.exists and (not wrong or self.way == _ORIGIN)

    def __str__(self) -> str:
        return f"{self.film}: {self.fit.value}, {self.way}, screen turned by {self.screen}."


async def measure(only: str = "", seed: int = 7) -> list[dict[str, Any]]:
    """Return for each property how far the edges of films that have it are off; each case is told as it is done."""
    every = (Case(*values) for values in product(SHAPES, ENCODINGS, _TURNS, Fit, WAYS, _TURNS))
    chosen = covering((case for case in every if case.exists), Random(seed))
    done: dict[Case, Errors | str] = {}
    with tempfile.TemporaryDirectory(prefix="bench-shapes-") as name, http_server(Path(name)) as address:
        chosen = [case for case in chosen if only in str(case)]
        for case in chosen:
            await asyncio.to_thread(case.film.make, Path(name), seconds=_SECONDS)
        async with virtual_display() as display:
            for screen in sorted({case.screen for case in chosen}):
                cases = [case for case in chosen if case.screen == screen]
                area = Area(width=SIZE[0], height=SIZE[1], turn=screen)
                async with running_stage(display, area=area) as stage:
                    for case in cases:
                        done[case] = await _error(stage, display, case, Path(name), address)
                        tell({"off": done[case], "case": str(case)})
    return _summary(done)


def covering(every: Iterable[Case], chance: Random) -> list[Case]:
    """Return some of the cases, so that any two properties that a case has are together in one of those returned."""
    left, chosen = {case: frozenset(combinations(enumerate(case), 2)) for case in every}, []
    missing = set().union(*left.values())
    while left:
        sample = chance.sample(list(left), min(_SAMPLE, len(left)))
        best = max(sample, key=lambda case: len(left[case] & missing))
        chosen.append(best)
        missing -= left[best]
        left = {case: pairs for case, pairs in left.items() if not pairs.isdisjoint(missing)}
    return chosen


def _summary(done: dict[Case, Errors | str]) -> list[dict[str, Any]]:
    rows = []
    for number, name in enumerate(Case._fields):
        for value in dict.fromkeys(case[number] for case in done):
            results = [result for case, result in done.items() if case[number] == value]
            shown = [result for result in results if not isinstance(result, str)]
            first, later = (max((result[look] for result in shown), default="-") for look in (0, 1))
            rows.append(
                {
                    "property": f"{name} {value}",
                    "cases": len(results),
                    "not shown": len(results) - len(shown),
                    "pixels off": first,
                    "a second later": later,
                }
            )
    return rows


async def _error(stage: Stage, display: str, case: Case, folder: Path, address: str) -> Errors | str:
    """Show a film; return how many pixels its edges are off at most, or why it is not shown."""
    path = case.film.make(folder)
    where: dict[str, Any] = {"kind": MediaKind.VIDEO, "path": str(path)}
    try:
        if case.way == _ORIGIN:
            where["path"] = str(await _make_asset(path))
        elif case.way == _HTTP:
            where = {"kind": MediaKind.STREAM, "path": "", "url": f"{address}/{quote(path.name)}"}
        shot = Shot.model_validate({"take": str(case), "fit": case.fit, "background": "#206040", **where})
        await stage.preroll(shot, at_once=case.way == _AT_ONCE)
        await stage.cut_now(shot.take)
    except (MediaUnplayable, Rejected, DeckLost) as error:
        return str(error)
    with closing(Glass(display)) as glass:
        first = _look(glass, stage.area, case)
        await SystemClock().sleep(_LATER_S)
        return first, _look(glass, stage.area, case)


def _look(glass: Glass, area: Area, case: Case) -> float:
    return max(case.film.errors(area, case.fit, glass.bounds(_RED), glass.bounds(_WHITE)))


async def _make_asset(source: Path) -> Path:
    """Return what an origin makes of a film."""
    folder = source.with_name(f"{source.name} from an origin")
    if folder.exists():
        return next(folder.glob("*.asset"))
    folder.mkdir()
    limits = Limits(300, 8 * 1024**3, 1024**3, reads=(source,), writes=(folder,))
    tools = ForkedTools(folder, folder, SystemClock())
    job = TranscodeJob(source, source.name, folder, limits, PipelineSettings(), _no_progress, tools)
    facts = await probe(source, limits)
    assert isinstance(facts, VideoFile)
    return (await make_video(facts, job)).path.rename(folder / "film.asset")


async def _no_progress(percent: int) -> None:
    pass
