"""What a booking would lack, over HTTP: asked while somebody types it, before anything is stored."""

import asyncio
from dataclasses import replace

from aiohttp import web

from sync.http.bodies import json_answer, read_json, read_query
from sync.http.operations import Operation
from sync.origin.planning.campaigns import OutlinedCampaign, StoredCampaign
from sync.origin.planning.channel_plan import ChannelPlan
from sync.origin.planning.plan_fields import MOST_VALUES
from sync.origin.publishing.booking_warnings import BookingReport, booking_report
from sync.origin.store.campaigns import CampaignStore
from sync.origin.store.releases import ReleaseStore
from sync.programme.bookings.shortfalls import Shortfall
from sync.roles import Role
from sync.runtime.clock import Clock
from sync.wire.value_types import Identifier, Instant, Request, Wire
from sync.words.sentences import Told
from sync.words.warnings import WARNINGS

_MOST_CHANNELS = 10


class BookingQuery(Request):
    """The campaign in whose place the booking would be; without it the booking is a new one."""

    campaign: Identifier | None = None


class ChannelFeasibility(Wire):
    """What a booking, and others because of it, would not get on a channel, from now to `until`.

    `warnings` say the same as sentences, `warnings_told` has their codes and values, in the same order.
    """

    channel: str
    until: Instant
    shortfalls: tuple[Shortfall, ...]
    warnings: tuple[str, ...]
    warnings_told: tuple[Told, ...]


class BookingFeasibility(Wire):
    """The same of each channel on which the booking would run, at most ten. `lines` has the ids of its lines."""

    lines: tuple[str, ...]
    channels: tuple[ChannelFeasibility, ...]


class BookingRoutes:
    """Serves the feasibility of bookings."""

    def __init__(self, releases: ReleaseStore, campaigns: CampaignStore, clock: Clock) -> None:
        self._releases = releases
        self._campaigns = campaigns
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """Return the operation."""
        return (
            Operation(
                "POST",
                "/v1/campaigns/feasibility",
                self._feasibility,
                "What a booking would not get, and what would help; nothing is stored",
                Role.EDITOR,
                OutlinedCampaign,
                BookingFeasibility,
                query=BookingQuery,
            ),
        )

    async def _feasibility(self, request: web.Request) -> web.Response:
        replaced = read_query(request, BookingQuery).campaign
        draft = await read_json(request, OutlinedCampaign, most_values=MOST_VALUES)
        booking = await self._campaigns.unstored(draft, replaced)
        channels = (draft.channel,) if draft.channel else await self._releases.channels(_MOST_CHANNELS)
        lines, found = tuple(line.id or "" for line in booking.lines), list[ChannelFeasibility]()
        for channel in channels:
            plan = _with_booking(await self._releases.plan(channel, ready=False), booking)
            report = await asyncio.to_thread(booking_report, plan, self._clock.now(), frozenset(lines), len(channels))
            found.append(_view(channel, report, booking.id, frozenset(lines)))
        return json_answer(BookingFeasibility(lines=lines, channels=tuple(found)))


def _with_booking(plan: ChannelPlan, booking: StoredCampaign) -> ChannelPlan:
    others = tuple(one for one in plan.campaigns if one.id != booking.id)
    return replace(plan, campaigns=(*others, booking))


def _view(channel: str, report: BookingReport, campaign: str, lines: frozenset[str]) -> ChannelFeasibility:
    found, texts = report.feasibility, tuple(report.texts_about(campaign, lines))
    return ChannelFeasibility(
        channel=channel,
        until=found.until,
        shortfalls=tuple(one for one in found.shortfalls if any(line.id in lines for line in one.lines)),
        warnings=texts,
        warnings_told=tuple(map(WARNINGS.told, texts)),
    )
