"""Keeps what releases promised for each day, while their files are there: a service, and before each report."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sync.errors import SignageError
from sync.origin.planning.venue_days import day_span, venue_hour, zone_named
from sync.origin.store.reports.promises import PromiseStore, PublishedAt
from sync.origin.tables.reports import HOURS
from sync.programme.preview.promise import promised_ads
from sync.runtime.clock import Clock, instant, unix_ms
from sync.runtime.threads import in_thread
from sync.wire.release import Release

LOOK_EVERY_S = 600.0
DAYS_BACK = 7
"""The service looks at so many days; the files of releases that are not in force any more stay for as long."""

FORECAST = 1
"""The version of this arithmetic: days of another one are forecast anew while the files are there."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A release that was in force from `since_ms` to `until_ms` of a day (Unix)."""

    release: PublishedAt
    since_ms: int
    until_ms: int


class PromiseKeeper:
    """The service that forecasts each day of each channel once, and again when another release came into force."""

    def __init__(self, store: PromiseStore, read: Callable[[str], Release | None], clock: Clock) -> None:
        self._store = store
        self._read = read  # a release from its file, None if that is gone
        self._clock = clock
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Keep the promises of today and of the last days, for ever."""
        while True:
            try:
                today = unix_ms(self._clock.now()) // 86_400_000
                await self.keep(today - DAYS_BACK, today + 1)
            except SignageError as error:
                log.error("promises are not kept: %s", error)
            await self._clock.sleep(LOOK_EVERY_S)

    async def keep(self, first_day: int, last_day: int) -> None:
        """Forecast what is not forecast yet of these days; both are included, days to come are left out.

        Raises:
            StorageBroken: the database cannot be used.
        """
        for channel, zone in (await self._store.zones()).items():
            async with (
                self._turn
            ):  # of one channel at a time, so that a report does not wait for all that is to be done
                await self._keep(channel, zone, range(first_day, last_day + 1))

    async def _keep(self, channel: str, zone_name: str, days: Sequence[int]) -> None:
        published, zone = await self._store.releases(channel), zone_named(zone_name or "UTC")
        today = venue_hour(unix_ms(self._clock.now()), zone)[0]
        days = [day for day in days if day <= today] if published else []
        kept = await self._store.bases(channel, days) if days else {}
        for day in days:
            stretches = _stretches(published, *day_span(day, zone))
            basis = _basis(stretches, zone_name)
            if stretches and kept.get(day) != basis:
                rows = await in_thread(self._forecast, stretches, zone_name, day, basis)
                if rows is not None:
                    await self._store.keep(channel, day, rows)

    def _forecast(
        self, stretches: Sequence[Stretch], zone_name: str, day: int, basis: str
    ) -> list[dict[str, object]] | None:
        """Return the rows of a day; None if a release is gone. It takes a second or two of the processor."""
        zone, found = zone_named(zone_name or "UTC"), {"": _Line("", None)}
        for stretch in stretches:
            release = self._read(stretch.release.sha256)
            if release is None:
                return None
            shares = {line.id: line.share_ppm for one in release.campaigns for line in one.lines}
            campaigns = {line.id: one.id for one in release.campaigns for line in one.lines}
            since, until = instant(stretch.since_ms), instant(stretch.until_ms)
            for ad in promised_ads(release, stretch.release.sha256, zone, since, until):
                hour = venue_hour(unix_ms(ad.at), zone)[1]
                for line in ("", ad.take.line or ""):
                    found.setdefault(line, _Line(campaigns.get(line, ""), shares.get(line))).hours[hour] += 1
                for line, part in ad.bought.items():
                    found.setdefault(line, _Line(campaigns[line], shares[line])).bought += part
        return [one.row(line, basis) for line, one in found.items()]


class _Line:
    def __init__(self, campaign: str, share_ppm: int | None) -> None:
        self.campaign = campaign
        self.share_ppm = share_ppm
        self.bought = 0.0
        self.hours = [0] * 24

    def row(self, line: str, basis: str) -> dict[str, object]:
        own: dict[str, object] = {
            "line_id": line,
            "campaign_id": self.campaign,
            "share_ppm": self.share_ppm,
            "bought": self.bought,
        }
        return own | {"basis": basis, "plays": sum(self.hours), **dict(zip(HOURS, self.hours, strict=True))}


def _stretches(published: Sequence[PublishedAt], begins_ms: int, ends_ms: int) -> list[Stretch]:
    """Return which releases were in force in a time, and when; before the first one there was none."""
    following = [one.created_ms for one in published[1:]] + [ends_ms]
    ends = zip(published, following, strict=True)
    spans = ((one, max(one.created_ms, begins_ms), min(end, ends_ms)) for one, end in ends)
    return [Stretch(one, since, until) for one, since, until in spans if since < until]


def _basis(stretches: Sequence[Stretch], zone: str) -> str:
    parts = [f"{one.release.sha256}:{one.since_ms}:{one.until_ms}" for one in stretches]
    return hashlib.sha256(" ".join([str(FORECAST), zone, *parts]).encode()).hexdigest()
