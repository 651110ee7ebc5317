"""The two decks in service and their stand-ins: keeps both alive, and replaces a worn one unseen.

libVLC leaks a little with every file. The stand-in of a worn deck starts beside it while that is off the screen, and
serves from the first preroll after it is up. So a replacement delays no cut, however short the items are. For that time
three decks are in memory.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from player.platform.child_process import rss_bytes
from player.protocol.deck_messages import SetAudioDevice
from player.protocol.stage_interface import STAGE_CLOSED
from player.stage.deck_process import DeckProcess
from player.stage.deck_state import DeckExit
from sync.errors import DeckLost
from sync.runtime.clock import Clock
from sync.runtime.supervisor import Restarts, supervise

_MIB = 1024**2

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wear:
    """How long a deck serves: a number of shots, or a size in memory, but at least `least_shots`."""

    shots: int = 500
    rss_bytes: int = 600 * _MIB  # a deck has 100-270 MiB
    least_shots: int = 20  # one large file must not cause a replacement at every cut


def worn_by(shots: int, rss_bytes: int, limits: Wear) -> str:
    """Return why a deck that loaded `shots` and uses `rss_bytes` must be replaced; empty while it need not be."""
    if shots >= limits.shots:
        return f"it served {shots} shots"
    if rss_bytes > limits.rss_bytes and shots >= limits.least_shots:
        return f"it uses {rss_bytes // _MIB} MiB after {shots} shots"
    return ""


class DeckPair:
    """Decks `a` and `b`; `make` builds the deck of that name and starts no process."""

    def __init__(self, make: Callable[[str], DeckProcess], limits: Wear, clock: Clock) -> None:
        self._make = make
        self._limits = limits
        self._clock = clock
        self._errors = Restarts()  # of the program, by the name of the deck
        self._decks = [make("a"), make("b")]
        self._stand_ins: dict[str, DeckProcess] = {}
        self._tasks: dict[DeckProcess, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._past_restarts = 0  # of decks that were replaced by a stand-in
        self._past_renewals = 0

    @property
    def decks(self) -> tuple[DeckProcess, DeckProcess]:
        """The decks in service, in the order of their names."""
        return self._decks[0], self._decks[1]

    @property
    def restarts(self) -> int:
        """How often a deck was lost and started again; renewals do not count."""
        errors = sum(self._errors.counts.values())
        return self._past_restarts + errors + sum(deck.restarts for deck in self._all())

    @property
    def renewals(self) -> int:
        """How often a deck that was in order was replaced: it was worn, or the display changed."""
        return self._past_renewals + sum(deck.renewals for deck in self._all())

    def other(self, deck: DeckProcess | None) -> DeckProcess:
        """Return the deck that is not `deck`; the first one for None."""
        return self._decks[1] if deck is self._decks[0] else self._decks[0]

    def any_up(self) -> DeckProcess:
        """Return a deck that takes commands; the first one if there is none."""
        return next((deck for deck in self._decks if deck.up), self._decks[0])

    async def run(self) -> None:
        """Keep both alive until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._group:
                first, second = self._decks
                self._start(first)
                with suppress(DeckLost):
                    await first.wait_up()  # the first picture needs one deck, and all of the processor
                self._start(second)
        finally:
            self._group = None
            self._tasks.clear()
            self._stand_ins.clear()

    def start_stand_in_if_worn(self, deck: DeckProcess) -> None:
        """Start a stand-in for `deck`, which left the screen, if it is worn."""
        if self._group is None or deck.pid is None or deck.name in self._stand_ins:
            return
        why = worn_by(deck.shots, rss_bytes(deck.pid), self._limits)
        if why:
            log.info("deck=%s is replaced: %s", deck.name, why)
            self._stand_ins[deck.name] = self._make(deck.name)
            self._start(self._stand_ins[deck.name])

    def in_service(self, deck: DeckProcess) -> DeckProcess:
        """Return `deck`, which is off the screen, or its stand-in: that replaces it as soon as it is up."""
        stand_in = self._stand_ins.get(deck.name)
        if stand_in is None or not stand_in.up:
            return deck
        del self._stand_ins[deck.name]
        self._decks[self._decks.index(deck)] = stand_in
        self._past_restarts += deck.restarts
        self._past_renewals += deck.renewals + 1
        self._tasks.pop(deck).cancel()
        return stand_in

    def replace_hidden(self, on_screen: DeckProcess | None) -> None:
        """Replace every deck but the one on the screen, because another area is wanted."""
        for deck in self._all():
            if deck is not on_screen:
                deck.replace_outdated()

    def set_audio_device(self, sound: str) -> None:
        """Have every deck heard on the output `sound`."""
        for deck in self._all():
            deck.send(SetAudioDevice(device=sound))

    def close(self) -> None:
        """End every deck, in any state."""
        for deck in self._all():
            deck.kill(DeckExit(STAGE_CLOSED, crashed=False))

    def _all(self) -> tuple[DeckProcess, ...]:
        return *self._decks, *self._stand_ins.values()

    def _start(self, deck: DeckProcess) -> None:
        assert self._group is not None
        name = f"deck {deck.name}"
        self._tasks[deck] = self._group.create_task(supervise(name, deck.run, self._clock, self._errors), name=name)
