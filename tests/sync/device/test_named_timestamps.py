"""What exchanges and hints say hastens the signed timestamp, and never replaces it."""

import hashlib
from datetime import timedelta

import pytest

from sync.device.store.content_store import ContentStore
from sync.errors import Distrust
from sync.wire.content_paths import timestamp_path
from tests.sync.conftest import Device, running
from tests.sync.file_tree_origin import CHANNEL, EPOCH, Origin, noise

TIMESTAMP = timestamp_path(CHANNEL)
OTHER = "f" * 64


def served(origin: Origin) -> str:
    """Return the hash of the timestamp as the origin serves it."""
    return hashlib.sha256((origin.publisher.folder / TIMESTAMP).read_bytes()).hexdigest()


async def exchange(device: Device, sha256: str, *, minutes: int, within_s: float = 0.0) -> None:
    """Let time pass in which each minute an exchange names this hash."""
    for _ in range(minutes):
        device.syncer.named(sha256, within_s)
        for _ in range(6):
            await device.clock.advance(10)
            await device.until(lambda: device.syncer.facts().state != "checking")


async def test_while_exchanges_name_what_is_held_it_is_not_asked_for_and_counts_as_confirmed(
    origin: Origin, store: ContentStore
) -> None:
    origin.publisher.publish(noise(1, 5000))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        before = len(origin.requests)
        await exchange(device, served(origin), minutes=40)
        assert len(origin.requests) == before
        facts = device.syncer.facts()
        assert facts.last_confirmed is not None and device.clock.monotonic() - facts.last_confirmed <= 70
        await exchange(device, served(origin), minutes=20)
        assert sorted(origin.requests[before:]) == [TIMESTAMP, "roots/2.json"], "the signed answer at least hourly"
        assert origin.unchanged == []


async def test_without_exchanges_it_is_polled_as_ever(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 5000))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        await exchange(device, served(origin), minutes=5)
        before = len(origin.requests)
        for _ in range(60):
            await device.clock.advance(10)
            await device.until(lambda: device.syncer.facts().state != "checking")
        assert 8 <= len(origin.requests) - before <= 11


async def test_another_hash_has_it_fetched_at_a_random_moment_of_the_window(
    origin: Origin, store: ContentStore
) -> None:
    took_s = []
    origin.publisher.publish(noise(0, 100))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        for seed in range(1, 7):
            origin.publisher.publish(noise(seed, 100))
            since_s = device.clock.monotonic()
            while device.syncer.facts().release != origin.publisher.release:
                device.syncer.named(served(origin), 300)  # each exchange says so: the moment stays
                await device.clock.advance(10)
                await device.until(lambda: device.syncer.facts().state == "current")
            took_s.append(device.clock.monotonic() - since_s)
    assert min(took_s) < 120 and 150 < max(took_s) <= 310


async def test_an_emergency_is_not_delayed_by_a_window_that_is_open(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 100))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        await device.until(lambda: bool(origin.live))
        await origin.announce(topic="release", channel=CHANNEL, sequence=2, within_s=3_000)
        origin.publisher.publish(noise(2, 100))
        await origin.announce(topic="release", channel=CHANNEL, sequence=2)
        await device.plays(origin.publisher.release)
        assert device.clock.monotonic() < 1000 + 3


async def test_a_hint_with_a_window_is_followed_within_it(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 100))
    async with running(origin, store, poll_s=86_000) as device:
        await device.plays(origin.publisher.release)
        await device.until(lambda: bool(origin.live))
        origin.publisher.publish(noise(2, 100))
        await origin.announce(topic="release", channel=CHANNEL, sequence=2, within_s=600)
        await device.until(lambda: device.syncer._timer.is_set)
        assert TIMESTAMP not in origin.requests[-1:]
        await device.until(lambda: device.syncer.facts().release == origin.publisher.release, pass_s=5)
        assert device.clock.monotonic() < 1000 + 605


async def test_a_hint_ends_the_waits_of_what_is_being_fetched(origin: Origin, store: ContentStore) -> None:
    async with running(origin, store) as device:
        origin.faults.status = [("assets/", 503, {"Retry-After": "600"})]
        origin.publisher.publish(noise(1, 100))
        device.syncer.wake()
        await device.until(lambda: device.syncer.facts().failing_assets == 1)
        await device.until(lambda: bool(origin.live))
        since_s = device.clock.monotonic()
        await origin.announce(topic="release", channel=CHANNEL, sequence=1)
        await device.until(lambda: device.syncer.facts().release == origin.publisher.release, pass_s=0.1)
        assert device.clock.monotonic() - since_s < 60


async def test_a_hint_of_what_is_here_costs_nothing(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 100))
    async with running(origin, store, poll_s=86_000) as device:
        await device.plays(origin.publisher.release)
        await device.until(lambda: bool(origin.live))
        before = len(origin.requests)
        await origin.announce(topic="release", channel=CHANNEL, sequence=1)
        await device.clock.advance(10)
        await origin.announce(topic="weather")
        await device.clock.advance(10)
        assert len(origin.requests) == before


async def test_what_an_exchange_names_while_it_is_fetched_is_not_fetched_twice(
    origin: Origin, store: ContentStore
) -> None:
    origin.publisher.publish(noise(1, 100))
    async with running(origin, store) as device:
        device.syncer.named(served(origin), 0.0)  # before anything is held
        await device.plays(origin.publisher.release)
        device.syncer.named(served(origin), 0.0)
        await device.clock.advance(20)
        await device.until(lambda: device.syncer.facts().state == "current")
        assert origin.requests.count(TIMESTAMP) == 1


async def test_hashes_that_change_each_second_cause_no_storm(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 100))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        before = origin.requests.count(TIMESTAMP)
        for second in range(300):
            device.syncer.named(hashlib.sha256(bytes([second % 256])).hexdigest(), 0.0)
            if second % 2:
                device.syncer.named(served(origin), 0.0)
            await device.clock.advance(1)
            await device.until(lambda: device.syncer.facts().state != "checking")
        assert origin.requests.count(TIMESTAMP) - before <= 31


async def test_a_failing_origin_is_not_asked_sooner_because_exchanges_name_something(
    origin: Origin, store: ContentStore
) -> None:
    origin.publisher.publish(noise(1, 100))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        origin.faults.status = [(TIMESTAMP, 503, {"Retry-After": "120"})] * 20
        before = origin.requests.count(TIMESTAMP)
        await exchange(device, OTHER, minutes=20)
        assert 5 <= origin.requests.count(TIMESTAMP) - before <= 11


async def test_a_frozen_origin_is_found_out_when_what_is_held_expires_although_exchanges_name_it(
    origin: Origin, store: ContentStore
) -> None:
    origin.publisher.publish(noise(1, 100))
    origin.publisher.sign(1, origin.publisher.release, expires_at=EPOCH + timedelta(minutes=20))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        await exchange(device, served(origin), minutes=18)
        assert device.syncer.facts().trust == ""
        await exchange(device, served(origin), minutes=4)
        facts = device.syncer.facts()
        assert facts.trust == Distrust.FREEZE and facts.release == origin.publisher.release
        confirmed_s = facts.last_confirmed
        await exchange(device, served(origin), minutes=4)
        assert device.syncer.facts().last_confirmed == confirmed_s, "it is confirmed no more"
        origin.publisher.sign(1, origin.publisher.release, issued_at=EPOCH + timedelta(minutes=30))
        await device.until(lambda: device.syncer.facts().trust == "", pass_s=10)


async def test_a_release_that_cannot_be_fetched_is_tried_again_by_its_own_wait(
    origin: Origin, store: ContentStore
) -> None:
    origin.publisher.publish(noise(1, 100))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        origin.publisher.publish(noise(2, 100))
        path = f"releases/{origin.publisher.release}.json"
        origin.faults.status = [(path, 503, {"Retry-After": "600"})] * 3
        await exchange(device, served(origin), minutes=15)
        assert 2 <= origin.requests.count(path) <= 3
        await device.until(lambda: device.syncer.facts().release == origin.publisher.release, pass_s=30)


@pytest.mark.parametrize("within_s", [0.0, 86_400.0])
async def test_an_answer_holds_what_is_new_back_for_an_hour_at_most(
    origin: Origin, store: ContentStore, within_s: float
) -> None:
    origin.publisher.publish(noise(1, 100))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        old = served(origin)
        origin.publisher.publish(noise(2, 100))
        since_s = device.clock.monotonic()
        while device.syncer.facts().release != origin.publisher.release:
            device.syncer.named(OTHER if within_s else old, within_s)
            await device.clock.advance(30)
            await device.until(lambda: device.syncer.facts().state == "current")
        assert device.clock.monotonic() - since_s <= 3_600
