"""Tells what the ad lines on air together cannot get, as long as that lasts."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from player.protocol.problems import ProblemCode
from player.settings.system_zone import system_zone
from player.status.status_sources import StatusSources
from sync.programme.ad_eligibility import eligible_ads
from sync.programme.bookings.feasibility import first_sentences, short_now
from sync.programme.bookings.shortfalls import Shortfall
from sync.programme.schedule import is_timed, zone_of_venue
from sync.runtime.clock import Clock
from sync.runtime.threads import in_idle_thread
from sync.wire.release import Release

LOOK_S = 60.0
MOST_TOLD = 3


class BookingWatch:
    """A service. `active` returns the active release by its name; it is looked at anew when other lines are on air."""

    def __init__(
        self, sources: StatusSources, active: Callable[[str | None], Awaitable[Release | None]], clock: Clock
    ) -> None:
        self._sources = sources
        self._active = active
        self._clock = clock
        self._seen: tuple[object, datetime, datetime] | None = None  # what it depends on, from when and until when

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(LOOK_S)

    async def look(self) -> None:
        """Compare what is booked now with what the slots allow."""
        session, zone_setting = self._sources.session(), self._sources.configuration.settings.venue.zone
        name = session.director.now().release if session else None
        release, now, trust = await self._active(name) if name else None, self._clock.now(), self._clock.trust()
        if release is None:
            self._seen = None
            return self._tell([])
        depends = (name, release.booked, zone_setting, trust)
        if self._seen is not None and self._seen[0] == depends and self._seen[1] <= now < self._seen[2]:
            return
        timed = is_timed(release, now, trust)
        found, until = await in_idle_thread(_short, release, zone_setting, now, timed)
        self._seen = (depends, now, until)
        self._tell([each.text for each in found])

    def _tell(self, texts: list[str]) -> None:
        sentence = " ".join(first_sentences(texts, MOST_TOLD))
        self._sources.problems.tell(
            ProblemCode.OVERBOOKED, sentence, "no ad line on air is booked beyond its slots any more"
        )


def _short(release: Release, zone_setting: str, at: datetime, timed: bool) -> tuple[tuple[Shortfall, ...], datetime]:
    zone, _ = zone_of_venue(zone_setting, release.zone, system_zone())
    ads = eligible_ads(release.campaigns, zone, at, playable=lambda _: True, timed=timed, length_ms=lambda creative: 1)
    return short_now(ads, at, zone), ads.until
