"""A signal to a deck, at any time: the screen is never black, and the next item is shown.

The display is sampled 250 times a second. Behind the decks it is yellow, so any colour but yellow and
those of the items is a fault. The limits are those of a busy machine: `script/bench faults` has the figures. See also
test_media_promises, test_renewal, `tests/player/deck/test_picture_watch.py` and tests/e2e.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest
import pytest_asyncio

from player.protocol.stage_interface import Cut
from player.stage.stage import Stage
from sync.errors import DeckLost, MediaUnplayable
from sync.runtime.clock import SystemClock
from tests.player.conftest import Media, on_air_pid, put_on_air
from tests.player.pixels import BLUE, GREEN, RED, YELLOW, ScreenRecording, is_close, recording_screen, wait_until

KILL, STOP = signal.SIGKILL, signal.SIGSTOP
SOON_S = 1.0
BUSY_S = 5.0  # the extra time of a busy machine
SHOWN_WITHIN_S = 2 * (SOON_S + BUSY_S)  # to detect the fault, start a deck and load


class SignalledStage:
    """A stage with a blue film on air, whose decks get a signal."""

    def __init__(self, stage: Stage, media: Media, recording: ScreenRecording, number: signal.Signals) -> None:
        self.stage = stage
        self.media = media
        self.recording = recording
        self.number = number
        self.signalled_s = 0.0
        self._on_air = on_air_pid(stage)

    def signal_deck(self, *, deck_on_air: bool) -> None:
        pid = self._on_air if deck_on_air else next(pid for pid in self.stage.facts().pids if pid != self._on_air)
        assert pid
        self.signalled_s = SystemClock().monotonic()
        os.kill(pid, self.number)

    async def show_next_item(self) -> Cut:
        """Show the green picture at once, as the director does."""
        while True:
            with suppress(DeckLost, MediaUnplayable):
                await self.stage.preroll(self.media.shot("green_picture"))
                cut = await self.stage.cut_now("green_picture")
                await wait_until(lambda: is_close(self.recording.samples[-1][1][1], GREEN))
                return cut


@pytest_asyncio.fixture(params=[KILL, STOP], ids=["SIGKILL", "SIGSTOP"], loop_scope="module")
async def target(
    request: pytest.FixtureRequest, shared_stage: Stage, media: Media, shared_yellow_root: None, display_name: str
) -> AsyncIterator[SignalledStage]:
    await put_on_air(shared_stage, media.shot("long"))
    with recording_screen(display_name) as recording:
        yield SignalledStage(shared_stage, media, recording, request.param)


async def loading(target: SignalledStage, *, deck_on_air: bool) -> None:
    task = asyncio.create_task(target.stage.preroll(target.media.shot("red")))
    await SystemClock().sleep(0)
    target.signal_deck(deck_on_air=deck_on_air)
    with suppress(DeckLost, MediaUnplayable):
        await task


async def prerolled(target: SignalledStage, *, deck_on_air: bool) -> None:
    await target.stage.preroll(target.media.shot("red"))
    target.signal_deck(deck_on_air=deck_on_air)


async def cutting(target: SignalledStage, *, deck_on_air: bool) -> None:
    await target.stage.preroll(target.media.shot("red"))
    task = asyncio.create_task(target.stage.cut_now("red"))
    await SystemClock().sleep(0)
    target.signal_deck(deck_on_air=deck_on_air)
    with suppress(DeckLost, MediaUnplayable):
        await task


PHASES = pytest.mark.parametrize("phase", [loading, prerolled, cutting])


@PHASES
async def test_a_signal_to_the_hidden_deck_leaves_what_is_on_air_until_the_next_item(
    target: SignalledStage, phase: Callable[..., Awaitable[None]]
) -> None:
    await phase(target, deck_on_air=False)
    await target.show_next_item()
    assert target.recording.first_seen_s(GREEN) - target.signalled_s < SHOWN_WITHIN_S
    assert not target.recording.unexpected(BLUE, GREEN, *((RED, YELLOW) if phase is cutting else ()))


@PHASES
async def test_a_signal_to_the_deck_on_air_costs_a_second_whatever_the_other_deck_does(
    target: SignalledStage, phase: Callable[..., Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    await phase(target, deck_on_air=True)
    if phase is prerolled:
        cut = await target.stage.cut_at_end("red")
        assert cut.at_s - target.signalled_s < SOON_S + BUSY_S
        assert cut.previous and cut.previous.failed and cut.previous.deck_lost
        assert target.number is KILL or not target.recording.unexpected(BLUE, RED), "the last picture stays"
    await target.show_next_item()
    assert target.recording.first_seen_s(GREEN) - target.signalled_s < SHOWN_WITHIN_S
    assert not target.recording.unexpected(BLUE, RED, GREEN, YELLOW)
    assert sum("deck=" in record.message and "lost" in record.message for record in caplog.records) <= 1


@pytest.mark.parametrize("target", [KILL], indirect=True)
async def test_both_decks_dead_show_the_fallback_and_then_the_next_item(target: SignalledStage) -> None:
    for deck_on_air in (False, True):
        target.signal_deck(deck_on_air=deck_on_air)
    assert (await target.stage.ended()).deck_lost
    await target.show_next_item()
    assert target.recording.first_seen_s(GREEN) - target.signalled_s < SHOWN_WITHIN_S
    assert not target.recording.unexpected(BLUE, YELLOW, GREEN)
