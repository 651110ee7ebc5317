"""Whatever a server does with one asset: the others arrive, polls and newer releases go on, and little is wasted."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from sync.device.store.content_store import ContentStore
from sync.device.sync_state import SyncFacts
from sync.device.transfer.asset_state import Fetch
from sync.device.transfer.transfer import WORKERS, ContentTransfer
from sync.errors import OriginRefused
from tests.fakes import FakeClock
from tests.sync.conftest import running
from tests.sync.device.transfer import faulty_server
from tests.sync.device.transfer.faulty_server import Fault, FaultyServer, cut_after, faulty, headed, location, status
from tests.sync.device.transfer.one_fetch import asset_of
from tests.sync.file_tree_origin import CHUNK, Origin, Publisher, cut_into, noise, release_of

CHUNKS = 8
CONTENT = noise(1, CHUNKS * CHUNK)
GOOD = 6

FAULTS: dict[str, Fault] = {
    "headers at a byte a time": faulty_server.trickling_head,
    "100 Continue for ever": faulty_server.continue_for_ever,
    "headers for ever": faulty_server.headers_for_ever,
    "silence": faulty_server.silence,
    "a slow body": faulty_server.slow_body,
    "a reset": faulty_server.reset,
    "no HTTP": faulty_server.garbage,
    "a body cut short at once": cut_after(0),
    "wrong bytes": faulty_server.wrong_bytes,
    "429 with an hour": status("429 Too Many Requests", "Retry-After: 3600\r\n"),
    "503 with a day": status("503 Service Unavailable", "Retry-After: 86400\r\n"),
    "404": status("404 Not Found"),
    "403": status("403 Forbidden"),
    "416": status("416 Range Not Satisfiable"),
    "204": status("204 No Content"),
    "a web page": faulty_server.web_page,
    "another range": headed("Content-Range: bytes 0-0/1\r\n"),
    "no range": headed("Content-Range: \r\n"),
    "another size": headed(f"Content-Range: bytes 0-{len(CONTENT) - 1}/{len(CONTENT) + 1}\r\n"),
    "too long": headed("", extra=1),
    "gzip": headed("Content-Encoding: gzip\r\n"),
    "chunked": faulty_server.chunked,
    "a redirect to a broken host": location("http://[::1/x"),
    "a redirect to no host": location("http:///x"),
    "a redirect to an empty label": location("http://a..b/x"),
    "a redirect to a long label": location(f"http://{'a' * 70}.example/x"),
    "a redirect to a bad port": location("http://127.0.0.1:99999/x"),
    "a redirect to a closed port": location("http://127.0.0.1:1/x"),
    "a redirect to a space": location("http://exa mple/x"),
    "a redirect to other letters": location("http://\xe9\xe8.invalid/\xe9"),
    "a redirect to another scheme": location("ftp://127.0.0.1/x"),
    "a redirect to itself": location("?"),
}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[FaultyServer]:
    async with faulty(tmp_path / "tree") as server:
        yield server


def origin_at(server: FaultyServer, publisher: Publisher) -> Origin:
    origin = Origin(publisher)
    origin.url = server.url
    return origin


NO_FAULT_OF_A_LIST = (
    "another range",
    "no range",
    "another size",
    "gzip",
    "a slow body",
)  # its hash is right


def tells_of(facts: SyncFacts, failing: int) -> bool:
    """Whether one look at the syncer names so many failing assets; at the next look some are tried again."""
    named = facts.problem.endswith(f"({failing - 1} more assets wait)")
    return facts.failing_assets == failing and named and all(problem.problem for problem in facts.asset_problems)


@pytest.mark.parametrize(("error", "rechecks"), [(404, [True, False]), (500, [False, False])])
async def test_a_wait_that_ends_after_the_last_look_is_not_overlooked(error: int, rechecks: list[bool]) -> None:
    clock = FakeClock()
    queue = ContentTransfer("http://origin.example", clock, rng=Random(1)).queue
    queue.plan([[asset := asset_of(cut_into(CONTENT))]])
    queue.add_list(asset.sha256)
    fetch = queue.take()
    assert isinstance(fetch, Fetch)
    queue.fail(fetch, OriginRefused("no", status=error))
    queue.end(fetch, 0, 0.0, failed=True)
    looked_s = clock.monotonic()
    assert (queue.take(), queue.ready(), queue.take_recheck()) == (0.0, 0, False)
    moment = queue.next_s(looked_s)
    await clock.advance(moment + 1 - looked_s)
    assert queue.next_s(looked_s) == moment
    assert [queue.take_recheck(), queue.take_recheck()] == rechecks
    assert queue.ready() == (0 if error == 404 else 1)
    queue.checked(reached=True)
    assert queue.ready() == 1


async def test_no_bad_asset_holds_another_one_a_poll_or_a_newer_release(
    server: FaultyServer, publisher: Publisher, store: ContentStore
) -> None:
    contents = iter(noise(seed, 2 * CHUNK) for seed in range(1000))
    good = [publisher.asset(next(contents)) for _ in range(GOOD)]
    bad = [publisher.asset(next(contents)) for _ in FAULTS]
    listless = [publisher.asset(next(contents)) for name in FAULTS if name not in NO_FAULT_OF_A_LIST]
    server.always = {f"assets/{asset.sha256}": fault for asset, fault in zip(bad, FAULTS.values(), strict=True)}
    faults = [fault for name, fault in FAULTS.items() if name not in NO_FAULT_OF_A_LIST]
    server.always |= {f"index/{asset.index}": fault for asset, fault in zip(listless, faults, strict=True)}
    before = publisher.publish_release(release_of((*bad, *listless, *good)))
    async with running(origin_at(server, publisher), store, poll_s=60, head_s=0.2, read_s=0.2) as device:
        await device.until(lambda: all(store.has_asset(asset.sha256) for asset in good), pass_s=0.5)
        await device.until(lambda: tells_of(device.syncer.facts(), len(server.always)), pass_s=0.5)
        polls = server.requests("timestamp")
        await device.until(lambda: server.requests("timestamp") >= polls + 2, pass_s=5)
        publisher.publish(noise(5000, 5000))
        await device.until(lambda: device.syncer.facts().release == publisher.release, pass_s=5)
        server.always = {}
        publisher.sequence += 1
        publisher.sign(publisher.sequence, before)
        device.syncer.wake()
        await device.until(lambda: device.syncer.facts().release == before, pass_s=1)
        assert (device.syncer.facts().failing_assets, device.syncer.facts().problem) == (0, "")


@pytest.mark.parametrize("fault", [faulty_server.one_continue, faulty_server.bare_line_feeds, faulty_server.whole])
async def test_answers_that_are_unusual_but_right_are_used(
    server: FaultyServer, publisher: Publisher, store: ContentStore, fault: Fault
) -> None:
    publisher.publish(CONTENT, *(noise(seed, 2 * CHUNK) for seed in range(2, 2 + GOOD)))
    server.always["assets/"] = fault
    async with running(origin_at(server, publisher), store) as device:
        await device.plays(publisher.release)
    assert server.sent_of("assets/") == len(CONTENT) + GOOD * 2 * CHUNK


async def test_a_line_that_breaks_every_connection_inside_a_chunk_still_makes_progress(
    server: FaultyServer, publisher: Publisher, store: ContentStore
) -> None:
    (asset,) = publisher.publish(noise(1, 24 * CHUNK), chunk=12 * CHUNK)
    server.always[asset.sha256] = cut_after(7 * CHUNK)
    async with running(origin_at(server, publisher), store) as device:
        await device.until(lambda: device.syncer.facts().release is not None, pass_s=0.5)
    assert server.sent_of(asset.sha256) == 24 * CHUNK
    assert server.requests(asset.sha256) <= 6


async def test_what_is_received_of_a_chunk_survives_a_restart(
    server: FaultyServer, publisher: Publisher, store: ContentStore
) -> None:
    (asset,) = publisher.publish(noise(1, 24 * CHUNK), chunk=12 * CHUNK)
    server.faults[asset.sha256] = [cut_after(7 * CHUNK)]
    async with running(origin_at(server, publisher), store) as device:
        await device.until(lambda: device.syncer.facts().failing_assets == 1)
    async with running(origin_at(server, publisher), store) as device:
        await device.plays(publisher.release)
    assert server.sent_of(asset.sha256) == 24 * CHUNK


async def test_the_beginning_of_a_chunk_that_was_wrong_is_dropped_for_good(
    server: FaultyServer, publisher: Publisher, store: ContentStore
) -> None:
    (asset,) = publisher.publish(noise(1, 12 * CHUNK), chunk=12 * CHUNK)

    async def wrong_and_short(asked: faulty_server.Asked) -> None:
        asked.content = bytes(len(asked.content) - 1) + b"x"
        await cut_after(7 * CHUNK)(asked)

    async def wrong_start(asked: faulty_server.Asked) -> None:
        asked.content = noise(9, len(asked.content))
        await cut_after(7 * CHUNK)(asked)

    server.faults[asset.sha256] = [wrong_start, cut_after(0), wrong_and_short]
    async with running(origin_at(server, publisher), store) as device:
        await device.until(lambda: device.syncer.facts().release is not None, pass_s=0.5)
    assert server.sent_of(asset.sha256) <= (7 + 7 + 12 + 12) * CHUNK


async def test_wrong_bytes_for_a_long_time_cost_one_chunk_a_try_and_less_and_less_often(
    server: FaultyServer, publisher: Publisher, store: ContentStore
) -> None:
    (bad,) = publisher.publish(CONTENT)
    server.always[bad.sha256] = faulty_server.wrong_bytes
    async with running(origin_at(server, publisher), store) as device:
        await device.until(lambda: device.clock.monotonic() > 1000 + 900, pass_s=5)
    assert server.sent_of(bad.sha256) <= len(CONTENT) + 14 * CHUNK
    assert server.requests(f"assets/{bad.sha256}") <= 15


async def test_slow_bodies_take_turns_and_none_of_them_is_a_problem(
    server: FaultyServer, publisher: Publisher, store: ContentStore
) -> None:
    async def slow(asked: faulty_server.Asked) -> None:
        asked.writer.write(asked.head())
        await asked.send(asked.body, pause_s=0.02)  # 16 KiB in the time of some seconds of the device

    slow_ones = publisher.publish(*(noise(seed, 24 * CHUNK) for seed in range(WORKERS)), noise(99, 2 * CHUNK))[:-1]
    server.always = {asset.sha256: slow for asset in slow_ones}
    async with running(origin_at(server, publisher), store) as device:
        await device.until(lambda: bool(store.media.assets()), pass_s=0.5)  # the one that is not slow
        assert (device.syncer.facts().problem, device.syncer.facts().failing_assets) == ("", 0)
        assert max(server.requests(asset.sha256) for asset in slow_ones) < 8
        server.always = {}
        await device.until(lambda: device.syncer.facts().release is not None, pass_s=1)
    assert sum(server.sent_of(asset.sha256) for asset in slow_ones) < 1.5 * WORKERS * 24 * CHUNK
