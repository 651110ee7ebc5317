"""What a screen of a channel would show from an instant on, thing by thing, over HTTP."""

import asyncio
from datetime import datetime, timedelta
from typing import Literal

from aiohttp import web
from pydantic import Field

from sync.errors import NotFound
from sync.http.bodies import json_answer, read_query
from sync.http.operations import Operation
from sync.origin.planning.venue_days import zone_named
from sync.origin.publishing.publisher import Publisher
from sync.origin.publishing.release_compiler import compile_release
from sync.origin.publishing.shown_plan import with_only, without_unready
from sync.origin.store.playlists import PlaylistStore
from sync.origin.store.releases import ReleaseStore
from sync.programme.next_take import Planned
from sync.programme.preview.steady_screen import ScreenStep, steps
from sync.roles import Role
from sync.runtime.clock import Clock
from sync.wire.overlay import Overlay
from sync.wire.release import Asset, Item, Release, Stream
from sync.wire.stream_url import ShownUrl
from sync.wire.value_types import Colour, Fit, Identifier, Instant, Request, Sha256, Wire

_LONGEST = timedelta(hours=24)
_NOT_PUBLISHED = "0" * 64  # the seed of ads that change places; a draft has no hash yet


class ShowingQuery(Request):
    """The channel, from when on, and of what: a release, or the plans as they are edited."""

    channel: Identifier
    at: Instant | None = Field(None, description="the first instant; without it, now")
    of: Literal["draft", "release"] = Field("draft", description="the plans as they are edited, or the newest release")
    playlist: Identifier | None = Field(
        None, description="as if the draft of this playlist were on air all the time, with the ads of the channel"
    )
    most: int = Field(100, ge=1, le=500, description="how many things")


class ShownView(Wire):
    """One thing on the screen from `at` to `until` (null: its end is not known); `fallback`: nothing can be shown.

    `volume` is its own. `asset` names a file below `/content/assets`, or a stream, which has a `url` instead.
    Without `fit` or `background` the settings of a screen count. `loop`: it starts again until its time is over.
    """

    at: Instant
    until: Instant | None
    kind: Literal["item", "ad", "fallback"]
    title: str = ""
    item: str | None = None
    playlist: str | None = None
    daypart: str | None = None
    campaign: str | None = None
    asset: Sha256 | None = None
    url: ShownUrl | None = None
    media: Asset | None = None
    fit: Fit | None = None
    background: Colour | None = None
    volume: int = 100
    loop: bool = False


class ChannelShowing(Wire):
    """What one screen of the channel would show, in order, if it began at `at` and all media were on it.

    Which ad comes in which break differs from screen to screen. `more`: there are more than these. `overlays` lie over
    all of it in their times, `fallback` is the picture where nothing can be shown. Without `zone` nobody named one,
    and UTC was taken.
    """

    channel: str
    at: Instant
    zone: str | None
    shown: tuple[ShownView, ...]
    more: bool = False
    overlays: tuple[Overlay, ...] = ()
    fallback: Sha256 | None = None


class ShowingRoutes:
    """Serves what a screen would show."""

    def __init__(self, publisher: Publisher, store: ReleaseStore, playlists: PlaylistStore, clock: Clock) -> None:
        self._publisher = publisher
        self._store = store
        self._playlists = playlists
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        told = "What a screen of a channel would show from an instant on"
        path = "/v1/releases/showing"
        return (Operation("GET", path, self._showing, told, Role.VIEWER, answer=ChannelShowing, query=ShowingQuery),)

    async def _showing(self, request: web.Request) -> web.Response:
        asked = read_query(request, ShowingQuery)
        at = asked.at or self._clock.now()
        release, sha256 = await self._release(asked, at)
        return json_answer(await asyncio.to_thread(_showing, release, sha256, at, asked.most))

    async def _release(self, asked: ShowingQuery, at: datetime) -> tuple[Release, str]:
        """Return what would be in force, and its hash; raise NotFound, Rejected if nothing can ever be shown."""
        if asked.of == "release":
            newest = await self._store.latest(asked.channel)
            if newest is None:
                raise NotFound(f"nothing was published on {asked.channel} yet: ask for the draft")
            return await asyncio.to_thread(self._publisher.read_release, newest), newest.sha256
        plan = await self._store.plan(asked.channel, ready=False)
        if asked.playlist is not None:
            plan = with_only(plan, await self._playlists.get(asked.playlist))
        plan = without_unready(plan)
        return await asyncio.to_thread(compile_release, plan, created_at=at, now=at), _NOT_PUBLISHED


def _showing(release: Release, sha256: str, at: datetime, most: int) -> ChannelShowing:
    assets = {asset.sha256: asset for asset in release.assets}
    streams = {stream.sha256: stream for stream in release.streams}
    names = {one.id: one.name for one in release.playlists} | {one.id: one.name for one in release.campaigns}
    shown: list[ShownView] = []
    more = False
    for step in steps(release, sha256, zone_named(release.zone or "UTC"), at, at + _LONGEST):
        more = len(shown) == most
        if more:
            break
        shown.append(_shown(step, assets, streams, names))
    return ChannelShowing(
        channel=release.channel,
        at=at,
        zone=release.zone,
        shown=tuple(shown),
        more=more,
        overlays=tuple(release.overlays),
        fallback=release.fallback,
    )


def _shown(step: ScreenStep, assets: dict[str, Asset], streams: dict[str, Stream], names: dict[str, str]) -> ShownView:
    if not isinstance(step.decision, Planned):
        return ShownView(at=step.at, until=step.ends, kind="fallback")
    take, content, daypart = step.decision.take, step.decision.content, step.decision.programme.daypart
    stream = streams.get(content.asset)
    return ShownView(
        at=step.at,
        until=step.ends,
        kind="ad" if take.line is not None else "item",
        title=content.title,
        item=content.id,
        playlist=names.get(take.playlist or ""),
        daypart=daypart.name if daypart else None,
        campaign=names.get(take.campaign or ""),
        asset=content.asset,
        url=stream.url if stream else None,
        media=assets.get(content.asset),
        fit=content.fit,
        background=content.background,
        volume=content.volume,
        loop=isinstance(content, Item) and content.loop,
    )
