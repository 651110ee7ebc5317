"""Bookings that are too large for one release: how they are divided, to whom they go, and how long their files stay."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync.errors import Rejected, StorageBroken
from sync.origin.planning.campaigns import CampaignDraft, CreativeDraft, LineDraft
from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.planning.schedules import ScheduleDraft
from sync.origin.publishing import release_serializer
from sync.origin.publishing.release_serializer import dump_release, read_release_files
from sync.origin.store.devices import add_device
from sync.origin.store.heartbeats.heartbeats import HeartbeatStore
from sync.trust.acceptance import check_bookings, referenced_assets
from sync.wire.content_paths import bookings_path, release_path
from sync.wire.device_reports import READS_BOOKINGS
from sync.wire.release import RELEASE_CAP_BYTES, Asset, Campaign, Creative, Line, MediaKind, Release
from tests.fakes import FakeClock
from tests.origin.planning_origin import Client, PlanningOrigin, request_json
from tests.origin.retention.retention_origin import DAY_S, open_retention_origin

JANUARY = datetime(2026, 1, 10, tzinfo=UTC)
LONG = "x" * 190


def big(campaigns: int, creatives: int = 450) -> Release:
    """A release with so many campaigns of 140 KB, one a week, each with a media of its own."""
    assets = tuple(asset(number) for number in range(campaigns + 1))
    return Release(
        channel="main",
        created_at=JANUARY,
        campaigns=tuple(booking(f"c{number:03}", number, assets[number], creatives) for number in range(campaigns)),
        assets=tuple(sorted(assets, key=lambda one: one.sha256)),
        fallback=assets[-1].sha256,
    )


def asset(number: int) -> Asset:
    name = hashlib.sha256(str(number).encode()).hexdigest()
    return Asset(sha256=name, size_bytes=9, index=name, kind=MediaKind.PICTURE, media_type="x", width=1, height=1)


def booking(name: str, week: int, shown: Asset, creatives: int) -> Campaign:
    spots = tuple(Creative(id=f"{name}-{n}", title=LONG, asset=shown.sha256) for n in range(creatives))
    begins = JANUARY + timedelta(weeks=week)
    line = Line(id=name, name=name, creatives=spots)
    return Campaign(id=name, name=name, advertiser="a", starts_at=begins, ends_at=begins + timedelta(90), lines=(line,))


def write(content: Path, raw: bytes, files: dict[str, bytes]) -> str:
    name = hashlib.sha256(raw).hexdigest()
    for path, data in ({bookings_path(one): data for one, data in files.items()} | {release_path(name): raw}).items():
        (content / path).parent.mkdir(parents=True, exist_ok=True)
        (content / path).write_bytes(data)
    return name


def test_a_small_booking_is_written_as_ever() -> None:
    release = big(3)
    raw, files = dump_release(release)
    assert not files and b'"bookings"' not in raw and b'"format":1' in raw
    assert Release.model_validate_json(raw) == release


def test_a_large_one_is_divided_by_the_month_of_its_flights_and_nothing_is_lost(tmp_path: Path) -> None:
    release = big(40)
    raw, files = dump_release(release)
    rest = Release.model_validate_json(raw)
    assert len(raw) < 20_000 and (rest.format, rest.campaigns) == (2, ()) and rest.bookings is not None
    assert [one.sha256 for one in rest.assets] == [release.fallback]
    assert {file.sha256 for file in rest.bookings} == files.keys()
    for file in rest.bookings:
        part = check_bookings(files[file.sha256], file)
        assert len({one.starts_at.month for one in part.campaigns}) == 1
        assert (file.starts_at, file.ends_at) == (part.campaigns[0].starts_at, part.campaigns[-1].ends_at)
        assert {one.sha256 for one in part.assets} == referenced_assets(part)
    whole = read_release_files(tmp_path, write(tmp_path, raw, dict(files)))
    assert {one.id: one for one in whole.campaigns} == {one.id: one for one in release.campaigns}
    assert {one.sha256 for one in whole.assets} == {one.sha256 for one in release.assets}


def test_a_change_of_one_campaign_changes_one_file() -> None:
    release = big(40)
    changed = release.campaigns[7].model_copy(update={"name": "other"})
    after = release.model_copy(update={"campaigns": (*release.campaigns[:7], changed, *release.campaigns[8:])})
    assert len(dump_release(after)[1].keys() - dump_release(release)[1].keys()) == 1


def test_what_cannot_be_divided_is_refused_by_name() -> None:
    with pytest.raises(Rejected, match="divide that campaign"):
        dump_release(big(1, creatives=20_000))


def test_assets_that_nothing_shows_are_left_out() -> None:
    release = big(40).model_copy(update={"assets": tuple(map(asset, range(20_000))), "playlists": ()})
    assert len(dump_release(release)[0]) < RELEASE_CAP_BYTES


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    raw, files = dump_release(big(40))
    name = next(iter(files))
    release = write(tmp_path, raw, {**files, name: files[name][:-9]})
    with pytest.raises(StorageBroken, match=name):
        read_release_files(tmp_path, release)


async def book(planning: PlanningOrigin, clock: FakeClock) -> None:
    """Book four campaigns of 30 KB on channel main."""
    for media in ("a", "ad"):
        await planning.make_media(media)
    playlist = await planning.playlists.create(PlaylistDraft(name="Lobby", items=(PlaylistItem(media="a"),)))
    await planning.schedules.create("main", ScheduleDraft(default_playlist=playlist.id))
    spots = tuple(CreativeDraft(media="ad", title=LONG) for _ in range(20))
    lines = tuple(LineDraft(name=f"line {n}", creatives=spots, advertiser_gap=0) for n in range(3))
    for number in range(4):
        begins = clock.now() + timedelta(days=30 * number)
        flight = {"starts_at": begins, "ends_at": begins + timedelta(days=40)}
        await planning.campaigns.create(CampaignDraft(name=f"c{number}", advertiser="n", lines=lines, **flight))


@pytest.fixture
def small_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Releases are divided above 60 KB instead of 5 MB, for 20,000 creatives take the origin a minute here."""
    monkeypatch.setattr(release_serializer, "RELEASE_CAP_BYTES", 60_000)


async def screen(planning: PlanningOrigin, name: str, **heartbeat: object) -> None:
    async with planning.database.writing() as connection:
        await add_device(connection, id=name, name=name, channel_id="main", token_hash=name, paired_ms=0)
    if heartbeat:
        HeartbeatStore(planning.database).hold(name, heartbeat, 0)


@pytest.mark.usefixtures("small_releases")
async def test_it_goes_out_once_all_screens_of_the_channel_have_said_that_they_read_it(
    planning: PlanningOrigin, client: Client, clock: FakeClock
) -> None:
    await book(planning, clock)
    beats: dict[str, dict[str, object]] = {"new": {"reads": [READS_BOOKINGS]}, "old": {"version": "1"}, "silent": {}}
    for name, heartbeat in beats.items():
        await screen(planning, name, **heartbeat)
    status, refused = await request_json(client, "POST", "/v1/releases", {"channel": "main"})
    assert status == 422 and "old, silent. Update their players" in refused["detail"]
    preview = (await request_json(client, "GET", "/v1/releases/preview?channel=main"))[1]
    assert "old, silent" in preview["problems"]["channel"]
    for name in ("old", "silent"):
        HeartbeatStore(planning.database).hold(name, {"reads": [READS_BOOKINGS, "more"]}, 0)
    published = await planning.publisher.publish("main")
    assert published.record.ads == 240 and published.record.size_bytes < 10_000
    assert (await planning.publisher.publish("main")).unchanged
    release = planning.publisher.read_release(published.record)
    assert len(release.campaigns) == 4 and release.bookings is not None
    for file in release.bookings:
        answer = await client.get(f"/content/bookings/{file.sha256}")
        check_bookings(await answer.read(), file)
    assert (await client.get("/content/bookings/..%2freleases")).status == 404


@pytest.mark.usefixtures("small_releases")
async def test_its_files_stay_as_long_as_it_does(tmp_path: Path, clock: FakeClock) -> None:
    async with open_retention_origin(tmp_path, clock) as origin:
        planning = origin.planning
        await book(planning, clock)
        first = planning.publisher.read_release((await planning.publisher.publish("main")).record)
        assert first.bookings is not None
        await clock.advance(40 * DAY_S)
        await origin.cleaner.clear()
        assert origin.names("bookings") == {file.sha256 for file in first.bookings}
        for campaign in await planning.campaigns.list_all():
            await planning.campaigns.remove(campaign.id, version=None)
        for _ in range(3):
            await origin.publish("a")
            await clock.advance(40 * DAY_S)
            await origin.cleaner.clear()
        assert origin.names("bookings") == set()
