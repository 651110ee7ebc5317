"""A player that is older than its origin plays the entries it knows and reports those it leaves out."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from sync.device.store.content_store import ContentStore
from sync.errors import Untrusted
from sync.trust.acceptance import check_release, referenced_assets
from sync.wire.lenient_lists import MOST_LEFT_OUT
from sync.wire.release import Release, Timestamp
from sync.wire.release_reader import read_release
from tests.sync.conftest import running
from tests.sync.file_tree_origin import Origin, noise, release_of

UNSEEN = "e" * 64


def newer(origin: Origin) -> dict[str, Any]:
    """Return a release with an unknown and a known entry in every list."""
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


async def test_a_newer_release_plays_without_its_unknown_entries(origin: Origin, store: ContentStore) -> None:
    raw = json.dumps(newer(origin)).encode()
    origin.publisher.release = origin.publisher.write_release(raw)
    origin.publisher.sign(1, origin.publisher.release)
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        assert device.syncer.facts().problem == ""
    held = store.active()
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
    assert release.fallback is None and referenced_assets(release) == {release.assets[0].sha256}
    assert (store.store / "releases" / f"{held.sha256}.json").read_bytes() == raw


async def test_a_release_of_another_format_is_refused_by_name(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 5000))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        before = origin.publisher.release
        name = origin.publisher.write_release(json.dumps(newer(origin) | {"format": 3}).encode())
        origin.publisher.sign(2, name)
        device.syncer.wake()
        await device.until(lambda: "not known to this version (format)" in device.syncer.facts().problem)
    active = store.active()
    assert active is not None and active.sha256 == before


async def test_an_origin_refuses_unknown_entries_instead_of_leaving_them_out(origin: Origin) -> None:
    with pytest.raises(ValidationError):
        Release.model_validate(newer(origin))


FRAME = {"channel": "main", "created_at": "2026-01-01T00:00:00Z"}
ITEM = {"id": "i", "title": "Zoomed", "asset": UNSEEN, "fit": "zoom"}


def with_items(*items: Any) -> bytes:
    return json.dumps(FRAME | {"playlists": [{"id": "p", "name": "P", "items": items}]}).encode()


def checked(raw: bytes) -> Release:
    now = datetime.now(UTC)
    name = hashlib.sha256(raw).hexdigest()
    pointer = Timestamp(channel="main", sequence=2, release=name, release_bytes=len(raw), issued_at=now, expires_at=now)
    return check_release(raw, pointer)


@pytest.mark.parametrize("playlists", [[{"id": "p", "name": "P", "items": [ITEM]}], [{"id": "p", "name": "P"}]])
def test_a_release_without_any_known_item_does_not_replace_the_active_one(playlists: list[Any]) -> None:
    with pytest.raises(Untrusted, match=r"no item that this version knows .*: update this player"):
        checked(json.dumps(FRAME | {"playlists": playlists}).encode())


def test_a_release_that_has_no_items_is_accepted() -> None:
    assert checked(json.dumps(FRAME | {"overlays": [{"kind": "clock", "id": "c"}]}).encode()).playlists == ()


@pytest.mark.parametrize(("bad", "reported"), [(ITEM, 1), ({}, 3), (0, 1)])
def test_too_many_unknown_entries_are_refused_early(bad: Any, reported: int) -> None:
    assert len(read_release(with_items(*[ITEM] * MOST_LEFT_OUT)).left_out) == MOST_LEFT_OUT
    with pytest.raises(ValidationError) as told:
        read_release(with_items(*[bad] * 20_000))
    assert told.value.error_count() == reported


def test_a_stream_with_a_wrong_hash_is_refused_and_not_left_out() -> None:
    with pytest.raises(ValidationError):
        read_release(json.dumps(FRAME | {"streams": [{"sha256": UNSEEN, "url": "http://cam/live"}]}).encode())


def test_reports_of_left_out_entries_have_no_control_characters_and_no_secrets() -> None:
    escape = {**ITEM, "title": "\x1b[2J\nroot", "fit": "\x1b[31m\u202e"}
    (told,) = map(str, read_release(with_items(escape)).left_out)
    assert told == "?[2J?root among items (title ?[2J?root)"
    camera = {"sha256": UNSEEN, "url": "warp://door:secret@cam/live"}
    document = json.loads(with_items({**ITEM, "fit": "fill"})) | {"streams": [camera]}
    assert list(map(str, read_release(json.dumps(document).encode()).left_out)) == ["Zoomed among items (url)"]
