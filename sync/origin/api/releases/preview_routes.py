"""What publishing a channel now would do, and what its bookings cannot get, over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice

from aiohttp import web
from pydantic import Field

from sync.errors import Rejected
from sync.http.bodies import json_answer, read_query
from sync.http.operations import Operation
from sync.http.problems import MOST_NAMED
from sync.origin.api.devices import DeviceView
from sync.origin.api.lists import SEEN
from sync.origin.api.releases.release_routes import DraftView, draft_views
from sync.origin.http.answer_cache import AnswerCache
from sync.origin.publishing.compiled_release import count_ads, count_items
from sync.origin.publishing.publisher import Publisher
from sync.origin.publishing.release_compiler import plan_warnings, seen_part
from sync.origin.publishing.release_preview import ScreenReport, bytes_to_fetch, rollout
from sync.origin.store.releases import ReleaseStore
from sync.programme.bookings.shortfalls import Shortfall
from sync.roles import Role
from sync.runtime.clock import Clock
from sync.wire.release import Release
from sync.wire.value_types import Identifier, Instant, Request, Wire
from sync.words.problems import PROBLEMS
from sync.words.sentences import Told
from sync.words.warnings import WARNINGS

PREVIEW_KEPT_S = 60.0  # campaigns and items expire: a preview is at most this old


class PreviewQuery(Request):
    """The channel."""

    channel: Identifier


class LateView(Wire):
    """Something that starts at `at`, which is before the release is on so many devices; `first` names one of them."""

    at: Instant
    what: str
    devices: int
    first: str


class ReadyView(Wire):
    """When a device would have the release."""

    name: str
    ready_at: Instant


class RolloutView(Wire):
    """When the devices of the channel would have the release, by the rates that they reported last.

    `unknown` are offline, behind, or have not measured a rate. `slowest` are up to eight of the others, the last first.
    """

    devices: int
    unknown: int
    slowest: tuple[ReadyView, ...] = ()
    late: tuple[LateView, ...] = ()


class Preview(Wire):
    """What publishing now would do.

    Devices with the newest release would download `new_bytes` of `new_assets`: chunks of its assets are copied. With
    `problems` (by field, the first 20) it would be refused, and the numbers are zero. `warnings` do not stand in its
    way; `short_lines` has for each ad line that cannot get what it bought, by id, why. `left_out`: drafts that it would
    not have.
    """

    channel: str
    unchanged: bool = False
    items: int = 0
    ads: int = 0
    assets: int = 0
    asset_bytes: int = 0
    new_assets: int = 0
    new_bytes: int = 0
    rollout: RolloutView | None = None
    problems: dict[str, str] = Field(default_factory=dict)
    problems_told: dict[str, Told] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    warnings_told: tuple[Told, ...] = ()
    short_lines: dict[str, str] = Field(default_factory=dict)
    left_out: tuple[DraftView, ...] = ()


class ShortfallList(Wire):
    """What the bookings of a channel cannot get, from now to `until`; `over`: campaigns that ended lately."""

    channel: str
    until: Instant
    shortfalls: tuple[Shortfall, ...]
    over: tuple[str, ...]


class PreviewRoutes:
    """Serves previews of releases."""

    def __init__(
        self,
        publisher: Publisher,
        store: ReleaseStore,
        devices: Callable[[str], Awaitable[Sequence[DeviceView]]],
        clock: Clock,
    ) -> None:
        self._publisher = publisher
        self._store = store
        self._devices = devices
        self._clock = clock
        self._previews = AnswerCache(self._compute, most=64, keep_s=PREVIEW_KEPT_S)

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        preview, shortfalls = "/v1/releases/preview", "/v1/releases/shortfalls"
        missing = "What the bookings of a channel cannot get, and what would help"
        ahead, one = "What publishing now would do", PreviewQuery
        return (
            Operation("GET", preview, self._preview, ahead, SEEN, answer=Preview, query=one),
            Operation("GET", shortfalls, self._shortfalls, missing, SEEN, answer=ShortfallList, query=one),
        )

    async def _preview(self, request: web.Request) -> web.Response:
        channel = read_query(request, PreviewQuery).channel
        await self._store.check_role(channel, Role.VIEWER)
        return json_answer(await self._previews.get((channel, await self._store.plan_version(channel))))

    async def _shortfalls(self, request: web.Request) -> web.Response:
        channel = read_query(request, PreviewQuery).channel
        await self._store.check_role(channel, Role.VIEWER)
        report = await self._publisher.booking_report(channel)
        found = report.feasibility
        over = tuple(report.over.values())
        return json_answer(ShortfallList(channel=channel, until=found.until, shortfalls=found.shortfalls, over=over))

    async def _compute(self, key: tuple[str, object]) -> Preview:
        channel = key[0]
        try:
            compiled = await self._publisher.compile_plan(channel)
        except Rejected as error:
            if not error.fields:  # no such channel
                raise
            return await self._refused(channel, error)
        release, newest = compiled.release, compiled.newest
        report = await self._publisher.booking_report(channel, ready=True)
        before = None if newest is None else await asyncio.to_thread(self._publisher.read_release, newest)
        known = set() if before is None else {asset.sha256 for asset in before.assets}
        new = [asset for asset in release.assets if asset.sha256 not in known]
        held = () if before is None else before.assets
        new_bytes = await asyncio.to_thread(bytes_to_fetch, new, held, self._publisher.read_chunk_list)
        campaigns = await self._store.seen_campaigns()
        told, shown_now = seen_part(release, campaigns), before and seen_part(before, campaigns)
        warnings = (*plan_warnings(told), *report.texts())
        return Preview(
            channel=channel,
            unchanged=compiled.unchanged,
            items=count_items(release),
            ads=count_ads(release),
            assets=len(release.assets),
            asset_bytes=sum(asset.size_bytes for asset in release.assets),
            new_assets=len(new),
            new_bytes=new_bytes,
            rollout=None if compiled.unchanged else await self._rollout(told, shown_now, new_bytes),
            warnings=warnings,
            warnings_told=tuple(map(WARNINGS.told, warnings)),
            short_lines=report.short_lines(),
            left_out=await self._waiting(channel),
        )

    async def _refused(self, channel: str, error: Rejected) -> Preview:
        problems = dict(islice(error.fields.items(), MOST_NAMED))
        report = await self._publisher.booking_report(channel, ready=True)
        return Preview(
            channel=channel,
            problems=problems,
            problems_told={field: PROBLEMS.told(why) for field, why in problems.items()},
            warnings=report.texts(),
            warnings_told=tuple(map(WARNINGS.told, report.texts())),
            short_lines=report.short_lines(),
            left_out=await self._waiting(channel),
        )

    async def _waiting(self, channel: str) -> tuple[DraftView, ...]:
        return draft_views((await self._store.plan(channel)).left_out)

    async def _rollout(self, release: Release, before: Release | None, new_bytes: int) -> RolloutView:
        screens = [_screen(device) for device in await self._devices(release.channel)]
        found = await asyncio.to_thread(rollout, release, before, new_bytes, screens, self._clock.now())
        late = tuple(LateView(at=one.at, what=one.what, devices=one.screens, first=one.first) for one in found.late)
        slowest = tuple(ReadyView(name=name, ready_at=at) for at, name in found.slowest)
        return RolloutView(devices=found.screens, unknown=found.unknown, slowest=slowest, late=late)


def _screen(device: DeviceView) -> ScreenReport:
    """Return what is known of a device; one that is offline or behind fetches nobody knows how much, and when."""
    beat = device.heartbeat
    if beat is None or not device.online:
        return ScreenReport(device.name, "UTC", (), None)
    coming = beat.coming
    left = None if device.behind else 0
    if coming is not None and coming.sequence == device.channel_sequence:
        left = coming.bytes_to_do - coming.bytes_done
    return ScreenReport(device.name, beat.zone, beat.rates, left)
