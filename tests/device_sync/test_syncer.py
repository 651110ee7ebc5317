"""The main road: what the origin publishes comes to the device whole, once, and switches at once."""

import hashlib
from pathlib import Path

from sync.cache import Cache
from tests.device_sync.conftest import running
from tests.device_sync.origin import CHANNEL, CHUNK, EPOCH, Origin, noise, release_of


def whole(cache: Cache, sha256: str) -> bool:
    return hashlib.sha256(cache.asset_path(sha256).read_bytes()).hexdigest() == sha256


async def test_a_published_release_arrives_and_goes_on_air(origin: Origin, cache: Cache) -> None:
    assets = origin.publisher.publish(noise(1), noise(2, 5000), noise(3, 3 * CHUNK + 1))
    async with running(origin, cache) as device:
        await device.plays(origin.publisher.release)
        assert device.switches == 1
        facts = device.syncer.facts()
        assert facts.sequence == 1
        assert facts.problem == ""
        assert facts.confirmed_at == device.clock.now()
    active = cache.active()
    assert active is not None
    assert (active.sha256, active.sequence) == (origin.publisher.release, 1)
    assert active.release.playlists[0].items[0].asset == assets[0].sha256
    assert all(whole(cache, asset.sha256) for asset in assets)
    assert not cache.media.parts()
