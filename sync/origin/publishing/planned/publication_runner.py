"""Carries out planned publications when their time has come, each by exactly one of the origins of a database."""

import logging
from collections.abc import Callable
from datetime import timedelta

from sync.errors import Conflict, Rejected, StorageBroken, StorageFull
from sync.origin.audit.actor import acting_as
from sync.origin.publishing.publisher import Publisher
from sync.origin.store.publications import PlannedPublication, PublicationOutcome, PublicationState, PublicationStore
from sync.recurring_problem import RecurringProblem
from sync.runtime.clock import Clock, ClockTrust, instant, unix_ms

POLL_S = 5.0
"""How long something is not seen that another origin, or this one, has planned for now."""

RETRY_S = 30.0
"""How long it waits after the disk or the database failed."""

_TRIES = 3  # where others publish the same channel at the same moment

_UNTRUSTED = "it is late by a clock that no time service has set: set the clock of the origin, or publish now"

log = logging.getLogger(__name__)


class PublicationRunner:
    """The service. What is due for longer than `late_s` is missed. Calls `changed("publications", id)`.

    A clock that no time service has set may be ahead, so by that one nothing is missed.
    """

    def __init__(
        self,
        store: PublicationStore,
        publisher: Publisher,
        clock: Clock,
        *,
        late_s: float,
        changed: Callable[[str, str], None],
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock
        self._late = timedelta(seconds=late_s)
        self._changed = changed
        self._problem = RecurringProblem(clock, log, "planned publications wait", "planned publications go on")

    async def run(self) -> None:
        """Carry out what is due, for ever."""
        while True:
            await self._clock.sleep(await self.carry_out_due())

    async def carry_out_due(self) -> float:
        """Carry out all that is due; return the seconds until it has to be called again at the latest."""
        try:
            failed, now_ms = False, unix_ms(self._clock.now())
            for publication in await self._store.due(now_ms):
                async with self._store.claimed(publication) as claimed:
                    if claimed is not None:
                        failed |= await self._carry_out(claimed)
            following_ms = await self._store.next_ms(now_ms)  # its instant may be over when this is known
        except (StorageBroken, StorageFull) as error:
            self._problem.occurred(str(error))
            return RETRY_S
        if failed:
            return RETRY_S
        self._problem.cleared()
        return POLL_S if following_ms is None else min(POLL_S, (following_ms - unix_ms(self._clock.now())) / 1000)

    async def _carry_out(self, claimed: PlannedPublication) -> bool:
        """Carry one out, and store what came of it; tell whether it has to be tried again."""
        with acting_as(claimed.planned_by):
            outcome = await self._outcome(claimed)
            await self._store.record(claimed.id, outcome)
        self._changed("publications", claimed.id)
        if outcome.state is PublicationState.PLANNED:
            self._problem.occurred(f"{claimed.id}: {outcome.problem}")
            return True
        told = log.info if outcome.state is PublicationState.DONE else log.warning
        told("publication=%s channel=%s %s", claimed.id, claimed.plan.channel, outcome.state.value)
        return False

    async def _outcome(self, claimed: PlannedPublication) -> PublicationOutcome:
        if (made := await self._store.release_of(claimed.id)) is not None:  # this origin was killed right after it
            return PublicationOutcome(PublicationState.DONE, made)
        late = self._clock.now() - instant(claimed.plan.at_ms)
        if late > self._late and self._clock.trust() is not ClockTrust.SYNCED:
            return PublicationOutcome(PublicationState.PLANNED, problem=_UNTRUSTED)
        if late > self._late:
            return PublicationOutcome(
                PublicationState.MISSED, problem=_missed(late, self._late, claimed.outcome.problem)
            )
        try:
            return PublicationOutcome(PublicationState.DONE, await self._publish(claimed))
        except (StorageBroken, StorageFull) as error:
            return PublicationOutcome(PublicationState.PLANNED, problem=str(error))
        except Rejected as error:
            return PublicationOutcome(PublicationState.FAILED, problem=str(error), problems=error.fields)

    async def _publish(self, claimed: PlannedPublication) -> int:
        """Publish; return the sequence of the release in force."""
        plan = claimed.plan
        for tries_left in reversed(range(_TRIES)):
            try:
                if plan.again is None:
                    done = await self._publisher.publish(plan.channel, plan.note, publication=claimed.id)
                else:
                    done = await self._publisher.bring_back(plan.channel, plan.again, plan.note, publication=claimed.id)
            except Conflict:  # somebody else has just published it, or what should come back is kept no more
                if not tries_left:
                    raise
            else:
                break
        return done.record.sequence


def _missed(late: timedelta, longest: timedelta, problem: str | None) -> str:
    hours, most = late.total_seconds() / 3600, longest.total_seconds() / 3600
    why = f"it failed until then: {problem}" if problem else "no origin ran at its time"
    return f"{why}; {hours:.1f} h after it, more than {most:.1f} h, it is not done any more: publish now, or plan anew"
