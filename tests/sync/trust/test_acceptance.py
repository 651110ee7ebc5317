"""Documents that a device refuses; each time the active release stays."""

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest

from sync.device.store.content_store import ContentStore
from sync.errors import Distrust
from sync.runtime.clock import ClockTrust
from sync.trust.signing import SigningKey, sign_envelope
from sync.wire.content_paths import index_path, release_path, timestamp_path
from sync.wire.release import RELEASE_CAP_BYTES, TIMESTAMP_CAP_BYTES, TIMESTAMP_DOMAIN, Envelope
from tests.sync.conftest import running
from tests.sync.file_tree_origin import CHANNEL, EPOCH, Origin, Publisher, noise, release_of

TIMESTAMP = timestamp_path(CHANNEL)


def signed_by_a_stranger(publisher: Publisher) -> None:
    publisher.publish(noise(2, 100))
    publisher.sign(2, publisher.release, key=SigningKey.generate())


def an_older_sequence(publisher: Publisher) -> None:
    publisher.sequence = 3  # goes back to 4 after 5 was seen
    publisher.publish(noise(2, 100))


def the_same_sequence_with_another_release(publisher: Publisher) -> None:
    publisher.sequence = 4
    publisher.publish(noise(2, 100))


def expired(publisher: Publisher) -> None:
    publisher.publish(noise(2, 100))
    publisher.sign(6, publisher.release, expires_at=EPOCH - timedelta(days=1), issued_at=EPOCH - timedelta(days=9))


def nothing_new_until_all_has_expired(publisher: Publisher) -> None:
    publisher.sign(5, publisher.release, expires_at=EPOCH - timedelta(days=1))


def a_changed_timestamp(publisher: Publisher) -> None:
    path = publisher.folder / TIMESTAMP
    envelope = Envelope.model_validate_json(path.read_bytes())
    changed = base64.b64encode(base64.b64decode(envelope.payload).replace(b'"sequence":5', b'"sequence":9')).decode()
    publisher.write(TIMESTAMP, envelope.model_copy(update={"payload": changed}).model_dump_json().encode())


def issued_in_forty_days(publisher: Publisher) -> None:
    publisher.publish(noise(2, 100))
    publisher.sign(6, publisher.release, issued_at=EPOCH + timedelta(days=40))


def another_valid_release_under_the_name(publisher: Publisher) -> None:
    publisher.publish(noise(2, 100))
    other = release_of((publisher.asset(noise(3, 100)),)).model_dump_json().encode()
    publisher.write(release_path(publisher.release), other)


def another_channel(publisher: Publisher) -> None:
    publisher.publish(noise(2, 100))
    publisher.sign(6, publisher.release, channel="another")


def a_release_of_another_channel(publisher: Publisher) -> None:
    publisher.publish_release(release_of((publisher.asset(noise(2, 100)),), channel="another"))


def a_release_that_is_not_json(publisher: Publisher) -> None:
    publisher.sign(6, publisher.write_release(b"\xff\xfe not json"))


def a_release_nested_deeper_than_a_parser_likes(publisher: Publisher) -> None:
    publisher.sign(6, publisher.write_release(b'{"assets":' + b"[" * 200_000))


def a_release_that_shows_what_it_does_not_list(publisher: Publisher) -> None:
    release = release_of((publisher.asset(noise(2, 100)),))
    publisher.publish_release(release.model_copy(update={"assets": ()}))


def an_asset_name_that_climbs_out(publisher: Publisher) -> None:
    raw = release_of((publisher.asset(noise(2, 100)),)).model_dump_json()
    name = publisher.asset(noise(2, 100)).sha256
    publisher.sign(6, publisher.write_release(raw.replace(name, "../../../../etc/passwd").encode()))


def an_asset_name_with_a_zero_byte(publisher: Publisher) -> None:
    name = publisher.asset(noise(2, 100)).sha256
    raw = release_of((publisher.asset(noise(2, 100)),)).model_dump_json()
    publisher.sign(6, publisher.write_release(raw.replace(name, f"{name[:-6]}\\u0000").encode()))


def garbage_for_a_timestamp(publisher: Publisher) -> None:
    publisher.write(TIMESTAMP, b"<html>Please log in to ShopNet</html>")


def a_timestamp_that_is_no_envelope(publisher: Publisher) -> None:
    publisher.write(TIMESTAMP, b'{"not": "signed"}')


def a_timestamp_that_gives_a_field_twice(publisher: Publisher) -> None:
    publisher.publish(noise(2, 100))
    payload = base64.b64decode(Envelope.model_validate_json((publisher.folder / TIMESTAMP).read_bytes()).payload)
    signed = sign_envelope(TIMESTAMP_DOMAIN, payload[:-1] + b',"sequence":7}', publisher.key)
    publisher.write(TIMESTAMP, signed)


def a_release_that_gives_a_field_twice(publisher: Publisher) -> None:
    raw = release_of((publisher.asset(noise(2, 100)),)).model_dump_json().encode()
    publisher.sign(6, publisher.write_release(raw[:-1] + b',"assets":[]}'))


def an_oversized_timestamp(publisher: Publisher) -> None:
    publisher.write(TIMESTAMP, b" " * (TIMESTAMP_CAP_BYTES + 1))


def a_root_that_does_not_follow(publisher: Publisher) -> None:
    publisher.sign_root(2, SigningKey.generate())
    publisher.publish(noise(2, 100))


def an_index_of_another_file(publisher: Publisher) -> None:
    good, other = publisher.asset(noise(2, 100)), publisher.asset(noise(3, 100))
    publisher.publish_release(release_of((good.model_copy(update={"index": other.index}),)))


def an_index_that_is_none(publisher: Publisher) -> None:
    asset, raw = publisher.asset(noise(2, 100)), b"no index"
    name = hashlib.sha256(raw).hexdigest()
    publisher.write(index_path(name), raw)
    publisher.publish_release(release_of((asset.model_copy(update={"index": name}),)))


@pytest.mark.parametrize(
    ("fault", "reason", "rule"),
    [
        (signed_by_a_stranger, "signed by 0", Distrust.UNKNOWN_KEY),
        (an_older_sequence, "older than 5", Distrust.ROLLBACK),
        (the_same_sequence_with_another_release, "before", Distrust.CONFLICT),
        (expired, "expired", Distrust.EXPIRED),
        (nothing_new_until_all_has_expired, "nothing newer is served", Distrust.FREEZE),
        (a_changed_timestamp, "or this one was changed", Distrust.BAD_SIGNATURE),
        (issued_in_forty_days, "more than a day ahead", Distrust.FUTURE),
        (another_valid_release_under_the_name, "do not match its hash", Distrust.MIXED),
        (another_channel, "channel another", Distrust.MIXED),
        (a_release_of_another_channel, "channel another", Distrust.MIXED),
        (a_release_that_is_not_json, "not known to this version", Distrust.UNSUPPORTED),
        (a_release_nested_deeper_than_a_parser_likes, "not known to this version", Distrust.UNSUPPORTED),
        (a_release_that_shows_what_it_does_not_list, "does not list", Distrust.MIXED),
        (an_asset_name_that_climbs_out, "not known to this version", Distrust.UNSUPPORTED),
        (an_asset_name_with_a_zero_byte, "not known to this version", Distrust.UNSUPPORTED),
        (garbage_for_a_timestamp, "wants a login first", ""),
        (a_timestamp_that_is_no_envelope, "timestamp.json is not a signed envelope", Distrust.MALFORMED),
        (a_timestamp_that_gives_a_field_twice, "gives a field twice", Distrust.MALFORMED),
        (a_release_that_gives_a_field_twice, "gives a field twice", Distrust.MALFORMED),
        (an_oversized_timestamp, "more than the allowed 16384 bytes", Distrust.MALFORMED),
        (a_root_that_does_not_follow, "signed by 0", Distrust.ROOT_CHAIN),
        (an_index_of_another_file, "another file", ""),
        (an_index_that_is_none, f"{hashlib.sha256(noise(2, 100)).hexdigest()}: not an index file", ""),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
async def test_a_document_that_is_not_valid_is_refused_and_the_old_release_stays_active(
    origin: Origin, store: ContentStore, fault: Callable[[Publisher], None], reason: str, rule: str
) -> None:
    origin.publisher.sequence = 4
    origin.publisher.publish(noise(1, 5000))
    playing = origin.publisher.release
    async with running(origin, store) as device:
        await device.plays(playing)
        fault(origin.publisher)
        device.syncer.wake()
        await device.until(lambda: reason in device.syncer.facts().problem)
        assert device.activations == 1
        assert device.syncer.facts().trust == rule
        assert list(device.syncer.facts().refused) == ([rule] if rule else [])
    active = store.active()
    assert active is not None
    assert (active.sha256, active.sequence) == (playing, 5)
    outside = [path for path in store.state.parent.rglob("*") if path.is_file()]
    assert all(store.state in path.parents or store.store in path.parents for path in outside)


async def test_a_release_longer_than_its_timestamp_says_is_not_parsed(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 100))
    origin.faults.replace[release_path(origin.publisher.release)] = b"[" * (RELEASE_CAP_BYTES + 1)
    async with running(origin, store) as device:
        await device.until(lambda: "sends more than" in device.syncer.facts().problem)
    assert store.active() is None


async def test_a_release_with_a_flipped_byte_is_fetched_again(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 100))
    path = release_path(origin.publisher.release)
    good = (origin.publisher.folder / path).read_bytes()
    origin.faults.replace[path] = good[:-2] + b"!}"
    async with running(origin, store) as device:
        await device.until(lambda: "do not match its hash" in device.syncer.facts().problem)
        origin.faults.replace.clear()
        await device.until(lambda: device.syncer.facts().state == "current", pass_s=1)


async def test_the_floor_survives_a_restart_and_the_loss_of_its_file(origin: Origin, store: ContentStore) -> None:
    origin.publisher.sequence = 4
    origin.publisher.publish(noise(1, 100))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
    an_older_sequence(origin.publisher)
    for loss in (lambda: None, (store.state / "floor").unlink, lambda: (store.state / "floor").write_bytes(b"{")):
        loss()
        async with running(origin, store) as device:
            await device.until(lambda: "older than 5" in device.syncer.facts().problem)


async def test_a_new_signing_key_is_followed_through_the_root_chain_and_the_old_one_ends(
    origin: Origin, store: ContentStore
) -> None:
    publisher = origin.publisher
    publisher.publish(noise(1, 100))
    async with running(origin, store) as device:
        await device.plays(publisher.release)
        stolen, publisher.key = publisher.key, SigningKey.generate()
        publisher.sign_root(2, publisher.root_key)
        publisher.publish(noise(2, 100))
        device.syncer.wake()
        await device.plays(publisher.release)
        root = store.root()
        assert root is not None
        assert root.version == 2
        publisher.sign(3, publisher.release, key=stolen)
        device.syncer.wake()
        await device.until(lambda: "signed by 0" in device.syncer.facts().problem)


async def test_a_root_that_expired_stops_new_content_only(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 100))
    playing = origin.publisher.release
    async with running(origin, store) as device:
        await device.plays(playing)
        origin.publisher.sign_root(2, origin.publisher.root_key, expires_at=EPOCH)
        origin.publisher.publish(noise(2, 100))
        device.syncer.wake()
        await device.until(lambda: "root 2 expired" in device.syncer.facts().problem)
        assert (active := store.active()) is not None and active.sha256 == playing


async def test_a_clock_set_back_does_not_make_an_expired_timestamp_valid(origin: Origin, store: ContentStore) -> None:
    publisher = origin.publisher
    publisher.publish(noise(1, 100))
    async with running(origin, store) as device:
        await device.plays(publisher.release)
        publisher.publish(noise(2, 100))
        publisher.sign(3, publisher.release, expires_at=EPOCH - timedelta(days=1))
        device.clock.step_wall(-10 * 365 * 86_400)
        device.clock.trusted = ClockTrust.UNSYNCED
        device.syncer.wake()
        await device.until(lambda: "expired" in device.syncer.facts().problem)


async def test_a_device_without_a_valid_root_accepts_nothing(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 100))
    async with running(origin, store) as device:
        for path in (store.root_file.path, store.root_file.copy):
            path.write_bytes(b"garbage")
        await device.until(lambda: "not a signed envelope" in device.syncer.facts().problem)
        for path in (store.root_file.path, store.root_file.copy):
            path.unlink()
        await device.until(lambda: "pair this device" in device.syncer.facts().problem, pass_s=1)
    assert store.active() is None
