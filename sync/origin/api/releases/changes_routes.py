"""What publishing a channel now would change, over HTTP: by name, and as what a chosen day would show."""

import asyncio
from collections.abc import Hashable
from datetime import date, timedelta
from itertools import islice
from typing import Annotated, NamedTuple

from aiohttp import web
from pydantic import Field, StringConstraints

from sync.http.bodies import json_answer, read_query
from sync.http.operations import Operation
from sync.origin.api.audit.entry_views import DifferenceView, difference_view
from sync.origin.api.releases.on_air_routes import AskedDay, begins
from sync.origin.api.releases.release_routes import DraftView, draft_views
from sync.origin.audit.changes import ThingKind
from sync.origin.http.answer_cache import AnswerCache
from sync.origin.planning.channel_plan import ChannelPlan
from sync.origin.planning.venue_days import zone_named
from sync.origin.publishing.preview.day_changes import DayChanges, day_changes
from sync.origin.publishing.preview.release_changes import ReleaseChange, release_changes
from sync.origin.publishing.publisher import Publisher
from sync.origin.publishing.release_compiler import release_as_far_as_possible
from sync.origin.store.drafts.readiness import ReadinessStore
from sync.origin.store.releases import ReleaseStore
from sync.roles import Role
from sync.runtime.clock import Clock
from sync.wire.release import Release
from sync.wire.value_types import Identifier, Request, Wire
from sync.words.problems import PROBLEMS
from sync.words.release_changes import RELEASE_CHANGES
from sync.words.sentences import Told

MOST_CHANGES = 500
_MOST_PROBLEMS = 20
_MOST_KEPT, _KEPT_S = 16, 60.0
_DRAFT = r"(playlist|schedule|campaign):[A-Za-z0-9._-]{1,64}"
Drafts = Annotated[str, StringConstraints(pattern=rf"^{_DRAFT}(,{_DRAFT}){{0,99}}$")]
"""Drafts as `playlist:2f31,schedule:main`."""


class ChangesQuery(Request):
    """The channel, and a day at the venue. `with` are drafts that count as ready, such as `playlist:2f31`."""

    channel: Identifier
    day: AskedDay | None = None
    drafts: Drafts | None = Field(None, alias="with")


class ChangeView(DifferenceView):
    """One change: how a part differs, and of which document. `over`: it is taken out, for its end has come."""

    document: str
    document_id: str
    document_name: str
    over: bool = False
    text: str
    text_told: Told


class ReleaseChanges(Wire):
    """What publishing now would change of what was published last; `sequence` null: nothing was.

    `changes` are the first 500; there are `more`. `day` is told if a day was asked for, an ad slot as chances of the
    channel: which ad a screen shows follows from what that screen has shown before. With `problems` (by field, the
    first 20) it would be refused, and media that are not ready count as if they were.
    """

    channel: str
    sequence: int | None
    changes: tuple[ChangeView, ...]
    more: int = 0
    day: DayChanges | None = None
    left_out: tuple[DraftView, ...] = ()
    problems: dict[str, str] = Field(default_factory=dict)
    problems_told: dict[str, Told] = Field(default_factory=dict)


class _Asked(NamedTuple):
    channel: str
    day: date | None
    taken: tuple[tuple[tuple[ThingKind, str], int], ...]
    version: Hashable


class ChangesRoutes:
    """Serves what a release would change."""

    def __init__(self, publisher: Publisher, store: ReleaseStore, readiness: ReadinessStore, clock: Clock) -> None:
        self._publisher = publisher
        self._store = store
        self._readiness = readiness
        self._clock = clock
        self._kept = AnswerCache(self._compute, most=_MOST_KEPT, keep_s=_KEPT_S)

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        told, query = "What publishing a channel now would change", ChangesQuery
        path = "/v1/releases/changes"
        return (Operation("GET", path, self._changes, told, Role.VIEWER, answer=ReleaseChanges, query=query),)

    async def _changes(self, request: web.Request) -> web.Response:
        asked = read_query(request, ChangesQuery)
        names = [one.split(":") for one in asked.drafts.split(",")] if asked.drafts else []
        drafts = [(ThingKind(kind), id) for kind, id in names]
        taken = await self._readiness.present_drafts(drafts, Role.VIEWER)
        version = await self._store.plan_version(asked.channel)
        return json_answer(await self._kept.get(_Asked(asked.channel, asked.day, tuple(taken.items()), version)))

    async def _compute(self, asked: _Asked) -> ReleaseChanges:
        plan = await self._store.plan(asked.channel, taken=dict(asked.taken))
        newest = await self._store.latest(asked.channel)
        before = None if newest is None else await asyncio.to_thread(self._publisher.read_release, newest)
        return await asyncio.to_thread(self._told, plan, before, newest.sequence if newest else None, asked.day)

    def _told(
        self, plan: ChannelPlan, before: Release | None, sequence: int | None, day: date | None
    ) -> ReleaseChanges:
        now = self._clock.now()
        after, problems = release_as_far_as_possible(plan, created_at=now, now=now)
        found = release_changes(before, after, now)
        first = tuple(_view(one) for one in islice(found, MOST_CHANGES))
        problems = dict(islice(problems.items(), _MOST_PROBLEMS))
        return ReleaseChanges(
            channel=after.channel,
            sequence=sequence,
            changes=first,
            more=sum(1 for _ in found),
            day=None if day is None else _day(before, after, day),
            left_out=draft_views(plan.left_out),
            problems=problems,
            problems_told={field: PROBLEMS.told(why) for field, why in problems.items()},
        )


def _day(before: Release | None, after: Release, day: date) -> DayChanges:
    zone = zone_named(after.zone or "UTC")
    return day_changes(before, after, begins(day, zone), begins(day + timedelta(days=1), zone))


def _view(change: ReleaseChange) -> ChangeView:
    return ChangeView(
        **dict(difference_view(change.difference)),
        document=change.kind.value,
        document_id=change.id,
        document_name=change.name,
        over=change.is_over,
        text=change.text,
        text_told=RELEASE_CHANGES.told(change.text),
    )
