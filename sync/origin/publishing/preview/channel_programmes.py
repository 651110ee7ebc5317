"""What a channel has on air by its newest release, by what is ready to be published, or by the drafts."""

import asyncio
from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

from sync.errors import NotFound
from sync.origin.planning.venue_days import zone_named
from sync.origin.publishing.publisher import Publisher
from sync.origin.publishing.release_compiler import release_as_far_as_possible
from sync.origin.store.releases import ReleaseStore
from sync.runtime.clock import instant
from sync.wire.release import Release

_BEFORE_ALL = instant(0)  # nothing that was planned is over by then, so that it can be told why it is not on air


PlanState = Literal["release", "ready", "draft"]
"""Which plan of a channel is meant: as it was published last, as it would be published now, or as it is edited."""


@dataclass(frozen=True, slots=True)
class ChannelProgramme:
    """The programme of a channel as a release without its ads, and by field what keeps it from being published.

    `sequence` is that of the release that was published, None of a plan.
    """

    release: Release
    sequence: int | None = None
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the channel; UTC if it names none, for each screen has another one then."""
        return zone_named(self.release.zone or "UTC")


class ChannelProgrammes:
    """Reads programmes."""

    def __init__(self, publisher: Publisher, store: ReleaseStore) -> None:
        self._publisher = publisher
        self._store = store

    async def read(self, channel: str, state: PlanState) -> ChannelProgramme:
        """Return the programme of a channel.

        Raises:
            NotFound: there is no such channel, or it was never published.
            StorageBroken: the release cannot be read.
        """
        if state == "release":
            return await self._published(channel)
        plan = await self._store.plan(channel, ready=state == "ready")
        made = release_as_far_as_possible
        release, problems = await asyncio.to_thread(made, plan, created_at=_BEFORE_ALL, now=_BEFORE_ALL)
        return ChannelProgramme(_without_ads(release), problems=problems)

    async def _published(self, channel: str) -> ChannelProgramme:
        newest = await self._store.latest(channel)
        if newest is None:
            raise NotFound(f"channel {channel} was never published: ask for what is ready, or for its draft")
        release = await asyncio.to_thread(self._publisher.read_release, newest)
        return ChannelProgramme(_without_ads(release), newest.sequence)


def _without_ads(release: Release) -> Release:
    return release.model_copy(update={"campaigns": (), "assets": (), "streams": (), "overlays": ()})
