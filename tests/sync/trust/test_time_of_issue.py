"""What the clocks of origin and device do to new content: each may be wrong, and nobody has to delete a file."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.device.store.active_pointer import Floors, raised
from sync.device.store.content_store import ContentStore
from sync.errors import Distrust, Untrusted
from sync.runtime.clock import ClockTrust
from sync.trust.acceptance import AHEAD, Known, check_timestamp
from sync.trust.root_changes import make_root
from sync.wire.release import Timestamp
from tests.fakes import FakeClock
from tests.sync.conftest import Device, running
from tests.sync.file_tree_origin import EPOCH, Origin, noise

VALID = timedelta(days=30)
DAYS = 86_400.0


def publish(origin: Origin, seed: int, *, at: datetime = EPOCH) -> str:
    """Publish as an origin does whose clock says `at`."""
    publisher = origin.publisher
    publisher.publish(noise(seed, 100))
    publisher.sign(publisher.sequence, publisher.release, issued_at=at, expires_at=at + VALID)
    return publisher.release


def sign_again(origin: Origin, *, at: datetime) -> None:
    publisher = origin.publisher
    publisher.sign(publisher.sequence, publisher.release, issued_at=at, expires_at=at + VALID)


async def refuses(device: Device, rule: Distrust) -> None:
    device.syncer.wake()
    await device.until(lambda: device.syncer.facts().trust == rule, pass_s=1)


async def accepts(device: Device, release: str) -> None:
    device.syncer.wake()
    await device.until(lambda: device.syncer.facts().release == release and not device.syncer.facts().trust, pass_s=1)


@pytest.mark.parametrize("trusted", ClockTrust)
async def test_an_origin_whose_clock_was_forty_days_ahead_locks_nobody_out(
    origin: Origin, store: ContentStore, trusted: ClockTrust
) -> None:
    first = publish(origin, 1)
    clock = FakeClock()
    clock.trusted = trusted
    async with running(origin, store, clock=clock) as device:
        await device.plays(first)
        ahead = publish(origin, 2, at=EPOCH + timedelta(days=40))
        if trusted is ClockTrust.SYNCED:
            await refuses(device, Distrust.FUTURE)
            assert device.syncer.facts().release == first
        else:
            await accepts(device, ahead)
        sign_again(origin, at=EPOCH + timedelta(hours=1))  # the clock of the origin is right again
        await accepts(device, ahead)
        await accepts(device, publish(origin, 3, at=EPOCH + timedelta(hours=2)))
        clock.trusted = ClockTrust.SYNCED
        await accepts(device, publish(origin, 4, at=EPOCH + timedelta(hours=3)))
        floor = store.floor("main")
        assert floor is not None
        assert (floor.sequence, floor.issued_at) == (4, EPOCH + timedelta(hours=3))


async def test_a_floor_from_the_future_keeps_its_sequence_and_loses_its_time(
    origin: Origin, store: ContentStore
) -> None:
    """All that had one time service were wrong together; afterwards the device is restarted."""
    for _ in range(4):
        later = publish(origin, 1, at=EPOCH + timedelta(days=40))
    async with running(origin, store, clock=FakeClock(EPOCH + timedelta(days=40))) as device:
        await device.plays(later)
    async with running(origin, store) as device:
        sign_again(origin, at=EPOCH)
        await accepts(device, later)
        origin.publisher.sign(3, later, issued_at=EPOCH, expires_at=EPOCH + VALID)
        await refuses(device, Distrust.ROLLBACK)
        newest = publish(origin, 2)
        await accepts(device, newest)
        origin.publisher.sign(5, newest, issued_at=EPOCH - VALID, expires_at=EPOCH)
        await refuses(device, Distrust.FREEZE)


async def test_a_device_in_1970_accepts_and_keeps_no_time_until_its_clock_is_set(
    origin: Origin, store: ContentStore
) -> None:
    clock = FakeClock(datetime(1970, 1, 1, tzinfo=UTC))
    clock.trusted = ClockTrust.UNSYNCED
    async with running(origin, store, clock=clock) as device:
        await accepts(device, publish(origin, 1))
        await accepts(device, publish(origin, 2, at=EPOCH + timedelta(days=4000)))
        clock.step_wall((EPOCH - clock.now()).total_seconds())
        clock.trusted = ClockTrust.SYNCED
        await refuses(device, Distrust.FUTURE)
        await accepts(device, publish(origin, 3))
    lost = FakeClock(datetime(1970, 1, 1, tzinfo=UTC))  # it starts again without a battery: the floor tells the time
    lost.trusted = ClockTrust.UNSYNCED
    origin.publisher.sign(4, origin.publisher.release, issued_at=EPOCH - 2 * VALID, expires_at=EPOCH - VALID)
    async with running(origin, store, clock=lost) as device:
        await refuses(device, Distrust.EXPIRED)


async def test_a_clock_that_is_set_while_nothing_is_new_still_becomes_the_lower_bound(
    origin: Origin, store: ContentStore
) -> None:
    clock = FakeClock(EPOCH + timedelta(hours=1))
    clock.trusted = ClockTrust.UNSYNCED

    def earliest() -> datetime | None:
        return (store.floor_file.find().value or Floors(channels={})).earliest

    async with running(origin, store, clock=clock) as device:
        await accepts(device, publish(origin, 1))
        await device.plays(origin.publisher.release)
        for _ in range(3):
            await device.clock.advance(70)
        assert earliest() is None
        clock.trusted = ClockTrust.SYNCED
        await device.until(lambda: earliest() == EPOCH, pass_s=10)


async def test_a_device_in_2090_says_that_its_clock_may_be_wrong_and_goes_on_once_it_is_set(
    origin: Origin, store: ContentStore
) -> None:
    first = publish(origin, 1)
    async with running(origin, store) as device:
        await device.plays(first)
    second = publish(origin, 2)
    clock = FakeClock(datetime(2090, 1, 1, tzinfo=UTC))
    clock.trusted = ClockTrust.UNSYNCED
    async with running(origin, store, clock=clock) as device:
        await refuses(device, Distrust.ROOT_EXPIRED)
        assert "2090-01-01" in device.syncer.facts().problem
        assert "no time service has set it" in device.syncer.facts().problem
        assert (active := store.active()) is not None
        assert active.sha256 == first
        clock.step_wall((EPOCH - clock.now()).total_seconds())
        clock.trusted = ClockTrust.SYNCED
        await accepts(device, second)


async def test_a_clock_that_jumps_while_the_device_runs_only_delays_new_content(
    origin: Origin, store: ContentStore
) -> None:
    async with running(origin, store) as device:
        await accepts(device, publish(origin, 1))
        for seed, jump in enumerate((400 * DAYS, -800 * DAYS, 30_000 * DAYS), start=2):
            device.clock.step_wall(jump)
            device.syncer.wake()
            await device.until(lambda: device.syncer.facts().trust != "", pass_s=1)
            publish(origin, seed)
            assert store.active() is not None
        device.clock.step_wall(-29_600 * DAYS)
        await accepts(device, origin.publisher.release)


OFFSETS = st.sampled_from([timedelta(0), timedelta(hours=20), timedelta(days=40), timedelta(days=-40)]) | st.timedeltas(
    min_value=timedelta(days=-20_000), max_value=timedelta(days=20_000)
)
EVENTS = st.lists(st.tuples(OFFSETS, OFFSETS, st.booleans(), st.integers(0, 2)), max_size=12)


@settings(max_examples=200, deadline=None)
@given(events=EVENTS)
def test_whatever_the_clocks_did_an_origin_that_is_right_is_followed_once_they_are(
    events: list[tuple[timedelta, timedelta, bool, int]],
) -> None:
    """Each event: how wrong the clocks of origin and device are, whether a service set the latter, what was published.

    A clock that a service has set is right.
    """
    floors, newest, at = Floors(channels={}), 1, EPOCH
    for origin_wrong, device_wrong, synchronised, published in events:
        at, newest = at + timedelta(days=1), newest + published
        device = at if synchronised else at + device_wrong
        timestamp, known = timestamp_of(newest, at + origin_wrong), known_by(floors, device, synchronised=synchronised)
        with suppress(Untrusted):
            check_timestamp(timestamp, "main", known)
            assert not synchronised or -VALID < origin_wrong <= AHEAD
            floors = raised(floors, ROOT, timestamp, known)
        assert floors.earliest is None or floors.earliest <= at
        held = floors.channels.get("main")
        assert held is None or held.sequence <= newest
    known = known_by(floors, at, synchronised=True)
    check_timestamp(timestamp_of(newest, at), "main", known)
    lost = known_by(raised(floors, ROOT, timestamp_of(newest, at), known), at - VALID, synchronised=False)
    with pytest.raises(Untrusted, match="expired"):  # a clock that lost the time does not revive what has expired
        check_timestamp(timestamp_of(newest, at - 2 * VALID), "main", lost)


ROOT = make_root(1, EPOCH + 400 * VALID, {"a" * 64: ""}, 1, {"b" * 64: ""})


def timestamp_of(sequence: int, at: datetime) -> Timestamp:
    return Timestamp(
        channel="main",
        sequence=sequence,
        release=f"{sequence:064x}",
        release_bytes=1,
        issued_at=at,
        expires_at=at + VALID,
    )


def known_by(floors: Floors, now: datetime, *, synchronised: bool) -> Known:
    floor = floors.counted(ROOT).get("main")
    return Known(now, synchronised=synchronised, floor=floor, earliest=floors.earliest)
