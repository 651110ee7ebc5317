"""In which spaces things are seen that pages are told of: those in which they lie, and those to which they are lent."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, select

from sync.origin.audit.changes import ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.spaces.visible_rows import LENT
from sync.origin.tables.devices import devices
from sync.origin.tables.media import media, media_folders, uploads
from sync.origin.tables.plans import campaigns, channels, playlists, reviews
from sync.origin.tables.releases import publications
from sync.roles import EVERYTHING

_AT_ONCE = 500  # ids of one statement

Told = tuple[str, str]
"""What pages are told of: a topic and an id."""

_LIE: Mapping[str, Table] = {
    "campaigns": campaigns,
    "devices": devices,
    "history": devices,
    "playlists": playlists,
    "plays": devices,
    "releases": channels,
    "schedule": channels,
    "uploads": uploads,
}
_KINDS = {ThingKind.PLAYLIST: playlists, ThingKind.SCHEDULE: channels, ThingKind.CAMPAIGN: campaigns}


class SeeingSpaces:
    """Looks up where things are seen."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def of(self, things: Collection[Told]) -> Mapping[Told, frozenset[str]]:
        """Return for each of these things that is there in which spaces it is seen; of other topics: for everything."""
        by_topic: dict[str, list[str]] = {}
        for topic, id in things:
            by_topic.setdefault(topic, []).append(id)

        def read(connection: Connection) -> dict[Told, frozenset[str]]:
            found: dict[Told, set[str]] = {}
            for topic, ids in by_topic.items():
                for id, space in _rows(connection, topic, ids):
                    found.setdefault((topic, id), set()).add(space)
            return {thing: frozenset(spaces) for thing, spaces in found.items()}

        return await self._database.read(read)


def _rows(connection: Connection, topic: str, ids: list[str]) -> Iterable[tuple[str, str]]:
    if topic not in _LIE and topic not in _ABOUT:
        return [(id, EVERYTHING) for id in ids]
    found: list[tuple[str, str]] = []
    for query, id in _ABOUT.get(topic) or _lying(_LIE[topic]):
        for first in range(0, len(ids), _AT_ONCE):
            rows = connection.execute(query.where(id.in_(ids[first : first + _AT_ONCE])))
            found += [(thing, space) for thing, space in rows]
    return found


Lookup = tuple[Select[str, str], Column[Any]]
"""Selects ids and spaces; the column has the ids."""


def _lying(table: Table) -> list[Lookup]:
    own: Lookup = (select(table.c.id, table.c.space_id), table.c.id)
    if (lent := LENT.get(table)) is None:
        return [own]
    return [own, (select(lent.c.thing_id, lent.c.space_id), lent.c.thing_id)]


def _of_document(kind: ThingKind, table: Table) -> Lookup:
    joined = select(reviews.c.id, table.c.space_id).join(table, table.c.id == reviews.c.document_id)
    return joined.where(reviews.c.kind == kind.value), reviews.c.id


_ABOUT: Mapping[str, list[Lookup]] = {
    "media": [*_lying(media), *_lying(media_folders)],
    "publications": [
        (
            select(publications.c.id, channels.c.space_id).join(channels, channels.c.id == publications.c.channel_id),
            publications.c.id,
        )
    ],
    "reviews": [_of_document(kind, table) for kind, table in _KINDS.items()],
}
