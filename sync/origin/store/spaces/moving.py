"""Moves things into another space, and lends them: what is used across spaces is lent, so that no screen changes."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    Table,
    and_,
    delete,
    insert,
    literal,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Conflict, Forbidden, NotFound
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.deadlocks import again_if_deadlocked
from sync.origin.store.audit.record import record
from sync.origin.store.spaces.caller_rights import caller_rights
from sync.origin.store.spaces.visible_rows import LENT, check_role, named_users, seen, usable
from sync.origin.tables.devices import devices
from sync.origin.tables.media import media, media_folders
from sync.origin.tables.people import spaces
from sync.origin.tables.plans import (
    campaigns,
    channels,
    creatives,
    dayparts,
    lines,
    overlays,
    playlist_items,
    playlists,
)
from sync.roles import Role


class SpaceThing(StrEnum):
    """What lies in a space."""

    PLAYLISTS = "playlists"
    MEDIA = "media"
    CAMPAIGNS = "campaigns"
    CHANNELS = "channels"
    DEVICES = "devices"


_TABLES: dict[SpaceThing, Table] = {
    SpaceThing.PLAYLISTS: playlists,
    SpaceThing.MEDIA: media,
    SpaceThing.CAMPAIGNS: campaigns,
    SpaceThing.CHANNELS: channels,
    SpaceThing.DEVICES: devices,
}


ReadyUsers = Callable[[AsyncConnection, Collection[str], str], Awaitable[list[str]]]
"""Returns the names of what uses some things in its ready version, of what lies in a space."""


ReadyUses = Callable[[AsyncConnection], Awaitable[list[tuple[str, str, frozenset[str]]]]]
"""Returns what ready versions use beside which there is a draft: the user (`kind/id`), its space, and ids."""


@dataclass(frozen=True, slots=True)
class LentThing:
    """A thing that a space may use and not change, though it lies in another one."""

    kind: SpaceThing
    id: str
    name: str
    space: str


class LendingStore:
    """Moves and lends."""

    def __init__(self, database: OriginDatabase, ready_users: ReadyUsers, ready_uses: ReadyUses) -> None:
        self._database = database
        self._ready_users = ready_users
        self._ready_uses = ready_uses

    @again_if_deadlocked
    async def move(self, kind: SpaceThing, id: str, space: str) -> list[LentThing]:
        """Put a thing into a space; a channel takes its campaigns along, and those of its screens that lay with it.

        What it uses is lent to the new space, and it to those who use it; return what was lent. A media leaves its
        folder, which stays where it is.

        Raises:
            NotFound: there is no such thing or space, or one may not see it.
            Forbidden: one is no administrator in both spaces, or may not lend what is needed.
            Conflict: it is a campaign of a channel, which goes where its channel goes.
        """
        async with self._database.writing() as connection:
            await _check_space(connection, space, Role.ADMINISTRATOR)
            before = await _lock(connection, kind, id, Role.ADMINISTRATOR)
            if kind is SpaceThing.CAMPAIGNS and before != space:
                await _check_free_campaign(connection, id)
            for table, condition in _goes_along(kind, id, before):
                await connection.execute(update(table).where(condition).values(space_id=space))
            if kind is SpaceThing.MEDIA:
                await _leave_folder(connection, id, space)
            await _record(connection, kind, id, Action.MOVED, {"space": before}, {"space": space})
            given = await _lend_what_is_used(connection, kind, id)
            return given + await self._lend_what_is_ready(connection, kind, id)

    async def _lend_what_is_ready(self, connection: AsyncConnection, kind: SpaceThing, id: str) -> list[LentThing]:
        """Lend what ready versions use across spaces since a thing was moved, though their drafts do not."""
        moved = {f"{kind}/{id}"}
        if kind is SpaceThing.CHANNELS:
            booked = await connection.scalars(select(campaigns.c.id).where(campaigns.c.channel_id == id))
            moved |= {f"{SpaceThing.CAMPAIGNS}/{one}" for one in booked}
        given: list[LentThing] = []
        for user, space, used in await self._ready_uses(connection):
            given += await _lend_to(connection, used if user in moved else used & {id}, space)
        return given

    @again_if_deadlocked
    async def lend(self, kind: SpaceThing, id: str, space: str) -> None:
        """Let a space use a playlist or media that lies in another one.

        Raises:
            NotFound: there is no such thing or space, or one may not see it; other things are not lent.
            Forbidden: one is no publisher where it lies.
            Conflict: it lies in this space.
        """
        async with self._database.writing() as connection:
            await _check_space(connection, space, Role.VIEWER)
            if await _lock(connection, kind, id, Role.PUBLISHER) == space:
                raise Conflict(f"it lies in the space {space} itself")
            await _insert(connection, _lent(kind), [(id, space)])
            await _record(connection, kind, id, Action.LENT, None, {"space": space})

    @again_if_deadlocked
    async def take_back(self, kind: SpaceThing, id: str, space: str) -> None:
        """Let a space use a thing no more.

        Raises:
            NotFound: there is no such thing, or one may not see it, or it is not lent to this space.
            Forbidden: one is no publisher where it lies.
            Conflict: something in this space uses it, or its ready version does; it is named.
        """
        lent = _lent(kind)
        async with self._database.writing() as connection:
            await _lock(connection, kind, id, Role.PUBLISHER)
            gone = delete(lent).where(lent.c.thing_id == id, lent.c.space_id == space)
            if not (await connection.execute(gone)).rowcount:
                raise NotFound(f"it is not lent to a space {space}")
            users = [(row.name, bool(row.is_seen)) for row in await _users(connection, kind, id) if row.space == space]
            named = sorted({*named_users(users, "plan"), *await self._ready_users(connection, [id], space)})
            if named:
                raise Conflict("it is in use in this space: take it out there first", users=named)
            await _record(connection, kind, id, Action.TAKEN_BACK, {"space": space}, None)

    async def lent_to(self, space: str) -> list[LentThing]:
        """Return what is lent to a space, by name; raise NotFound if one may not see that."""
        async with self._database.reading() as connection:
            await _check_space(connection, space, Role.VIEWER)
            return [one for kind in _KINDS_LENT for one in await _lent_there(connection, kind, space)]


_KINDS_LENT = (SpaceThing.PLAYLISTS, SpaceThing.MEDIA)


_RECORDED: dict[SpaceThing, ThingKind] = {
    SpaceThing.PLAYLISTS: ThingKind.PLAYLIST,
    SpaceThing.MEDIA: ThingKind.MEDIA,
    SpaceThing.CAMPAIGNS: ThingKind.CAMPAIGN,
    SpaceThing.CHANNELS: ThingKind.SCHEDULE,
    SpaceThing.DEVICES: ThingKind.DEVICE,
}


async def _record(
    connection: AsyncConnection,
    kind: SpaceThing,
    id: str,
    action: Action,
    before: dict[str, str] | None,
    after: dict[str, str] | None,
) -> None:
    table = _TABLES[kind]
    named = table.c.id if kind is SpaceThing.CHANNELS else table.c.name
    name = await connection.scalar(select(named).where(table.c.id == id)) or id
    record(connection, AuditedChange(_RECORDED[kind], id, name, action, before=before, after=after))


def _lent(kind: SpaceThing) -> Table:
    if kind not in _KINDS_LENT:
        raise NotFound(f"{kind} are not lent; playlists and media are")
    return LENT[_TABLES[kind]]


async def _check_space(connection: AsyncConnection, space: str, needed: Role) -> None:
    """Hold a space until the transaction ends, and check that one sees it and has a role there."""
    known = select(spaces.c.id).where(spaces.c.id == space).with_for_update(read=True, key_share=True)
    if not caller_rights().allow(Role.VIEWER, space) or await connection.scalar(known) is None:
        raise NotFound(f"there is no space {space}")
    check_role("things in space", space, space, needed, is_seen=True)


async def _lock(connection: AsyncConnection, kind: SpaceThing, id: str, needed: Role) -> str:
    table = _TABLES[kind]
    query = select(table.c.space_id, seen(table).label("is_seen")).where(table.c.id == id).with_for_update()
    row = (await connection.execute(query)).first()
    if row is None:
        raise NotFound(f"there is no {_one(kind)} {id}")
    check_role(_one(kind), id, row.space_id, needed, is_seen=row.is_seen)
    return str(row.space_id)


def _one(kind: SpaceThing) -> str:
    return kind.removesuffix("s")


async def _leave_folder(connection: AsyncConnection, id: str, space: str) -> None:
    """Take a media out of a folder that does not lie in its space."""
    elsewhere = select(media_folders.c.id).where(media_folders.c.space_id != space)
    left = update(media).where(media.c.id == id, media.c.folder_id.in_(elsewhere))
    await connection.execute(left.values(folder_id=None))


async def _check_free_campaign(connection: AsyncConnection, id: str) -> None:
    channel = await connection.scalar(select(campaigns.c.channel_id).where(campaigns.c.id == id))
    if channel is not None:
        raise Conflict(f"a campaign lies where its channel lies: move channel {channel}", users=[channel])


def _goes_along(kind: SpaceThing, id: str, before: str) -> list[tuple[Table, Any]]:
    own = (_TABLES[kind], _TABLES[kind].c.id == id)
    if kind is not SpaceThing.CHANNELS:
        return [own]
    of_channel = and_(devices.c.channel_id == id, devices.c.space_id == before)
    return [own, (campaigns, campaigns.c.channel_id == id), (devices, of_channel)]


async def _lend_what_is_used(connection: AsyncConnection, kind: SpaceThing, id: str) -> list[LentThing]:
    """Lend what is used across spaces since a thing was moved: what it uses, and it itself."""
    given: list[LentThing] = []
    for used in _KINDS_LENT:
        table, lent, uses = _TABLES[used], _lent(used), _uses(used).subquery()
        own = uses.c.used == id if used is kind else _uses_of(kind, id, uses.c.user)
        lending = and_(lent.c.thing_id == uses.c.used, lent.c.space_id == uses.c.space)
        query = select(uses.c.used, uses.c.space, table.c.name, table.c.space_id).distinct()
        query = query.join(table, table.c.id == uses.c.used).outerjoin(lent, lending)
        missing = (own, uses.c.space != table.c.space_id, lent.c.thing_id.is_(None))
        rows = (await connection.execute(query.where(*missing))).all()
        _check_lendable(rows)
        await _insert(connection, lent, [(row.used, row.space) for row in rows])
        given += [LentThing(used, row.used, row.name, row.space) for row in rows]
    return given


async def _lend_to(connection: AsyncConnection, ids: Collection[str], space: str) -> list[LentThing]:
    """Lend those of these playlists and media to a space that it cannot use yet; return them."""
    given: list[LentThing] = []
    for kind in _KINDS_LENT if ids else ():
        table = _TABLES[kind]
        query = select(table.c.id, table.c.name, table.c.space_id).where(table.c.id.in_(ids), ~usable(table, space))
        rows = (await connection.execute(query)).all()
        _check_lendable(rows)
        await _insert(connection, _lent(kind), [(row.id, space) for row in rows])
        given += [LentThing(kind, row.id, row.name, space) for row in rows]
    return given


def _uses_of(kind: SpaceThing, id: str, user: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition of the uses by what was moved with a thing, `user` as `_uses` has it."""
    own = user == f"{kind}/{id}"
    if kind is not SpaceThing.CHANNELS:
        return own
    return or_(own, user.in_(select(literal("campaigns/") + campaigns.c.id).where(campaigns.c.channel_id == id)))


def _check_lendable(rows: Sequence[Any]) -> None:
    rights = caller_rights()
    if refused := sorted({row.name for row in rows if not rights.allow(Role.PUBLISHER, row.space_id)}):
        asks = sorted({(Role.PUBLISHER.value, row.space_id) for row in rows if row.name in refused})
        named = ", ".join(refused)
        raise Forbidden(f"it uses {named} of another space, which you may not lend: ask there first", asks=asks)


def _uses(kind: SpaceThing) -> CompoundSelect[Any]:
    """Select the uses of playlists or media: what is used, who uses it (`kind/id`), its space, name, if it is seen."""
    if kind is SpaceThing.PLAYLISTS:
        return union(
            _use(channels.c.default_playlist_id, channels, channels.c.id),
            _use(dayparts.c.playlist_id, channels, channels.c.id, dayparts.c.channel_id == channels.c.id),
        )
    in_line = and_(creatives.c.line_id == lines.c.id, lines.c.campaign_id == campaigns.c.id)
    return union(
        _use(playlist_items.c.media_id, playlists, playlists.c.name, playlist_items.c.playlist_id == playlists.c.id),
        _use(channels.c.fallback_media_id, channels, channels.c.id),
        _use(overlays.c.media_id, channels, channels.c.id, overlays.c.channel_id == channels.c.id),
        _use(creatives.c.media_id, campaigns, campaigns.c.name, in_line),
    )


def _use(used: Any, user: Table, name: Any, *joined: Any) -> Select[Any]:
    whose = (literal(f"{user.name}/") + user.c.id).label("user")
    columns = (
        used.label("used"),
        whose,
        user.c.space_id.label("space"),
        name.label("name"),
        seen(user).label("is_seen"),
    )
    return select(*columns).where(used.is_not(None), *joined)


async def _users(connection: AsyncConnection, kind: SpaceThing, id: str) -> Sequence[Any]:
    uses = _uses(kind).subquery()
    return (await connection.execute(select(uses).where(uses.c.used == id))).all()


async def _insert(connection: AsyncConnection, lent: Table, pairs: Iterable[tuple[str, str]]) -> None:
    for id, space in pairs:
        same = select(lent.c.thing_id).where(lent.c.thing_id == id, lent.c.space_id == space)
        if await connection.scalar(same) is None:
            await connection.execute(insert(lent).values(thing_id=id, space_id=space))


async def _lent_there(connection: AsyncConnection, kind: SpaceThing, space: str) -> list[LentThing]:
    table, lent = _TABLES[kind], _lent(kind)
    query = select(table.c.id, table.c.name).join(lent, lent.c.thing_id == table.c.id).where(lent.c.space_id == space)
    rows = await connection.execute(query.order_by(table.c.name_order, table.c.id))
    return [LentThing(kind, row.id, row.name, space) for row in rows]
