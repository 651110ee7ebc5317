"""The statements on channels and their schedules: one versioned document, replaced with its dayparts as a whole."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, delete, exists, insert, literal, select, union_all
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Conflict, NotFound, StaleVersion
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.row_checks import (
    FACT_COLUMNS,
    FieldUses,
    check_exists,
    check_ids_free,
    check_media,
    check_version,
    join_media_facts,
    media_fact,
    new_id,
    update_versioned,
)
from sync.origin.persistence.tables import campaigns, channels, dayparts, devices, media, overlays, playlists, releases
from sync.origin.planning.plans import (
    BreakDraft,
    DaypartDraft,
    LogoDraft,
    MediaFact,
    OverlayDraft,
    ScheduleDraft,
    StoredSchedule,
)


class ScheduleStore:
    """Remembers what plays on which channel and when."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def list_all(self) -> tuple[StoredSchedule, ...]:
        """Return the schedules of all channels, by channel."""
        async with self._database.reading() as connection:
            return await load_schedules(connection, channels.c.id.is_not(None))

    async def get(self, channel: str) -> StoredSchedule:
        """Return the schedule of a channel.

        Raises:
            NotFound: there is no such channel.
        """
        async with self._database.reading() as connection:
            return await get_schedule(connection, channel)

    async def exists(self, channel: str) -> bool:
        """Tell whether there is such a channel."""
        async with self._database.reading() as connection:
            return (
                await connection.execute(select(channels.c.id).where(channels.c.id == channel))
            ).scalar() is not None

    async def create(self, channel: str, draft: ScheduleDraft) -> StoredSchedule:
        """Make a channel.

        Raises:
            StaleVersion: somebody else has just made it.
            Rejected: something the schedule names is unknown, has failed, or brings an id that is taken.
        """
        async with self._database.writing() as connection:
            held = (await connection.execute(select(channels.c.version).where(channels.c.id == channel))).scalar()
            if held is not None:
                raise StaleVersion(f"channel {channel} has just been made by somebody else: read it", current=held)
            await _check(connection, channel, draft)
            await connection.execute(insert(channels).values(id=channel, version=1, sequence=0, **_values(draft)))
            await _write_dayparts(connection, channel, draft.dayparts)
            await write_overlays(connection, channel, draft.overlays)
            return await get_schedule(connection, channel)

    async def replace(self, channel: str, draft: ScheduleDraft, *, version: int) -> StoredSchedule:
        """Replace a schedule as a whole; dayparts keep the ids they come with.

        Raises:
            NotFound: there is no such channel.
            StaleVersion: it is not at `version` any more.
            Rejected: something the schedule names is unknown, has failed, or brings an id that is taken.
        """
        async with self._database.writing() as connection:
            await check_version(connection, channels, "channel", channel, version)
            await _check(connection, channel, draft)
            await update_versioned(connection, channels, "channel", channel, version, _values(draft))
            await connection.execute(delete(dayparts).where(dayparts.c.channel_id == channel))
            await _write_dayparts(connection, channel, draft.dayparts)
            await write_overlays(connection, channel, draft.overlays)
            return await get_schedule(connection, channel)

    async def remove(self, channel: str, *, version: int | None) -> None:
        """Forget a channel that was never published: devices remember sequences, so one must never begin again.

        Raises:
            NotFound: there is no such channel.
            StaleVersion: somebody changed it first.
            Conflict: it was published, or devices or campaigns belong to it; they are named.
        """
        async with self._database.writing() as connection:
            await check_version(connection, channels, "channel", channel, version)
            users = (await connection.execute(_users(channel))).scalars().all()
            if users:
                raise Conflict(f"channel {channel} is in use, or was published once", users=users)
            await connection.execute(delete(channels).where(channels.c.id == channel))


async def load_schedules(connection: AsyncConnection, which: ColumnElement[bool]) -> tuple[StoredSchedule, ...]:
    """Return the schedules of the channels that match, by channel, in three queries."""
    parts: dict[str, list[DaypartDraft]] = {}
    placed = select(dayparts).join(channels, channels.c.id == dayparts.c.channel_id).where(which)
    for row in (await connection.execute(placed.order_by(dayparts.c.channel_id, dayparts.c.position))).mappings():
        parts.setdefault(row["channel_id"], []).append(_daypart(row))
    front = await load_overlays(connection, which)
    rows = await connection.execute(select(channels).where(which).order_by(channels.c.id))
    return tuple(_schedule(row, parts.get(row["id"], []), front.get(row["id"], [])) for row in rows.mappings())


async def get_schedule(connection: AsyncConnection, channel: str) -> StoredSchedule:
    """Return the schedule of a channel inside the caller's transaction.

    Raises:
        NotFound: there is no such channel.
    """
    found = await load_schedules(connection, channels.c.id == channel)
    if not found:
        raise NotFound(f"there is no channel {channel}: PUT /v1/schedule/{channel} makes it")
    return found[0]


def _schedule(row: RowMapping, parts: Iterable[DaypartDraft], front: Iterable[OverlayDraft]) -> StoredSchedule:
    return StoredSchedule(
        channel=row["id"],
        version=row["version"],
        sequence=row["sequence"],
        zone=row["zone"],
        default_playlist=row["default_playlist_id"],
        break_rule=BreakDraft(every_items=row["every_items"], ads=row["ads"]),
        fallback=row["fallback_media_id"],
        dayparts=tuple(parts),
        overlays=tuple(front),
    )


def _daypart(row: RowMapping) -> DaypartDraft:
    return DaypartDraft(
        id=row["id"],
        name=row["name"],
        playlist=row["playlist_id"],
        weekdays=tuple(row["weekdays"]),
        start=row["start"],
        end=row["end"],
        priority=row["priority"],
        first_day=_day(row["first_day"]),
        last_day=_day(row["last_day"]),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _values(draft: ScheduleDraft) -> dict[str, Any]:
    return {
        "zone": draft.zone,
        "default_playlist_id": draft.default_playlist,
        "every_items": draft.break_rule.every_items,
        "ads": draft.break_rule.ads,
        "fallback_media_id": draft.fallback,
    }


async def _check(connection: AsyncConnection, channel: str, draft: ScheduleDraft) -> None:
    placed = list(enumerate(draft.dayparts))
    shown: FieldUses = [(f"dayparts.{number}.playlist", part.playlist) for number, part in placed]
    default: FieldUses = [] if draft.default_playlist is None else [("default_playlist", draft.default_playlist)]
    await check_exists(connection, playlists.c.id, "playlist", [*default, *shown])
    fallback: FieldUses = [] if draft.fallback is None else [("fallback", draft.fallback)]
    await check_media(connection, [*fallback, *logos(draft)])
    brought = [(f"dayparts.{number}.id", part.id) for number, part in placed if part.id is not None]
    await check_ids_free(connection, dayparts, dayparts.c.channel_id != channel, brought)
    await check_overlays(connection, channel, draft)


async def _write_dayparts(connection: AsyncConnection, channel: str, parts: Iterable[DaypartDraft]) -> None:
    rows = [
        {
            "id": part.id or new_id(),
            "channel_id": channel,
            "position": number,
            "name": part.name,
            "playlist_id": part.playlist,
            "weekdays": list(part.weekdays),
            "start": part.start,
            "end": part.end,
            "priority": part.priority,
            "first_day": None if part.first_day is None else part.first_day.isoformat(),
            "last_day": None if part.last_day is None else part.last_day.isoformat(),
        }
        for number, part in enumerate(parts)
    ]
    if rows:
        await connection.execute(insert(dayparts), rows)


def _users(channel: str) -> Any:
    """Return in words what would miss a channel: its releases, its devices, campaigns booked on it."""
    published = select(literal("its releases")).where(exists().where(releases.c.channel_id == channel))
    present = select(devices.c.name).where(devices.c.channel_id == channel, devices.c.removed_ms.is_(None))
    return union_all(published, present, select(campaigns.c.name).where(campaigns.c.channel_id == channel))


_DRAFT: TypeAdapter[OverlayDraft] = TypeAdapter(OverlayDraft)


def logos(draft: ScheduleDraft) -> FieldUses:
    """Return the media of the logos, each with the path of its field."""
    found = ((number, one) for number, one in enumerate(draft.overlays) if isinstance(one, LogoDraft))
    return [(f"overlays.{number}.media", one.media) for number, one in found]


async def check_overlays(connection: AsyncConnection, channel: str, draft: ScheduleDraft) -> None:
    """Refuse ids that are there twice or belong to another channel.

    Raises:
        Rejected: each field is named.
    """
    brought = [(f"overlays.{number}.id", one.id) for number, one in enumerate(draft.overlays) if one.id is not None]
    await check_ids_free(connection, overlays, overlays.c.channel_id != channel, brought)


async def write_overlays(connection: AsyncConnection, channel: str, drafts: Iterable[OverlayDraft]) -> None:
    """Put these in the place of all the channel has."""
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


async def load_overlays(connection: AsyncConnection, which: ColumnElement[bool]) -> dict[str, list[OverlayDraft]]:
    """Return the overlays of the channels that match, by channel, in their order."""
    found: dict[str, list[OverlayDraft]] = {}
    placed = select(overlays).join(channels, channels.c.id == overlays.c.channel_id).where(which)
    for row in (await connection.execute(placed.order_by(overlays.c.channel_id, overlays.c.position))).mappings():
        shown = {"media": row["media_id"]} if row["media_id"] is not None else {}
        found.setdefault(row["channel_id"], []).append(
            _DRAFT.validate_python({**row["style"], **shown, "id": row["id"]})
        )
    return found


async def logo_facts(connection: AsyncConnection, draft: ScheduleDraft) -> dict[str, MediaFact]:
    """Return what is known of the logos' media, by id."""
    ids = sorted({media_id for _, media_id in logos(draft)})
    query = select(*FACT_COLUMNS).select_from(join_media_facts(media)).where(media.c.id.in_(ids))
    return {row["media_id"]: media_fact(row) for row in (await connection.execute(query)).mappings()}
