"""The life of a deck process: every move that is allowed, and every other one."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from player.platform.code_version import CODE
from player.platform.geometry import Area
from player.protocol.deck_messages import DeckEvent, Hide, Show
from player.protocol.stage_interface import Shot
from player.stage.deck_options import DeckOptions
from player.stage.deck_process import DeckProcess
from player.stage.deck_state import DECK_STATES, DeckExit, DeckState
from player.stage.stage import open_stage
from sync.errors import DeckLost, MediaUnplayable
from sync.runtime.clock import SystemClock
from sync.runtime.state_table import ForbiddenMove
from sync.wire.release import MediaKind
from tests.player.pixels import wait_until

LIVE = {state for state in DeckState if state.takes_commands}


@pytest.mark.parametrize("before", DeckState)
@pytest.mark.parametrize("after", DeckState)
def test_each_move_is_made_or_refused_as_the_table_says(before: DeckState, after: DeckState) -> None:
    if after in DECK_STATES.moves[before]:
        assert DECK_STATES.move(before, after) is after
    else:
        with pytest.raises(ForbiddenMove, match=f"no move from {before.value} to {after.value}"):
            DECK_STATES.move(before, after)


def test_every_state_is_reached_and_every_live_process_can_end() -> None:
    reached = {after for following in DECK_STATES.moves.values() for after in following}
    assert reached == set(DeckState) == set(DECK_STATES.moves)
    assert set(DECK_STATES.before(DeckState.LEAVING)) == {DeckState.STARTING, *LIVE}
    assert DECK_STATES.before(DeckState.ON_AIR) == (DeckState.LOADED,), "only what was loaded can be shown"


# A deck without a display: it answers each command with the event that the real one sends.
_DECK = (
    f"CODE = {CODE!r}"
    + """
import json, sys
def send(event, **fields): print(json.dumps({"event": event, **fields}), flush=True)
send("ready", window=1, libvlc="3", code=CODE)
for line in sys.stdin:
    command = json.loads(line)
    take = command.get("take") or command.get("shot", {}).get("take")
    match command["do"]:
        case "load" if take == "bad": send("failed", take=take, reason="it is damaged")
        case "load" if take == "slow": pass
        case "load": send("loaded", take=take, took_ms=1)
        case "cancel_show": send("show_cancelled", take=take)
        case "show": send("shown", take=take, at_s=1.0, raised_s=1.0)
        case "hide": send("hidden", take=take)
        case "blank": send("blanked", at_s=1.0)
"""
)


def _options(*program: str) -> DeckOptions:
    return DeckOptions(":0", Area(width=1, height=1), program=program or (sys.executable, "-c", _DECK))


class Deck:
    """A deck process of that program, and how its processes ended."""

    def __init__(self, *program: str) -> None:
        self.exits: list[DeckExit] = []
        options = _options(*program)
        self.process = DeckProcess("a", lambda: options, SystemClock(), self._event, self._exit, lambda *_: False)

    def _event(self, process: DeckProcess, event: DeckEvent) -> None:
        pass

    def _exit(self, process: DeckProcess, why: DeckExit) -> None:
        assert process.state is DeckState.GONE
        self.exits.append(why)

    async def reaches(self, state: DeckState) -> None:
        """Wait until the process is in `state`."""
        await wait_until(lambda: self.process.state is state)


@pytest.fixture
async def deck() -> AsyncIterator[Deck]:
    deck = Deck()
    assert deck.process.state is DeckState.GONE
    task = asyncio.create_task(deck.process.run())
    await deck.reaches(DeckState.STARTING)
    await deck.process.wait_up()
    yield deck
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert deck.process.state is DeckState.GONE and deck.process.pid is None


def shot(take: str) -> Shot:
    return Shot(take=take, path="film", kind=MediaKind.VIDEO)


async def test_a_deck_moves_as_it_is_ordered_and_as_it_reports(deck: Deck) -> None:
    process = deck.process
    loading = asyncio.create_task(process.load(shot("first")))
    await SystemClock().sleep(0)
    await deck.reaches(DeckState.LOADING)
    await loading
    await deck.reaches(DeckState.LOADED)
    await process.load(shot("second"))
    process.send(Show(take="first"))  # the second shot replaced it
    await process.cancel_show("first")
    await deck.reaches(DeckState.LOADED)
    process.send(Show(take="second"))
    await deck.reaches(DeckState.ON_AIR)
    await process.blank()
    await deck.reaches(DeckState.BLANK)
    await process.hide()
    await deck.reaches(DeckState.READY)
    with pytest.raises(MediaUnplayable, match="it is damaged"):
        await process.load(shot("bad"))
    assert process.state is DeckState.READY


async def test_a_load_that_is_cancelled_leaves_the_deck_ready(deck: Deck) -> None:
    loading = asyncio.create_task(deck.process.load(shot("slow")))
    await deck.reaches(DeckState.LOADING)
    loading.cancel()
    await asyncio.gather(loading, return_exceptions=True)
    deck.process.send(Hide(take="slow"))
    assert deck.process.state is DeckState.READY


async def test_a_deck_that_is_killed_leaves_with_its_first_reason_and_another_one_starts(deck: Deck) -> None:
    deck.process.kill(DeckExit("the first reason", crashed=True))
    deck.process.kill(DeckExit("the second reason", crashed=False))
    assert deck.process.state is DeckState.LEAVING and deck.process.pid is None and not deck.process.up
    with pytest.raises(DeckLost, match="is being replaced"):
        await deck.process.blank()
    await deck.process.wait_up()
    assert [why.reason for why in deck.exits] == ["the first reason"] and deck.process.restarts == 1


async def test_a_deck_that_dies_while_it_loads_fails_the_load_and_starts_again(deck: Deck) -> None:
    loading = asyncio.create_task(deck.process.load(shot("slow")))
    await deck.reaches(DeckState.LOADING)
    assert deck.process.pid
    os.kill(deck.process.pid, signal.SIGSEGV)
    with pytest.raises(MediaUnplayable, match="SIGSEGV"):
        await loading
    await deck.process.wait_up()
    assert deck.process.state is DeckState.READY


async def test_a_deck_that_is_to_be_replaced_is_replaced_when_it_leaves_the_screen(deck: Deck) -> None:
    await deck.process.load(shot("first"))
    deck.process.replace_when_hidden("it was black, again")
    deck.process.send(Show(take="first"))
    await deck.reaches(DeckState.ON_AIR)
    deck.process.leave_screen()
    assert deck.process.state is DeckState.LEAVING
    await deck.process.wait_up()
    assert [why.reason for why in deck.exits] == ["it was black, again"]


async def test_a_deck_that_cannot_be_started_is_tried_again_and_ends_nothing_else() -> None:
    deck = Deck("/missing/deck")
    task = asyncio.create_task(deck.process.run())
    await wait_until(lambda: deck.process.restarts >= 2)
    assert not task.done() and "no such file" in deck.exits[0].reason and not deck.exits[0].crashed
    task.cancel()


async def test_a_deck_that_ends_with_its_task_fails_its_requests_and_reports_its_end() -> None:
    deck = Deck()
    task = asyncio.create_task(deck.process.run())
    await deck.process.wait_up()
    loading = asyncio.create_task(deck.process.load(shot("slow")))
    await deck.reaches(DeckState.LOADING)
    task.cancel()
    with pytest.raises(DeckLost, match="is gone"):
        await asyncio.wait_for(loading, 60)
    assert len(deck.exits) == 1


async def test_a_cut_that_is_made_while_this_process_is_stopped_counts() -> None:
    clock = SystemClock()
    async with open_stage(_options(), clock) as stage:
        running = asyncio.create_task(stage.run())
        await stage.preroll(shot("first"))
        await stage.cut_now("first")
        await stage.preroll(shot("second"))
        cutting = asyncio.create_task(stage.cut_now("second"))
        await clock.sleep(0)  # the order is sent
        clock.wait(2.5)
        assert (await cutting).take == "second" and stage.facts().on_air == "second" and stage.facts().restarts == 0
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
