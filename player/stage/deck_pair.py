"""The two decks and their stand-ins: keeps both alive, and exchanges one that is worn before anybody notices.

libVLC leaks a little with every file. A worn deck is exchanged while it is off the air: the stand-in starts beside it,
and takes over at the first preroll after it is up. So a renewal costs no cut, however short the items are; for that
moment three decks are in memory.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from player.platform.child_process import rss_bytes
from player.protocol.deck_messages import SetAudioDevice
from player.stage.deck_exit import DeckExit
from player.stage.deck_process import DeckProcess
from sync.errors import DeckLost

_MIB = 1024**2
_OUTDATED = DeckExit("the display changed", crashed=False, renewal=True)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wear:
    """How long a deck serves: a count of shots, or a size in memory, but never fewer than `least_shots`."""

    shots: int = 500
    rss_bytes: int = 600 * _MIB  # a deck has 100-270 MiB
    least_shots: int = 20  # one large file must not have a deck exchanged at every cut


def worn_by(shots: int, rss_bytes: int, limits: Wear) -> str:
    """Say why a deck that loaded `shots` and holds `rss_bytes` should be exchanged; empty while it should not."""
    if shots >= limits.shots:
        return f"it served {shots} shots"
    if rss_bytes > limits.rss_bytes and shots >= limits.least_shots:
        return f"it holds {rss_bytes // _MIB} MiB after {shots} shots"
    return ""


class DeckPair:
    """Decks `a` and `b`; `make` starts nothing, it builds the link to a deck of that name."""

    def __init__(self, make: Callable[[str], DeckProcess], limits: Wear) -> None:
        self._make = make
        self._limits = limits
        self._links = [make("a"), make("b")]
        self._fresh: dict[str, DeckProcess] = {}
        self._tasks: dict[DeckProcess, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._past_restarts = 0  # of links that were exchanged
        self._past_renewals = 0

    @property
    def links(self) -> tuple[DeckProcess, DeckProcess]:
        """The decks in service, in the order of their names."""
        return self._links[0], self._links[1]

    @property
    def restarts(self) -> int:
        """How often a deck was lost and replaced; renewals do not count."""
        return self._past_restarts + sum(link.restarts for link in (*self._links, *self._fresh.values()))

    @property
    def renewals(self) -> int:
        """How often a deck was replaced that had done nothing wrong: it was worn, or the display changed."""
        return self._past_renewals + sum(link.renewals for link in (*self._links, *self._fresh.values()))

    def other(self, link: DeckProcess | None) -> DeckProcess:
        """Return the deck that is not `link`; the first one for None."""
        return self._links[1] if link is self._links[0] else self._links[0]

    def any_up(self) -> DeckProcess:
        """Return a deck that takes commands, if there is one."""
        return next((link for link in self._links if link.up), self._links[0])

    async def run(self) -> None:
        """Keep both alive until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._group:
                first, second = self._links
                self._keep(first)
                with suppress(DeckLost):
                    await first.wait_up()  # the first picture needs one deck, and all of the processor
                self._keep(second)
        finally:
            self._group = None
            self._tasks.clear()
            self._fresh.clear()

    def off_air(self, link: DeckProcess) -> None:
        """Look at a deck that just left the screen: replace it if condemned, have a stand-in start when it is worn."""
        if link.condemned:
            link.kill(DeckExit(link.condemned, crashed=False))
            return
        if link.outdated:
            link.kill(_OUTDATED)
            return
        if self._group is None or link.pid is None or link.name in self._fresh:
            return
        why = worn_by(link.shots, rss_bytes(link.pid), self._limits)
        if why:
            log.info("deck=%s is exchanged: %s", link.name, why)
            self._fresh[link.name] = self._make(link.name)
            self._keep(self._fresh[link.name])

    def exchanged(self, link: DeckProcess) -> DeckProcess:
        """Return who serves from now on in place of `link`, which is off the air: its stand-in, once that is up."""
        fresh = self._fresh.get(link.name)
        if fresh is None or not fresh.up:
            return link
        del self._fresh[link.name]
        self._links[self._links.index(link)] = fresh
        self._past_restarts += link.restarts
        self._past_renewals += link.renewals + 1
        self._tasks.pop(link).cancel()
        return fresh

    def renew(self, seen: DeckProcess | None) -> None:
        """Have every deck fill what is to be filled now: `seen` once it is off the air, the others at once."""
        for link in (*self._links, *self._fresh.values()):
            if link is not seen:
                link.kill(_OUTDATED)

    def set_audio_device(self, sound: str) -> None:
        """Have every deck that is up heard on the output `sound`; the others are told once they are."""
        for link in (*self._links, *self._fresh.values()):
            link.send(SetAudioDevice(device=sound))

    def close(self) -> None:
        """End every deck, whatever it does."""
        for link in (*self._links, *self._fresh.values()):
            link.kill(DeckExit("the stage is closed", crashed=False))

    def _keep(self, link: DeckProcess) -> None:
        assert self._group is not None
        self._tasks[link] = self._group.create_task(link.run(), name=f"deck {link.name}")
