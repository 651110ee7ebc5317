"""Files of bookings: which of them a device fetches and keeps, and what it does about wrong and damaged ones."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sync.device.store.content_store import ContentStore
from sync.runtime.clock import ClockTrust
from sync.wire.content_paths import bookings_path
from sync.wire.release import Asset, Bookings, BookingsFile, Campaign, Creative, Line
from tests.fakes import FakeClock
from tests.sync.conftest import Device, running
from tests.sync.file_tree_origin import EPOCH, Origin, noise, release_of

SPRING = [("march", 0, 20), ("april", 30, 60), ("july", 120, 150)]  # days after `EPOCH`


def book(origin: Origin, flights: Sequence[tuple[str, int, int]], seed: int = 0) -> dict[str, Asset]:
    """Publish a release with a file of bookings for each flight; return the asset that each shows."""
    assets, files = {}, []
    for number, (name, first, last) in enumerate(flights, start=seed):
        asset = assets[name] = origin.publisher.asset(noise(number + 10, 3000))
        starts_at, ends_at = (EPOCH + timedelta(days=days) for days in (first, last))
        creative = Creative(id=name, title=name, asset=asset.sha256)
        booked = Campaign(
            id=name,
            name=name,
            advertiser="north",
            starts_at=starts_at,
            ends_at=ends_at,
            lines=(Line(id=name, name=name, creatives=(creative,)),),
        )
        raw = Bookings(campaigns=(booked,), assets=(asset,)).model_dump_json(exclude_none=True).encode()
        sha256 = hashlib.sha256(raw).hexdigest()
        origin.publisher.write(bookings_path(sha256), raw)
        files.append(BookingsFile(sha256=sha256, size_bytes=len(raw), starts_at=starts_at, ends_at=ends_at))
    rest = release_of((origin.publisher.asset(noise(1, 5000)),))
    origin.publisher.publish_release(rest.model_copy(update={"format": 2, "bookings": tuple(files)}))
    return assets


def booked(store: ContentStore) -> list[str]:
    active = store.active()
    assert active is not None
    return [campaign.id for campaign in active.release.campaigns]


def fetched(origin: Origin) -> int:
    return sum("bookings/" in path for path in origin.requests)


def bookings_of(origin: Origin) -> list[str]:
    return [f"bookings/{path.name}" for path in (origin.publisher.folder / "bookings").iterdir()]


async def passes(device: Device, days: int) -> None:
    await device.clock.advance(days * 86_400)
    device.syncer.wake()


async def test_flights_of_the_next_weeks_are_here_and_later_ones_come_in_time_without_a_new_release(
    origin: Origin, store: ContentStore
) -> None:
    assets = book(origin, SPRING)
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        assert booked(store) == ["march", "april"] and fetched(origin) == 2
        assert store.has_asset(assets["april"].sha256) and not store.has_asset(assets["july"].sha256)
        await passes(device, 60)
        await device.until(lambda: device.mended == 1)
        assert booked(store) == ["march", "april", "july"] and fetched(origin) == 3
        assert all(store.has_asset(asset.sha256) for asset in assets.values())
        assert device.activations == 1


async def test_a_screen_without_a_time_service_has_the_bookings_of_the_time_of_its_release(
    origin: Origin, store: ContentStore
) -> None:
    book(origin, SPRING)
    clock = FakeClock(datetime(1970, 1, 1, tzinfo=UTC))
    clock.trusted = ClockTrust.UNSYNCED
    async with running(origin, store, clock=clock) as device:
        await device.plays(origin.publisher.release)
        assert booked(store) == ["march", "april"]


async def test_only_what_a_new_release_changed_is_fetched_and_what_none_names_goes(
    origin: Origin, store: ContentStore
) -> None:
    folder = store.store / "bookings"
    async with running(origin, store) as device:
        for number, flights in enumerate((SPRING, [*SPRING[:1], ("may", 60, 70)], [("may", 60, 70)]), start=1):
            book(origin, flights, seed=0 if number == 1 else 5 * (number - 1))
            device.syncer.wake()
            await device.plays(origin.publisher.release)
            assert booked(store) == [name for name, *_ in flights if name != "july"]
        pointer = store.pointer()
        assert pointer is not None and pointer.previous is not None
        kept = [store.release(name) for name in (pointer.release, pointer.previous)]
        named = {file.sha256 for release in kept if release for file in release.bookings or ()}
        await device.until(lambda: {path.name for path in folder.iterdir()} <= named)
        assert fetched(origin) == 5


async def test_a_damaged_file_is_fetched_again_and_what_it_shows_is_kept(origin: Origin, store: ContentStore) -> None:
    assets = book(origin, SPRING)
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
    for path in (store.store / "bookings").iterdir():
        path.write_bytes(b"x" * path.stat().st_size)
    restarted = ContentStore(store.state.parent)
    assert booked(restarted) == []
    async with running(origin, restarted) as device:
        await device.until(lambda: booked(restarted) == ["march", "april"])
    assert store.has_asset(assets["march"].sha256) and origin.requests.count(f"assets/{assets['march'].sha256}") == 1


async def test_bookings_with_wrong_bytes_are_refused_and_the_old_release_plays(
    origin: Origin, store: ContentStore
) -> None:
    origin.publisher.publish(noise(1, 5000))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        before = origin.publisher.release
        book(origin, SPRING)
        origin.faults.replace |= {path: b"{}" for path in bookings_of(origin)}
        device.syncer.wake()
        await device.until(lambda: "bookings" in device.syncer.facts().problem)
        assert device.syncer.facts().release == before
        origin.faults.replace.clear()
        device.syncer.wake()
        await device.plays(origin.publisher.release)
        assert booked(store) == ["march", "april"]
