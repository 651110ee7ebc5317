"""What people call the things that plays name by their id. What was deleted since has no name."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Table, select

from sync.origin.persistence.database import OriginDatabase
from sync.origin.tables.devices import devices
from sync.origin.tables.plans import campaigns, creatives, lines, playlist_items

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
        name = table.c["name" if "name" in table.c else "title"]
        found: dict[str, str] = {}
        async with self._database.reading() as connection:
            for first in range(0, len(wanted), _IDS_AT_ONCE):
                query = select(table.c.id, name).where(table.c.id.in_(wanted[first : first + _IDS_AT_ONCE]))
                found.update({row[0]: row[1] for row in await connection.execute(query)})
        return found
