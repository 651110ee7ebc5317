"""Judges whether plays can be what happened, by what this origin knows of their screen, releases and other plays."""

from collections.abc import Sequence
from typing import Literal

from sync.origin.proof.plausibility import (
    MOST_MS,
    OriginTime,
    ScreenFacts,
    Span,
    day_of,
    may_lack_time,
    since_boot_of,
    time_before,
    why_set_aside,
)
from sync.origin.publishing.published_contents import PublishedContents
from sync.origin.store.proof.plays import PlayStore
from sync.runtime.clock import Clock, unix_ms
from sync.wire.device_reports import Play

_BELOW_AND_ABOVE: tuple[Literal[-1, 1], ...] = (-1, 1)


class PlayJudge:
    """Reads what there is to know; `PlayStore.turn` lets one at a time judge the plays of a screen."""

    def __init__(self, store: PlayStore, contents: PublishedContents, clock: Clock) -> None:
        self._store = store
        self._contents = contents
        self._clock = clock

    async def reasons(self, device: str, plays: Sequence[Play], *, confirmed: bool = False) -> list[str | None]:
        """Return for each play, at its right time, why it is set aside; None: it counts."""
        assets, sender = {play.asset for play in plays}, await self._store.sender(device)
        known = await self._contents.known({play.release for play in plays}, assets)
        shown = await self._contents.shown(sender.channels, assets) if sender.published else None
        spans = [(unix_ms(one.started_at), unix_ms(one.ended_at) + 1) for one in plays]  # and what follows at once
        taken = await self._store.taken(device, spans)
        spare_ms = {
            day: MOST_MS - await self._store.shown_ms(device, *time_before(day))
            for day in {day_of(one) for one in plays if may_lack_time(one)}
        }
        since_boot = await self._since_boot(device, plays)
        facts = ScreenFacts(sender.paired_ms, sender.channels, shown, taken, spare_ms, since_boot)
        now = OriginTime(unix_ms(self._clock.now()), self._clock.trust())
        return why_set_aside(plays, facts, known, now, confirmed=confirmed)

    async def _since_boot(self, device: str, plays: Sequence[Play]) -> dict[str, list[Span]]:
        """Return the time since a start of its machine of the plays that count just before and after these."""
        places, spans = {(play.log_epoch, play.sequence) for play in plays}, dict[str, set[Span]]()
        for play in filter(since_boot_of, plays):
            for step in _BELOW_AND_ABOVE:
                if (play.log_epoch, play.sequence + step) in places:
                    continue
                body = await self._store.beside(device, play.log_epoch, play.sequence, step)
                if body and (found := since_boot_of(Play.model_validate(body))):
                    spans.setdefault(found[0], set()).add(found[1])
        return {boot: sorted(found) for boot, found in spans.items()}
