"""Publishes a folder on a channel: files go through the pipeline, their order and `playlist.toml` become plans.

Done again, it changes only what changed: a file with known bytes is not ingested twice, the playlist keeps its id and
the ids of its items, and the same plan gives the same release. Plans made by others on the channel stay. A campaign
whose ad was removed from the file stays too: it is a booking, and only a person ends it.

Names, sizes and the whole plan are checked before the first file is taken in; plans change after all files are ready.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sync.errors import NotFound, Rejected
from sync.origin.ingest.upload_intake import Intake
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.planning.campaigns import CampaignDraft, StoredCampaign
from sync.origin.planning.file_names import same_name, shown_name
from sync.origin.planning.folder_files import PLAN_FILE, FolderFiles
from sync.origin.planning.folder_plan import (
    FolderPlan,
    name_reasons,
    nothing_to_play,
    read_files,
    read_plan,
    with_items,
)
from sync.origin.planning.playlists import PlaylistDraft, StoredPlaylist
from sync.origin.publishing.folder.folder_drafts import (
    FolderMedia,
    MediaByName,
    campaign_draft,
    check_drafts,
    draft_of,
    playlist_draft,
    schedule_draft,
)
from sync.origin.publishing.folder.folder_intake import FolderIntake, LocalFile
from sync.origin.publishing.publisher import Publication, Publisher
from sync.origin.store.campaigns import CampaignStore
from sync.origin.store.media.media import MediaStore
from sync.origin.store.media.media_rows import MediaRow, MediaState
from sync.origin.store.playlists import PlaylistStore
from sync.origin.store.ready_plans import ReadyPlans
from sync.origin.store.schedules import ScheduleStore
from sync.roles import DEFAULT_SPACE
from sync.runtime.clock import Clock
from sync.wire.release import MediaKind
from sync.wire.stream_url import shown_url, stream_name, stream_title

Report = Callable[[str], None]
"""Gets one line for each step; a command prints it."""


@dataclass(frozen=True, slots=True)
class FolderTarget:
    """What publishing a folder works on. `wake` wakes the pipeline, which has to run meanwhile."""

    files: DataFolder
    intake: Intake
    media: MediaStore
    playlists: PlaylistStore
    schedules: ScheduleStore
    campaigns: CampaignStore
    ready: ReadyPlans
    publisher: Publisher
    wake: Callable[[], None]


@dataclass(frozen=True, slots=True)
class FolderResult:
    """The result: `taken_in` of its `files` were new; `unchanged`: the release was in force before.

    `left_out` has the reason for each entry of the folder that is not published.
    """

    channel: str
    playlist: str
    files: int
    taken_in: int
    items: int
    ads: int
    sequence: int
    sha256: str
    asset_bytes: int
    unchanged: bool
    left_out: Mapping[str, str]
    warnings: tuple[str, ...] = ()


async def publish_folder(
    folder: Path,
    channel: str,
    rooms: FolderTarget,
    clock: Clock,
    *,
    name: str | None = None,
    report: Report = lambda line: None,
) -> FolderResult:
    """Put the pictures and videos of a folder on a channel and publish it.

    The playlist is named by `name`, else by `playlist.toml`, else by the folder. One of that name in the space of the
    channel is replaced. All that is new lies in that space.

    Raises:
        Rejected: the folder has nothing to play, its plan is wrong, or files cannot be shown; each is named.
        Conflict, StaleVersion: somebody else changes or publishes the same at this moment: try again.
        StorageFull: no room.
    """
    found = await asyncio.to_thread(_look_at, folder, report)
    folder_name = shown_name(folder.resolve().name)
    playlist_name = same_name(name or found.plan.name or folder_name)
    campaigns = await _campaigns_of(channel, found.plan, rooms.campaigns)
    check_drafts(channel, playlist_name, found.plan, campaigns, clock.now())
    space = await _space_of(channel, rooms.schedules)
    intake = FolderIntake(rooms.intake, rooms.media, rooms.wake, clock, report, space)
    taken = await intake.take_in(found.used)
    plan, left_out = _without_failed(found, taken.rows, report)
    media = {file: _media(row) for file, row in taken.rows.items()}
    _check_pictures(plan, media)

    async with rooms.files.publishing_alone(clock):
        media |= await _add_streams(plan, rooms.media, report, space)
        playlist = await _save_playlist(playlist_name, plan, media, rooms.playlists, space)
        await _save_schedule(channel, plan, playlist, media, rooms)
        await _save_campaigns(channel, plan, media, rooms.campaigns, clock)
        done = await rooms.publisher.publish(channel, note=f"folder {folder_name}")
    report(f"{channel}: release {done.record.sequence} {'is unchanged' if done.unchanged else 'published'}")
    return _published(done, channel, playlist.id, files=len(found.used), taken_in=taken.new, left_out=left_out)


def _published(
    done: Publication, channel: str, playlist: str, *, files: int, taken_in: int, left_out: Mapping[str, str]
) -> FolderResult:
    record = done.record
    return FolderResult(
        channel=channel,
        playlist=playlist,
        files=files,
        taken_in=taken_in,
        items=record.items,
        ads=record.ads,
        sequence=record.sequence,
        sha256=record.sha256,
        asset_bytes=record.asset_bytes,
        unchanged=done.unchanged,
        warnings=done.warnings,
        left_out=left_out,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A folder and its plan: the files that are used, why others are left out, and which ones only seem to be media."""

    plan: FolderPlan
    used: tuple[LocalFile, ...]
    left_out: Mapping[str, str]
    guessed: frozenset[str]


def _look_at(folder: Path, report: Report) -> _Found:
    """Read the folder and its plan, and report what is left out, also when the plan is refused."""
    files = read_files(folder)
    left_out: Mapping[str, str] = files.left_out
    try:
        written = read_plan(folder, files)
        plan = with_items(written, files)
        left_out = _left_out(plan, files)
        if not plan.items:
            raise nothing_to_play(folder)
    finally:
        for file, why in left_out.items():
            report(f"{shown_name(file)} is left out: {why}")
    names = dict.fromkeys(name for _, name in plan.named_files())
    used = tuple(LocalFile(name, files.paths[files.find(name) or name]) for name in names)
    meant = {files.find(name) for _, name in written.named_files()}
    return _Found(plan, used, left_out, files.guessed - meant)


def _left_out(plan: FolderPlan, files: FolderFiles) -> dict[str, str]:
    """Return the reason for each entry of the folder that the plan does not use."""
    used = {files.find(name) for _, name in plan.named_files()}
    unnamed = f"{PLAN_FILE} does not name it: add it to the items if it is to play"
    reasons = {**dict.fromkeys(files.playing, unnamed), **files.left_out, **files.must_play}
    return {name: why for name, why in reasons.items() if name not in used}


def _without_failed(
    found: _Found, rows: Mapping[str, MediaRow], report: Report
) -> tuple[FolderPlan, Mapping[str, str]]:
    """Return the plan without files that turned out to be no media, and why these and others are left out.

    Raises:
        Rejected: files that are meant to play cannot be shown, or nothing is left.
    """
    wrong = {name: row.problem or "it failed" for name, row in rows.items() if row.state is MediaState.FAILED}
    meant = {name: why for name, why in wrong.items() if name not in found.guessed}
    if meant:
        raise Rejected(f"not published, these files cannot be shown: {name_reasons(meant)}", fields=meant)
    for name, why in wrong.items():
        report(f"{shown_name(name)} is left out: {why}")
    kept = tuple(item for item in found.plan.items or () if item.file not in wrong)
    if not kept:
        raise Rejected(f"the folder has nothing to play: {name_reasons(wrong)}", fields=wrong)
    return found.plan.model_copy(update={"items": kept}), {**found.left_out, **wrong}


def _check_pictures(plan: FolderPlan, media: MediaByName) -> None:
    """Refuse a fallback or a logo that is no picture."""
    wrong = {field: f"{file} is no still picture" for field, file in plan.pictures() if not media[file].picture}
    if wrong:
        raise Rejected(f"{PLAN_FILE} needs pictures here: {name_reasons(wrong)}", fields=wrong)


def _media(row: MediaRow) -> FolderMedia:
    picture = row.asset is not None and row.asset.kind is MediaKind.PICTURE
    return FolderMedia(row.id, row.name, picture)


async def _space_of(channel: str, store: ScheduleStore) -> str:
    """Return where a channel lies; a new one will lie in the default space."""
    return ((await store.get(channel)).space if await store.exists(channel) else None) or DEFAULT_SPACE


async def _add_streams(plan: FolderPlan, store: MediaStore, report: Report, space: str) -> dict[str, FolderMedia]:
    """Return the media of each stream in the plan; a known stream is not added again."""
    urls = dict.fromkeys(one.url for _, one in plan.entries() if one.url is not None)
    if not urls:
        return {}
    known = {row.url: row for row in await store.of_bytes(map(stream_name, urls), space) if row.url is not None}
    for url in urls:
        if url not in known:
            report(f"{shown_url(url)}: added")
            known[url] = await store.get(await store.add_stream(stream_title(url), url, space))
    return {url: _media(known[url]) for url in urls}


async def _save_playlist(
    name: str, plan: FolderPlan, media: MediaByName, store: PlaylistStore, space: str
) -> StoredPlaylist:
    stored = await store.find_by_name(name, space)
    draft = playlist_draft(name, plan, media, stored)
    if stored is None:
        return await store.create(draft, space)
    if draft == PlaylistDraft(name=stored.name, items=stored.items) and _is_ready(stored):
        return stored
    return await store.replace(stored.id, draft, version=stored.version)


def _is_ready(stored: StoredPlaylist | StoredCampaign) -> bool:
    """Tell whether the newest version is what goes out: somebody else may have saved the same as a draft."""
    return stored.ready_version == stored.version


async def _save_schedule(
    channel: str, plan: FolderPlan, playlist: StoredPlaylist, media: MediaByName, rooms: FolderTarget
) -> None:
    """Put the folder on its channel; where what goes out has it so already, a draft of somebody else stays one."""
    if not await rooms.schedules.exists(channel):
        await rooms.schedules.create(channel, schedule_draft(plan, playlist.id, media, None))
        return
    with suppress(NotFound):  # it was never ready
        ready = await rooms.ready.schedule(channel)
        if schedule_draft(plan, playlist.id, media, ready) == draft_of(ready):
            return
    stored = await rooms.schedules.get(channel)
    draft = schedule_draft(plan, playlist.id, media, stored)
    if draft != draft_of(stored):
        await rooms.schedules.replace(channel, draft, version=stored.version)


async def _campaigns_of(channel: str, plan: FolderPlan, store: CampaignStore) -> dict[str, StoredCampaign]:
    """Return the campaigns of the channel that an ad of the plan may change, by their name in composed Unicode."""
    if not plan.ads:
        return {}
    return {same_name(one.name): one for one in await store.list_all() if one.channel == channel}


async def _save_campaigns(
    channel: str, plan: FolderPlan, media: MediaByName, store: CampaignStore, clock: Clock
) -> None:
    """Book each ad as a campaign with one line, or change the campaign of this name and channel."""
    known = await _campaigns_of(channel, plan, store)
    for ad in plan.ads:
        stored = known.get(same_name(ad.name))
        draft = campaign_draft(channel, ad, plan, media, stored, clock.now())
        if stored is None:
            await store.create(draft)
            continue
        before = CampaignDraft(**{name: getattr(stored, name) for name in CampaignDraft.model_fields})
        if draft != before or not _is_ready(stored):
            await store.replace(stored.id, draft, version=stored.version)
