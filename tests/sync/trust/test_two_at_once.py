"""Two that answer as one: origins with one key, mirrors that are behind, roots that miss a step; links and twins.

Two daemons on one store: `tests/player/app/test_daemon.py` (the second one ends with exit code 3) and
`tests/sync/device/store/test_content_store.py` (the lock, also when its file is deleted).
"""

import base64
import hashlib
import shutil
from pathlib import Path

import pytest

from sync.device.store.content_store import ContentStore
from sync.errors import Distrust
from sync.trust.signing import SigningKey, sign_envelope
from sync.wire.content_paths import release_path, root_path, timestamp_path
from sync.wire.release import ROOT_DOMAIN, Root, SigningRole
from tests.sync.conftest import Device, running
from tests.sync.file_tree_origin import CHANNEL, EPOCH, Origin, Publisher, noise, release_of

TIMESTAMP = timestamp_path(CHANNEL)


def signed(publisher: Publisher) -> bytes:
    return (publisher.folder / TIMESTAMP).read_bytes()


async def answers(device: Device, origin: Origin, raw: bytes) -> str:
    """Have the origin answer with this timestamp; return the rule that it broke."""
    origin.faults.replace[TIMESTAMP] = raw
    asked = origin.requests.count(TIMESTAMP)
    device.syncer.wake()
    await device.until(
        lambda: origin.requests.count(TIMESTAMP) > asked and device.syncer.facts().state in ("current", "waiting"),
        pass_s=0.5,
    )
    await device.clock.run_ready()
    return device.syncer.facts().trust


async def test_of_two_origins_with_one_key_the_first_is_kept_and_the_other_told(
    origin: Origin, store: ContentStore
) -> None:
    """Both publish sequence 2, and answer in turn behind one address."""
    publisher = origin.publisher
    publisher.publish(noise(1, 100))
    publisher.publish(noise(2, 100))
    ours, kept = signed(publisher), publisher.release
    publisher.sequence = 1
    publisher.publish(noise(3, 100))
    theirs = signed(publisher)
    origin.faults.replace[TIMESTAMP] = ours
    async with running(origin, store) as device:
        await device.plays(kept)
        for raw, rule in ((theirs, "conflict"), (ours, ""), (theirs, "conflict"), (ours, "")):
            assert await answers(device, origin, raw) == rule
            assert device.syncer.facts().release == kept
        assert list(device.syncer.facts().refused) == ["conflict"]
        assert device.activations == 1
        publisher.sign(3, publisher.release)  # whoever publishes next is followed, with a higher sequence
        origin.faults.replace.clear()
        device.syncer.wake()
        await device.plays(publisher.release)


async def test_a_mirror_that_is_behind_takes_nothing_back(origin: Origin, store: ContentStore) -> None:
    publisher = origin.publisher
    publisher.publish(noise(1, 100))
    behind = signed(publisher)
    publisher.publish(noise(2, 100))
    ahead = signed(publisher)
    async with running(origin, store) as device:
        await device.plays(publisher.release)
        for raw, rule in ((behind, "rollback"), (ahead, ""), (behind, "rollback")):
            assert await answers(device, origin, raw) == rule
            assert device.syncer.facts().release == publisher.release
        device.syncer.wake()
        await device.until(lambda: device.syncer.facts().refused.get("rollback", 0) >= 2)
        assert device.activations == 1


async def test_the_same_timestamp_a_hundred_times_costs_no_content(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 100))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        before = [path for path in origin.requests if path.startswith(("assets/", "index/", "releases/"))]
        written = (store.state / "floor").stat().st_mtime_ns
        for _ in range(100):
            assert await answers(device, origin, signed(origin.publisher)) == ""
        after = [path for path in origin.requests if path.startswith(("assets/", "index/", "releases/"))]
        assert (after, device.activations) == (before, 1)
        assert (store.state / "floor").stat().st_mtime_ns == written


def sign_root(publisher: Publisher, version: int, root_key: SigningKey, key: SigningKey, *signers: SigningKey) -> bytes:
    root = Root(
        version=version,
        expires_at=EPOCH.replace(year=2036),
        keys={one.id: base64.b64encode(one.public).decode() for one in (root_key, key)},
        root=SigningRole(keys=(root_key.id,)),
        timestamp=SigningRole(keys=(key.id,)),
    )
    raw = sign_envelope(ROOT_DOMAIN, root.model_dump_json().encode(), *signers)
    publisher.write(root_path(version), raw)
    return raw


async def test_a_step_of_the_root_that_is_missing_stops_new_content_until_it_is_there(
    origin: Origin, store: ContentStore
) -> None:
    publisher = origin.publisher
    publisher.publish(noise(1, 100))
    playing, old_root, old_key = publisher.release, publisher.root_key, publisher.key
    async with running(origin, store) as device:
        await device.plays(playing)
        root_2, key = SigningKey.generate(), SigningKey.generate()
        second = sign_root(publisher, 2, root_2, old_key, old_root, root_2)
        sign_root(publisher, 3, root_2, key, root_2)
        (publisher.folder / root_path(2)).unlink()  # a mirror that was copied in part
        publisher.key = key
        publisher.publish(noise(2, 100))
        device.syncer.wake()
        await device.until(lambda: device.syncer.facts().trust == Distrust.UNKNOWN_KEY, pass_s=0.5)
        shutil.copy(publisher.folder / root_path(3), publisher.folder / root_path(2))  # and one that hides the gap
        device.syncer.wake()
        await device.until(lambda: device.syncer.facts().trust == Distrust.ROOT_CHAIN, pass_s=0.5)
        assert (active := store.active()) is not None
        assert active.sha256 == playing
        publisher.write(root_path(2), second)
        device.syncer.wake()
        await device.until(lambda: device.syncer.facts().release == publisher.release, pass_s=0.5)
        publisher.sign(9, playing, key=old_key)  # revoked
        device.syncer.wake()
        await device.until(lambda: device.syncer.facts().trust == Distrust.UNKNOWN_KEY, pass_s=0.5)
        assert device.syncer.facts().release == publisher.release


async def test_roots_that_have_expired_are_steps_to_the_one_that_has_not(origin: Origin, store: ContentStore) -> None:
    publisher = origin.publisher
    for version in range(2, 9):
        publisher.sign_root(version, publisher.root_key, expires_at=None if version == 8 else EPOCH)
    publisher.publish(noise(1, 100))
    async with running(origin, store) as device:
        await device.plays(publisher.release)
    root = store.root()
    assert root is not None
    assert root.version == 8


async def test_channels_that_differ_only_in_case_have_floors_of_their_own(origin: Origin, store: ContentStore) -> None:
    publisher = origin.publisher
    publisher.sequence = 4
    publisher.publish(noise(1, 100))
    async with running(origin, store) as device:
        await device.plays(publisher.release)
        other = publisher.write_release(
            release_of((publisher.asset(noise(2, 100)),), "Main").model_dump_json().encode()
        )
        publisher.sign(1, other, channel="Main", at="Main")
        await device.syncer.follow("Main")
        await device.until(lambda: device.syncer.facts().release == other, pass_s=1)
    floors = [store.floor(channel) for channel in ("main", "Main")]
    assert [floor.sequence for floor in floors if floor] == [5, 1]


@pytest.mark.parametrize("folder", ["releases", "index", "assets", "parts"])
async def test_links_and_twins_in_the_store_are_no_content_and_lead_nowhere(
    origin: Origin, store: ContentStore, tmp_path: Path, folder: str
) -> None:
    """Whoever writes to the card puts links and other spellings of the names there."""
    (asset,) = origin.publisher.publish(noise(1, 5000))
    outside = tmp_path / "outside"
    outside.write_bytes(b"not ours")
    name = {"releases": f"{origin.publisher.release}.json", "index": asset.index}.get(folder, asset.sha256)
    place = store.store / folder
    (place / name).symlink_to(outside)
    (place / name.upper()).write_bytes(b"a twin")
    (place / "..hidden").symlink_to("/etc/passwd")
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
    assert outside.read_bytes() == b"not ours"
    assert hashlib.sha256(store.asset_path(asset.sha256).read_bytes()).hexdigest() == asset.sha256
    raw = (store.store / release_path(origin.publisher.release)).read_bytes()
    assert hashlib.sha256(raw).hexdigest() == origin.publisher.release
    assert not (store.store / release_path(origin.publisher.release)).is_symlink()
    assert not store.asset_path(asset.sha256).is_symlink()
