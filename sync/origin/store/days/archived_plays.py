"""The statements by which plays of past days move into files, and come back from those that the database does not know.

The row of a play stays: its key, its hash, when it was and what it counts as. What moves is the document.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.persistence.database import OriginDatabase, insertion
from sync.origin.persistence.play_files import COLUMNS, FileOfDay
from sync.origin.planning.venue_days import around, day_number
from sync.origin.store.days.play_days import day_of_play, mark_days
from sync.origin.tables.devices import devices
from sync.origin.tables.plays import play_archives, plays
from sync.origin.tables.reports import ALL_DEVICES, play_days

STAYS = ("previous_hash", "zone", "boot_id")
"""What of a document stays in its row: the audit of chains, days and corrections of clocks ask for it."""

_DUE = (play_days.c.archived < play_days.c.changes, play_days.c.device_id != ALL_DEVICES)


class ArchiveStore:
    """Days whose plays changed since they were archived, and the plays that are not in a file yet."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def days_due(self, last_day: int) -> list[int]:
        """Return the days up to this one that may have plays which are in no file, the first one first."""
        day = play_days.c.day
        query = select(day).distinct().where(day <= last_day, *_DUE).order_by(day)
        async with self._database.reading() as connection:
            return list(await connection.scalars(query))

    async def devices_due(self, day: int) -> dict[str, int]:
        """Return the devices of such a day with the number of its changes, in their order."""
        row = play_days.c
        query = select(row.device_id, row.changes).where(row.day == day, *_DUE).order_by(row.device_id)
        async with self._database.reading() as connection:
            return {device: changes for device, changes in await connection.execute(query)}

    async def rows(self, device: str, day: int) -> list[dict[str, Any]]:
        """Return the plays of a device that began on a day of its venue and are in no file, as a file has them."""
        begins, ends = around(day)
        own = (plays.c.device_id == device, plays.c.started_ms >= begins, plays.c.started_ms < ends)
        names = [plays.c[name] for name in COLUMNS if name != "document"]
        query = select(*names, plays.c.body).where(*own, plays.c.archive_id.is_(None))
        async with self._database.reading() as connection:
            found = (await connection.execute(query.order_by(plays.c.log_epoch, plays.c.sequence))).mappings().all()
        return [_as_in_file(dict(row)) for row in found if _day_of(row["started_ms"], row["body"]) == day]

    async def note_archived(self, day: int, changes: Mapping[str, int]) -> None:
        """Note that all plays of a day, as it was at these changes, are in files."""
        own = (play_days.c.device_id == bindparam("device"), play_days.c.day == day)
        rows = [{"device": device, "at": count} for device, count in changes.items()]
        async with self._database.writing() as connection:
            await connection.execute(update(play_days).where(*own).values(archived=bindparam("at")), rows)

    async def finished(self) -> set[str]:
        """Return the SHA-256 of the files to which all their plays refer."""
        async with self._database.reading() as connection:
            return set(await connection.scalars(select(play_archives.c.sha256).where(play_archives.c.finished)))

    async def begin(self, file: FileOfDay) -> int:
        """Return the number of a file; it is made known where it is not."""
        query = select(play_archives.c.id).where(play_archives.c.sha256 == file.sha256)
        async with self._database.writing() as connection:
            number: int | None = await connection.scalar(query)
            if number is None:
                row = {"day": day_number(file.day), "sha256": file.sha256, "finished": False}
                added = await connection.execute(insert(play_archives).values(**row).returning(play_archives.c.id))
                number = added.scalar_one()
            return number

    async def attach(self, archive: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Have plays refer to a file that has them instead of having their document; those that are lost come back."""
        own = (
            plays.c.device_id == bindparam("device"), plays.c.log_epoch == bindparam("epoch"),
            plays.c.sequence == bindparam("place"), plays.c.hash == bindparam("its_hash"),
            plays.c.archive_id.is_(None),
        )  # fmt: skip
        documents = [json.loads(row["document"]) for row in rows]
        kept = [{name: one[name] for name in STAYS if name in one} for one in documents]
        moved = [
            {"device": row["device_id"], "epoch": row["log_epoch"], "place": row["sequence"], "its_hash": row["hash"],
             "stays": stays} for row, stays in zip(rows, kept, strict=True)
        ]  # fmt: skip
        change = update(plays).where(*own).values(archive_id=archive, body=bindparam("stays", type_=plays.c.body.type))
        async with self._database.writing() as connection:
            await _restore(connection, archive, rows, kept)
            await connection.execute(change, moved)

    async def finish(self, archive: int) -> None:
        """Note that all plays of a file refer to it."""
        async with self._database.writing() as connection:
            await connection.execute(update(play_archives).where(play_archives.c.id == archive).values(finished=True))


async def _restore(
    connection: AsyncConnection, archive: int, rows: Sequence[Mapping[str, Any]], kept: Sequence[Mapping[str, Any]]
) -> None:
    """Add the plays that the database does not have any more: it came from a backup that is older than the file."""
    by_device = {row["device_id"] for row in rows}
    here = await connection.scalars(select(devices.c.id).where(devices.c.id.in_(by_device)))
    for device in sorted(here):
        held = await _held(connection, device, [row for row in rows if row["device_id"] == device])
        lost = [
            _as_row(row) | {"body": stays, "archive_id": archive}
            for row, stays in zip(rows, kept, strict=True)
            if row["device_id"] == device and (row["log_epoch"], row["sequence"]) not in held
        ]
        if lost:
            await connection.execute(insertion(plays, connection.dialect.name).on_conflict_do_nothing(), lost)
            days = [(device, _day_of(row["started_ms"], row["body"])) for row in lost]
            await connection.run_sync(mark_days, days)


async def _held(connection: AsyncConnection, device: str, rows: Sequence[Mapping[str, Any]]) -> set[tuple[str, int]]:
    """Return the keys of those rows that the database has; they are in the order of their logs."""
    found = set[tuple[str, int]]()
    for epoch in {row["log_epoch"] for row in rows}:
        sequences = [row["sequence"] for row in rows if row["log_epoch"] == epoch]
        own = (plays.c.device_id == device, plays.c.log_epoch == epoch)
        within = plays.c.sequence.between(min(sequences), max(sequences))
        found.update((epoch, one) for one in await connection.scalars(select(plays.c.sequence).where(*own, within)))
    return found


def _day_of(started_ms: int, body: Mapping[str, Any]) -> int:
    return day_of_play(started_ms, str(body.get("zone", "")))


def _as_in_file(row: Mapping[str, Any]) -> dict[str, Any]:
    accepted = None if row["accepted"] is None else json.dumps(row["accepted"])
    return {
        **{name: row[name] for name in COLUMNS if name in row},
        "accepted": accepted,
        "document": json.dumps(row["body"]),
    }


def _as_row(row: Mapping[str, Any]) -> dict[str, Any]:
    accepted = None if row["accepted"] is None else json.loads(row["accepted"])
    return {name: row[name] for name in COLUMNS if name != "document"} | {"accepted": accepted}
