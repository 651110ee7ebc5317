"""Publishing a folder through the real pipeline: in the order of names or by `playlist.toml`, and again and again."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import pytest
from PIL import Image

from sync.errors import Rejected, StorageFull
from sync.origin.ingest.asset_builder import build_asset
from sync.origin.ingest.pipeline import Pipeline
from sync.origin.ingest.upload_intake import Intake
from sync.origin.persistence.pages import PageRequest
from sync.origin.planning.folder_files import PLAN_FILE
from sync.origin.planning.folder_plan import read_folder_plan
from sync.origin.planning.plan_fields import MAX_ITEMS
from sync.origin.planning.playlists import PlaylistDraft
from sync.origin.planning.schedules import ScheduleDraft
from sync.origin.publishing.folder.folder_publisher import FolderTarget, publish_folder
from sync.origin.store.drafts.ready_versions import keep_drafts
from sync.origin.store.media.media_rows import MediaState
from sync.origin.store.media.uploads import UploadStore
from sync.origin.store.ready_plans import ReadyPlans
from sync.origin.store.spaces.space_table import Space, SpaceStore
from sync.origin.transcode.transcode_job import MadeMedia, TranscodeJob
from sync.runtime.clock import SystemClock
from sync.wire.overlay import Logo, Ticker
from sync.wire.release import Fit, Release
from tests import TOP
from tests.origin.planning_origin import PlanningOrigin, open_planning_origin
from tests.origin.running_origin import settings_in

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


class MadeOnce:
    """Makes the asset of each content once, with the real tools; a test that takes it in again gets a copy."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[bytes, tuple[Path, MadeMedia]] = {}

    async def build(self, job: TranscodeJob) -> MadeMedia:
        content = job.source.read_bytes()
        if content not in self._made:
            made, kept = await build_asset(job), Path(mkdtemp(dir=self._folder))
            shutil.copytree(job.folder, kept, dirs_exist_ok=True)
            self._made[content] = kept, made
            return made
        kept, made = self._made[content]
        shutil.copytree(kept, job.folder, dirs_exist_ok=True)
        return replace(made, path=job.folder / made.path.name, thumbnail=job.folder / made.thumbnail.name)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    return MadeOnce(tmp_path_factory.mktemp("made"))


@pytest.fixture(autouse=True)
def _quick_pipeline(made_once: MadeOnce, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.origin.ingest.pipeline.build_asset", made_once.build)


@pytest.fixture
def folder(media: Path, tmp_path: Path) -> Iterator[Path]:
    copy = tmp_path / "Shop window"
    shutil.copytree(media, copy)
    yield copy


@pytest.fixture
def pictures(folder: Path) -> Path:
    """The folder without its films, which take longest to take in."""
    for name in VIDEOS:
        (folder / name).unlink()
    return folder


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[tuple[PlanningOrigin, FolderTarget]]:
    async with _rooms(tmp_path / "origin") as opened:
        yield opened


@asynccontextmanager
async def _rooms(data_dir: Path) -> AsyncIterator[tuple[PlanningOrigin, FolderTarget]]:
    clock = SystemClock()
    settings = settings_in(data_dir)
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
                    planning.files,
                    intake,
                    planning.media,
                    planning.playlists,
                    planning.schedules,
                    planning.campaigns,
                    ReadyPlans(planning.database),
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
    (folder / "deck.pptx").write_bytes(b"PK\x03\x04")
    lines: list[str] = []
    first = await publish_folder(folder, "main", collaborators, planning.clock, report=lines.append)
    assert (first.files, first.taken_in, first.items, first.unchanged) == (5, 5, 5, False)
    release = _release(planning, first.sha256)
    assert [item.title for item in release.playlists[0].items] == ["aqua", "fizzo", "logo", "menu", "welcome"]
    assert (release.playlists[0].name, release.default_playlist) == ("Shop window", first.playlist)
    assert len([line for line in lines if line.endswith("ready")]) == 5
    assert list(first.left_out) == [".hidden.png", "deck.pptx", "notes.txt"]
    assert [line.partition(" is left out: ")[0] for line in lines[:3]] == list(first.left_out)
    again = await publish_folder(folder, "main", collaborators, planning.clock)
    assert (again.taken_in, again.unchanged, again.sha256, again.playlist) == (0, True, first.sha256, first.playlist)
    assert len(await planning.media.in_states(*MediaState)) == 5


async def test_a_new_folder_published_twice_at_once_becomes_one_playlist_and_one_campaign(
    rooms: tuple[PlanningOrigin, FolderTarget], folder: Path
) -> None:
    planning, collaborators = rooms
    ad = "[[ads]]\nname = 'x'\nadvertiser = 'y'\ncreatives = [{file = 'fizzo.mp4'}]\n"
    (folder / PLAN_FILE).write_text(f"items = [{{file = 'menu.jpg'}}, {{url = 'https://example.com/a.m3u8'}}]\n{ad}")
    done = await asyncio.gather(*(publish_folder(folder, "main", collaborators, planning.clock) for _ in range(3)))
    assert len((await planning.playlists.page(PageRequest())).items) == len(await planning.campaigns.list_all()) == 1
    assert len({one.playlist for one in done}) == 1
    assert sum(row.url is not None for row in await planning.media.in_states(*MediaState)) == 1


async def test_a_changed_folder_keeps_the_ids_of_what_stayed(
    rooms: tuple[PlanningOrigin, FolderTarget], pictures: Path
) -> None:
    planning, collaborators = rooms
    first = await publish_folder(pictures, "main", collaborators, planning.clock)
    before = {item.title: item.id for item in _release(planning, first.sha256).playlists[0].items}
    (pictures / "aqua.png").unlink()
    shutil.copy(pictures / "menu.jpg", pictures / "z-again.jpg")
    second = await publish_folder(pictures, "main", collaborators, planning.clock)
    after = {item.title: item.id for item in _release(planning, second.sha256).playlists[0].items}
    assert (second.playlist, second.sequence, second.taken_in) == (first.playlist, 2, 0)
    assert list(after) == ["logo", "menu", "z-again"]
    assert all(after[title] == before[title] for title in ("logo", "menu"))


async def test_a_folder_goes_to_a_channel_of_another_space_and_lies_there(
    rooms: tuple[PlanningOrigin, FolderTarget], folder: Path
) -> None:
    planning, target = rooms
    await publish_folder(folder, "main", target, planning.clock)  # what lies in the default space is not used there
    await SpaceStore(planning.database).add(Space("shop", "Shop"))
    await planning.schedules.create("window", ScheduleDraft(zone="UTC"), "shop")
    done = await publish_folder(folder, "window", target, planning.clock)
    playlist = await planning.playlists.get(done.playlist)
    assert playlist.space == "shop"
    assert {(await target.media.get(item.media)).space for item in playlist.items} == {"shop"}
    again = await publish_folder(folder, "window", target, planning.clock)
    assert (again.playlist, again.unchanged, again.taken_in) == (done.playlist, True, 0)


async def test_a_folder_with_a_stream_again_changes_no_plan(
    rooms: tuple[PlanningOrigin, FolderTarget], pictures: Path
) -> None:
    planning, collaborators = rooms
    stream = "url = 'https://example.com/a.m3u8'"
    ad = f"[[ads]]\nname = 'x'\nadvertiser = 'y'\ncreatives = [{{{stream}, duration_ms = 5000}}]\n"
    (pictures / PLAN_FILE).write_text(f"items = [{{file = 'menu.jpg'}}, {{{stream}}}]\n{ad}")
    for _ in range(2):
        done = await publish_folder(pictures, "main", collaborators, planning.clock)
    [booked] = await planning.campaigns.list_all()
    assert ((await planning.playlists.get(done.playlist)).version, booked.version) == (1, 1)


async def test_drafts_of_people_stay_drafts_and_the_folder_goes_out(
    rooms: tuple[PlanningOrigin, FolderTarget], pictures: Path
) -> None:
    planning, collaborators = rooms
    first = await publish_folder(pictures, "main", collaborators, planning.clock)
    stored = await planning.playlists.get(first.playlist)
    keep_drafts(True)
    try:
        kept = tuple(item for item in stored.items if item.title != "aqua")
        await planning.playlists.replace(stored.id, PlaylistDraft(name=stored.name, items=kept), version=1)
        await planning.schedules.replace("main", ScheduleDraft(zone="Asia/Tokyo"), version=1)
    finally:
        keep_drafts(False)
    (pictures / "aqua.png").unlink()
    second = await publish_folder(pictures, "main", collaborators, planning.clock)
    release = _release(planning, second.sha256)
    assert ([item.title for item in release.playlists[0].items], release.zone) == (["logo", "menu"], None)
    schedule = await planning.schedules.get("main")
    assert (schedule.version, schedule.ready_version, schedule.zone) == (2, 1, "Asia/Tokyo")


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
    rooms: tuple[PlanningOrigin, FolderTarget], pictures: Path
) -> None:
    planning, collaborators = rooms
    (pictures / PLAN_FILE).write_text("[[dayparts]]\nname = 'Lunch'\nstart = '11:00'\nend = '14:00'\n")
    done = await publish_folder(pictures, "bar", collaborators, planning.clock)
    assert _release(planning, done.sha256).zone is None
    assert [warning.split(":")[0] for warning in done.warnings] == ["channel bar names no time zone"]


async def test_what_others_planned_on_the_channel_stays(
    rooms: tuple[PlanningOrigin, FolderTarget], pictures: Path
) -> None:
    planning, collaborators = rooms
    first = await publish_folder(pictures, "main", collaborators, planning.clock, name="First")
    (pictures / PLAN_FILE).write_text('[[dayparts]]\nname = "Evening"\nstart = "18:00"\n[[items]]\nfile = "menu.jpg"\n')
    second = await publish_folder(pictures, "main", collaborators, planning.clock, name="Second")
    schedule = await planning.schedules.get("main")
    assert schedule.default_playlist == first.playlist
    assert [(part.name, part.playlist) for part in schedule.dayparts] == [("Evening", second.playlist)]


async def test_a_file_that_cannot_be_shown_is_named_and_nothing_is_published(
    rooms: tuple[PlanningOrigin, FolderTarget], pictures: Path
) -> None:
    planning, collaborators = rooms
    (pictures / "broken.mp4").write_bytes(b"this is no video")
    with pytest.raises(Rejected) as caught:
        await publish_folder(pictures, "main", collaborators, planning.clock)
    assert list(caught.value.fields) == ["broken.mp4"]
    assert await planning.releases.latest("main") is None
    (pictures / "broken.mp4").unlink()
    assert (await publish_folder(pictures, "main", collaborators, planning.clock)).taken_in == 0


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


ODD_NAMES = (
    b"-rf.png",
    b"two\nlines.png",
    b"\x1b[31mred.png",
    b"odd\xff.png",
    b"odd\xfe.png",
    b"e\xcc\x81.png",
    b"\xc3\xa9.png",
    "evil\u202egnp.png".encode(),
    "👨\u200d👩\u200d👧.png".encode(),
    b" .png",
    b"x" * 251 + b".png",
    ("日" * 85).encode(),
    b"film with no ending",
)


async def test_any_name_that_a_file_system_holds_is_published(
    rooms: tuple[PlanningOrigin, FolderTarget], folder: Path, tmp_path: Path
) -> None:
    planning, collaborators = rooms
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/shop\n\xff" + b"x" * 200))
    odd.mkdir()
    for name in ODD_NAMES:
        shutil.copy(folder / "logo.png", Path(os.fsdecode(os.fsencode(odd) + b"/" + name)))
    done = await publish_folder(odd, "main", collaborators, planning.clock)
    assert (done.files, done.taken_in, done.items, done.left_out) == (len(ODD_NAMES), 1, len(ODD_NAMES), {})
    playlist = _release(planning, done.sha256).playlists[0]
    assert playlist.name.startswith("shop \ufffdxxx") and len(playlist.name) == 200
    titles = [item.title for item in playlist.items]
    assert all(title.isprintable() or "\u200d" in title for title in titles)
    assert {"-rf", "two lines", "odd\ufffd", "\xe9", "x" * 200, "日" * 85, "unnamed"} <= set(titles)
    assert (await publish_folder(odd, "main", collaborators, planning.clock)).unchanged


async def test_a_playlist_is_found_again_in_the_other_form_of_unicode(
    rooms: tuple[PlanningOrigin, FolderTarget], folder: Path
) -> None:
    planning, collaborators = rooms
    (folder / PLAN_FILE).write_text("[[items]]\nfile = 'menu.jpg'\n")
    composed = await publish_folder(folder, "main", collaborators, planning.clock, name="Caf\xe9")
    again = await publish_folder(folder, "main", collaborators, planning.clock, name="Cafe\u0301")
    assert (again.playlist, again.unchanged) == (composed.playlist, True)
    assert "logo.png" in again.left_out and "does not name it" in again.left_out["logo.png"]


async def test_a_file_that_only_seems_to_be_media_is_left_out_and_what_a_plan_names_is_not(
    rooms: tuple[PlanningOrigin, FolderTarget], pictures: Path
) -> None:
    planning, collaborators = rooms
    (pictures / "junk.dat").write_bytes(b"\xff\xfb" + bytes(range(256)) * 9)
    done = await publish_folder(pictures, "main", collaborators, planning.clock)
    assert done.items == 3 and list(done.left_out) == ["junk.dat"]
    (pictures / PLAN_FILE).write_text("[[items]]\nfile = 'menu.jpg'\n[[items]]\nfile = 'junk.dat'\n")
    with pytest.raises(Rejected, match=r"junk\.dat"):
        await publish_folder(pictures, "main", collaborators, planning.clock)


@pytest.mark.parametrize(
    "plan",
    [
        "[[ads]]\nname='x'\nadvertiser='y'\nends_at=2020-01-01T00:00:00Z\ncreatives=[{file='fizzo.mp4'}]\n",
        "[[items]]\nfile = 'menu.jpg'\n[[items]]\nfile = 'empty.bin'\n",
    ],
)
async def test_nothing_is_taken_in_for_a_plan_that_cannot_be_stored(
    rooms: tuple[PlanningOrigin, FolderTarget], folder: Path, plan: str
) -> None:
    planning, collaborators = rooms
    (folder / PLAN_FILE).write_text(plan)
    (folder / "empty.bin").touch()
    with pytest.raises(Rejected):
        await publish_folder(folder, "main", collaborators, planning.clock)
    assert (
        await planning.media.in_states(*MediaState) == () and (await planning.playlists.page(PageRequest())).items == ()
    )


async def test_a_fallback_that_is_a_film_changes_no_plan(
    rooms: tuple[PlanningOrigin, FolderTarget], folder: Path
) -> None:
    planning, collaborators = rooms
    (folder / PLAN_FILE).write_text("fallback = 'fizzo.mp4'\n[[items]]\nfile = 'fizzo.mp4'\n")
    with pytest.raises(Rejected, match="no still picture") as caught:
        await publish_folder(folder, "main", collaborators, planning.clock)
    assert list(caught.value.fields) == ["fallback"] and (await planning.playlists.page(PageRequest())).items == ()


async def test_files_that_do_not_fit_together_are_refused_before_the_first(
    rooms: tuple[PlanningOrigin, FolderTarget], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planning, collaborators = rooms
    largest = max(path.stat().st_size for path in folder.iterdir())
    monkeypatch.setattr("sync.origin.persistence.data_folder.free_bytes", lambda folder: largest)
    with pytest.raises(StorageFull):
        await publish_folder(folder, "main", collaborators, planning.clock)
    assert await planning.media.in_states(*MediaState) == ()


async def test_a_file_over_the_limit_is_named_before_its_bytes_are_read(
    rooms: tuple[PlanningOrigin, FolderTarget], folder: Path
) -> None:
    planning, collaborators = rooms
    with (folder / "sparse.mp4").open("wb") as file:
        file.truncate(collaborators.intake.largest_bytes + 1)
    with pytest.raises(Rejected, match="limit") as caught:
        await publish_folder(folder, "main", collaborators, planning.clock)
    assert list(caught.value.fields) == ["sparse.mp4"] and await planning.media.in_states(*MediaState) == ()


@pytest.mark.parametrize("change", ["grows", "goes", "becomes a pipe", "becomes a link"])
async def test_a_file_that_changes_while_it_is_read_is_named_and_no_plan_changes(
    rooms: tuple[PlanningOrigin, FolderTarget], folder: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    planning, collaborators = rooms
    ingest = collaborators.intake.ingest_file

    async def late(path: Path, name: str, *, sha256: str | None = None, space: str = "default") -> str:
        if change == "grows":
            path.write_bytes(path.read_bytes() + b"more")
        else:
            path.unlink()
        if change == "becomes a pipe":
            os.mkfifo(path)
        if change == "becomes a link":
            path.symlink_to("/etc/hostname")
        return await ingest(path, name, sha256=sha256, space=space)

    (folder / PLAN_FILE).write_text("[[items]]\nfile = 'menu.jpg'\n")
    monkeypatch.setattr(collaborators.intake, "ingest_file", late)
    with pytest.raises(Rejected, match=r"menu\.jpg") as caught:
        await publish_folder(folder, "main", collaborators, planning.clock)
    assert list(caught.value.fields) == ["menu.jpg"] and not list(planning.files.uploads.iterdir())
    assert (
        await planning.media.in_states(*MediaState) == () and (await planning.playlists.page(PageRequest())).items == ()
    )


@pytest.mark.parametrize("damage", ["asset gone", "asset cut", "list cut"])
async def test_what_the_origin_lost_is_taken_in_again(
    rooms: tuple[PlanningOrigin, FolderTarget], folder: Path, damage: str
) -> None:
    planning, collaborators = rooms
    (folder / PLAN_FILE).write_text("[[items]]\nfile = 'menu.jpg'\n")
    first = await publish_folder(folder, "main", collaborators, planning.clock)
    (asset,) = _release(planning, first.sha256).assets
    what, _, how = damage.partition(" ")
    lost = planning.files.content / (f"assets/{asset.sha256}" if what == "asset" else f"index/{asset.index}")
    whole = lost.read_bytes()
    if how == "gone":
        lost.unlink()
    else:
        lost.write_bytes(whole[:-9])
    again = await publish_folder(folder, "main", collaborators, planning.clock)
    assert (again.taken_in, again.items, lost.read_bytes()) == (1, 1, whole)
    assert (await publish_folder(folder, "main", collaborators, planning.clock)).taken_in == 0


async def test_a_failed_file_gets_its_bytes_again(rooms: tuple[PlanningOrigin, FolderTarget], folder: Path) -> None:
    planning, collaborators = rooms
    (folder / "broken.mp4").write_bytes(b"this is no video")
    (folder / PLAN_FILE).write_text("[[items]]\nfile = 'broken.mp4'\n")
    for _ in range(2):
        with pytest.raises(Rejected, match="looks like text"):
            await publish_folder(folder, "main", collaborators, planning.clock)
    assert len(await planning.media.in_states(*MediaState)) == 1
