"""When a release is ready and what of it is late: rates and windows in tables, and a real syncer on a slow line."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from player.programme.bandwidth import bandwidth_at
from player.settings.configuration import load_configuration
from player.settings.model import BandwidthSettings
from player.status.collector import StatusCollector
from player.status.fetch_rates import FILE, KEPT_S, OUTAGE_S, RateMeter, rate_steps
from player.status.readiness import LOOK_S, Readiness, late_starts, needs_from
from player.status.status_sources import ProblemReports
from player.status.sync_status import release_status
from player.status.wording import late_text
from sync.device.store.content_store import ContentStore
from sync.device.sync_state import SyncFacts, SyncState
from sync.device.traffic.budget import Budget
from sync.device.traffic.month_counter import TrafficCounter
from sync.device.transfer.deadlines_and_rates import NO_LIMITS, RateLimiter, RateLimits
from sync.device.transfer.sources import SourceFacts
from sync.programme.first_need import Need
from sync.runtime.clock import Clock
from sync.wire.device_reports import ComingRelease, LateStart, RateStep, when_fetched
from sync.wire.release import Daypart, Item, Playlist, Release
from tests.fakes import FakeClock
from tests.sync.conftest import Device, running
from tests.sync.conftest import origin as origin
from tests.sync.conftest import store as store
from tests.sync.file_tree_origin import CHUNK, Origin, noise, release_of

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
NIGHT = {"start": "22:00", "end": "06:00"}
SHOP = {"start": "08:00", "end": "20:00", "all_kbit_s": 1000}
MBIT = 125_000.0


def step(bytes_s: float | None, hours: float | None = None) -> RateStep:
    return RateStep(bytes_s=bytes_s, until=None if hours is None else NOON + hours * HOUR)


@pytest.mark.parametrize(
    ("size", "steps", "hours"),
    [
        (3600, [step(1)], 1),
        (0, [step(1)], 0),
        (3600, [step(0, 10), step(1)], 11),  # closed until then
        (3600 * 2, [step(1, 1), step(0, 10), step(1)], 11),
        (3600, [step(1, 1), step(0, 10), step(1)], 1),
        (3600, [step(5, -2), step(9, 0), step(1)], 1),  # what is over does not count
        (3600, [step(math.inf)], 0),
        (3600, [step(0, 5), step(math.inf)], 5),
        (3600, [step(None)], None),
        (3600, [step(1, 0.5), step(None)], None),
        (1800, [step(1, 0.5), step(None)], 0.5),
        (3600, [step(0)], None),
        (3600, [step(1, 0.5)], None),
        (3600, [], None),
        (2**53, [step(0.001)], None),  # centuries
    ],
)
def test_when_so_many_bytes_are_here(size: int, steps: Sequence[RateStep], hours: float | None) -> None:
    assert when_fetched(size, steps, NOON) == (None if hours is None else NOON + hours * HOUR)


def measured(*rates: tuple[RateLimits, float]) -> RateMeter:
    """Return what a meter knows after a minute at each of these rates."""
    meter, now_s, kept = RateMeter(), 0.0, 0
    for limits, bytes_s in rates:
        for _ in range(7):
            meter.look(now_s, kept, limits, fetching=True)
            now_s, kept = now_s + 10, kept + round(10 * bytes_s)
    return meter


DAY, CLOSED = RateLimits(MBIT, until=NOON + 9 * HOUR), RateLimits(0.0, until=NOON + 9 * HOUR)


@pytest.mark.parametrize(
    ("seen", "limits", "rate", "known"),
    [
        ((), NO_LIMITS, math.inf, False),
        ((), DAY, MBIT, False),
        ((), CLOSED, 0.0, True),
        (((NO_LIMITS, 5 * MBIT),), NO_LIMITS, 5 * MBIT, True),
        (((NO_LIMITS, 5 * MBIT),), DAY, MBIT, True),  # the limit is below the line
        (((NO_LIMITS, MBIT / 5),), DAY, MBIT / 5, True),
        (((DAY, 0.97 * MBIT),), DAY, 0.97 * MBIT, True),
        (((DAY, 0.97 * MBIT),), NO_LIMITS, math.inf, False),  # the limit says nothing of the line
        (((DAY, 0.97 * MBIT),), RateLimits(8 * MBIT), 8 * MBIT, False),
        (((DAY, MBIT / 2),), NO_LIMITS, MBIT / 2, True),  # it was not reached: that is the line
        (((CLOSED, 0.0),), NO_LIMITS, math.inf, False),
        (((RateLimits(line_bytes_s=0.0), MBIT),), RateLimits(line_bytes_s=0.0), MBIT, True),  # a mirror in the venue
        (((NO_LIMITS, 0.0),), NO_LIMITS, math.inf, False),  # nothing came: an outage
    ],
)
def test_the_rate_to_expect(
    seen: Sequence[tuple[RateLimits, float]], limits: RateLimits, rate: float, known: bool
) -> None:
    expected, sure = measured(*seen).expected(limits)
    assert expected == pytest.approx(rate, rel=0.01)
    assert sure is known


def test_pauses_lower_a_rate_but_an_outage_and_another_connection_do_not() -> None:
    meter = measured((NO_LIMITS, 1000))
    now_s, kept = 70.0, 70_000
    for _ in range(int(3600 / LOOK_S)):
        meter.look(now_s, kept, NO_LIMITS, fetching=True)
        now_s += LOOK_S
    paused = meter.measured(NO_LIMITS)
    assert paused == pytest.approx(70_000 / (70 + OUTAGE_S), rel=0.1)
    meter.look(now_s, 5, NO_LIMITS, fetching=True)  # the counts begin anew
    meter.look(now_s + 10, 10_005, NO_LIMITS, fetching=False)  # nothing is missing
    meter.look(now_s + 9999, 20_005, NO_LIMITS, fetching=True)
    assert meter.measured(NO_LIMITS) == pytest.approx(paused)
    for n in range(1, 100):
        meter.look(now_s + 9999 + n * 10, 20_005 + 30_000 * n, NO_LIMITS, fetching=True)
    assert meter.measured(NO_LIMITS) == pytest.approx(3000, rel=0.05)  # what is long ago is forgotten


def test_a_new_download_soon_shows_what_the_line_is_worth_now() -> None:
    meter, kept = measured(*[(NO_LIMITS, 1_000_000.0)] * 10), 0
    meter.look(999, 0, NO_LIMITS, fetching=False)
    for n in range(8):
        meter.look(9999 + n * 10, kept, NO_LIMITS, fetching=True)
        kept += 10_000
    assert meter.measured(NO_LIMITS) == pytest.approx((1_000_000 * KEPT_S + 70_000) / (KEPT_S + 70), rel=0.01)


def test_rates_are_known_after_a_restart(tmp_path: Path) -> None:
    meter = measured((NO_LIMITS, 5 * MBIT), (DAY, MBIT / 2))
    assert meter.is_news() and not meter.is_news()  # also while it goes on
    meter.look(150, 10**9, DAY, fetching=True)
    assert not meter.is_news()
    meter.look(999, 0, NO_LIMITS, fetching=False)
    assert meter.is_news() and not meter.is_news()
    meter.save(tmp_path)
    again = RateMeter()
    again.load(tmp_path)
    for limits in (NO_LIMITS, DAY, CLOSED, RateLimits(8 * MBIT)):
        rate, known = meter.expected(limits)
        assert again.expected(limits)[0] == pytest.approx(rate)
        assert again.expected(limits)[1] is known


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[", b"{}", b"[1]", b"[[]]", b"\xff", b"[" * 100_000, b" " * 100_000]
    + [b'[{"all_bytes_s":null,"line_bytes_s":null,"bytes_s":%s}]' % n for n in (b"-1", b"NaN", b"1e400", b'"x"')],
)
def test_a_damaged_file_of_rates_is_measured_again(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    meter = RateMeter()
    meter.load(tmp_path)
    assert meter.expected(NO_LIMITS) == (math.inf, False)
    meter.save(tmp_path)
    (tmp_path / FILE).unlink()
    (tmp_path / FILE).mkdir()
    meter.load(tmp_path)
    meter.save(tmp_path)
    meter.save(tmp_path / "nowhere")


def test_a_night_asleep_says_nothing_of_the_rate() -> None:
    meter = measured((NO_LIMITS, 1000))
    before = meter.measured(NO_LIMITS)
    meter.look(30_000, 90_000, NO_LIMITS, fetching=True)
    assert meter.measured(NO_LIMITS) == before


def readiness_of(
    facts: Callable[[], SyncFacts],
    content: ContentStore,
    clock: Clock,
    problems: ProblemReports,
    traffic: TrafficCounter | None = None,
) -> Readiness:
    """Return that of a screen whose syncer says `facts`; it looks when the test has it look."""
    session = SimpleNamespace(connection=SimpleNamespace(syncer=SimpleNamespace(facts=facts)))
    sources: Any = SimpleNamespace(
        problems=problems,
        session=lambda: session,
        configuration=load_configuration(None),
        content=content,
        traffic=traffic or TrafficCounter(content.state, clock, lambda: None),
    )
    return StatusCollector(sources, clock).readiness


class RunningClock(FakeClock):
    """A clock that goes on with every look at it."""

    def now(self) -> datetime:
        self.step_wall(0.001)
        return super().now()


async def test_what_is_on_air_at_once_is_never_too_late(
    store: ContentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path))
    coming = breakfast(release_of(()), release_of(())).model_copy(update={"dayparts": ()})
    facts = SyncFacts(SyncState.FETCHING, preparing="b" * 64, accepted=coming, bytes_to_do=9)
    problems = ProblemReports()
    readiness = readiness_of(lambda: facts, store, RunningClock(NOON), problems)
    for _ in range(5):
        await readiness.look()
    assert problems.found() == ()


async def test_what_the_budget_of_the_month_does_not_cover_comes_in_the_next_one(
    store: ContentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path))
    clock, budgets = FakeClock(NOON), [Budget(1_000_000, 0)]
    facts = SyncFacts(SyncState.FETCHING, preparing="b" * 64, accepted=release_of(()), bytes_to_do=5_000_000)
    counter = TrafficCounter(store.state, clock, lambda: ZoneInfo("UTC"), lambda: budgets[0])
    readiness, ready = readiness_of(lambda: facts, store, clock, ProblemReports(), counter), []
    for budget in (Budget(10_000_000, 0), Budget(3_000_000, 0)):
        budgets[0] = budget
        for _ in range(4):
            source = SourceFacts("origin", "", facts.kept_bytes + 100_000, 0, 0.0, 0, "", 0.0)
            facts = replace(facts, sources=(source,))
            await clock.advance(10)
            await readiness.look()
        ready.append(readiness._ready_at)
    counter.let_through("b" * 64)
    await readiness.look()
    ready.append(readiness._ready_at)
    month = datetime(2026, 4, 1, tzinfo=UTC)
    after = [None if at is None else round((at - month).total_seconds()) for at in ready]
    assert after[0] is not None and after[0] < 0
    assert after[1] == 200, "2 MB are left for April, and 10 kB come each second"
    assert after[2] is not None and after[2] < 0, "it needs no budget"


def test_a_meter_keeps_few_limits_in_mind() -> None:
    meter = measured(*((RateLimits(1000.0 + n), 500.0) for n in range(1000)))
    assert len(meter._slots) <= 32


@pytest.mark.parametrize(
    ("windows", "limits", "at", "size", "ready"),
    [
        ([], {}, "2026-03-02T12:00", 5 * MBIT * 3600, "2026-03-02T13:00"),
        ([NIGHT], {"all_kbit_s": 0}, "2026-03-02T12:00", 5 * MBIT * 3600, "2026-03-02T23:00"),
        ([NIGHT], {"all_kbit_s": 0}, "2026-03-02T12:00", 5 * MBIT * 3600 * 9, "2026-03-03T23:00"),  # a second night
        ([NIGHT], {"all_kbit_s": 0}, "2026-03-28T12:00", 5 * MBIT * 3600 * 7, "2026-03-29T06:00"),  # an hour less
        ([NIGHT], {"all_kbit_s": 0}, "2026-10-24T12:00", 5 * MBIT * 3600 * 9, "2026-10-25T06:00"),  # an hour more
        ([NIGHT], {"all_kbit_s": 0}, "2026-03-02T23:00", 5 * MBIT * 3600 * 7, "2026-03-03T06:00"),
        ([SHOP], {}, "2026-03-02T18:00", 7 * MBIT * 3600, "2026-03-02T21:00"),
        ([NIGHT | {"weekdays": [7]}], {"all_kbit_s": 0}, "2026-03-02T12:00", 5 * MBIT * 3600, "2026-03-08T23:00"),
        # eight hours a day, for three weeks: after the horizon the mean goes on
        ([NIGHT], {"all_kbit_s": 0}, "2026-03-02T12:00", 5 * MBIT * 3600 * 8 * 21, "2026-03-23T12:00"),
    ],
)  # fmt: skip
def test_ready_by_the_weekly_windows(
    windows: list[dict[str, Any]], limits: dict[str, int], at: str, size: float, ready: str
) -> None:
    begins, ends = (datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC) for text in (at, ready))
    settings = BandwidthSettings.model_validate({"windows": windows, **limits})
    now = bandwidth_at(settings, BERLIN, begins)
    meter = measured((NO_LIMITS, 5 * MBIT))
    known, most = rate_steps(meter, RateLimits(*now.bytes_s(), now.until), settings, BERLIN)
    found = when_fetched(size, known, begins)
    assert found is not None
    assert abs(found - ends) < (12 * HOUR if ends - begins > timedelta(days=8) else timedelta(seconds=1))
    assert when_fetched(size, most, begins) == found


def need(hours: float | None, what: str = "x") -> Need:
    return Need(None if hours is None else NOON + hours * HOUR, what, ())


def test_what_was_told_as_late_stays_until_there_is_time_to_spare() -> None:
    starts = (need(-1, "due"), need(0, "now"), need(10, "soon"), need(20, "later"), need(None, "never"))

    def late(ready: float, *told: Need) -> list[str]:
        return [start.what for start in late_starts(starts, NOON + ready * HOUR, NOON, told)]

    assert late(9.9) == late(10) == ["due", "now"]
    assert late(10.1) == late(9.9, *starts[:3]) == late(9.1, starts[2]) == ["due", "now", "soon"]
    assert late(8.9, starts[2]) == ["due", "now"]
    assert late(21) == ["due", "now", "soon", "later"]


ONE = LateStart(at=NOON + HOUR, what="playlist m in daypart Morning")


@pytest.mark.parametrize(
    ("coming", "bytes_s", "earliest", "text"),
    [
        (
            ComingRelease(release="a" * 64, sequence=13, ready_at=NOON + 2 * HOUR, late=(ONE,)),
            96_000,
            2,
            "Release 13 will not be ready by Mon 02 Mar 14:00 for playlist m in daypart Morning: 412 MB are missing, "
            "96 kB/s come, so it is ready at Mon 02 Mar 15:00. ",
        ),
        (
            ComingRelease(release="a" * 64, late=(LateStart(at=NOON - HOUR, what="ad line l of b"), ONE), more_late=3),
            None,
            30,
            "The release was not ready by Mon 02 Mar 12:00 for ad line l of b (4 later starts too): 412 MB are "
            "missing, the rate is not known, and by the limits it is not ready before Tue 03 Mar 19:00. ",
        ),
        (
            ComingRelease(release="a" * 64, sequence=2, late=(ONE, ONE)),
            None,
            None,
            "Release 2 will not be ready by Mon 02 Mar 14:00 for playlist m in daypart Morning (1 later start too): "
            "412 MB are missing, the rate is not known, and nobody can say when it is ready. ",
        ),
        (
            ComingRelease(release="a" * 64, sequence=2, ready_at=NOON + 11 * HOUR, late=(ONE,)),
            None,
            10,
            "Release 2 will not be ready by Mon 02 Mar 14:00 for playlist m in daypart Morning: 412 MB are missing, "
            "none may come until Mon 02 Mar 22:00, so it is ready at Tue 03 Mar 00:00. ",
        ),
        (ComingRelease(release="a" * 64, ready_at=NOON), 5, 1, ""),
        (None, None, None, ""),
    ],
)  # fmt: skip
def test_the_sentence_names_the_start_and_the_numbers(
    coming: ComingRelease | None, bytes_s: float | None, earliest: float | None, text: str
) -> None:
    zone, best = ZoneInfo("Etc/GMT-1"), None if earliest is None else NOON + earliest * HOUR
    limits = CLOSED if earliest == 10 else NO_LIMITS
    found = late_text(coming, 411_100_000, bytes_s, limits, best, zone, NOON)
    assert found == (text and text + "Allow more bandwidth, or plan it for later.")


def test_the_state_of_each_release() -> None:
    both = SyncFacts(SyncState.FETCHING, release="a" * 64, sequence=1, preparing="b" * 64, accepted_sequence=2)

    def states(facts: SyncFacts) -> list[tuple[str, int | None, str]]:
        return [(one.state, one.sequence, one.why) for one in release_status(facts)]

    assert states(SyncFacts()) == []
    assert states(both) == [("active", 1, ""), ("known", 2, "")]
    fetching = replace(both, bytes_to_do=9, bytes_done=1)
    assert states(fetching)[1:] == [("fetching", 2, "")]
    assert states(replace(fetching, state=SyncState.WAITING, problem="why"))[1:] == [("waiting", 2, "why")]
    assert states(replace(fetching, no_room=True, problem="full"))[1:] == [("refused", 2, "full")]
    assert states(replace(both, trust="expired", problem="old"))[2:] == [("refused", None, "old")]


BREAKFAST = "playlist Breakfast in daypart Morning"
MORNING = Daypart(id="m", name="Morning", playlist="m", start="09:00", end="10:00")


def breakfast(before: Release, added: Release) -> Release:
    """Return `before` with a new playlist for tomorrow morning."""
    items = tuple(Item(id=f"m{n}", title="m", asset=asset.sha256) for n, asset in enumerate(added.assets))
    return before.model_copy(
        update={
            "playlists": (*before.playlists, Playlist(id="m", name="Breakfast", items=items)),
            "dayparts": (MORNING,),
            "assets": (*before.assets, *added.assets),
        }
    )


async def test_what_is_on_air_first_is_fetched_first(origin: Origin, store: ContentStore) -> None:
    clock, settings = FakeClock(datetime(2026, 3, 3, 8, 55, tzinfo=UTC)), load_configuration(None).settings
    now, morning, evening, unused = (release_of((origin.publisher.asset(noise(n, CHUNK)),)) for n in range(4))
    whole = breakfast(now, morning)
    late = Daypart(id="e", name="Evening", playlist="e", start="19:00", end="20:00", priority=9)
    shown = Playlist(id="e", name="e", items=evening.playlists[0].items)
    whole = whole.model_copy(
        update={
            "assets": (*unused.assets, *evening.assets, *whole.assets),
            "dayparts": (late, *whole.dayparts),
            "playlists": (shown, *whole.playlists),
        }
    )
    name = origin.publisher.publish_release(whole)
    one_by_one = RateLimiter(clock, lambda: RateLimits(1_000_000))

    def order(release: Release) -> list[tuple[str, ...]]:
        return [need.assets for need in needs_from(release, settings, clock.trust(), clock.now())]

    async with running(origin, store, clock=clock, limiter=one_by_one, order=order) as device:
        await device.plays(name)
    asked = [path.removeprefix("assets/") for path in origin.requests if path.startswith("assets/")]
    assert asked == [one.assets[0].sha256 for one in (now, morning, evening, unused)]


class Venue:
    """A screen whose origin sends a piece of media only when the test lets it; ten seconds pass at each look."""

    def __init__(self, origin: Origin, device: Device) -> None:
        self.origin = origin
        self.device = device
        self.problems = ProblemReports()
        self.pieces = asyncio.Semaphore(0)
        self.let_bytes = origin.media_bytes
        self.readiness = readiness_of(device.syncer.facts, device.store, device.clock, self.problems)

    @property
    def coming(self) -> ComingRelease | None:
        return self.readiness.coming(self.device.syncer.facts())

    def let(self, pieces: int) -> None:
        self.let_bytes += pieces * CHUNK
        for _ in range(pieces):
            self.pieces.release()

    async def look(self, *pieces: int) -> tuple[str, ...]:
        """Let so many pieces come before each look, and return the problems after the last one."""
        for count in pieces:
            self.let(count)
            await self.device.until(lambda: self.origin.media_bytes >= self.let_bytes)
            await self.device.clock.advance(LOOK_S)
            await self.readiness.look()
        return tuple(told.text for told in self.problems.found())


@pytest.fixture
async def venue(origin: Origin, store: ContentStore, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Venue]:
    """A screen that plays one picture, at 08:55; a playlist for 09:00 is published, of which nothing has come."""
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(store.state.parent))
    clock = FakeClock(datetime(2026, 3, 3, 8, 55, tzinfo=UTC))
    first = release_of((origin.publisher.asset(noise(1, CHUNK)),))
    origin.publisher.publish_release(first)
    async with running(origin, store, clock=clock) as device:
        await device.plays(origin.publisher.release)
        venue = Venue(origin, device)
        origin.faults.pieces = venue.pieces
        origin.publisher.publish_release(breakfast(first, release_of((origin.publisher.asset(noise(2, 90 * CHUNK)),))))
        device.syncer.wake()
        await device.until(lambda: device.syncer.facts().bytes_to_do == 90 * CHUNK)
        yield venue


async def test_a_slow_line_is_told_before_the_start_and_what_was_missed_until_it_is_here(
    venue: Venue, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="player.status.status_sources")
    assert await venue.look(0) == ()
    assert venue.coming is not None
    assert (venue.coming.sequence, venue.coming.ready_at) == (2, None)  # the rate is not known yet
    (told,) = await venue.look(1, 1, 1, 1, 1, 1)
    assert "Release 2 will not be ready by Tue 03 Mar 09:00 for playlist Breakfast in daypart Morning" in told
    assert venue.coming.ready_at is not None and venue.coming.ready_at.hour >= 9
    assert venue.coming.late == (LateStart(at=datetime(2026, 3, 3, 9, tzinfo=UTC), what=BREAKFAST),)
    await venue.look(*[1] * 24)
    ((_, told),) = venue.problems.found()
    assert "Release 2 was not ready by Tue 03 Mar 09:00" in told
    assert len(caplog.messages) == 1  # when it began
    venue.let(60)
    await venue.device.until(lambda: venue.device.syncer.facts().sequence == 2, pass_s=1)
    assert await venue.look(0) == ()
    assert venue.coming is None and caplog.messages[1:] == ["no start is late for want of its release any more"]


async def test_what_was_told_is_taken_back_once_the_line_is_fast_enough(venue: Venue) -> None:
    assert await venue.look(0, 1, 1, 1, 1, 1, 1) != ()
    assert await venue.look(12, 12, 12) == ()
    assert venue.coming is not None and venue.coming.ready_at is not None
    assert venue.coming.ready_at.hour == 8
