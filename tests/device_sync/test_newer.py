"""A player older than its origin plays what it understands of a release, and says what it leaves out."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from sync.cache import Cache
from sync.release import Release
from sync.trust import named_assets
from tests.device_sync.conftest import running
from tests.device_sync.origin import Origin, noise, release_of

UNSEEN = "e" * 64


def newer(origin: Origin) -> dict[str, Any]:
    """Return a release with things of a later version in every list, beside one that this version knows."""
    document: dict[str, Any] = json.loads(release_of((origin.publisher.asset(noise(1, 5000)),)).model_dump_json())
    (item,), (asset,) = document["playlists"][0]["items"], document["assets"]
    document["playlists"][0]["items"] = [
        item | {"sparkle": 3},
        item | {"id": "zoom", "title": "Zoomed", "fit": "zoom"},
        item | {"id": "page", "title": "Board", "asset": UNSEEN},
    ]
    document["assets"] += [asset | {"sha256": UNSEEN, "index": UNSEEN, "kind": "page"}]
    document["fallback"] = UNSEEN
    document["dayparts"] = [{"id": "moon", "name": "Full moon", "playlist": "all", "weekdays": [8]}]
    document["overlays"] = [{"kind": "clock", "id": "c"}, {"kind": "ticker", "id": "t", "text": "news", "glow": 1}]
    document["overlays"] += [{"kind": "logo", "id": "l", "asset": UNSEEN}]
    shown = [{"id": "k", "title": "T", "asset": asset["sha256"], "fit": fit} for fit in ("zoom", "fill")]
    shown += [{"id": "u", "title": "U", "asset": UNSEEN, "fit": "cover"}]
    lines = [{"id": one["fit"], "name": "Line", "creatives": [one]} for one in shown]
    flight = {"starts_at": "2020-01-01T00:00:00Z", "ends_at": "2090-01-01T00:00:00Z"}
    document["campaigns"] = [{"id": "c", "name": "C", "advertiser": "A", **flight, "lines": lines}]
    return document | {"mood": "calm"}


async def test_a_newer_release_goes_on_air_without_what_is_not_understood(origin: Origin, cache: Cache) -> None:
    raw = json.dumps(newer(origin)).encode()
    origin.publisher.release = origin.publisher.write_release(raw)
    origin.publisher.sign(1, origin.publisher.release)
    async with running(origin, cache) as device:
        await device.plays(origin.publisher.release)
        assert device.syncer.facts().problem == ""
    held = cache.active()
    assert held is not None
    release = held.release
    assert [item.id for item in release.playlists[0].items] == ["item-0"]
    assert [overlay.id for overlay in release.overlays] == ["t"]
    assert [line.id for line in release.campaigns[0].lines] == ["fill"]
    assert len(release.assets) == 1 and release.dayparts == ()
    told = [str(entry) for entry in release.left_out]
    for words in ("Zoomed among items (fit zoom)", "Full moon among dayparts", "c among overlays (kind clock)"):
        assert any(words in entry for entry in told), words
    assert "Board among items (kind page)" in told and not [entry for entry in told if UNSEEN in entry]
    assert release.fallback is None and named_assets(release) == {release.assets[0].sha256}
    assert (cache.store / "releases" / f"{held.sha256}.json").read_bytes() == raw


async def test_a_release_of_another_format_is_refused_by_name(origin: Origin, cache: Cache) -> None:
    origin.publisher.publish(noise(1, 5000))
    async with running(origin, cache) as device:
        await device.plays(origin.publisher.release)
        before = origin.publisher.release
        name = origin.publisher.write_release(json.dumps(newer(origin) | {"format": 2}).encode())
        origin.publisher.sign(2, name)
        device.syncer.wake()
        await device.until(lambda: "is not understood (format): update this player" in device.syncer.facts().problem)
    active = cache.active()
    assert active is not None and active.sha256 == before


async def test_who_makes_a_release_leaves_nothing_out(origin: Origin) -> None:
    with pytest.raises(ValidationError):
        Release.model_validate(newer(origin))
