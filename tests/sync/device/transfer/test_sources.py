"""Mirrors before the origin: which one is asked, what a bad one costs, and when it is asked again."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from sync.device.store.content_store import ContentStore
from sync.device.transfer.sources import LONGEST_NOT_SERVED_S, MOST_NOT_SERVED, Sources
from sync.errors import CorruptContent, OriginUnreachable
from sync.trust.signing import open_envelope, sign_envelope
from sync.wire.content_paths import timestamp_path
from sync.wire.release import TIMESTAMP_DOMAIN, Timestamp
from tests.sync.conftest import running
from tests.sync.device.transfer import faulty_server
from tests.sync.device.transfer.faulty_server import Fault, FaultyServer, cut_after, faulty, location, status
from tests.sync.file_tree_origin import CHUNK, Origin, Publisher, noise

CHUNKS = 8
CONTENTS = [noise(seed, CHUNKS * CHUNK) for seed in range(3)]


@pytest.fixture
async def mirror(publisher: Publisher) -> AsyncIterator[FaultyServer]:
    async with faulty(publisher.folder) as server:
        yield server


@pytest.mark.parametrize(
    ("fault", "wasted_chunks"),
    [
        (None, 0),
        (status("404 Not Found"), 0),
        (status("503 Service Unavailable", "Retry-After: 9999\r\n"), 0),
        (faulty_server.wrong_bytes, 2 * CHUNKS * len(CONTENTS)),
        (faulty_server.reset, 0),
        (faulty_server.silence, 0),
        (faulty_server.web_page, 0),
        (cut_after(3 * CHUNK), 3),
        (location("http://127.0.0.1:1/"), 0),
    ],
)
async def test_what_a_mirror_does_not_serve_comes_from_the_origin_at_once(
    origin: Origin, mirror: FaultyServer, store: ContentStore, fault: Fault | None, wasted_chunks: int
) -> None:
    publisher = origin.publisher
    mirror.folder = publisher.folder
    publisher.publish(*CONTENTS)
    if fault is not None:
        mirror.always["assets/"] = fault
    patience_s = 1.0 if fault is faulty_server.silence else 5.0
    async with running(origin, store, mirrors=(mirror.url,), read_s=patience_s, head_s=patience_s) as device:
        await device.plays(publisher.release)
        first, last = device.syncer.facts().sources
    whole = len(CONTENTS) * CHUNKS * CHUNK
    assert (first.name, last.name) == ("mirror-1", "origin")
    assert device.clock.monotonic() == 1000  # nothing waited
    pages = 99 * mirror.requests("assets/")
    assert mirror.sent_of("assets/") + origin.media_bytes <= whole + wasted_chunks * CHUNK + pages
    if fault is None:
        assert origin.media_bytes == 0 and first.bytes > whole and first.errors == 0
        assert not any("index/" in request for request in origin.requests)
    else:
        assert first.errors > 0 and last.errors == 0


async def test_a_mirror_that_is_down_costs_nothing_and_is_used_once_it_is_back(
    origin: Origin, tmp_path: Path, store: ContentStore
) -> None:
    publisher = origin.publisher
    async with faulty(publisher.folder) as gone:
        url = gone.url
    async with running(origin, store, mirrors=(url,)) as device:
        publisher.publish(CONTENTS[0])
        device.syncer.wake()
        await device.plays(publisher.release)
        assert origin.media_bytes == CHUNKS * CHUNK
        assert "does not answer" in device.syncer.facts().sources[0].problem
        assert device.syncer.facts().problem == ""
        async with faulty(publisher.folder, port=int(url.rpartition(":")[2])) as mirror:
            await device.clock.advance(60)
            publisher.publish(CONTENTS[1])
            device.syncer.wake()
            await device.plays(publisher.release)
            assert mirror.sent_of("assets/") == CHUNKS * CHUNK
        assert origin.media_bytes == CHUNKS * CHUNK
        assert device.syncer.facts().sources[0].problem == ""


async def test_mirrors_that_the_origin_signed_are_used_and_others_are_left_out(
    origin: Origin, mirror: FaultyServer, store: ContentStore
) -> None:
    publisher = origin.publisher
    mirror.folder = publisher.folder
    publisher.publish(*CONTENTS)
    path = publisher.folder / timestamp_path("main")
    payload = base64.b64decode(open_envelope(path.read_bytes(), 16384).payload)
    signed = Timestamp.model_validate_json(payload).model_copy(
        update={"mirrors": ("gopher://x", "http://", "http://[", mirror.url + "/", mirror.url, origin.url)}
    )
    path.write_bytes(sign_envelope(TIMESTAMP_DOMAIN, signed.model_dump_json().encode(), publisher.key))
    async with running(origin, store) as device:
        await device.plays(publisher.release)
        assert [source.name for source in device.syncer.facts().sources] == ["signed-mirror-1", "origin"]
    assert origin.media_bytes == 0


def sources(*mirrors: str) -> Sources:
    return Sources("http://origin", mirrors, Random(1))


def chosen(found: Sources, now_s: float, **avoided: float) -> str | None:
    source = found.choose({f"http://{name}": until for name, until in avoided.items()}, now_s)
    return None if source is None else source.url.removeprefix("http://")


def test_sources_are_asked_in_their_order_and_not_for_what_they_failed_at() -> None:
    found = sources("http://a/", "http://b", "http://a")
    found.name_mirrors(["http://c", "http://b", "http://origin"])
    assert [source.url for source in found.all()] == ["http://a", "http://b", "http://c", "http://origin"]
    assert chosen(found, 5) == "a"
    assert chosen(found, 5, a=5, b=6) == "a"
    assert chosen(found, 5, a=6, b=6) == "c"
    assert chosen(found, 5, a=6, b=7, c=8, origin=9) is None
    assert found.free_at_s({"http://a": 6, "http://b": 7, "http://c": 8, "http://origin": 9}) == 6


def test_a_source_that_was_not_reached_is_tried_by_one_request_after_its_wait() -> None:
    found = sources("http://a")
    (mirror, _) = found.all()
    for _ in range(8):  # requests that fail together
        mirror.failed(OriginUnreachable("gone"), 10)
    assert 10 <= mirror.until_s <= 11
    assert chosen(found, mirror.until_s) == "a"
    mirror.in_flight = 1
    assert chosen(found, mirror.until_s) == "origin"
    mirror.recover()
    assert chosen(found, mirror.until_s) == "a"


def test_a_source_that_serves_none_of_several_assets_waits_and_one_asset_alone_never_makes_it_wait() -> None:
    (mirror, _) = sources("http://a").all()
    for _ in range(100):
        mirror.not_served("one", CorruptContent("wrong"), 10, 900)
    assert mirror.is_free(10) and mirror.errors == 100
    for asset in range(MOST_NOT_SERVED):
        mirror.not_served(str(asset), CorruptContent("wrong"), 10, 0)
    assert 10 <= mirror.until_s <= 10 + LONGEST_NOT_SERVED_S


@pytest.mark.parametrize(
    ("speeds", "asked"),
    [
        ({}, "a"),
        ({"a": 1e6}, "a"),
        ({"a": 2000}, "b"),  # one request measures the next one
        ({"a": 2000, "b": 3000}, "origin"),
        ({"a": 2000, "b": 3000, "origin": 19_000}, "a"),
        ({"a": 2000, "b": 3000, "origin": 25_000}, "b"),
        ({"a": 2000, "b": 3000, "origin": 1e6}, "origin"),
        ({"a": 300_000, "origin": 1e9}, "a"),  # fast enough, and the origin has others to serve
    ],
)
def test_a_source_that_is_far_slower_than_another_one_comes_after_it_for_a_while(
    speeds: dict[str, float], asked: str
) -> None:
    found = sources("http://a", "http://b")
    for source in found.all():
        if bytes_s := speeds.get(source.url.removeprefix("http://")):
            source.measured(bytes_s, 10)
    assert chosen(found, 20) == asked
    assert chosen(found, 20_000) == "a"


@pytest.mark.parametrize(
    ("bytes_s", "origin_bytes_s", "origin_in_flight", "outpaced"),
    [
        (40_000, 0, 0, True),  # what the origin reaches is to be found out
        (40_000, 0, 1, False),  # that is being found out
        (40_000, 1e6, 5, True),
        (40_000, 60_000, 0, False),  # the line is slow, not the mirror
        (300_000, 1e9, 0, False),  # fast enough
    ],
)
def test_a_request_under_way_is_left_for_a_source_that_is_far_faster_or_not_known(
    bytes_s: float, origin_bytes_s: float, origin_in_flight: int, outpaced: bool
) -> None:
    found = sources("http://a")
    mirror, origin = found.all()
    origin.in_flight = origin_in_flight
    if origin_bytes_s:
        origin.measured(origin_bytes_s, 10)
    assert found.is_outpaced(mirror, bytes_s, {}, 20) is outpaced
    assert not found.is_outpaced(origin, bytes_s, {mirror.url: 99.0}, 20)
