"""The tables of channels: each has one schedule, replaced as a whole with its dayparts and overlays."""

from collections.abc import Iterable
from typing import Any

from pydantic import Field, TypeAdapter
from sqlalchemy import ColumnElement, Row, and_, delete, exists, func, insert, literal, select, true, union_all
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Conflict, NotFound, StaleVersion
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.deadlocks import again_if_deadlocked
from sync.origin.persistence.lists import CHANNELS, name_keys
from sync.origin.persistence.pages import Page, PageRequest, read_page
from sync.origin.planning.schedules import (
    BreakDraft,
    DaypartDraft,
    LogoDraft,
    OverlayDraft,
    ScheduleDraft,
    StoredSchedule,
)
from sync.origin.store.audit.document_versions import (
    KeptDocument,
    first_version,
    keep_missing_versions,
    keep_version,
)
from sync.origin.store.audit.record import record
from sync.origin.store.drafts.ready_versions import mark_saved
from sync.origin.store.drafts.reviews import return_for_new_channel
from sync.origin.store.publications import cancel_for_new_channel
from sync.origin.store.row_checks import (
    FieldUses,
    check_ids_free,
    check_media,
    check_playlists,
    check_version,
    new_id,
    update_versioned,
)
from sync.origin.store.spaces.visible_rows import named_users, seen, shown_space, space_for_new
from sync.origin.tables.devices import devices
from sync.origin.tables.plans import campaigns, channels, dayparts, overlays
from sync.origin.tables.releases import releases
from sync.wire.value_types import Identifier, Wire, is_none


class ChannelSummary(Wire):
    """A channel: the newest sequence that was published on it, 0 before the first, and how many devices it has."""

    channel: str
    sequence: int
    devices: int
    space: Identifier | None = Field(None, exclude_if=is_none)


class ScheduleStore:
    """Stores what each channel plays and when."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def page(self, asked: PageRequest) -> Page[StoredSchedule]:
        """Return a page of the schedules of all channels."""
        async with self._database.reading() as connection:
            page = await read_page(connection, CHANNELS, select(channels.c.id), asked, seen(channels))
            found = await load_schedules(connection, channels.c.id.in_([row.id for row in page.items]))
        by_channel = {schedule.channel: schedule for schedule in found}
        return page.of(lambda row: by_channel[row.id])

    async def summaries(self, asked: PageRequest) -> Page[ChannelSummary]:
        """Return a page of all channels."""
        of_channel = (devices.c.channel_id == channels.c.id, devices.c.removed_ms.is_(None), seen(devices))
        count = select(func.count()).select_from(devices).where(*of_channel).scalar_subquery()
        async with self._database.reading() as connection:
            found = await read_page(
                connection, CHANNELS, select(channels, count.label("devices")), asked, seen(channels)
            )
        return found.of(lambda row: _summary(row))

    async def get(self, channel: str) -> StoredSchedule:
        """Return the schedule of a channel; raise NotFound if there is none that one may see."""
        async with self._database.reading() as connection:
            return await get_schedule(connection, channel, seen(channels))

    async def exists(self, channel: str) -> bool:
        """Tell whether there is such a channel that one may see."""
        query = select(channels.c.id).where(channels.c.id == channel, seen(channels))
        async with self._database.reading() as connection:
            return await connection.scalar(query) is not None

    @again_if_deadlocked
    async def create(self, channel: str, draft: ScheduleDraft, space: str | None = None) -> StoredSchedule:
        """Add a channel, in this space; None: in the one where one may.

        Raises:
            StaleVersion: somebody else has just added it.
            Conflict: a space that one may not see has one of this name.
            Forbidden: one may not add any there.
            Rejected: a playlist or media is unknown, a media has failed, or an id is taken.
        """
        async with self._database.writing() as connection:
            await _check_free(connection, channel)
            lies_in = await space_for_new(connection, space)
            await _check(connection, channel, draft, lies_in)
            await cancel_for_new_channel(connection, channel)
            await return_for_new_channel(connection, channel)
            first = await first_version(connection, ThingKind.SCHEDULE, channel)
            values = {**name_keys(channel), **_values(draft), "space_id": lies_in}
            await connection.execute(insert(channels).values(id=channel, version=first, sequence=0, **values))
            await _write_dayparts(connection, channel, draft.dayparts)
            await _write_overlays(connection, channel, draft.overlays)
            return await _kept(connection, channel, Action.CREATED)

    @again_if_deadlocked
    async def replace(self, channel: str, draft: ScheduleDraft, *, version: int) -> StoredSchedule:
        """Replace a schedule as a whole; dayparts and overlays that are sent with an id keep it.

        Raises:
            NotFound: there is no such channel.
            StaleVersion: somebody else changed it first.
            Rejected: a playlist or media is unknown, a media has failed, or an id is taken.
        """
        async with self._database.writing() as connection:
            return await self.replace_in(connection, channel, draft, version=version)

    async def replace_in(
        self, connection: AsyncConnection, channel: str, draft: ScheduleDraft, *, version: int
    ) -> StoredSchedule:
        """Do the same inside the caller's transaction."""
        space = await check_version(connection, channels, "channel", channel, version)
        await _check(connection, channel, draft, space)
        await update_versioned(connection, channels, "channel", channel, version, _values(draft))
        await connection.execute(delete(dayparts).where(dayparts.c.channel_id == channel))
        await _write_dayparts(connection, channel, draft.dayparts)
        await _write_overlays(connection, channel, draft.overlays)
        return await _kept(connection, channel, Action.CHANGED)

    @again_if_deadlocked
    async def remove(self, channel: str, *, version: int | None) -> None:
        """Delete a channel that was never published; devices store its sequence, so it must never start again.

        Raises:
            NotFound: there is no such channel.
            StaleVersion: somebody else changed it first.
            Conflict: it was published, or devices or campaigns use it; they are named.
        """
        async with self._database.writing() as connection:
            await check_version(connection, channels, "channel", channel, version)
            rows = (await connection.execute(_used_by(channel))).all()
            if users := named_users(((row.name, row.is_seen) for row in rows), "screen or campaign"):
                raise Conflict(f"channel {channel} is in use, or was published", users=users)
            gone = delete(channels).where(channels.c.id == channel).returning(channels.c.version)
            last = (await connection.execute(gone)).scalar_one()
            record(connection, AuditedChange(ThingKind.SCHEDULE, channel, channel, Action.REMOVED, version_before=last))

    async def keep_missing_versions(self) -> None:
        """Keep the present version of each schedule that an earlier version of this program stored."""

        async def load(connection: AsyncConnection, condition: ColumnElement[bool]) -> list[KeptDocument]:
            return [_document(one) for one in await load_schedules(connection, condition)]

        await keep_missing_versions(self._database, ThingKind.SCHEDULE, channels, load)


def _document(stored: StoredSchedule) -> KeptDocument:
    return KeptDocument(ThingKind.SCHEDULE, stored.channel, stored.channel, stored.version, stored, ScheduleDraft)


async def _kept(connection: AsyncConnection, channel: str, action: Action) -> StoredSchedule:
    await mark_saved(connection, ThingKind.SCHEDULE, channel)
    stored = await get_schedule(connection, channel)
    await keep_version(connection, _document(stored), action)
    return stored


async def load_schedules(connection: AsyncConnection, condition: ColumnElement[bool]) -> tuple[StoredSchedule, ...]:
    """Return the schedules of the channels that match, in no order."""
    dayparts_of: dict[str, list[DaypartDraft]] = {}
    query = select(dayparts).join(channels, channels.c.id == dayparts.c.channel_id).where(condition)
    for row in (await connection.execute(query.order_by(dayparts.c.channel_id, dayparts.c.position))).mappings():
        dayparts_of.setdefault(row["channel_id"], []).append(_daypart(row))
    overlays_of = await _load_overlays(connection, condition)
    rows = (await connection.execute(select(channels).where(condition))).mappings()
    return tuple(_schedule(row, dayparts_of.get(row["id"], []), overlays_of.get(row["id"], [])) for row in rows)


async def get_schedule(connection: AsyncConnection, channel: str, *these: ColumnElement[bool]) -> StoredSchedule:
    """Return the schedule of a channel inside the caller's transaction; raise NotFound if there is no such channel."""
    found = await load_schedules(connection, and_(channels.c.id == channel, *these))
    if not found:
        raise NotFound(f"there is no channel {channel}: PUT /v1/schedule/{channel} adds it")
    return found[0]


def _summary(row: Row[Any]) -> ChannelSummary:
    space = shown_space(row.space_id)
    return ChannelSummary(channel=row.id, sequence=row.sequence, devices=row.devices, space=space)


def _schedule(
    row: RowMapping, daypart_drafts: Iterable[DaypartDraft], overlay_drafts: Iterable[OverlayDraft]
) -> StoredSchedule:
    return StoredSchedule(
        channel=row["id"],
        version=row["version"],
        ready_version=row["ready_version"],
        sequence=row["sequence"],
        zone=row["zone"] or None,
        default_playlist=row["default_playlist_id"],
        break_rule=BreakDraft(every_items=row["every_items"], ads=row["ads"]),
        fallback=row["fallback_media_id"],
        dayparts=tuple(daypart_drafts),
        overlays=tuple(overlay_drafts),
        space=shown_space(row["space_id"]),
    )


def _daypart(row: RowMapping) -> DaypartDraft:
    values = {name: row[name] for name in DaypartDraft.model_fields if name != "playlist"}
    return DaypartDraft(playlist=row["playlist_id"], **values)


def _values(draft: ScheduleDraft) -> dict[str, Any]:
    return {
        "zone": draft.zone or "",
        "default_playlist_id": draft.default_playlist,
        "every_items": draft.break_rule.every_items,
        "ads": draft.break_rule.ads,
        "fallback_media_id": draft.fallback,
    }


async def _check_free(connection: AsyncConnection, channel: str) -> None:
    query = select(channels.c.version, seen(channels).label("is_seen")).where(channels.c.id == channel)
    row = (await connection.execute(query)).first()
    if row is not None and row.is_seen:
        raise StaleVersion(f"somebody else has just added channel {channel}: read it first", current=row.version)
    if row is not None:
        raise Conflict(f"the name {channel} is taken: choose another one for this channel")


async def _check(connection: AsyncConnection, channel: str, draft: ScheduleDraft, space: str) -> None:
    numbered = list(enumerate(draft.dayparts))
    of_dayparts: FieldUses = [(f"dayparts.{number}.playlist", daypart.playlist) for number, daypart in numbered]
    default: FieldUses = [] if draft.default_playlist is None else [("default_playlist", draft.default_playlist)]
    await check_playlists(connection, [*default, *of_dayparts], space)
    fallback: FieldUses = [] if draft.fallback is None else [("fallback", draft.fallback)]
    await check_media(connection, [*fallback, *_logos(draft)], space)
    sent_ids = [(f"dayparts.{number}.id", daypart.id) for number, daypart in numbered if daypart.id is not None]
    await check_ids_free(connection, dayparts, dayparts.c.channel_id != channel, sent_ids)
    overlay_ids = ((f"overlays.{number}.id", overlay.id) for number, overlay in enumerate(draft.overlays))
    sent_ids = [(field, used) for field, used in overlay_ids if used is not None]
    await check_ids_free(connection, overlays, overlays.c.channel_id != channel, sent_ids)


async def _write_dayparts(connection: AsyncConnection, channel: str, drafts: Iterable[DaypartDraft]) -> None:
    rows = [
        daypart.model_dump(mode="json", exclude={"playlist"})
        | {"id": daypart.id or new_id(), "channel_id": channel, "position": number, "playlist_id": daypart.playlist}
        for number, daypart in enumerate(drafts)
    ]
    if rows:
        await connection.execute(insert(dayparts), rows)


def _used_by(channel: str) -> Any:
    """Select what uses a channel: its releases, the names of its devices, the names of its campaigns."""
    told = (literal("its releases").label("name"), true().label("is_seen"))
    published = select(*told).where(exists().where(releases.c.channel_id == channel))
    named = select(devices.c.name, seen(devices)).where(devices.c.channel_id == channel, devices.c.removed_ms.is_(None))
    booked = select(campaigns.c.name, seen(campaigns)).where(campaigns.c.channel_id == channel)
    return union_all(published, named, booked)


_OVERLAY: TypeAdapter[OverlayDraft] = TypeAdapter(OverlayDraft)


def _logos(draft: ScheduleDraft) -> FieldUses:
    numbered = enumerate(draft.overlays)
    return [(f"overlays.{number}.media", logo.media) for number, logo in numbered if isinstance(logo, LogoDraft)]


async def _write_overlays(connection: AsyncConnection, channel: str, drafts: Iterable[OverlayDraft]) -> None:
    await connection.execute(delete(overlays).where(overlays.c.channel_id == channel))
    rows: list[dict[str, Any]] = [
        {
            "id": draft.id or new_id(),
            "channel_id": channel,
            "position": number,
            "media_id": draft.media if isinstance(draft, LogoDraft) else None,
            "style": draft.model_dump(mode="json", exclude={"id", "media"}),
        }
        for number, draft in enumerate(drafts)
    ]
    if rows:
        await connection.execute(insert(overlays), rows)


async def _load_overlays(connection: AsyncConnection, condition: ColumnElement[bool]) -> dict[str, list[OverlayDraft]]:
    found: dict[str, list[OverlayDraft]] = {}
    query = select(overlays).join(channels, channels.c.id == overlays.c.channel_id).where(condition)
    for row in (await connection.execute(query.order_by(overlays.c.channel_id, overlays.c.position))).mappings():
        picture = {} if row["media_id"] is None else {"media": row["media_id"]}
        overlay = _OVERLAY.validate_python({**row["style"], **picture, "id": row["id"]})
        found.setdefault(row["channel_id"], []).append(overlay)
    return found
