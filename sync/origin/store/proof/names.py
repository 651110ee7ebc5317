"""What people call the things that plays name by their id. What was deleted since has no name."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Select, Table, select

from sync.origin.persistence.database import OriginDatabase
from sync.origin.tables.devices import devices
from sync.origin.tables.media import media
from sync.origin.tables.plans import campaigns, creatives, lines, playlist_items, shown_title

_TABLES: Mapping[str, Table] = {
    "device": devices,
    "campaign": campaigns,
    "line": lines,
    "creative": creatives,
    "item": playlist_items,
}
"""By the field of a play that holds the id. Creatives and items have titles."""

_IDS_AT_ONCE = 500  # a statement takes a limited number of values


class NameStore:
    """Reads names."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def names(self, field: str, ids: Iterable[str | None]) -> dict[str, str]:
        """Return the names of those that are there; `field` is device, campaign, line, creative or item."""
        table, wanted = _TABLES[field], sorted({one for one in ids if one})
        query = _titles(table) if "title" in table.c else select(table.c.id, table.c.name)
        found: dict[str, str] = {}
        async with self._database.reading() as connection:
            for first in range(0, len(wanted), _IDS_AT_ONCE):
                batch = query.where(table.c.id.in_(wanted[first : first + _IDS_AT_ONCE]))
                found.update({row[0]: row[1] for row in await connection.execute(batch)})
        return found


def _titles(table: Table) -> Select[tuple[str, str]]:
    return select(table.c.id, shown_title(table)).join(media, media.c.id == table.c.media_id)
