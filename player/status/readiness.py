"""When the release that is being fetched will be ready, by measured rates, and what of it comes too late.

A release is activated whole. So what it shows from an instant on is late if the whole release is not here by then.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from player.protocol.problems import ProblemCode
from player.settings.model import Settings
from player.settings.system_zone import system_zone
from player.status.fetch_rates import RateMeter, rate_steps
from player.status.status_sources import StatusSources
from player.status.wording import late_text
from sync.device.sync_state import SyncFacts
from sync.device.transfer.deadlines_and_rates import RateLimits
from sync.programme.first_need import Need, first_needs, new_starts
from sync.programme.schedule import is_timed, zone_of_venue
from sync.programme.weekly_windows import NEVER
from sync.runtime.clock import Clock, ClockTrust
from sync.runtime.threads import in_thread
from sync.wire.device_reports import ComingRelease, LateStart, RateStep, when_fetched
from sync.wire.release import Release

LOOK_S = 10.0

LATE_LOOKS = 3
"""What is late is told when so many looks in turn find it: a download that begins slowly is not too slow."""

SPARE = 0.1
"""What was told as late is not late any more once so much of the time until then is left over."""

MOST_LATE = 8  # are told, the first ones


def late_starts(
    starts: Iterable[Need], earliest: datetime, at: datetime, told: Collection[Need] = ()
) -> tuple[Need, ...]:
    """Return the starts by which a release is not here that is ready at `earliest`; `told` are those of the last time.

    One that was told stays until there is time to spare, so that an estimate that moves does not tell and take back.
    """
    found = []
    for start in starts:
        if start.at is not None:
            spare = max(timedelta(), start.at - at) * (SPARE if start in told else 0.0)
            if start.at <= at or earliest > start.at - spare:
                found.append(start)
    return tuple(found)


def needs_from(
    release: Release, settings: Settings, trust: ClockTrust, at: datetime, shown: Release | None = None
) -> tuple[Need, ...]:
    """Return what a release shows from `at` on; or what `shown` does by the zone and the date of `release`."""
    return first_needs(shown or release, _zone(release, settings), at, timed=is_timed(release, at, trust))


def _zone(release: Release | None, settings: Settings) -> ZoneInfo:
    return zone_of_venue(settings.venue.zone, release.zone if release else None, system_zone())[0]


class Readiness:
    """A service: looks every few seconds at what is being fetched, and tells when it will be too late.

    `active` returns the active release by its name.
    """

    def __init__(
        self, sources: StatusSources, active: Callable[[str | None], Awaitable[Release | None]], clock: Clock
    ) -> None:
        self._sources = sources
        self._active = active
        self._clock = clock
        self._meter = RateMeter()
        self._starts: tuple[object, tuple[Need, ...]] = (None, ())  # what they depend on, and those of one release
        self._late: tuple[Need, ...] = ()
        self._looks = 0  # in turn that found something late
        self._ready_at: datetime | None = None

    async def run(self) -> None:
        """Look until cancelled."""
        await in_thread(self._meter.load, self._sources.content.state)
        while True:
            await self.look()
            if self._meter.is_news():
                await in_thread(self._meter.save, self._sources.content.state)
            await self._clock.sleep(LOOK_S)

    async def look(self) -> None:
        """Measure the rate, and compare when the coming release is ready with when it is needed."""
        facts = self._facts()
        left = facts.bytes_to_do - facts.bytes_done
        self._meter.look(self._clock.monotonic(), facts.kept_bytes, facts.limits, fetching=left > 0)
        if left <= 0 or facts.accepted is None:
            return self._end(facts)
        starts, now = await self._starts_of(facts, facts.accepted), self._clock.now()
        then_left, blocked = self._left_after_budget(facts, left)
        known, most = self._steps(facts, blocked) if not facts.no_room else ([], [])
        self._ready_at = when_fetched(then_left, known, now)
        earliest = when_fetched(then_left, most, now)
        late = late_starts(starts, earliest or NEVER, now, self._late)
        self._looks = self._looks + 1 if late else 0
        if self._looks < LATE_LOOKS:
            return self._end(facts)
        self._late = late
        zone = _zone(facts.accepted, self._sources.configuration.settings)
        rate, limits = self._meter.measured(facts.limits), facts.limits
        if facts.out_of_budget and blocked is not None:
            rate, limits = None, blocked
        self._tell(late_text(self.coming(facts), left, rate, limits, earliest, zone, now))

    def coming(self, facts: SyncFacts) -> ComingRelease | None:
        """Return what is known of the release that is being fetched; None if none is."""
        name = facts.preparing or facts.release
        if name is None or facts.bytes_to_do <= facts.bytes_done:
            return None
        return ComingRelease(
            release=name,
            sequence=facts.accepted_sequence if facts.preparing else facts.sequence,
            bytes_done=facts.bytes_done,
            bytes_to_do=facts.bytes_to_do,
            ready_at=self._ready_at,
            late=tuple(LateStart(at=one.at, what=one.what) for one in self._late[:MOST_LATE] if one.at),
            more_late=max(0, len(self._late) - MOST_LATE),
        )

    def rates(self, facts: SyncFacts) -> tuple[RateStep, ...]:
        """Return the rates at which media will come, as far as they are known."""
        _, blocked = self._left_after_budget(facts, 1)
        return tuple(self._steps(facts, blocked)[0])

    def rate(self, facts: SyncFacts) -> float | None:
        """Return the rate that was measured under the limits of now, in bytes a second."""
        return self._meter.measured(facts.limits)

    def _facts(self) -> SyncFacts:
        session = self._sources.session()
        return session.connection.syncer.facts() if session and session.connection else SyncFacts()

    def _steps(self, facts: SyncFacts, blocked: RateLimits | None = None) -> tuple[list[RateStep], list[RateStep]]:
        settings = self._sources.configuration.settings
        return rate_steps(self._meter, blocked or facts.limits, settings.bandwidth, _zone(facts.accepted, settings))

    def _left_after_budget(self, facts: SyncFacts, left_bytes: int) -> tuple[int, RateLimits | None]:
        """Return what is missing once the budget of the month is spent, and that nothing comes until the next month.

        None: the budget is enough.
        """
        state = self._sources.traffic.state()
        room = state.left_for(facts.preparing or facts.release or "")
        if room >= left_bytes:
            return left_bytes, None
        return left_bytes - int(room), RateLimits(0.0, 0.0, state.goes_on_at)

    async def _starts_of(self, facts: SyncFacts, accepted: Release) -> tuple[Need, ...]:
        """Return what starts only with the coming release; computed once, so that a start that was missed stays one."""
        settings, clock = self._sources.configuration.settings, self._clock
        depends = (facts.preparing, facts.release, accepted.booked, settings.venue.zone, clock.trust())
        if depends != self._starts[0]:
            active, trust, now = await self._active(facts.release), clock.trust(), clock.now()

            def compute() -> tuple[Need, ...]:
                before = needs_from(accepted, settings, trust, now, active) if active else ()
                return new_starts(needs_from(accepted, settings, trust, now), before, now)

            self._starts = depends, await in_thread(compute) if facts.preparing else ()
        return self._starts[1]

    def _end(self, facts: SyncFacts) -> None:
        """Take back what was told: nothing is late, or nothing is being fetched."""
        if facts.bytes_to_do <= facts.bytes_done:
            self._ready_at, self._starts, self._looks = None, (None, ()), 0
        self._late = ()
        self._tell("")

    def _tell(self, sentence: str) -> None:
        solved = "no start is late for want of its release any more"
        self._sources.problems.tell(ProblemCode.LATE_RELEASE, sentence, solved)
