"""Publishes a folder on a channel: files go through the pipeline, their order and `playlist.toml` become plans.

Done again, it changes only what changed: a file with known bytes is not ingested twice, the playlist keeps its id and
the ids of its items, and the same plan gives the same release. Plans made by others on the channel stay. A campaign
whose ad was removed from the file stays too: it is a booking, and only a person ends it.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sync.errors import Rejected
from sync.origin.ingest.upload_intake import Intake
from sync.origin.persistence.upload_file import hash_file
from sync.origin.planning.campaigns import CampaignDraft, CreativeDraft, LineDraft
from sync.origin.planning.folder_plan import FileEntry, FolderAd, FolderLogo, FolderPlan, read_folder_plan
from sync.origin.planning.plan_fields import MediaUse
from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem, StoredPlaylist
from sync.origin.planning.schedules import (
    DaypartDraft,
    LogoDraft,
    OverlayDraft,
    ScheduleDraft,
    StoredSchedule,
    TickerDraft,
)
from sync.origin.publishing.publisher import Publication, Publisher
from sync.origin.store.campaigns import CampaignStore
from sync.origin.store.media import MediaRow, MediaState, MediaStore
from sync.origin.store.playlists import PlaylistStore
from sync.origin.store.schedules import ScheduleStore
from sync.runtime.clock import Clock
from sync.wire.release import MediaKind
from sync.wire.stream_url import shown_url, stream_title

_POLL_S = 0.2
_FAR_AHEAD = datetime(2100, 1, 1, tzinfo=UTC)

Report = Callable[[str], None]
"""Gets one line for each step; a command prints it."""


@dataclass(frozen=True, slots=True)
class FolderTarget:
    """What publishing a folder works on. `wake` wakes the pipeline, which has to run meanwhile."""

    intake: Intake
    media: MediaStore
    playlists: PlaylistStore
    schedules: ScheduleStore
    campaigns: CampaignStore
    publisher: Publisher
    wake: Callable[[], None]


@dataclass(frozen=True, slots=True)
class FolderResult:
    """The result: `taken_in` of its `files` were new; `unchanged`: the release was in force before."""

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

    The playlist is named by `name`, else by `playlist.toml`, else by the folder. One of that name is replaced.

    Raises:
        Rejected: the folder has nothing to play, its plan is wrong, or files cannot be shown; each is named.
        Conflict, StaleVersion: somebody else changes or publishes the same at this moment: try again.
        StorageFull: no room.
    """
    plan = await asyncio.to_thread(read_folder_plan, folder)
    files = _files(plan)
    rows, ingested = await _ingest_files(folder, files, rooms, clock, report)
    rows |= await _add_streams(plan, rooms.media, report)
    playlist_name = name or plan.name or folder.resolve().name
    playlist = await _save_playlist(playlist_name, plan, rows, rooms.playlists)
    await _save_schedule(channel, plan, playlist, rows, rooms.schedules)
    for ad in plan.ads:
        await _save_campaign(channel, ad, plan, rows, rooms.campaigns, clock.now())
    done = await rooms.publisher.publish(channel, note=f"folder {folder.resolve().name}")
    report(f"{channel}: release {done.record.sequence} {'is unchanged' if done.unchanged else 'published'}")
    return _published(done, channel=channel, playlist=playlist.id, files=len(files), ingested=ingested)


def _published(done: Publication, *, channel: str, playlist: str, files: int, ingested: int) -> FolderResult:
    record = done.record
    return FolderResult(
        channel=channel,
        playlist=playlist,
        files=files,
        taken_in=ingested,
        items=record.items,
        ads=record.ads,
        sequence=record.sequence,
        sha256=record.sha256,
        asset_bytes=record.asset_bytes,
        unchanged=done.unchanged,
        warnings=done.warnings,
    )


def _files(plan: FolderPlan) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for _, name in plan.named_files()))


async def _ingest_files(
    folder: Path, files: Iterable[str], rooms: FolderTarget, clock: Clock, report: Report
) -> tuple[dict[str, MediaRow], int]:
    """Return the ready media of each file, and how many had to be ingested."""
    known = {row.source_sha256: row for row in reversed(await rooms.media.list_all())}
    known |= {row.source_sha256: row for row in await rooms.media.in_states(MediaState.READY)}
    ids = {sha256: row.id for sha256, row in known.items()}
    media: dict[str, str] = {}
    ingested = 0
    for name in files:
        sha256 = await asyncio.to_thread(hash_file, folder / name)
        if sha256 not in ids:
            report(f"{name}: ingesting")
            ids[sha256] = await rooms.intake.ingest_file(folder / name, name)
            ingested += 1
        elif sha256 in known and known[sha256].state is MediaState.FAILED:
            await rooms.media.retry(known.pop(sha256).id)
        media[name] = ids[sha256]
    rooms.wake()
    return await _wait_until_ready(media, rooms.media, clock, report), ingested


async def _add_streams(plan: FolderPlan, store: MediaStore, report: Report) -> dict[str, MediaRow]:
    """Return the media of each stream in the plan; a known stream is not added again."""
    urls = dict.fromkeys(one.url for _, one in plan.entries() if one.url is not None)
    if not urls:
        return {}
    known = {row.url: row for row in await store.in_states(MediaState.READY) if row.url is not None}
    for url in urls:
        if url not in known:
            report(f"{shown_url(url)}: added")
            known[url] = await store.get(await store.add_stream(stream_title(url), url))
    return {url: known[url] for url in urls}


async def _wait_until_ready(
    media: Mapping[str, str], store: MediaStore, clock: Clock, report: Report
) -> dict[str, MediaRow]:
    rows: dict[str, MediaRow] = {}
    while len(rows) < len(media):
        for name, media_id in media.items():
            if name in rows:
                continue
            row = await store.get(media_id)
            if row.state in (MediaState.READY, MediaState.FAILED):
                rows[name] = row
                report(f"{name}: {row.problem or 'ready'}")
        if len(rows) < len(media):
            await clock.sleep(_POLL_S)
    wrong = {name: row.problem or "it failed" for name, row in rows.items() if row.state is MediaState.FAILED}
    if wrong:
        reasons = "; ".join(f"{name}: {why}" for name, why in wrong.items())
        raise Rejected(f"not published, these files cannot be shown: {reasons}", fields=wrong)
    return rows


async def _save_playlist(
    name: str, plan: FolderPlan, rows: Mapping[str, MediaRow], store: PlaylistStore
) -> StoredPlaylist:
    stored = await store.find_by_name(name)
    spare: dict[str, list[str]] = {}
    for item in stored.items if stored is not None else ():
        spare.setdefault(item.media, []).append(item.id or "")
    items: list[PlaylistItem] = []
    for entry in plan.items or ():
        ids = spare.get(rows[entry.file_or_url].id, [])
        own = _media_use(entry, plan, rows).model_copy(update={"id": ids.pop(0) if ids else None})
        extra = entry.model_dump(include={"loop", "at_end", "starts_at", "ends_at"})
        items.append(PlaylistItem(**own.model_dump(), **extra))
    draft = PlaylistDraft(name=name, items=tuple(items))
    if stored is None:
        return await store.create(draft)
    if draft == PlaylistDraft(name=stored.name, items=stored.items):
        return stored
    return await store.replace(stored.id, draft, version=stored.version)


async def _save_schedule(
    channel: str, plan: FolderPlan, playlist: StoredPlaylist, rows: Mapping[str, MediaRow], store: ScheduleStore
) -> None:
    stored = await store.get(channel) if await store.exists(channel) else None
    draft = _schedule(plan, playlist.id, rows, stored)
    if stored is None:
        await store.create(channel, draft)
    elif draft != _draft_of(stored):
        await store.replace(channel, draft, version=stored.version)


def _schedule(
    plan: FolderPlan, playlist: str, rows: Mapping[str, MediaRow], stored: StoredSchedule | None
) -> ScheduleDraft:
    """Return the channel's schedule with this folder's part. What the plan does not mention stays as it was."""
    before = ScheduleDraft() if stored is None else _draft_of(stored)
    own = [part for part in before.dayparts if part.playlist == playlist]
    ids = {part.name: part.id for part in own}
    parts = [
        DaypartDraft(id=ids.pop(part.name, None), playlist=playlist, **part.model_dump()) for part in plan.dayparts
    ]
    by_default = plan.default if plan.default is not None else not plan.dayparts
    left = None if before.default_playlist == playlist else before.default_playlist
    return ScheduleDraft(
        zone=plan.zone or before.zone,
        default_playlist=playlist if by_default else left,
        break_rule=plan.break_rule or before.break_rule,
        fallback=before.fallback if plan.fallback is None else rows[plan.fallback].id,
        dayparts=(*(part for part in before.dayparts if part.playlist != playlist), *parts),
        overlays=before.overlays if plan.overlays is None else tuple(_overlays(plan, rows, before)),
    )


def _overlays(plan: FolderPlan, rows: Mapping[str, MediaRow], before: ScheduleDraft) -> Iterator[OverlayDraft]:
    """Yield the plan's overlays. The first ticker keeps the id of the first ticker before, and so on."""
    ids = {kind: [one.id for one in before.overlays if one.kind == kind] for kind in ("ticker", "logo")}
    for overlay in plan.overlays or ():
        own = ids[overlay.kind].pop(0) if ids[overlay.kind] else None
        if isinstance(overlay, FolderLogo):
            yield LogoDraft(id=own, media=rows[overlay.file].id, **overlay.model_dump(exclude={"file"}))
        else:
            yield TickerDraft(id=own, **overlay.model_dump())


def _draft_of(stored: StoredSchedule) -> ScheduleDraft:
    return ScheduleDraft(**{name: getattr(stored, name) for name in ScheduleDraft.model_fields})


async def _save_campaign(
    channel: str, ad: FolderAd, plan: FolderPlan, rows: Mapping[str, MediaRow], store: CampaignStore, now: datetime
) -> None:
    """Book the ad as a campaign with one line, or change the campaign of this name and channel."""
    stored = next((one for one in await store.list_all() if (one.name, one.channel) == (ad.name, channel)), None)
    line_id = None if stored is None else stored.lines[0].id
    ids = {} if stored is None else {creative.media: creative.id for creative in stored.lines[0].creatives}
    shown = [_media_use(creative, plan, rows) for creative in ad.creatives]
    creatives = tuple(
        CreativeDraft(**one.model_copy(update={"id": ids.pop(one.media, None)}).model_dump()) for one in shown
    )
    terms = ad.model_dump(include={"category", "share_ppm", "weight", "windows", "category_gap", "advertiser_gap"})
    draft = CampaignDraft(
        name=ad.name,
        advertiser=ad.advertiser,
        channel=channel,
        starts_at=ad.starts_at or (now if stored is None else stored.starts_at),
        ends_at=ad.ends_at or _FAR_AHEAD,
        lines=(LineDraft(id=line_id, name=ad.name, creatives=creatives, **terms),),
    )
    if stored is None:
        await store.create(draft)
    elif draft != CampaignDraft(**{name: getattr(stored, name) for name in CampaignDraft.model_fields}):
        await store.replace(stored.id, draft, version=stored.version)


def _media_use(entry: FileEntry, plan: FolderPlan, rows: Mapping[str, MediaRow]) -> MediaUse:
    row = rows[entry.file_or_url]
    picture = row.asset is not None and row.asset.kind is MediaKind.PICTURE
    return MediaUse(
        media=row.id,
        title=entry.title or (row.name if entry.file is None else Path(entry.file).stem),
        duration_ms=entry.duration_ms or (plan.duration_ms if picture else None),
        fit=entry.fit or plan.fit,
        background=entry.background or plan.background,
        volume=plan.volume if entry.volume is None else entry.volume,
    )
