"""Documents of plays, as they were sent: from their rows, or from the files of their days where these are archived."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from sync.errors import StorageBroken
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.play_files import FileOfDay, Log
from sync.origin.planning.venue_days import date_of
from sync.origin.tables.plays import play_archives, plays
from sync.runtime.threads import in_thread

DOCUMENT = (plays.c.device_id, plays.c.log_epoch, plays.c.sequence, plays.c.archive_id, plays.c.body)
"""The columns from which `documents` finds the document of a play."""


async def documents(database: OriginDatabase, rows: Sequence[Sequence[Any]]) -> list[Mapping[str, Any]]:
    """Return the documents of plays, in the order of `rows`, which begin with `DOCUMENT`.

    Raises:
        StorageBroken: a file of archived plays is gone or damaged, or cannot be read here.
    """
    wanted: dict[int, dict[Log, list[int]]] = defaultdict(lambda: defaultdict(list))
    for device, log_epoch, sequence, archive, *_ in rows:
        if archive is not None:
            wanted[archive][device, log_epoch].append(sequence)
    if not wanted:
        return [row[4] for row in rows]
    found: dict[tuple[str, str, int], Mapping[str, Any]] = {}
    for archive, file in (await _files(database, wanted)).items():
        found |= await in_thread(database.play_files.documents, file, wanted[archive])
    lost = next((row for row in rows if row[3] is not None and tuple(row[:3]) not in found), None)
    if lost is not None:
        raise StorageBroken(f"play {lost[2]} of device {lost[0]} is in none of its files: restore them from a backup")
    return [row[4] if row[3] is None else found[row[0], row[1], row[2]] for row in rows]


async def _files(database: OriginDatabase, archives: Iterable[int]) -> dict[int, FileOfDay]:
    own = play_archives.c
    async with database.reading() as connection:
        rows = await connection.execute(select(own.id, own.day, own.sha256).where(own.id.in_(sorted(archives))))
        return {archive: FileOfDay(date_of(day), sha256) for archive, day, sha256 in rows}
