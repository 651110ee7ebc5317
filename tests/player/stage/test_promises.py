"""What the stage promises, as a list: whatever happens to a deck, and whenever, no black, and the next item comes.

The display is looked at about a thousand times a second while it happens; behind the decks it is yellow, so anything
but the items' colours and yellow is a fault. Bounds are those of a busy machine: `script/bench faults` has the figures.
What media do to a deck is in test_media_promises, what is watched in test_watch, renewal in test_renewal, the whole
player in tests/e2e.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest

from player.protocol.screen import Cut
from player.stage.stage import Stage
from sync.errors import DeckLost, MediaUnplayable
from sync.runtime.clock import SystemClock
from tests.player.conftest import Media, on_air_pid, put_on_air
from tests.player.pixels import BLUE, GREEN, RED, YELLOW, ScreenRecording, is_close, recording_screen, wait_until

KILL, STOP = signal.SIGKILL, signal.SIGSTOP
SOON_S = 1.0
BUSY_S = 1.0  # what a busy machine takes more
Strike = Callable[["Shop"], Awaitable[None]]


class Shop:
    """A stage with a blue film on air, and what may happen to its decks."""

    def __init__(self, stage: Stage, media: Media, sight: ScreenRecording, number: signal.Signals) -> None:
        self.stage = stage
        self.media = media
        self.sight = sight
        self.number = number
        self.struck_s = 0.0
        self._on_air = on_air_pid(stage)

    def hit(self, *, deck_on_air: bool) -> None:
        pid = self._on_air if deck_on_air else next(pid for pid in self.stage.facts().pids if pid != self._on_air)
        assert pid
        self.struck_s = SystemClock().monotonic()
        os.kill(pid, self.number)

    async def next_item(self) -> Cut:
        """Show the green picture at once, as the director does."""
        while True:
            with suppress(DeckLost, MediaUnplayable):
                await self.stage.preroll(self.media.shot("green_picture"))
                cut = await self.stage.cut_now("green_picture")
                await wait_until(lambda: is_close(self.sight.samples[-1][1][1], GREEN))
                return cut


@pytest.fixture(params=[KILL, STOP], ids=["SIGKILL", "SIGSTOP"])
async def shop(
    request: pytest.FixtureRequest, stage: Stage, media: Media, yellow_root: None, display_name: str
) -> AsyncIterator[Shop]:
    await put_on_air(stage, media.shot("long"))
    with recording_screen(display_name) as sight:
        yield Shop(stage, media, sight, request.param)


async def loading(shop: Shop, *, deck_on_air: bool) -> None:
    task = asyncio.create_task(shop.stage.preroll(shop.media.shot("red")))
    await SystemClock().sleep(0)
    shop.hit(deck_on_air=deck_on_air)
    with suppress(DeckLost, MediaUnplayable):
        await task


async def prerolled(shop: Shop, *, deck_on_air: bool) -> None:
    await shop.stage.preroll(shop.media.shot("red"))
    shop.hit(deck_on_air=deck_on_air)


async def cutting(shop: Shop, *, deck_on_air: bool) -> None:
    await shop.stage.preroll(shop.media.shot("red"))
    task = asyncio.create_task(shop.stage.cut_now("red"))
    await SystemClock().sleep(0)
    shop.hit(deck_on_air=deck_on_air)
    with suppress(DeckLost, MediaUnplayable):
        await task


PHASES = pytest.mark.parametrize("phase", [loading, prerolled, cutting])


@PHASES
async def test_what_hits_the_hidden_deck_leaves_what_is_on_air_until_the_next_item(
    shop: Shop, phase: Callable[..., Awaitable[None]]
) -> None:
    await phase(shop, deck_on_air=False)
    await shop.next_item()
    assert shop.sight.first_seen_s(GREEN) - shop.struck_s < 2 * (SOON_S + BUSY_S)  # to notice, to start a deck, to load
    assert not shop.sight.unexpected(BLUE, GREEN, *((RED, YELLOW) if phase is cutting else ()))


@PHASES
async def test_what_hits_the_deck_on_air_costs_a_second_whatever_the_other_does(
    shop: Shop, phase: Callable[..., Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    await phase(shop, deck_on_air=True)
    if phase is prerolled:
        cut = await shop.stage.cut_at_end("red")
        assert cut.at_s - shop.struck_s < SOON_S + BUSY_S
        assert cut.previous and cut.previous.failed and cut.previous.deck_lost
        assert shop.number is KILL or not shop.sight.unexpected(BLUE, RED), "its last picture stood until the cut"
    await shop.next_item()
    assert shop.sight.first_seen_s(GREEN) - shop.struck_s < 2 * (SOON_S + BUSY_S)
    assert not shop.sight.unexpected(BLUE, RED, GREEN, YELLOW)
    assert sum("deck=" in record.message and "lost" in record.message for record in caplog.records) <= 1


@pytest.mark.parametrize("shop", [KILL], indirect=True)
async def test_both_decks_dead_show_the_fallback_and_then_the_next_item(shop: Shop) -> None:
    for deck_on_air in (False, True):
        shop.hit(deck_on_air=deck_on_air)
    assert (await shop.stage.ended()).deck_lost
    await shop.next_item()
    assert shop.sight.first_seen_s(GREEN) - shop.struck_s < 2 * (SOON_S + BUSY_S)  # a deck has to start
    assert not shop.sight.unexpected(BLUE, YELLOW, GREEN)
