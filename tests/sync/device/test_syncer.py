"""Normal operation: a published release is downloaded once, completely, and activated at once."""

import dataclasses
import hashlib
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from sync.device import downloader, janitor
from sync.device.store.content_store import BALLAST_BYTES, ContentStore
from sync.device.store.media_intake import MediaIntake
from sync.device.store.membership import DeviceMembership, load_membership
from sync.errors import NotFound
from sync.runtime.durable_files import write_durably
from sync.trust.signing import SigningKey
from sync.wire.chunk_index import MIB, Chunk, Index, dump_index
from sync.wire.content_paths import timestamp_path
from sync.wire.release import Asset
from tests.sync.conftest import Device, running
from tests.sync.file_tree_origin import CHANNEL, CHUNK, EPOCH, Origin, cut_into, noise, release_of


def whole(store: ContentStore, sha256: str) -> bool:
    try:
        return hashlib.sha256(store.asset_path(sha256).read_bytes()).hexdigest() == sha256
    except (FileNotFoundError, NotFound):  # it is being replaced
        return False


async def test_a_published_release_is_downloaded_and_activated(origin: Origin, store: ContentStore) -> None:
    assets = origin.publisher.publish(noise(1), noise(2, 5000), noise(3, 3 * CHUNK + 1))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        assert device.activations == 1
        facts = device.syncer.facts()
        assert facts.sequence == 1
        assert facts.problem == ""
        assert facts.confirmed_at == device.clock.now()
    active = store.active()
    assert active is not None
    assert (active.sha256, active.sequence) == (origin.publisher.release, 1)
    assert active.release.playlists[0].items[0].asset == assets[0].sha256
    assert all(whole(store, asset.sha256) for asset in assets)
    assert not store.media.parts()


TIMESTAMP = f"channels/{CHANNEL}/timestamp.json"


async def test_a_poll_without_news_is_one_conditional_request(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 5000))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        before = len(origin.requests)
        for polls in range(1, 4):
            await device.clock.advance(66)
            await device.until(lambda: len(origin.unchanged) == polls)  # noqa: B023
            await device.plays(origin.publisher.release)
        assert origin.requests[before:] == origin.unchanged == [TIMESTAMP] * 3


async def test_the_next_root_and_the_timestamp_in_any_case_are_asked_for_each_hour(
    origin: Origin, store: ContentStore
) -> None:
    origin.etag = '"the same for all"'  # as of a server that makes it of size and second
    origin.publisher.publish(noise(1, 5000))
    async with running(origin, store, poll_s=600) as device:
        await device.plays(origin.publisher.release)
        assert origin.requests.count("roots/2.json") == 1
        origin.publisher.publish(noise(2, 5000))
        await device.until(lambda: device.syncer.facts().release == origin.publisher.release, pass_s=60)
        assert 0.7 * 3600 <= device.clock.monotonic() - 1000 < 3600 + 2 * 660
        assert origin.requests.count("roots/2.json") == 2


async def test_a_hint_reads_the_timestamp_also_from_a_server_that_says_it_is_unchanged(
    origin: Origin, store: ContentStore
) -> None:
    origin.etag = '"the same for all"'
    origin.publisher.publish(noise(1, 5000))
    async with running(origin, store, poll_s=86_000) as device:
        await device.plays(origin.publisher.release)
        await device.until(lambda: bool(origin.live))
        origin.publisher.publish(noise(2, 5000))
        await origin.announce(topic="release", channel=CHANNEL, sequence=2)
        await device.plays(origin.publisher.release)
    assert origin.requests.count("roots/2.json") == 2, "at the start, and before another timestamp is accepted"


async def test_a_new_key_is_followed_at_the_poll_that_first_meets_it(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 5000))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        origin.publisher.key = SigningKey.generate()
        origin.publisher.sign_root(2, origin.publisher.root_key)
        origin.publisher.publish(noise(2, 5000))
        await device.clock.advance(66)
        await device.plays(origin.publisher.release)
        assert device.clock.monotonic() < 1000 + 70


async def test_a_hint_starts_the_check_at_once(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 5000))
    async with running(origin, store, poll_s=86_000) as device:
        await device.plays(origin.publisher.release)
        await device.until(lambda: bool(origin.live))
        origin.publisher.publish(noise(2, 5000))
        await origin.announce(topic="weather")
        await origin.announce(topic="release", channel="another", sequence=9)
        await origin.announce(topic="release", channel=CHANNEL, sequence=2)
        await device.plays(origin.publisher.release)
        assert device.activations == 2


async def test_hints_without_end_are_followed_once_a_second(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 5000))
    async with running(origin, store, poll_s=86_000) as device:
        await device.plays(origin.publisher.release)
        await device.until(lambda: bool(origin.live))
        since_s, before = device.clock.monotonic(), origin.requests.count(timestamp_path(CHANNEL))

        def polls() -> int:
            return origin.requests.count(timestamp_path(CHANNEL)) - before

        for wanted in (1, 2, 3):
            for _ in range(100):
                await origin.announce(topic="release")
            await device.until(lambda: polls() >= wanted, pass_s=0.1)  # noqa: B023
        assert device.clock.monotonic() - since_s >= polls() - 1


async def test_polling_without_hints_finds_the_next_release(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 5000))
    async with running(origin, store, poll_s=60) as device:
        await device.plays(origin.publisher.release)
        origin.publisher.publish(noise(2, 5000))
        await device.clock.advance(66)
        await device.plays(origin.publisher.release)


async def test_chunks_of_older_assets_are_copied_and_not_fetched(origin: Origin, store: ContentStore) -> None:
    original = noise(1, 40 * CHUNK)
    edited = noise(9, CHUNK) + original[CHUNK:]
    origin.publisher.publish(original)
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        before = origin.media_bytes
        origin.publisher.publish(edited)
        device.syncer.wake()
        await device.plays(origin.publisher.release)
    assert origin.media_bytes - before == CHUNK


async def test_many_chunks_of_any_length_cost_few_requests(origin: Origin, store: ContentStore) -> None:
    content, offset = noise(1, 3 * MIB), 0
    chunks: list[Chunk] = []
    while offset < len(content):  # between 1 byte and 16 KiB
        piece = content[offset : offset + 1 + content[offset] * 64]
        chunks.append(Chunk(len(chunks), offset, len(piece), hashlib.sha256(piece).hexdigest()))
        offset += len(piece)
    assert len(chunks) > 300
    divided = Index(hashlib.sha256(content).hexdigest(), len(content), tuple(chunks))
    asset = origin.publisher.asset(content, index=divided)
    origin.publisher.publish_release(release_of((asset,)))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        assert sum(path.startswith("assets/") for path in origin.requests) <= 2
        edited = content[: 2 * MIB] + b"edited" + content[2 * MIB :]
        origin.publisher.publish(edited, chunk=100_000)  # another division has nothing in common but the start
        device.syncer.wake()
        await device.plays(origin.publisher.release)
        assert sum(path.startswith("assets/") for path in origin.requests) <= 4
    assert whole(store, asset.sha256)
    assert whole(store, hashlib.sha256(edited).hexdigest())


async def test_a_damaged_source_of_copies_only_costs_a_download(origin: Origin, store: ContentStore) -> None:
    original = noise(1, 10 * CHUNK)
    (asset,) = origin.publisher.publish(original)
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        path = store.asset_path(asset.sha256)
        path.chmod(0o644)
        path.write_bytes(b"\0" * len(original))
        (edited,) = origin.publisher.publish(noise(9, CHUNK) + original[CHUNK:])
        device.syncer.wake()
        await device.plays(origin.publisher.release)
    assert whole(store, edited.sha256)


async def publish_one_after_the_other(origin: Origin, device: Device, *contents: bytes) -> list[Asset]:
    assets: list[Asset] = []
    for content in contents:
        assets += origin.publisher.publish(content)
        device.syncer.wake()
        await device.plays(origin.publisher.release)
        await device.clock.advance(0.5)  # so that they are not of the same age
    return assets


async def test_what_no_release_names_stays_while_there_is_room(origin: Origin, store: ContentStore) -> None:
    contents = [noise(seed, 20 * CHUNK) for seed in range(6)]
    async with running(origin, store) as device:
        await publish_one_after_the_other(origin, device, *contents)
        before = origin.media_bytes
        await publish_one_after_the_other(origin, device, contents[0])  # what played last week
        assert origin.media_bytes == before
        await publish_one_after_the_other(origin, device, contents[1][: 15 * CHUNK] + noise(9, CHUNK) + contents[2])
        assert origin.media_bytes == before + CHUNK
        await device.until(lambda: store.media.spare_bytes == 5 * 20 * CHUNK)
    assert len(store.media.assets()) == 7
    assert len(list(store.index_folder.iterdir())) == 7


async def test_the_oldest_go_when_room_is_short(
    origin: Origin, store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, size = 9 * MIB, 20 * CHUNK  # 7 files

    def free_bytes() -> int:
        return disk + (0 if store.has_ballast() else BALLAST_BYTES) - sum(store.media.sizes().values())

    monkeypatch.setattr(store, "free_bytes", free_bytes)
    async with running(origin, store, reserve_bytes=MIB) as device:
        assets = await publish_one_after_the_other(origin, device, *(noise(seed, size) for seed in range(9)))
        await device.until(lambda: store.free_bytes() >= 2 * MIB)
        assert store.media.assets() == {asset.sha256 for asset in assets[4:]}
        await publish_one_after_the_other(origin, device, noise(10, 4 * size))  # fits after two more have gone
        await device.until(lambda: store.free_bytes() >= 2 * MIB)
        names = {asset.sha256 for asset in assets[8:]}
        assert store.media.assets() >= names
        assert len(list(store.index_folder.iterdir())) == len(store.media.assets())
        held = store.media.assets()
        origin.publisher.publish(noise(11, 8 * size))
        device.syncer.wake()
        await device.until(lambda: "are missing" in device.syncer.facts().problem)
        assert store.media.assets() == held  # it fits in no way, so nothing goes, and nothing is fetched


async def test_files_are_deleted_only_when_neither_active_nor_previous_release_needs_them(
    origin: Origin, store: ContentStore
) -> None:
    async with running(origin, store, reserve_bytes=store.free_bytes() * 3 // 4) as device:
        assets = await publish_one_after_the_other(origin, device, *(noise(seed, 5000) for seed in (1, 2, 3)))
        await device.until(lambda: len(store.media.assets()) <= 2)
    assert store.media.assets() == {asset.sha256 for asset in assets[1:]}


async def test_an_old_release_with_a_new_sequence_needs_no_download(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 5000))
    first = origin.publisher.release
    async with running(origin, store) as device:
        await device.plays(first)
        origin.publisher.publish(noise(2, 5000))
        device.syncer.wake()
        await device.plays(origin.publisher.release)
        before = origin.media_bytes
        origin.publisher.sign(3, first)
        device.syncer.wake()
        await device.plays(first)
        assert device.syncer.facts().sequence == 3
    assert origin.media_bytes == before


async def test_an_asset_that_somebody_wrote_to_is_found_within_a_minute_and_downloaded_again(
    origin: Origin, store: ContentStore
) -> None:
    (asset,) = origin.publisher.publish(noise(1, 3 * CHUNK))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        path = store.asset_path(asset.sha256)
        path.chmod(0o644)
        with path.open("r+b") as file:
            file.write(b"rotten")
        await device.until(lambda: store.has_asset(asset.sha256) and whole(store, asset.sha256), pass_s=5)
        assert device.clock.monotonic() < 1000 + 5 * janitor.LOOK_EVERY_S
        await device.until(lambda: device.mended == 1)
        assert device.activations == 1


async def test_a_release_of_many_small_assets_and_an_empty_one_both_work(origin: Origin, store: ContentStore) -> None:
    assets = origin.publisher.publish(*(noise(seed, 100 + seed) for seed in range(40)))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        assert len(store.media.assets()) == len(assets)
        origin.publisher.publish_release(release_of(()))
        device.syncer.wake()
        await device.plays(origin.publisher.release)


async def test_a_server_without_range_requests_can_serve_media(origin: Origin, store: ContentStore) -> None:
    assets = origin.publisher.publish(noise(1, 20 * CHUNK), noise(2, 3 * CHUNK))
    origin.faults.no_ranges = True
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
    assert all(whole(store, asset.sha256) for asset in assets)
    assert origin.media_bytes == 23 * CHUNK


async def test_redirects_of_media_are_followed_but_not_to_another_scheme(
    origin: Origin, store: ContentStore, tmp_path: Path
) -> None:
    (asset,) = origin.publisher.publish(noise(1, 5000))
    origin.publisher.write(f"assets/elsewhere/{asset.sha256}", noise(1, 5000))
    origin.faults.redirect[f"assets/{asset.sha256}"] = "ftp://127.0.0.1/x"
    async with running(origin, store) as device:
        await device.until(lambda: "no address of HTTP" in device.syncer.facts().problem)
        origin.faults.redirect[f"assets/{asset.sha256}"] = f"/content/assets/elsewhere/{asset.sha256}"
        await device.until(lambda: device.syncer.facts().release is not None, pass_s=1)


async def test_the_device_plays_its_files_while_the_origin_does_not_answer(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 5000))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
    await origin.stop()
    async with running(origin, store) as device:
        await device.until(lambda: device.syncer.facts().state == "waiting")
        assert device.syncer.facts().release == origin.publisher.release
        assert store.active() is not None
        await origin.start()
        await device.until(lambda: device.syncer.facts().state == "current", pass_s=1)
        assert device.syncer.facts().problem == ""


async def test_a_newer_timestamp_only_extends_the_validity(origin: Origin, store: ContentStore) -> None:
    origin.publisher.publish(noise(1, 5000))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        later = EPOCH.replace(hour=13)
        origin.publisher.sign(1, origin.publisher.release, issued_at=later)
        device.syncer.wake()
        await device.until(lambda: (floor := store.floor(CHANNEL)) is not None and floor.issued_at == later)
        assert device.activations == 1


async def test_bytes_that_rot_unseen_are_found_when_their_turn_comes(origin: Origin, store: ContentStore) -> None:
    assets = origin.publisher.publish(noise(1, 5000), noise(2, 5000))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        path = store.asset_path(assets[0].sha256)
        before = path.stat()
        path.chmod(0o644)
        path.write_bytes(b"\0" * 5000)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        await device.until(lambda: store.has_asset(assets[0].sha256) and whole(store, assets[0].sha256), pass_s=30)
        assert 1000 + janitor.FIRST_SCRUB_S <= device.clock.monotonic() <= 1000 + 2 * janitor.FIRST_SCRUB_S


@pytest.mark.parametrize("chunks", [1, 3])
async def test_after_a_lost_catalogue_the_first_poll_waits_for_no_hash(
    origin: Origin, store: ContentStore, monkeypatch: pytest.MonkeyPatch, chunks: int
) -> None:
    assets = origin.publisher.publish(*(noise(seed, chunks * CHUNK) for seed in range(5)))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
    store.catalog_path.unlink()
    recheck, hashed, may_hash = store.media.recheck, [], threading.Event()

    def slow(sha256: str, index: Index | None) -> bool:
        may_hash.wait(60)
        hashed.append(sha256)
        return recheck(sha256, index)

    monkeypatch.setattr(store.media, "recheck", slow)
    sent = origin.media_bytes
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        assert not hashed and device.activations == 0
        may_hash.set()
        await device.until(lambda: len(hashed) == 5, pass_s=1)
        await device.until(lambda: len(catalogued(store)) == 5)
    assert {asset.sha256 for asset in assets} == set(hashed) == set(catalogued(store)) and origin.media_bytes == sent


def catalogued(store: ContentStore) -> list[str]:
    with closing(sqlite3.connect(store.catalog_path)) as database:
        return [name for (name,) in database.execute("SELECT sha256 FROM assets WHERE chunk_list = ''")]


async def test_a_file_with_the_chunks_of_a_wrong_list_stays_and_is_reported_once(
    origin: Origin, store: ContentStore, caplog: pytest.LogCaptureFixture
) -> None:
    content, named = noise(1, 3 * CHUNK), noise(2, 3 * CHUNK)
    index = cut_into(content)
    wrong = dataclasses.replace(index, asset=hashlib.sha256(named).hexdigest())
    raw = dump_index(wrong)
    origin.publisher.write(f"assets/{wrong.asset}", content)
    origin.publisher.write(f"index/{hashlib.sha256(raw).hexdigest()}", raw)
    right = origin.publisher.asset(named)
    asset = right.model_copy(update={"index": hashlib.sha256(raw).hexdigest()})
    origin.publisher.write(f"assets/{wrong.asset}", content)
    origin.publisher.publish_release(release_of((asset,)))
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        await device.until(lambda: "has another hash, though it has the chunks" in caplog.text, pass_s=10)
        for _ in range(30):
            await device.clock.advance(60)
        assert caplog.text.count("though it has the chunks") == 1 and "publish it again" in caplog.text
        assert origin.media_bytes == len(content) and store.asset_path(asset.sha256).read_bytes() == content
        origin.publisher.write(f"assets/{wrong.asset}", named)
        origin.publisher.publish_release(release_of((right,)))
        device.syncer.wake()
        await device.plays(origin.publisher.release)
        assert whole(store, right.sha256), "the right release never shows the bytes of the wrong one"


async def test_a_device_follows_to_another_channel_and_back(origin: Origin, store: ContentStore) -> None:
    origin.publisher.sequence = 4
    origin.publisher.publish(noise(1, 5000))
    first = origin.publisher.release
    origin.publisher.write("channels/other/timestamp.json", b"later")
    other = origin.publisher.write_release(release_of((), "other").model_dump_json().encode())
    origin.publisher.sign(1, other, channel="other", at="other")
    write_durably(
        store.state / "membership.json",
        DeviceMembership(device="d1", token="t", channel=CHANNEL, origin=origin.url).model_dump_json().encode(),
    )
    async with running(origin, store) as device:
        await device.plays(first)
        for channel, release, sequence in (("other", other, 1), (CHANNEL, first, 5)):
            await device.until(lambda: bool(origin.live), pass_s=1)
            await origin.announce(topic="channel", channel=channel)
            for socket in set(origin.live):
                await socket.close()
            await device.until(lambda: device.syncer.facts().release == release, pass_s=1)  # noqa: B023
            assert device.syncer.facts().sequence == sequence
            assert device.syncer.facts().channel == channel
            assert (member := load_membership(store)) is not None and member.channel == channel
        origin.publisher.sequence = 3
        origin.publisher.publish(noise(2, 5000))
        device.syncer.wake()
        await device.until(lambda: "older than 5" in device.syncer.facts().problem)


async def test_the_first_assets_are_asked_for_while_the_others_are_made_ready(
    origin: Origin, store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloader, "FIRST_ASSETS", 3)
    assets = origin.publisher.publish(*(noise(seed, 1000) for seed in range(20)))
    urgent = [asset.sha256 for asset in assets[-3:]]
    begun: list[list[str]] = []
    begin = MediaIntake.begin

    async def noting(intake: MediaIntake, lists: dict[str, tuple[str, Index]]) -> None:
        if begun:
            await origin.until(lambda: any(urgent[0] in asked for asked in origin.requests))
        begun.append(list(lists))
        await begin(intake, lists)

    monkeypatch.setattr(MediaIntake, "begin", noting)
    async with running(origin, store, order=lambda _: [urgent]) as device:
        await device.plays(origin.publisher.release)
    assert sorted(begun[0]) == sorted(urgent) and len(begun[1]) == 17
