"""Judges whether plays can be what happened, by what this origin knows of their screen, releases and other plays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from sync.origin.persistence.turns import DatabaseAccess
from sync.origin.proof.plausibility import (
    MOST_MS,
    OriginTime,
    ScreenFacts,
    day_of,
    may_lack_time,
    since_boot_of,
    time_before,
    why_set_aside,
)
from sync.origin.publishing.published_contents import PublishedContents
from sync.origin.sent_plays.sent_play import AnyPlay, Span, span_of
from sync.origin.store.proof.play_contexts import PlayContext, Question
from sync.origin.store.proof.plays import PlayStore
from sync.runtime.clock import Clock, unix_ms
from sync.wire.device_reports import Play

_BELOW_AND_ABOVE: tuple[Literal[-1, 1], ...] = (-1, 1)


@dataclass(frozen=True, slots=True)
class Case:
    """Plays of one device, at their right times. `confirmed`: a person says that they were shown."""

    device: str
    plays: Sequence[AnyPlay]
    confirmed: bool = False


class PlayJudge:
    """Reads what there is to know; `PlayStore.turn` lets one at a time judge the plays of a screen."""

    def __init__(self, store: PlayStore, contents: PublishedContents, clock: Clock) -> None:
        self._store = store
        self._contents = contents
        self._clock = clock

    async def reasons(self, device: str, plays: Sequence[AnyPlay]) -> list[str | None]:
        """Return for each play why it is set aside; None: it counts."""
        [reasons] = await self.judged([Case(device, plays)])
        return reasons

    async def judged(self, cases: Sequence[Case], access: DatabaseAccess | None = None) -> list[list[str | None]]:
        """Return for each case the reasons of its plays, after a few queries for all of them, by `access` if given."""
        plays = list(chain.from_iterable(case.plays for case in cases))
        known = await self._contents.known({one.release for one in plays}, {one.asset for one in plays}, access)
        found = await self._store.context([_question(case) for case in cases], access)
        now = OriginTime(unix_ms(self._clock.now()), self._clock.trust())
        return [
            why_set_aside(case.plays, await self._facts(case, each, known), known, now, confirmed=case.confirmed)
            for case, each in zip(cases, found, strict=True)
        ]

    async def _facts(self, case: Case, found: PlayContext, known: Mapping[str, Any]) -> ScreenFacts:
        sender = found.sender
        unknown = {one.asset for one in case.plays if one.release not in known}
        shown = await self._contents.shown(sender.channels, unknown) if sender.published and unknown else None
        spare_ms = {day: MOST_MS - shown_ms for day, shown_ms in found.shown_ms.items()}
        since_boot = _since_boot(found.beside)
        return ScreenFacts(sender.paired_ms, sender.channels, shown, found.taken, spare_ms, since_boot)


def _question(case: Case) -> Question:
    own = {(one.log_epoch, one.sequence) for one in case.plays}
    return Question(
        device=case.device,
        spans=[(since, until + 1) for since, until in map(span_of, case.plays)],  # and what follows at once
        days={day: time_before(day) for day in {day_of(one) for one in case.plays if may_lack_time(one)}},
        places=[
            (one.log_epoch, one.sequence, step)
            for one in case.plays
            for step in _BELOW_AND_ABOVE
            if (one.log_epoch, one.sequence + step) not in own and since_boot_of(one)
        ],
    )


def _since_boot(beside: Sequence[Mapping[str, Any]]) -> dict[str, list[Span]]:
    """Return the time since a start of its machine of the plays that count just before and after those judged."""
    spans = dict[str, set[Span]]()
    for body in beside:
        if found := since_boot_of(Play.model_validate(body)):
            spans.setdefault(found[0], set()).add(found[1])
    return {boot: sorted(found) for boot, found in spans.items()}
