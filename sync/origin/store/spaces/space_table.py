"""The table of spaces themselves: their names, and whether anything lies in one."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Table, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Conflict, NotFound
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.planning.file_names import same_name
from sync.origin.store.audit.record import record
from sync.origin.store.spaces.caller_rights import caller_rights
from sync.origin.tables.devices import devices
from sync.origin.tables.media import media, media_folders, uploads
from sync.origin.tables.people import lent_media, lent_playlists, spaces
from sync.origin.tables.plans import campaigns, channels, playlists
from sync.roles import DEFAULT_SPACE, Role

MOST_SPACES = 1_000

_THINGS: dict[str, Table] = {
    "playlists": playlists,
    "media": media,
    "uploads": uploads,
    "folders": media_folders,
    "campaigns": campaigns,
    "channels": channels,
    "devices": devices,
}


@dataclass(frozen=True, slots=True)
class Space:
    """A part of what there is."""

    id: str
    name: str


class SpaceStore:
    """Stores spaces."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def list_seen(self) -> list[Space]:
        """Return the spaces that one may see, by name."""
        query, seen = select(spaces).order_by(spaces.c.name_key, spaces.c.id), caller_rights().spaces(Role.VIEWER)
        async with self._database.reading() as connection:
            rows = await connection.execute(query if seen is None else query.where(spaces.c.id.in_(seen)))
            return [_space(row) for row in rows]

    async def add(self, space: Space) -> None:
        """Add a space.

        Raises:
            Conflict: another one has its id or name, or there are too many.
        """
        async with self._database.writing() as connection:
            if await connection.scalar(select(spaces.c.id).where(spaces.c.id == space.id)):
                raise Conflict(f"there is a space {space.id} already: choose another id")
            await _check_name(connection, space)
            if (await connection.scalar(select(func.count()).select_from(spaces)) or 0) >= MOST_SPACES:
                raise Conflict(f"there are {MOST_SPACES} spaces already: remove those that are empty")
            await connection.execute(insert(spaces).values(id=space.id, name=space.name, name_key=_key(space.name)))
            record(connection, AuditedChange(ThingKind.SPACE, space.id, space.name, Action.CREATED))

    async def rename(self, space: Space) -> Space:
        """Give a space another name.

        Raises:
            NotFound: there is no such space.
            Conflict: another one has the name.
        """
        async with self._database.writing() as connection:
            before = {"name": await _lock(connection, space.id)}
            await _check_name(connection, space)
            values = {"name": space.name, "name_key": _key(space.name)}
            await connection.execute(update(spaces).where(spaces.c.id == space.id).values(values))
            after = {"name": space.name}
            done = AuditedChange(ThingKind.SPACE, space.id, space.name, Action.CHANGED, before=before, after=after)
            record(connection, done)
            return space

    async def remove(self, id: str) -> None:
        """Delete a space in which nothing lies; rights in it end.

        Raises:
            NotFound: there is no such space.
            Conflict: something lies in it, or it is the default one.
        """
        if id == DEFAULT_SPACE:
            raise Conflict("this is the default space, in which all lies that nobody put elsewhere: it stays")
        async with self._database.writing() as connection:
            name = await _lock(connection, id)
            counts = {name: await connection.scalar(_count(table, id)) for name, table in _THINGS.items()}
            users = [f"{count} {name}" for name, count in counts.items() if count]
            if users:
                raise Conflict("this space is not empty: move into another one what lies in it", users=users)
            for lent in (lent_playlists, lent_media):
                await connection.execute(delete(lent).where(lent.c.space_id == id))
            await connection.execute(delete(spaces).where(spaces.c.id == id))
            record(connection, AuditedChange(ThingKind.SPACE, id, name, Action.REMOVED))


def _count(table: Table, space: str) -> Any:
    return select(func.count()).select_from(table).where(table.c.space_id == space)


async def _lock(connection: AsyncConnection, id: str) -> str:
    """Lock a space for this transaction; return its name."""
    name: str | None = await connection.scalar(select(spaces.c.name).where(spaces.c.id == id).with_for_update())
    if name is None:
        raise NotFound(f"there is no space {id}")
    return name


async def _check_name(connection: AsyncConnection, space: Space) -> None:
    same = select(spaces.c.id).where(spaces.c.name_key == _key(space.name), spaces.c.id != space.id)
    if await connection.scalar(same):
        raise Conflict(f"there is a space named {space.name!r} already: choose another name")


def _key(name: str) -> str:
    return same_name(name).casefold()


def _space(row: Row[Any]) -> Space:
    return Space(row.id, row.name)
