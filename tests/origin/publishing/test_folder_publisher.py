"""Publishing a folder through the real pipeline: in the order of names or by `playlist.toml`, and again and again."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image

from sync.errors import Rejected
from sync.origin.ingest.pipeline import Pipeline
from sync.origin.ingest.upload_intake import Intake
from sync.origin.planning.folder_plan import PLAN_FILE, playable_files, read_folder_plan
from sync.origin.planning.plan_fields import MAX_ITEMS
from sync.origin.publishing.folder_publisher import FolderTarget, publish_folder
from sync.origin.settings.model import OriginConfiguration, OriginStorageSettings
from sync.origin.store.uploads import UploadStore
from sync.runtime.clock import SystemClock
from sync.wire.overlay import Logo, Ticker
from sync.wire.release import Fit, Release
from tests import TOP
from tests.origin.planning_origin import PlanningOrigin, open_planning_origin

EXAMPLE = TOP / "config/playlist.example.toml"
PICTURES = ("logo.png", "menu.jpg", "aqua.png")
VIDEOS = ("welcome.mp4", "fizzo.mp4")


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small real media, made once."""
    folder = tmp_path_factory.mktemp("media")
    for number, name in enumerate(PICTURES):
        Image.new("RGB", (64, 36), (40 * number, 80, 120)).save(folder / name)
    for number, name in enumerate(VIDEOS):
        source = f"color=c=0x{number}0a0f0:s=64x36:r=10:d=1"
        made = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", str(folder / name)]
        subprocess.run(made, check=True, timeout=60)
    return folder


@pytest.fixture
def folder(media: Path, tmp_path: Path) -> Iterator[Path]:
    copy = tmp_path / "Shop window"
    shutil.copytree(media, copy)
    yield copy


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[tuple[PlanningOrigin, FolderTarget]]:
    async with _rooms(tmp_path / "origin") as opened:
        yield opened


@asynccontextmanager
async def _rooms(data_dir: Path) -> AsyncIterator[tuple[PlanningOrigin, FolderTarget]]:
    clock = SystemClock()
    settings = OriginConfiguration(storage=OriginStorageSettings(data_dir=data_dir, reserve_bytes=0))
    async with open_planning_origin(data_dir, clock) as planning:
        pipeline = Pipeline(planning.media, planning.files, settings, clock, changed=lambda topic, id: None)
        uploads = UploadStore(planning.database, clock, expire_after_s=60)
        intake = Intake(
            uploads,
            planning.media,
            planning.files,
            settings,
            clock,
            queued=pipeline.wake,
            changed=lambda topic, id: None,
        )
        at_work = asyncio.ensure_future(pipeline.run())
        try:
            yield (
                planning,
                FolderTarget(
                    intake,
                    planning.media,
                    planning.playlists,
                    planning.schedules,
                    planning.campaigns,
                    planning.publisher,
                    pipeline.wake,
                ),
            )
        finally:
            at_work.cancel()
            await asyncio.wait([at_work])


def _release(planning: PlanningOrigin, sha256: str) -> Release:
    return Release.model_validate_json((planning.files.content / f"releases/{sha256}.json").read_bytes())


def test_a_plan_may_have_as_many_items_as_a_playlist(folder: Path) -> None:
    item = '[[items]]\nfile = "menu.jpg"\ntitle = "Menu"\n'
    (folder / PLAN_FILE).write_text(item * MAX_ITEMS)
    assert len(read_folder_plan(folder).items or ()) == MAX_ITEMS


async def test_a_bare_folder_plays_in_the_order_of_names_and_again_changes_nothing(
    rooms: tuple[PlanningOrigin, FolderTarget], folder: Path
) -> None:
    planning, collaborators = rooms
    (folder / "notes.txt").write_text("no media")
    (folder / ".hidden.png").write_bytes((folder / "logo.png").read_bytes())
    lines: list[str] = []
    first = await publish_folder(folder, "main", collaborators, planning.clock, report=lines.append)
    assert (first.files, first.taken_in, first.items, first.unchanged) == (5, 5, 5, False)
    release = _release(planning, first.sha256)
    assert [item.title for item in release.playlists[0].items] == ["aqua", "fizzo", "logo", "menu", "welcome"]
    assert (release.playlists[0].name, release.default_playlist) == ("Shop window", first.playlist)
    assert len([line for line in lines if line.endswith("ready")]) == 5
    again = await publish_folder(folder, "main", collaborators, planning.clock)
    assert (again.taken_in, again.unchanged, again.sha256, again.playlist) == (0, True, first.sha256, first.playlist)
    assert len(await planning.media.list_all()) == 5


async def test_a_changed_folder_keeps_the_ids_of_what_stayed(
    rooms: tuple[PlanningOrigin, FolderTarget], folder: Path
) -> None:
    planning, collaborators = rooms
    first = await publish_folder(folder, "main", collaborators, planning.clock)
    before = {item.title: item.id for item in _release(planning, first.sha256).playlists[0].items}
    (folder / "fizzo.mp4").unlink()
    shutil.copy(folder / "menu.jpg", folder / "z-again.jpg")
    second = await publish_folder(folder, "main", collaborators, planning.clock)
    after = {item.title: item.id for item in _release(planning, second.sha256).playlists[0].items}
    assert (second.playlist, second.sequence, second.taken_in) == (first.playlist, 2, 0)
    assert list(after) == ["aqua", "logo", "menu", "welcome", "z-again"]
    assert all(after[title] == before[title] for title in ("aqua", "logo", "menu", "welcome"))


async def test_the_example_plan_does_all_it_says(rooms: tuple[PlanningOrigin, FolderTarget], folder: Path) -> None:
    planning, collaborators = rooms
    shutil.copy(EXAMPLE, folder / PLAN_FILE)
    done = await publish_folder(folder, "lobby", collaborators, planning.clock)
    release = _release(planning, done.sha256)
    assert (release.zone, release.break_rule.every_items, release.channel) == ("Europe/Berlin", 2, "lobby")
    welcome, menu, stage = release.playlists[0].items
    assert [(stream.sha256, stream.url) for stream in release.streams] == [
        (stage.asset, "https://example.com/live/index.m3u8")
    ]
    assert (stage.title, stage.duration_ms, stage.loop) == ("From the stage", 60_000, False)
    assert (welcome.title, welcome.duration_ms, welcome.background, welcome.volume) == ("Welcome", None, "#101820", 60)
    assert (menu.duration_ms, menu.fit, menu.volume, menu.at_end) == (12_000, Fit.COVER, 0, "finish")
    assert [(part.name, part.start, part.priority) for part in release.dayparts] == [("Opening hours", "08:00", 10)]
    assert done.warnings == ()
    fizzo, aqua = sorted(release.campaigns, key=lambda campaign: campaign.name, reverse=True)
    assert (fizzo.lines[0].share_ppm, fizzo.lines[0].category, fizzo.advertiser) == (500_000, "soft drinks", "Fizzo")
    assert (aqua.lines[0].creatives[0].duration_ms, aqua.lines[0].windows[0].weekdays) == (6_000, (6, 7))
    assert release.fallback in {asset.sha256 for asset in release.assets}
    ticker, logo = release.overlays
    assert isinstance(ticker, Ticker) and (ticker.edge, ticker.speed_percent) == ("bottom", 12)
    assert isinstance(logo, Logo) and (logo.asset, logo.corner) == (release.fallback, "top-right")
    assert (await publish_folder(folder, "lobby", collaborators, planning.clock)).unchanged
    assert len(await planning.campaigns.list_all()) == 2


async def test_a_folder_with_dayparts_and_no_zone_is_published_with_a_warning(
    rooms: tuple[PlanningOrigin, FolderTarget], folder: Path
) -> None:
    planning, collaborators = rooms
    (folder / PLAN_FILE).write_text("[[dayparts]]\nname = 'Lunch'\nstart = '11:00'\nend = '14:00'\n")
    done = await publish_folder(folder, "bar", collaborators, planning.clock)
    assert _release(planning, done.sha256).zone is None
    assert [warning.split(":")[0] for warning in done.warnings] == ["channel bar names no time zone"]


async def test_what_others_planned_on_the_channel_stays(
    rooms: tuple[PlanningOrigin, FolderTarget], folder: Path
) -> None:
    planning, collaborators = rooms
    first = await publish_folder(folder, "main", collaborators, planning.clock, name="First")
    (folder / PLAN_FILE).write_text('[[dayparts]]\nname = "Evening"\nstart = "18:00"\n[[items]]\nfile = "menu.jpg"\n')
    second = await publish_folder(folder, "main", collaborators, planning.clock, name="Second")
    schedule = await planning.schedules.get("main")
    assert schedule.default_playlist == first.playlist
    assert [(part.name, part.playlist) for part in schedule.dayparts] == [("Evening", second.playlist)]


async def test_a_file_that_cannot_be_shown_is_named_and_nothing_is_published(
    rooms: tuple[PlanningOrigin, FolderTarget], folder: Path
) -> None:
    planning, collaborators = rooms
    (folder / "broken.mp4").write_bytes(b"this is no video")
    with pytest.raises(Rejected) as caught:
        await publish_folder(folder, "main", collaborators, planning.clock)
    assert list(caught.value.fields) == ["broken.mp4"]
    assert await planning.releases.latest("main") is None
    (folder / "broken.mp4").unlink()
    assert (await publish_folder(folder, "main", collaborators, planning.clock)).taken_in == 0


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[[items]]\nfile = 'none.png'\n", "items.0.file"),
        ("[[items]]\nfile = '../secret.png'\n", "items.0.file"),
        ("[[items]]\nfile = 'menu.jpg'\nduration = 5\n", "items.0.duration"),
        ("colour = 'red'\n", "colour"),
        ("zone = 'Mars'\n", "zone"),
        ("fallback = 'none.png'\n", "fallback"),
        ("[[dayparts]]\nname = 'x'\nstart = '8'\n", "dayparts.0.start"),
        ("[[ads]]\nname = 'x'\nadvertiser = 'y'\ncreatives = []\n", "ads.0.creatives"),
    ],
)
def test_a_wrong_field_of_the_plan_is_named(folder: Path, text: str, field: str) -> None:
    (folder / PLAN_FILE).write_text(text)
    with pytest.raises(Rejected) as caught:
        read_folder_plan(folder)
    assert list(caught.value.fields) == [field]


def test_a_plan_that_is_no_toml_and_a_folder_with_nothing_are_refused(folder: Path, tmp_path: Path) -> None:
    (folder / PLAN_FILE).write_text("name = ")
    with pytest.raises(Rejected, match="is not correct TOML"):
        read_folder_plan(folder)
    (tmp_path / "bare").mkdir()
    with pytest.raises(Rejected, match="nothing to play"):
        read_folder_plan(tmp_path / "bare")
    with pytest.raises(Rejected, match="is not a folder"):
        read_folder_plan(tmp_path / "none")


def test_without_items_what_ads_and_fallback_use_does_not_play_as_well(folder: Path) -> None:
    (folder / PLAN_FILE).write_text(
        "fallback = 'logo.png'\n[[ads]]\nname = 'x'\nadvertiser = 'y'\ncreatives = [{file = 'fizzo.mp4'}]\n"
    )
    assert [item.file for item in read_folder_plan(folder).items or ()] == ["aqua.png", "menu.jpg", "welcome.mp4"]
    assert playable_files(folder) == sorted((*PICTURES, *VIDEOS))
    for name in ("tune.mp3", "list.m3u", "list.pls"):
        (folder / name).write_bytes(b"x")
    assert playable_files(folder) == sorted((*PICTURES, *VIDEOS, "tune.mp3"))


async def test_files_whose_names_are_no_text_are_named_and_nothing_is_published(
    rooms: tuple[PlanningOrigin, FolderTarget], folder: Path
) -> None:
    planning, collaborators = rooms
    (folder / os.fsdecode(b"odd\xff.png")).write_bytes(b"x")
    with pytest.raises(Rejected, match=r"rename these files.*odd"):
        await publish_folder(folder, "main", collaborators, planning.clock)
    assert await planning.releases.published_channels() == ()
