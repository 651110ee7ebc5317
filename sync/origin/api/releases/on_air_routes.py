"""What a channel has on air at an instant or over days, and why, over HTTP: as published, as ready, or as edited."""

import asyncio
from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import AfterValidator, Field

from sync.errors import Rejected
from sync.http.bodies import json_answer, read_query
from sync.http.operations import Operation
from sync.origin.api.lists import SEEN
from sync.origin.api.releases.publication_routes import LocalTime
from sync.origin.http.answer_cache import AnswerCache
from sync.origin.publishing.planned.venue_instant import venue_instant
from sync.origin.publishing.preview.channel_programmes import ChannelProgramme, ChannelProgrammes, PlanState
from sync.origin.store.releases import ReleaseStore
from sync.origin.store.schedules import ScheduleStore
from sync.programme.preview.schedule_view import OnAirThen, ProgrammeSegment, on_air_then, segments
from sync.runtime.clock import Clock
from sync.wire.value_types import AskedInstant, Instant, Request, Wire
from sync.words.problems import PROBLEMS
from sync.words.sentences import Told

MOST_DAYS = 42
_MOST_PROBLEMS = 20
_MOST_KEPT, _KEPT_S = 8, 60.0  # a person looks at one plan several times


def _in_living_memory(day: date) -> date:
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise ValueError(f"must be from {_FIRST_DAY} to {_LAST_DAY}")
    return day


_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(2999, 12, 31)
AskedDay = Annotated[date, AfterValidator(_in_living_memory)]
"""A day at a venue that somebody asks about."""


class AtQuery(Request):
    """When: `instant`, or `local`, a time of the venue; by default now. `of`: the plan that is meant."""

    of: PlanState = "release"
    instant: AskedInstant | None = None
    local: LocalTime | None = None


class SegmentsQuery(Request):
    """The first `day` at the venue, by default today, and how many days. `of`: the plan that is meant."""

    of: PlanState = "release"
    day: AskedDay | None = None
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 7


class PlanView(Wire):
    """Of which plan of which channel this is told, in which zone; UTC if the channel names none (`zone_named`).

    `sequence` is the release. `problems` (by field, the first 20) keep a plan from being published; a media that is not
    ready counts as if it were.
    """

    channel: str
    of: PlanState
    zone: str
    zone_named: bool
    sequence: int | None = None
    problems: dict[str, str] = Field(default_factory=dict)
    problems_told: dict[str, Told] = Field(default_factory=dict)


class OnAirView(OnAirThen, PlanView):
    """What a channel has on air at an instant, and why, and why all else is not."""


class SegmentList(PlanView):
    """What a channel has on air from `starts_at` to `ends_at`. `more`: there are more than these first ones."""

    starts_at: Instant
    ends_at: Instant
    segments: tuple[ProgrammeSegment, ...]
    more: bool = False


class OnAirRoutes:
    """Serves what is on air when."""

    def __init__(
        self, programmes: ChannelProgrammes, releases: ReleaseStore, schedules: ScheduleStore, clock: Clock
    ) -> None:
        self._programmes = programmes
        self._releases = releases
        self._schedules = schedules
        self._clock = clock
        self._kept = AnswerCache(self._read, most=_MOST_KEPT, keep_s=_KEPT_S)

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        at, over = "/v1/channels/{channel}/at", "/v1/channels/{channel}/segments"
        then, days = "What a channel shows at an instant, and why", "What a channel shows over days, and why"
        return (
            Operation("GET", at, self._at, then, SEEN, answer=OnAirView, query=AtQuery),
            Operation("GET", over, self._segments, days, SEEN, answer=SegmentList, query=SegmentsQuery),
        )

    async def _at(self, request: web.Request) -> web.Response:
        asked = read_query(request, AtQuery)
        programme, told = await self._programme(request.match_info["channel"], asked.of)
        at = asked.instant or self._clock.now()
        if asked.local is not None:
            if asked.instant is not None:
                wrong = "name one of `local`, a time of the venue, and `instant`"
                raise Rejected(f"when is not clear: {wrong}", fields={"local": wrong})
            at = _instant_of(asked.local, programme.zone)
        found = await asyncio.to_thread(on_air_then, programme.release, programme.zone, at)
        return json_answer(OnAirView(**vars(told), **vars(found)))

    async def _segments(self, request: web.Request) -> web.Response:
        asked = read_query(request, SegmentsQuery)
        programme, told = await self._programme(request.match_info["channel"], asked.of)
        first = asked.day or self._clock.now().astimezone(programme.zone).date()
        starts, ends = (begins(first + timedelta(days=days), programme.zone) for days in (0, asked.days))
        found, more = await asyncio.to_thread(segments, programme.release, programme.zone, starts, ends)
        return json_answer(SegmentList(**vars(told), starts_at=starts, ends_at=ends, segments=found, more=more))

    async def _programme(self, channel: str, state: PlanState) -> tuple[ChannelProgramme, PlanView]:
        await self._schedules.get(channel)  # or one may not see it
        programme = await self._kept.get((channel, state, await self._releases.plan_version(channel)))
        problems = dict(list(programme.problems.items())[:_MOST_PROBLEMS])
        return programme, PlanView(
            channel=channel,
            of=state,
            zone=programme.zone.key,
            zone_named=programme.release.zone is not None,
            sequence=programme.sequence,
            problems=problems,
            problems_told={field: PROBLEMS.told(why) for field, why in problems.items()},
        )

    async def _read(self, key: tuple[str, PlanState, object]) -> ChannelProgramme:
        return await self._programmes.read(key[0], key[1])


def _instant_of(local: str, zone: ZoneInfo) -> datetime:
    at = datetime.fromisoformat(local)
    if not _FIRST_DAY <= at.date() <= _LAST_DAY:
        wrong = f"must be from {_FIRST_DAY} to {_LAST_DAY}"
        raise Rejected(f"when is not clear: local {wrong}", fields={"local": wrong})
    return venue_instant(at, zone).at


def begins(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins at a venue."""
    return venue_instant(datetime.combine(day, time()), zone).at
