"""Random events in random order: every take that was on the screen is one play, and the accounts are right."""

from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from player.director.take_recorder import TakeRecorder
from player.evidence.ledger import open_ledger
from player.programme.proof_of_play import verify_chain
from player.protocol.operator_command import Command
from sync.errors import Conflict, NotFound
from sync.wire.device_reports import Outcome, PlayKind
from sync.wire.release import Daypart
from tests.long_tables import in_bench
from tests.player.director.record.examples import mono_ms
from tests.player.director.record.test_storage import pragma
from tests.player.director.venue import DEVICE, World, campaign, item, open_world, playlist, release

LOOP = playlist("loop", item("red"), item("green", at_end="finish"), item("bad"))
CONTENTS = (
    release(LOOP, ads=(campaign("cola"), campaign("juice"))),
    release(LOOP, playlist("other", item("blue")), ads=(campaign("cola"),)),
    release(
        playlist("other", item("blue")), LOOP,
        dayparts=(Daypart(id="d", name="D", playlist="loop", start="12:02", end="12:05"),),
        ads=(campaign("juice", seconds=7),),
    ),
)  # fmt: skip


class Storm:
    """Random events from one seed."""

    def __init__(self, world: World, rng: Random) -> None:
        self._world = world
        self._rng = rng

    async def do_something(self) -> None:
        events: list[Callable[[], Awaitable[None]]] = [
            self.publish, self.end_take, self.order, self.toggle_media, self.step_clock, self.wait, self.wait,
            self.lose_decks, self.fill_disk,
        ]  # fmt: skip
        await self._rng.choice(events)()
        if self._rng.random() < 0.6:
            await self._world.clock.run_ready(self._rng.randrange(30))
        else:
            await self._world.clock.until_idle()

    async def publish(self) -> None:
        self._world.publish(self._rng.choice(CONTENTS))
        self._world.director.wake()

    async def end_take(self) -> None:
        screen = self._world.screen
        if screen.on_air is not None and not screen.over:
            self._rng.choice([screen.finish, screen.fail, screen.lose_deck])()

    async def order(self) -> None:
        do = self._rng.choice(["skip", "previous", "play", "stop", "blank", "play-item"])
        order = {"do": "play", "item": "red"} if do == "play-item" else {"do": do, "for_ms": 20_000}
        try:
            await self._world.director.command(Command.model_validate(order))
        except (Conflict, NotFound):
            return

    async def toggle_media(self) -> None:
        self._world.screen.unplayable ^= {self._world.media(self._rng.choice(["bad", "red", "cola"]))}

    async def step_clock(self) -> None:
        self._world.clock.step_wall(self._rng.choice([-3600, -2, 2, 120]))

    async def wait(self) -> None:
        await self._world.advance(self._rng.choice([0.3, 1, 5, 11, 40]))

    async def fill_disk(self) -> None:
        await pragma(self._world, f"max_page_count = {self._rng.choice([1, 100_000])}")

    async def lose_decks(self) -> None:
        self._world.screen.decks_to_lose = self._rng.randrange(3)
        self._world.screen.load_time_s = self._rng.choice([0.0, 0.4, 3.0])


@pytest.mark.parametrize("seed", [*range(3), *in_bench(*range(3, 30))])
async def test_whatever_happens_the_proof_is_what_was_on_the_screen(tmp_path: Path, seed: int) -> None:
    async with open_world(tmp_path) as world:
        world.publish(CONTENTS[0])
        storm = Storm(world, Random(seed))
        async with world.running():
            for _ in range(120):
                await storm.do_something()
            await pragma(world, "max_page_count = 100000")
            await world.clock.until_idle()
        plays = await world.plays()
        shown = world.screen.shown()
        assert [(play.take, mono_ms(play)) for play in plays] == [(take, left_ms) for take, _, left_ms in shown]
        assert [play.rendered_ms for play in plays] == [
            min(ms, play.expected_ms or ms) for play, (_, ms, _) in zip(plays, shown, strict=True)
        ], "its last picture stays, and is a part of the play, but not of what was rendered"
        verify_chain(plays)
        spans = sorted((play.started_at, play.ended_at) for play in plays)
        assert all(later[0] >= sooner[1] for sooner, later in pairwise(spans)), "two takes at one time"
        assert await world.ledger.open_takes() == []
    async with open_ledger(tmp_path / "plays.db", DEVICE, world.clock) as ledger:
        recorder = TakeRecorder(ledger, 7)
        await recorder.recover()
        charged = sum(account.plays for account in recorder.memory.ads.accounts.values())
    complete = [p for p in plays if p.kind is PlayKind.AD and p.outcome is Outcome.COMPLETE]
    assert len(plays) > 8 and charged <= len(complete)
