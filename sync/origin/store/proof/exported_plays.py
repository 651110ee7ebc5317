"""Reads the plays of an export: of whole log ranges for their hashes, and those that the export shows."""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, not_, or_, select, tuple_, union

from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.days.play_documents import DOCUMENT, documents
from sync.origin.store.spaces.visible_rows import of_no_hidden_campaign, seen
from sync.origin.tables.devices import devices
from sync.origin.tables.plans import campaigns, lines
from sync.origin.tables.plays import plays
from sync.origin.tables.releases import release_contents

_SHOWN = (*DOCUMENT, plays.c.clock_offset_ms)
_AT_ONCE = 500  # a statement takes a limited number of values


@dataclass(frozen=True, slots=True)
class LogRange:
    """Plays of one log epoch, from the first to the last sequence."""

    log_epoch: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class LoggedPlay:
    """The place of a play in its log, its hash, and its line."""

    sequence: int
    hash: str
    line: str | None


@dataclass(frozen=True, slots=True)
class ExportedPlay:
    """A play as it was sent, and what the origin adds to its start and end; None: they are as it says."""

    document: Mapping[str, Any]
    corrected_ms: int | None


class ExportedPlayStore:
    """Reads; a time is when a play started (Unix ms), from the first to before the last."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def lines_of(self, campaign: str) -> set[str]:
        """Return the lines that a campaign has, or had in a release."""
        named = select(release_contents.c.line).where(release_contents.c.campaign == campaign)
        query = union(named, select(lines.c.id).where(lines.c.campaign_id == campaign))
        async with self._database.reading() as connection:
            return set(await connection.scalars(query))

    async def hidden(self, of_lines: Iterable[str]) -> set[str]:
        """Return those of these lines that are of campaigns which one may not see."""
        found = set[str]()
        query = select(lines.c.id).join(campaigns, campaigns.c.id == lines.c.campaign_id)
        async with self._database.reading() as connection:
            for some in _parts(sorted(of_lines)):
                these = (lines.c.id.in_(some), ~of_no_hidden_campaign(campaigns.c.id))
                found.update(await connection.scalars(query.where(*these)))
        return found

    async def seen_devices(self, of: Iterable[str]) -> set[str]:
        """Return those of these devices that one may see."""
        found = set[str]()
        async with self._database.reading() as connection:
            for some in _parts(sorted(of)):
                query = select(devices.c.id).where(devices.c.id.in_(some), seen(devices))
                found.update(await connection.scalars(query))
        return found

    async def devices_of(self, of_lines: Iterable[str], from_ms: int, until_ms: int) -> set[str]:
        """Return the devices that showed one of these lines."""
        found = set[str]()
        async with self._database.reading() as connection:
            for some in _parts(sorted(of_lines)):
                query = select(plays.c.device_id).distinct().where(plays.c.line_id.in_(some))
                found.update(await connection.scalars(query.where(*_in_time(from_ms, until_ms))))
        return found

    async def ranges(self, device: str, from_ms: int, until_ms: int) -> list[LogRange]:
        """Return of each log of a device from which to which play it has of this time."""
        own = plays.c
        query = select(own.log_epoch, func.min(own.sequence), func.max(own.sequence)).group_by(own.log_epoch)
        query = query.where(own.device_id == device, *_in_time(from_ms, until_ms))
        async with self._database.reading() as connection:
            return [LogRange(*row) for row in await connection.execute(query)]

    async def logged(self, device: str, part: LogRange) -> list[LoggedPlay]:
        """Return all plays of a part of a log, in their order."""
        own = plays.c
        query = select(own.sequence, own.hash, own.line_id).where(*_within(device, part)).order_by(own.sequence)
        async with self._database.reading() as connection:
            return [LoggedPlay(*row) for row in await connection.execute(query)]

    async def lines_within(self, device: str, part: LogRange) -> set[str]:
        """Return the lines that played in a part of a log."""
        query = select(plays.c.line_id).distinct().where(*_within(device, part), plays.c.line_id.is_not(None))
        async with self._database.reading() as connection:
            return set(await connection.scalars(query))

    async def plays(self, device: str, log_epoch: str, sequences: Sequence[int]) -> AsyncIterator[ExportedPlay]:
        """Yield plays in the order of `sequences`, which rise."""
        for some in _parts(sequences):
            own = plays.c
            query = select(*_SHOWN).where(own.device_id == device, own.log_epoch == log_epoch)
            query = query.where(own.sequence.in_(some)).order_by(own.sequence)
            async with self._database.reading() as connection:
                found = (await connection.execute(query)).all()
            for play in await self._shown(found):
                yield play

    async def beside(
        self, device: str, covered: Collection[LogRange], from_ms: int, until_ms: int
    ) -> AsyncIterator[ExportedPlay]:
        """Yield the plays of this time that are in none of these parts of logs."""
        own, after = plays.c, (from_ms, "", 0)
        keys = (own.started_ms, own.log_epoch, own.sequence)
        within = [
            and_(own.log_epoch == part.log_epoch, own.sequence.between(part.first, part.last)) for part in covered
        ]
        query = select(*_SHOWN, own.started_ms).where(own.device_id == device, *_in_time(from_ms, until_ms))
        query = query.where(not_(or_(*within))) if within else query
        while True:
            page = query.where(tuple_(*keys) > tuple_(*after)).order_by(*keys).limit(_AT_ONCE)
            async with self._database.reading() as connection:
                found = (await connection.execute(page)).all()
            for play in await self._shown(found):
                yield play
            if len(found) < _AT_ONCE:
                return
            after = found[-1].started_ms, found[-1].log_epoch, found[-1].sequence

    async def _shown(self, rows: Sequence[Any]) -> list[ExportedPlay]:
        found = await documents(self._database, rows)
        return [ExportedPlay(one, row.clock_offset_ms or None) for one, row in zip(found, rows, strict=True)]


def _in_time(from_ms: int, until_ms: int) -> tuple[Any, Any]:
    return plays.c.started_ms >= from_ms, plays.c.started_ms < until_ms


def _within(device: str, part: LogRange) -> tuple[Any, Any, Any]:
    own = plays.c
    return own.device_id == device, own.log_epoch == part.log_epoch, own.sequence.between(part.first, part.last)


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[place : place + _AT_ONCE] for place in range(0, len(values), _AT_ONCE))
