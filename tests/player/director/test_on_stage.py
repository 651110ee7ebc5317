"""The director with the real stage: two libVLC decks on a display, real media, a real ledger."""

import asyncio
import os
import resource
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from Xlib import X
from Xlib.display import Display as XDisplay

from player.director.director import Director
from player.evidence.ledger import Ledger, open_ledger
from player.platform.geometry import Area
from player.protocol.operator_command import Command
from player.settings.model import Settings
from player.stage.deck_options import DeckOptions
from player.stage.stage import Stage, open_stage
from player.stage.stage_facts import StageFacts
from sync.device.store.content_store import ContentStore, open_content_store
from sync.runtime.clock import SystemClock
from sync.wire.device_reports import Outcome, Play
from tests.display import start_xvfb
from tests.player.conftest import on_air_pid
from tests.player.director.venue import DEVICE, activate, asset, eventually, item, playlist, release

pytestmark = pytest.mark.display
LENGTH_MS = 1_800  # films of one colour preroll in about a second: their rewind cannot be seen


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("films")
    return {name: film(folder / name, name) for name in ("red", "blue")}


def film(path: Path, colour: str) -> bytes:
    source = f"color={colour}:s=320x180:r=25:d={LENGTH_MS / 1000}"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-c:v", "libx264", "-pix_fmt", "yuv420p"]
    subprocess.run([*command, "-f", "mp4", str(path)], check=True, timeout=60)
    return path.read_bytes()


class Venue:
    """A director over the real stage; `plays` are what its ledger holds."""

    def __init__(self, display: str, stage: Stage, director: Director, ledger: Ledger, cache: ContentStore) -> None:
        self.display = display
        self.stage = stage
        self.cache = cache
        self.director = director
        self.ledger = ledger

    async def plays(self) -> list[Play]:
        return [Play.model_validate(body) for body in reversed(await self.ledger.outbox.plays())]

    async def until_played(self, count: int) -> list[Play]:
        async with asyncio.timeout(60):
            while len(plays := await self.plays()) < count:
                await SystemClock().sleep(0.02)
        return plays

    async def until_on(self, item: str) -> None:
        await eventually(lambda: self.director.now().item == item)

    def shows(self, showing: str, *, after: str | None) -> bool:
        """Tell whether this is shown, and not in take `after` any more."""
        now = self.director.now()
        return now.showing == showing and now.take != after

    def left_s(self) -> float:
        until = self.director.now().until
        return (until - SystemClock().now()).total_seconds() if until else 0.0


@pytest.fixture
async def venue(tmp_path: Path, films: dict[str, bytes]) -> AsyncIterator[Venue]:
    clock = SystemClock()
    with start_xvfb(640, 360) as display, open_content_store(tmp_path) as cache:
        async with (
            open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger,
            open_stage(DeckOptions(display, Area(width=640, height=360)), clock) as stage,
        ):
            for name, data in films.items():
                cache.media._assets.joinpath(asset(name).sha256).write_bytes(data)
            cache.media._assets.joinpath(asset("bad").sha256).write_bytes(b"not a film" * 1000)
            content = release(playlist("loop", item("red"), item("bad"), item("blue")))
            whole = tuple(each.model_copy(update={"duration_ms": LENGTH_MS}) for each in content.assets)
            activate(cache, content.model_copy(update={"assets": whole}), 1)
            director = Director(stage, ledger, cache, clock, Settings, seed=1)
            services = [asyncio.create_task(stage.run()), asyncio.create_task(director.run())]
            try:
                yield Venue(display, stage, director, ledger, cache)
            finally:
                for service in reversed(services):
                    service.cancel()
                    await asyncio.wait({service})


async def test_films_follow_each_other_on_a_real_display_and_every_one_is_proved_as_it_was_seen(venue: Venue) -> None:
    plays = (await venue.until_played(3))[:3]
    assert [play.title for play in plays] == ["Red", "Blue", "Red"]
    assert [play.outcome for play in plays] == [Outcome.COMPLETE] * 3, plays
    for before, after in pairwise(plays):
        assert after.started_at >= before.ended_at, "two takes at one time"
    counted = [(play.frames_shown or 0, play.frames_lost or 0) for play in plays]
    assert all(shown and shown + lost <= 1.5 * LENGTH_MS / 1000 * 25 for shown, lost in counted), counted
    assert [play.screen_detail for play in plays] == [None] * 3
    assert [failure.asset for failure in venue.ledger.quarantine.failures()] == [asset("bad").sha256]
    now = venue.director.now()
    assert now.showing == "item" and now.why
    # No daemon here puts windows of other programs below ours, so the deck alone sees that nobody sees its film.
    program = XDisplay(venue.display)
    program.screen().root.create_window(0, 0, 640, 360, 0, X.CopyFromParent, override_redirect=True).map()
    program.sync()
    seen: list[StageFacts] = []

    def is_noticed() -> bool:
        seen.append(venue.stage.facts())
        return (seen[-1].still_ms or 0) > 700 and seen[-1].on_air is not None

    await eventually(is_noticed)
    program.close()  # its window goes, too
    covered = {play.take: play for play in await venue.until_played(len(await venue.plays()) + 2)}[
        seen[-1].on_air or ""
    ]
    assert covered.screen_detail == "covered" and covered.outcome is not Outcome.COMPLETE, covered
    assert covered.rendered_ms <= LENGTH_MS - 700


async def test_a_deck_killed_on_air_costs_a_second_and_blames_no_film(venue: Venue) -> None:
    await venue.until_played(1)
    await eventually(lambda: venue.director.now().next.readiness == "ready" and venue.left_s() > LENGTH_MS / 3000)
    take = venue.director.now().take
    os.kill(on_air_pid(venue.stage), signal.SIGKILL)
    plays = await venue.until_played(len(await venue.plays()) + 2)
    (hit,) = (play for play in plays if play.take == take)
    following = plays[plays.index(hit) + 1]
    assert hit.outcome is Outcome.FAILED
    assert (following.started_at - hit.ended_at).total_seconds() < 1.0
    blamed = {failure.asset for failure in venue.ledger.quarantine.failures()}
    assert blamed <= {asset("bad").sha256}


@contextmanager
def no_descriptors() -> Iterator[None]:
    """No file, socket or pipe more can be opened in this process."""
    limits, highest = resource.getrlimit(resource.RLIMIT_NOFILE), os.open("/dev/null", os.O_RDONLY)
    os.close(highest)  # the lowest that was free: none at or above it can be opened
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


async def test_a_deck_that_cannot_be_started_leaves_the_other_one_and_the_record_true(venue: Venue) -> None:
    await eventually(lambda: venue.director.now().next.readiness == "ready" and venue.left_s() > LENGTH_MS / 3000)
    take, on_air = venue.director.now().take, on_air_pid(venue.stage)
    hidden = next(pid for pid in venue.stage.facts().pids if pid and pid != on_air)
    with no_descriptors():
        os.kill(hidden, signal.SIGKILL)
        await eventually(lambda: venue.stage.facts().restarts >= 3 and venue.stage.facts().on_air is None)
        plays = await venue.until_played(len(await venue.plays()) + 2)  # the deck that is left goes on by itself
        assert on_air in venue.stage.facts().pids and venue.stage.facts().failed_starts >= 3
    at = [play.take for play in plays].index(take or "")
    for hit in plays[at : at + 2]:
        assert (hit.outcome, hit.reason) == (Outcome.COMPLETE, "eof") and hit.rendered_ms <= LENGTH_MS
    await eventually(lambda: venue.stage.facts().failed_starts == 0)
    assert on_air in venue.stage.facts().pids, "the deck that was in order never ended"


async def test_no_two_plays_overlap_through_cuts_skips_a_blank_and_a_killed_deck(venue: Venue) -> None:
    await venue.until_played(1)
    for do in ("skip", "blank", "play", "skip"):
        await eventually(lambda: venue.director.now().next.readiness == "ready" or venue.director.now().take is None)
        before = venue.director.now().take
        await venue.director.command(Command.model_validate({"do": do}))
        await eventually(partial(venue.shows, "blank" if do == "blank" else "item", after=before))
    # Well after its start, when its deck has spoken, and well before its end: killed there it would be complete.
    await eventually(lambda: LENGTH_MS / 3000 < venue.left_s() < LENGTH_MS / 1500)
    take = venue.director.now().take
    os.kill(on_air_pid(venue.stage), signal.SIGKILL)
    plays = await venue.until_played(len(await venue.plays()) + 2)
    spans = [(play.started_at, play.ended_at) for play in plays]
    assert all(later[0] >= sooner[1] for sooner, later in pairwise(spans)), spans
    assert {"eof", "operator"} <= {play.reason for play in plays}
    assert {play.outcome for play in plays if play.take == take} == {Outcome.FAILED}


async def test_three_skips_during_a_load_are_exactly_three_steps(venue: Venue) -> None:
    names = ("red", "blue", "red", "blue", "red")
    content = release(playlist("loop", *(item(name, id=str(number)) for number, name in enumerate(names))))
    whole = tuple(each.model_copy(update={"duration_ms": LENGTH_MS}) for each in content.assets)
    activate(venue.cache, content.model_copy(update={"assets": whole}), 2)
    venue.director.wake()
    await venue.until_on("0")
    for _ in range(3):
        await venue.director.command(Command(do="skip"))
    assert venue.director.now().item == "0", "what is on stays until there is something to cut to"
    await venue.until_on("3")
    plays = await venue.until_played(2)
    first = next(number for number, play in enumerate(plays) if play.item == "0")
    assert [play.item for play in plays[first:][:2]] == ["0", "3"]
    assert plays[first].reason in {"operator", "eof"}, "a busy machine loads for as long as the film lasts"
