"""The table of publications: channels that are published, or were to be, at an instant that people planned."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Conflict, NotFound, StaleVersion
from sync.origin.audit.actor import Actor, ActorKind, current_actor
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase, do_last
from sync.origin.persistence.lists import PUBLICATIONS
from sync.origin.persistence.pages import Page, PageRequest, read_page
from sync.origin.store.audit.record import record
from sync.origin.store.row_checks import check_channel_role, new_id
from sync.origin.store.spaces.visible_rows import of_seen_channel
from sync.origin.tables.releases import publications, releases
from sync.roles import Role
from sync.runtime.clock import Clock, instant, unix_ms
from sync.runtime.state_table import StateTable


class PublicationState(StrEnum):
    """How far a planned publication is."""

    PLANNED = "planned"  # its time has not come, or it is tried again
    RUNNING = "running"  # one origin carries it out
    DONE = "done"
    FAILED = "failed"  # the plan could not be published
    MISSED = "missed"  # no origin ran at its time, nor soon enough after it
    CANCELLED = "cancelled"  # by a person


PUBLICATION_STATES = StateTable(
    "publication",
    PublicationState.PLANNED,
    {
        PublicationState.PLANNED: {
            PublicationState.RUNNING: "its time has come",
            PublicationState.CANCELLED: "a person cancels it",
        },
        PublicationState.RUNNING: {
            PublicationState.DONE: "the release is in force",
            PublicationState.FAILED: "the plan cannot be published",
            PublicationState.MISSED: "its time is over for too long",
            PublicationState.PLANNED: "the disk, the database or the clock failed: it is tried again",
        },
        PublicationState.DONE: {},
        PublicationState.FAILED: {},
        PublicationState.MISSED: {},
        PublicationState.CANCELLED: {},
    },
)
_IN_VAIN = (PublicationState.FAILED, PublicationState.MISSED)
OPEN = (PublicationState.PLANNED, PublicationState.RUNNING)
"""A publication that has not ended."""


@dataclass(frozen=True, slots=True)
class PublicationPlan:
    """When a channel is to be published, and what; `local` is the time of the venue in `zone` that a person named.

    `again`: an earlier release that is to come back instead of the plan of the channel.
    """

    channel: str
    at_ms: int
    local: str | None = None
    zone: str = ""
    note: str | None = None
    again: int | None = None


@dataclass(frozen=True, slots=True)
class PublicationOutcome:
    """How a publication ended, or why it is tried again; `problems` by field, `sequence` of the release in force."""

    state: PublicationState
    sequence: int | None = None
    problem: str | None = None
    problems: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class PlannedPublication:
    """A publication, who planned it, and its outcome."""

    id: str
    plan: PublicationPlan
    outcome: PublicationOutcome
    planned_by: Actor
    version: int
    ended_ms: int | None


class PublicationStore:
    """Stores planned publications."""

    def __init__(self, database: OriginDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def page(self, asked: PageRequest) -> Page[PlannedPublication]:
        """Return a page of those of channels that one may see; of removed ones for who sees everything."""
        async with self._database.reading() as connection:
            found = await read_page(connection, PUBLICATIONS, select(publications), asked, of_seen_channel(_CHANNEL))
        return found.of(lambda row: _publication(row._mapping))

    async def get(self, publication: str) -> PlannedPublication:
        """Return one; raise NotFound if none that one may see has this id."""
        async with self._database.reading() as connection:
            return await _get(connection, publication)

    async def add(self, plan: PublicationPlan) -> PlannedPublication:
        """Add one; who acts has planned it.

        Raises:
            NotFound: there is no such channel.
            Forbidden: one is no publisher where it lies.
        """
        actor, id = current_actor(), new_id()
        by = {"actor_kind": actor.kind.value, "actor_id": actor.id, "actor_name": actor.name}
        values = {"id": id, "state": PublicationState.PLANNED.value, "version": 1, **by, **_columns(plan)}
        async with self._database.writing() as connection:
            await check_channel_role(connection, plan.channel, Role.PUBLISHER)
            await connection.execute(insert(publications).values(**values))
            return _recorded(connection, await _get(connection, id), Action.PLANNED)

    async def change(self, publication: str, plan: PublicationPlan, version: int | None) -> PlannedPublication:
        """Have another plan carried out.

        Raises:
            NotFound: there is none.
            Forbidden: one is no publisher where its channel lies.
            StaleVersion: somebody else changed it first.
            Conflict: it is carried out at this moment, or ended.
        """
        return await self._before_it_runs(publication, version, _columns(plan), Action.PLANNED)

    async def cancel(self, publication: str, version: int | None) -> PlannedPublication:
        """End one before its time; raises as `change` does."""
        ended = {"state": PublicationState.CANCELLED.value, "ended_ms": unix_ms(self._clock.now())}
        return await self._before_it_runs(publication, version, ended, Action.CANCELLED)

    async def _before_it_runs(
        self, publication: str, version: int | None, values: Mapping[str, Any], action: Action
    ) -> PlannedPublication:
        own = publications.c
        these = [own.id == publication, own.state == PublicationState.PLANNED.value]
        if version is not None:
            these.append(own.version == version)
        changed = update(publications).where(*these).values(**values, version=own.version + 1)
        async with self._database.writing() as connection:
            await check_channel_role(connection, (await _get(connection, publication)).plan.channel, Role.PUBLISHER)
            done = (await connection.execute(changed)).rowcount
            found = await _get(connection, publication)
            if not done and found.outcome.state is not PublicationState.PLANNED:
                raise Conflict(f"this publication is {found.outcome.state.value}: plan another one")
            if not done:
                raise StaleVersion("somebody else changed this publication: load it again", current=found.version)
            return _recorded(connection, found, action)

    async def due(self, now_ms: int) -> tuple[str, ...]:
        """Return those whose time has come and that have not ended, the earliest first."""
        own = publications.c
        query = select(own.id).where(own.state.in_(OPEN), own.at_ms <= now_ms).order_by(own.at_ms, own.id)
        return tuple(await self._database.read(lambda connection: connection.scalars(query).all()))

    async def next_ms(self, now_ms: int) -> int | None:
        """Return when the next one is due after `now_ms`; None: there is none."""
        own = publications.c
        query = select(func.min(own.at_ms)).where(own.state == PublicationState.PLANNED.value, own.at_ms > now_ms)
        found: int | None = await self._database.read(lambda connection: connection.scalar(query))
        return found

    @asynccontextmanager
    async def claimed(self, publication: str) -> AsyncIterator[PlannedPublication | None]:
        """Provide a publication, running, to no other origin meanwhile; None: another has it, or it is not due (now).

        An origin that dies meanwhile lets go of it.
        """
        async with self._database.turns_among_origins([f"publication {publication}"], wait=False) as turn:
            yield await self._claim(publication) if turn.names else None

    async def _claim(self, publication: str) -> PlannedPublication | None:
        own = publications.c
        is_due = own.at_ms <= unix_ms(self._clock.now())  # and was not put off since it was found
        claim = update(publications).where(own.id == publication, own.state.in_(OPEN), is_due)
        async with self._database.writing() as connection:
            if not (await connection.execute(claim.values(state=PublicationState.RUNNING.value))).rowcount:
                return None
            return await _get(connection, publication)

    async def record(self, publication: str, outcome: PublicationOutcome) -> None:
        """Store how a publication that runs ended, or why it is tried again."""
        ended_ms = None if outcome.state in OPEN else unix_ms(self._clock.now())
        values: dict[str, Any] = {"state": outcome.state.value, "sequence": outcome.sequence, "ended_ms": ended_ms}
        values |= {"problem": outcome.problem, "problems": None if not outcome.problems else dict(outcome.problems)}
        async with self._database.writing() as connection:
            await connection.execute(update(publications).where(publications.c.id == publication).values(**values))
            if outcome.state in _IN_VAIN:
                _recorded(connection, await _get(connection, publication), Action.NOT_PUBLISHED)

    async def release_of(self, publication: str) -> int | None:
        """Return the sequence of the release that a publication made before; None: it made none."""
        query = select(releases.c.sequence).where(releases.c.publication == publication)
        found: int | None = await self._database.read(lambda connection: connection.scalar(query))
        return found


async def cancel_for_new_channel(connection: AsyncConnection, channel: str) -> None:
    """Cancel what was planned for a removed channel whose name a new one gets, in the caller's transaction."""
    own = publications.c
    these = (own.channel_id == channel, own.state.in_(OPEN))
    for row in (await connection.execute(select(publications).where(*these))).mappings().all():
        _recorded(connection, _publication(row), Action.CANCELLED)
    ended = update(publications).where(*these).values(state=PublicationState.CANCELLED.value, version=own.version + 1)
    ended = ended.values(problem="its channel was removed")
    do_last(connection, lambda plain, now_ms: plain.execute(ended.values(ended_ms=now_ms)))


_CHANNEL = publications.c.channel_id


def _recorded(connection: AsyncConnection, found: PlannedPublication, action: Action) -> PlannedPublication:
    plan = found.plan
    after = {"publication": found.id, "at": instant(plan.at_ms).isoformat(), "again": plan.again}
    after |= {"note": plan.note, "problem": found.outcome.problem}
    record(connection, AuditedChange(ThingKind.RELEASE, plan.channel, plan.channel, action, after=after))
    return found


def _columns(plan: PublicationPlan) -> dict[str, Any]:
    names = ("at_ms", "local", "zone", "note", "again")
    return {"channel_id": plan.channel, **{name: getattr(plan, name) for name in names}}


async def _get(connection: AsyncConnection, publication: str) -> PlannedPublication:
    query = select(publications).where(publications.c.id == publication, of_seen_channel(_CHANNEL))
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFound(f"there is no publication {publication}")
    return _publication(row)


def _publication(row: RowMapping) -> PlannedPublication:
    plan = PublicationPlan(row["channel_id"], row["at_ms"], row["local"], row["zone"], row["note"], row["again"])
    outcome = PublicationOutcome(PublicationState(row["state"]), row["sequence"], row["problem"], row["problems"])
    actor = Actor(ActorKind(row["actor_kind"]), row["actor_id"], row["actor_name"])
    return PlannedPublication(row["id"], plan, outcome, actor, row["version"], row["ended_ms"])
