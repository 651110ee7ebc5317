"""Publishing: leaf first, signed, never rewriting; and what is on the disk alone is enough to trust it."""

import asyncio
import hashlib
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from sync.errors import Conflict, Rejected, StorageBroken, StorageFull
from sync.origin.persistence.pages import PageRequest
from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.planning.release_contents import contents_of
from sync.origin.planning.schedules import ScheduleDraft
from sync.origin.publishing import publisher, timestamps
from sync.origin.publishing.compiled_release import CompiledRelease
from sync.origin.publishing.publisher import Publisher
from sync.origin.tables.plans import channels
from sync.origin.tables.releases import release_contents, releases
from sync.runtime.clock import ClockTrust, SystemClock
from sync.trust.acceptance import Known, check_index, check_release, check_timestamp
from sync.trust.signing import open_envelope, pin_root, read_timestamp
from sync.wire.chunk_index import load_index
from sync.wire.release import RELEASE_CAP_BYTES, ROOT_CAP_BYTES, TIMESTAMP_CAP_BYTES, Release, Timestamp
from tests.fakes import FakeClock
from tests.origin.planning_origin import VALID_FOR_S, Client, PlanningOrigin, open_planning_origin, request_json


async def plan(planning: PlanningOrigin, *media: str, name: str = "Lobby") -> str:
    """Have a playlist of these media on air on channel main."""
    items = tuple(PlaylistItem(media=one) for one in media)
    playlist = await planning.playlists.create(PlaylistDraft(name=name, items=items))
    await planning.schedules.create("main", ScheduleDraft(zone="Europe/Berlin", default_playlist=playlist.id))
    return playlist.id


def fetched(content: Path, channel: str, clock: FakeClock, *, synced: bool = True) -> tuple[Timestamp, Release]:
    """Return what a device that has nothing but the files of the tree comes to trust."""
    root = pin_root(open_envelope((content / "roots/1.json").read_bytes(), ROOT_CAP_BYTES))
    raw = (content / f"channels/{channel}/timestamp.json").read_bytes()
    timestamp = read_timestamp(root, open_envelope(raw, TIMESTAMP_CAP_BYTES))
    check_timestamp(timestamp, channel, Known(clock.now(), synchronised=synced))
    release = check_release((content / f"releases/{timestamp.release}.json").read_bytes(), timestamp)
    for asset in release.assets:
        data = (content / "assets" / asset.sha256).read_bytes()
        assert hashlib.sha256(data).hexdigest() == asset.sha256
        check_index((content / "index" / asset.index).read_bytes(), asset)
    return timestamp, release


def immutable(content: Path) -> dict[str, tuple[int, int]]:
    """Return inode and time of each file that must never change again."""
    files = (path for path in content.rglob("*") if path.is_file() and path.name != "timestamp.json")
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


async def test_what_is_published_can_be_trusted_from_the_files_alone(
    planning: PlanningOrigin, client: Client, clock: FakeClock
) -> None:
    for media in ("a", "b", "unused"):
        await planning.make_media(media)
    playlist = await plan(planning, "a", "b", "a")
    status, answer = await request_json(client, "POST", "/v1/releases", {"channel": "main", "note": "first"})
    assert status == 201
    timestamp, release = fetched(planning.files.content, "main", clock)
    assert (timestamp.sequence, timestamp.release) == (answer["sequence"], answer["sha256"]) == (1, timestamp.release)
    assert timestamp.expires_at - timestamp.issued_at == timedelta(seconds=VALID_FOR_S)
    assert [len(playlist.items) for playlist in release.playlists] == [3]
    assert (release.default_playlist, release.zone, len(release.assets)) == (playlist, "Europe/Berlin", 2)
    assert (answer["items"], answer["ads"], answer["asset_bytes"], answer["note"]) == (3, 0, 200, "first")
    assert (await planning.schedules.get("main")).sequence == 1
    assert ("releases", "main") in planning.changes
    listed = (await request_json(client, "GET", "/v1/releases?channel=main"))[1]["releases"]
    assert listed == [{key: answer[key] for key in listed[0]}]
    assert (await request_json(client, "GET", "/v1/releases?channel=bar"))[1]["releases"] == []


async def test_publishing_the_same_plan_again_only_renews_the_signature(
    planning: PlanningOrigin, client: Client, clock: FakeClock
) -> None:
    await planning.make_media("a")
    await plan(planning, "a")
    first = (await request_json(client, "POST", "/v1/releases", {"channel": "main"}))[1]
    before = immutable(planning.files.content)
    await clock.advance(60)
    status, again = await request_json(client, "POST", "/v1/releases", {"channel": "main"})
    assert (status, first["unchanged"], again["unchanged"]) == (200, False, True)
    same = ("sequence", "sha256", "size_bytes", "created_at")
    assert {key: again[key] for key in same} == {key: first[key] for key in same}
    assert again["issued_at"] > first["issued_at"]
    assert immutable(planning.files.content) == before
    assert planning.changes.count(("releases", "main")) == 1


async def test_a_changed_plan_is_the_next_release_and_rewrites_nothing(
    planning: PlanningOrigin, clock: FakeClock
) -> None:
    await planning.make_media("a")
    await planning.make_media("b")
    playlist = await plan(planning, "a")
    first = (await planning.publisher.publish("main")).record
    before = immutable(planning.files.content)
    await planning.playlists.replace(playlist, PlaylistDraft(name="Lobby", items=(PlaylistItem(media="b"),)), version=1)
    second = (await planning.publisher.publish("main")).record
    assert (first.sequence, second.sequence) == (1, 2)
    after = immutable(planning.files.content)
    assert {path: after[path] for path in before} == before
    assert len(after) == len(before) + 1
    assert fetched(planning.files.content, "main", clock)[0].release == second.sha256
    assert [one.sequence for one in (await planning.releases.page(PageRequest())).items] == [
        2,
        1,
    ]


async def test_a_plan_that_is_not_ready_is_refused_by_field_and_nothing_is_written(
    planning: PlanningOrigin, client: Client
) -> None:
    await planning.queue_media("a")
    playlist = await plan(planning, "a")
    before = immutable(planning.files.content)
    status, problem = await request_json(client, "POST", "/v1/releases", {"channel": "main"})
    assert (status, list(problem["fields"])) == (422, [f"playlists.{playlist}.items.0"])
    assert immutable(planning.files.content) == before
    assert not (planning.files.content / "channels").exists()
    assert (await request_json(client, "POST", "/v1/releases", {"channel": "none"}))[0] == 404
    assert (await request_json(client, "POST", "/v1/releases", {"channel": "../x"}))[0] == 422


@pytest.mark.parametrize("damage", ["asset gone", "asset cut", "index gone", "index damaged"])
async def test_a_leaf_that_is_not_there_keeps_the_old_release_in_force(
    planning: PlanningOrigin, clock: FakeClock, damage: str
) -> None:
    await planning.make_media("a")
    await planning.make_media("b")
    playlist = await plan(planning, "a")
    held = (await planning.publisher.publish("main")).record
    await planning.playlists.replace(playlist, PlaylistDraft(name="L", items=(PlaylistItem(media="b"),)), version=1)
    asset = (await planning.media.get("b")).asset
    assert asset is not None
    kind, fault = damage.split()
    path = (
        planning.files.content
        / ("assets" if kind == "asset" else "index")
        / (asset.sha256 if kind == "asset" else asset.index)
    )
    if fault == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Rejected) as caught:
        await planning.publisher.publish("main")
    assert list(caught.value.fields) == [f"assets.{asset.sha256}"]
    assert fetched(planning.files.content, "main", clock)[0].release == held.sha256


async def test_an_ended_campaign_leaves_with_its_assets_at_the_next_release(
    planning: PlanningOrigin, client: Client, clock: FakeClock
) -> None:
    await planning.make_media("a")
    await planning.make_media("ad")
    await plan(planning, "a")
    campaign = {
        "name": "Fizzo",
        "advertiser": "Fizzo",
        "starts_at": clock.now().isoformat(),
        "ends_at": (clock.now() + timedelta(hours=1)).isoformat(),
        "lines": [{"name": "All", "creatives": [{"media": "ad"}]}],
    }
    await request_json(client, "POST", "/v1/campaigns", campaign)
    assert (await planning.publisher.publish("main")).record.ads == 1
    await clock.advance(3600)
    again = await planning.publisher.publish("main")
    assert (again.unchanged, again.record.ads, again.record.sequence) == (False, 0, 2)
    assert len(fetched(planning.files.content, "main", clock)[1].assets) == 1


async def test_two_publishers_at_once_leave_one_line_of_releases(
    planning: PlanningOrigin, clock: FakeClock, tmp_path: Path
) -> None:
    await planning.make_media("a")
    await plan(planning, "a")
    async with open_planning_origin(
        tmp_path, clock
    ) as other:  # another process of the origin, as far as the database can tell
        outcomes = await asyncio.gather(
            *(one.publisher.publish("main") for one in (planning, other, planning, other)), return_exceptions=True
        )
    assert {type(one) for one in outcomes} <= {publisher.Publication, Conflict}
    sequences = [one.sequence for one in (await planning.releases.page(PageRequest())).items]
    assert sequences == list(range(len(sequences), 0, -1))
    timestamp, _ = fetched(planning.files.content, "main", clock)
    assert timestamp.sequence == sequences[0] == (await planning.schedules.get("main")).sequence


async def test_a_crash_before_the_pointer_is_made_good_at_the_next_start(
    planning: PlanningOrigin, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await planning.make_media("a")
    await plan(planning, "a")

    def crash(*arguments: Any) -> None:
        raise StorageFull("no room for the pointer")

    monkeypatch.setattr(planning.files, "replace", crash)
    with pytest.raises(StorageFull):
        await planning.publisher.publish("main")
    assert (await planning.schedules.get("main")).sequence == 0  # nobody was told
    monkeypatch.undo()
    await planning.publisher.timestamps.refresh()
    timestamp, _ = fetched(planning.files.content, "main", clock)
    assert timestamp.sequence == (await planning.schedules.get("main")).sequence == 1


async def test_timestamps_are_signed_anew_at_half_their_life_for_ever(
    planning: PlanningOrigin, clock: FakeClock
) -> None:
    await planning.make_media("a")
    await plan(planning, "a")
    first = (await planning.publisher.publish("main")).timestamp
    signed = {first.issued_at}
    while clock.now() - first.issued_at < timedelta(seconds=3 * VALID_FOR_S):
        await clock.advance(max(await planning.publisher.timestamps.refresh(), 3600))
        timestamp, _ = fetched(planning.files.content, "main", clock)
        assert timestamp.expires_at - clock.now() > timedelta(seconds=VALID_FOR_S / 4)
        assert (timestamp.sequence, timestamp.release) == (first.sequence, first.release)
        signed.add(timestamp.issued_at)
    assert len(signed) in (6, 7)


async def test_mirrors_are_named_in_the_timestamp_and_a_change_of_them_at_the_next_refresh(
    planning: PlanningOrigin, clock: FakeClock
) -> None:
    await planning.make_media("a")
    await plan(planning, "a")
    await planning.publisher.publish("main")
    for mirrors in (["https://cdn.example/"], []):
        signer = timestamps.TimestampSigner(
            planning.releases,
            planning.files,
            planning.keyring,
            planning.clock,
            valid_for_s=VALID_FOR_S,
            mirrors=mirrors,
        )
        await signer.refresh()
        assert list(fetched(planning.files.content, "main", clock)[0].mirrors) == mirrors


async def test_the_service_signs_what_another_key_had_signed(
    planning: PlanningOrigin, clock: FakeClock, tmp_path: Path
) -> None:
    await planning.make_media("a")
    await plan(planning, "a")
    await planning.publisher.publish("main")
    (tmp_path / "keys/timestamp.key").unlink()
    path = planning.files.content / "channels/main/timestamp.json"
    before = path.read_bytes()
    async with open_planning_origin(tmp_path, clock) as restarted:
        service = asyncio.ensure_future(restarted.publisher.run())
        deadline = SystemClock().monotonic() + 10
        while path.read_bytes() == before and SystemClock().monotonic() < deadline:
            await SystemClock().sleep(0.01)
        service.cancel()
        await asyncio.wait([service])
        assert service.cancelled()
        root = restarted.keyring.root()
    assert root.version == 2
    assert read_timestamp(root, open_envelope(path.read_bytes(), TIMESTAMP_CAP_BYTES)).sequence == 1


async def test_an_unwritable_disk_is_told_once_when_it_begins_and_once_when_it_ends(
    planning: PlanningOrigin, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await planning.make_media("a")
    await plan(planning, "a")
    await planning.publisher.publish("main")
    await clock.advance(VALID_FOR_S * 0.7)
    caplog.set_level("INFO", timestamps.__name__)

    def refuse(*arguments: Any) -> None:
        raise StorageBroken("read-only file system")

    monkeypatch.setattr(planning.files, "replace", refuse)
    for _ in range(3):
        assert await planning.publisher.timestamps.refresh() == 1.0
    monkeypatch.undo()
    assert await planning.publisher.timestamps.refresh() > 1.0
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert fetched(planning.files.content, "main", clock)[0].issued_at == clock.now()


async def test_a_preview_tells_what_would_happen_and_changes_nothing(
    planning: PlanningOrigin, client: Client, clock: FakeClock
) -> None:
    await planning.make_media("a")
    await planning.make_media("b", data=b"b" * 5000)
    playlist = await plan(planning, "a")
    path = "/v1/releases/preview?channel=main"
    first = (await request_json(client, "GET", path))[1]
    assert (first["items"], first["assets"], first["new_bytes"], first["unchanged"]) == (1, 1, 100, False)
    await planning.publisher.publish("main")
    assert (await request_json(client, "GET", path))[1]["unchanged"]
    items = (PlaylistItem(media="a"), PlaylistItem(media="b"))
    await planning.playlists.replace(playlist, PlaylistDraft(name="L", items=items), version=1)
    changed = (await request_json(client, "GET", path))[1]
    assert (changed["new_assets"], changed["new_bytes"], changed["asset_bytes"]) == (1, 5000, 5100)
    late = await planning.queue_media("late")
    await planning.playlists.replace(
        playlist, PlaylistDraft(name="L", items=(*items, PlaylistItem(media=late))), version=2
    )
    refused = (await request_json(client, "GET", path))[1]
    assert list(refused["problems"]) == [f"playlists.{playlist}.items.2"]
    await planning.media.claim()
    await planning.media.mark_ready(late, planning.put_asset(b"late"))
    assert (await request_json(client, "GET", path))[1]["problems"] == {}
    assert (await planning.releases.latest("main")) is not None
    assert (await request_json(client, "GET", "/v1/releases/preview?channel=none"))[0] == 404
    assert (await request_json(client, "GET", "/v1/releases/preview"))[0] == 422


async def test_many_who_ask_for_the_same_preview_at_once_are_one_computation(
    planning: PlanningOrigin, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await planning.make_media("a")
    await plan(planning, "a")
    compiled = 0
    compile_once = Publisher.compile_plan

    async def counted(self: Publisher, channel: str) -> CompiledRelease:
        nonlocal compiled
        compiled += 1
        return await compile_once(self, channel)

    monkeypatch.setattr(Publisher, "compile_plan", counted)
    path = "/v1/releases/preview?channel=main"
    answers = await asyncio.gather(*(request_json(client, "GET", path) for _ in range(20)))
    assert len({str(answer) for answer in answers}) == 1
    assert compiled == 1


async def test_a_damaged_release_file_is_noticed_when_it_is_read_back(planning: PlanningOrigin) -> None:
    await planning.make_media("a")
    await plan(planning, "a")
    record = (await planning.publisher.publish("main")).record
    path = planning.files.content / f"releases/{record.sha256}.json"
    assert planning.publisher.read_release(record).channel == "main"
    os.truncate(path, 10)
    with pytest.raises(StorageBroken, match="damaged"):
        planning.publisher.read_release(record)
    path.unlink()
    with pytest.raises(StorageBroken, match="cannot be read"):
        planning.publisher.read_release(record)
    assert (await planning.publisher.publish("main")).unchanged  # and publishing puts it back
    assert planning.publisher.read_release(record).channel == "main"


async def test_the_indexes_of_a_release_cover_their_assets(planning: PlanningOrigin) -> None:
    data = os.urandom(3 * 1024 * 1024 + 17)
    asset = planning.put_asset(data)
    index = load_index((planning.files.content / "index" / asset.index).read_bytes())
    assert b"".join(data[chunk.offset : chunk.offset + chunk.length] for chunk in index.chunks) == data
    assert len(index.chunks) == 4
    assert len(index.chunks) < RELEASE_CAP_BYTES


@pytest.mark.parametrize("trusted", ClockTrust)
async def test_a_clock_that_was_ahead_for_a_while_does_not_shut_devices_out(
    planning: PlanningOrigin, clock: FakeClock, trusted: ClockTrust
) -> None:
    await planning.make_media("a")
    await planning.make_media("b")
    playlist = await plan(planning, "a")
    clock.trusted = trusted
    clock.step_wall(400 * 86_400)
    await planning.publisher.publish("main")
    floor, _ = fetched(planning.files.content, "main", clock)
    clock.step_wall(-400 * 86_400)
    synced = trusted is ClockTrust.SYNCED
    await planning.publisher.timestamps.refresh()
    timestamp, _ = fetched(planning.files.content, "main", clock, synced=synced)
    assert (timestamp.issued_at == clock.now()) is synced
    if synced:  # screens whose clocks no time service sets play by schedule again
        assert not (await planning.publisher.publish("main")).unchanged
    await planning.playlists.replace(playlist, PlaylistDraft(name="L", items=(PlaylistItem(media="b"),)), version=1)
    for _ in range(2):  # a new release, then the same signed again
        await planning.publisher.publish("main")
        timestamp, release = fetched(planning.files.content, "main", clock, synced=synced)
        assert release.created_at == clock.now()
        check_timestamp(timestamp, "main", Known(clock.now(), synchronised=synced, floor=floor))
        assert max(clock.now(), floor.issued_at) < timestamp.expires_at, "older players take the floor's time for now"
        assert timestamp.sequence > floor.sequence
    (planning.files.data_dir / "keys/timestamp.key").unlink()  # a person says that this clock is right: a new key
    planning.keyring.prepare()
    await planning.publisher.timestamps.refresh()
    raw = (planning.files.content / "channels/main/timestamp.json").read_bytes()
    renewed = read_timestamp(planning.keyring.root(), open_envelope(raw, TIMESTAMP_CAP_BYTES))
    assert (renewed.issued_at, renewed.sequence) == (clock.now(), timestamp.sequence)


async def test_a_clock_that_lost_the_time_signs_nothing_that_has_expired(
    planning: PlanningOrigin, clock: FakeClock
) -> None:
    await planning.make_media("a")
    await plan(planning, "a")
    await planning.publisher.publish("main")
    right = clock.now()
    clock.trusted = ClockTrust.UNSYNCED
    clock.step_wall(-50 * 365 * 86_400)
    await planning.publisher.publish("main")
    timestamp, _ = fetched(planning.files.content, "main", clock, synced=False)
    assert timestamp.issued_at > right
    check_timestamp(timestamp, "main", Known(right, synchronised=True))


async def test_a_database_from_a_backup_publishes_above_what_devices_accepted(
    planning: PlanningOrigin, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    await planning.make_media("a")
    await planning.make_media("b")
    await plan(planning, "a")
    await planning.publisher.publish("main")
    await _renumber(planning, 4)
    await planning.publisher.timestamps.sign_newest("main")
    await _renumber(planning, 1)
    await planning.publisher.timestamps.refresh()
    assert fetched(planning.files.content, "main", clock)[0].sequence == 4, "devices would refuse a lower one"
    assert "restored from a backup; publish the channel again" in caplog.text
    again = await planning.publisher.publish("main")
    assert not again.unchanged and again.record.sequence == 5
    assert fetched(planning.files.content, "main", clock)[0].sequence == 5


async def _renumber(planning: PlanningOrigin, sequence: int) -> None:
    async with planning.database.writing() as connection:
        await connection.execute(update(releases).values(sequence=sequence))
        await connection.execute(update(channels).values(sequence=sequence))


async def test_what_each_release_named_is_known_when_its_file_is_gone(planning: PlanningOrigin) -> None:
    for media in "ab":
        await planning.make_media(media)
    playlist = await plan(planning, "a")
    shown: list[dict[str, object]] = []
    for version, media in enumerate(("a", "ab", "b", "ab"), start=1):
        items = tuple(PlaylistItem(media=one, id=f"item-{one}") for one in media)
        await planning.playlists.replace(playlist, PlaylistDraft(name="Lobby", items=items), version=version)
        await planning.publisher.publish("main")
        async with planning.database.reading() as connection:
            rows = await connection.execute(select(release_contents.c.item, release_contents.c.sequences))
            shown.append({item: runs for item, runs in rows})
    assert shown == [
        {"item-a": [[1, None]]},
        {"item-a": [[1, None]], "item-b": [[2, None]]},
        {"item-a": [[1, 2]], "item-b": [[2, None]]},
        {"item-a": [[1, 2], [4, None]], "item-b": [[2, None]]},
    ]
    newest = await planning.releases.latest("main")
    assert newest is not None
    contents = contents_of(planning.publisher.read_release(newest))
    for sha256 in (newest.sha256, "0" * 64):  # of an earlier version, and one that a restored database has lost
        await planning.releases.remember_contents("main", sha256, contents)
    async with planning.database.reading() as connection:
        again = await connection.execute(select(release_contents.c.item, release_contents.c.sequences))
        assert {item: runs for item, runs in again} == shown[-1]
