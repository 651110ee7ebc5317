"""The rows of the items of a playlist: a change writes those that differ, and leaves gaps between their positions."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.audit.differences import moved_places
from sync.origin.store.row_checks import insert_all
from sync.origin.tables.plans import playlist_items

GAP = 1_024
_FARTHEST = 2**30  # positions are 32 bits
_IDS_PER_STATEMENT = 10_000

_NAMES = tuple(playlist_items.c.keys())

Row = dict[str, Any]


async def write_items(connection: AsyncConnection, playlist_id: str, rows: Sequence[Row]) -> None:
    """Make these rows, in this order, those of a playlist; what is there as it should be is not written again."""
    query = select(playlist_items).where(playlist_items.c.playlist_id == playlist_id)
    stored = (await connection.execute(query)).all()
    gone, new = await asyncio.to_thread(_differing, stored, rows)
    for start in range(0, len(gone), _IDS_PER_STATEMENT):
        some = gone[start : start + _IDS_PER_STATEMENT]
        await connection.execute(delete(playlist_items).where(playlist_items.c.id.in_(some)))
    await insert_all(connection, playlist_items, new)


def _differing(stored: Sequence[Sequence[Any]], rows: Sequence[Row]) -> tuple[list[str], list[Row]]:
    """Return the ids of the rows that are to go, and those that are to come."""
    place, id = _NAMES.index("position"), _NAMES.index("id")
    before = {row[id]: tuple(row) for row in stored}
    found = positions({row[id]: row[place] for row in stored}, [row["id"] for row in rows])
    placed = [{**row, "position": found[row["id"]]} for row in rows]
    new = [row for row in placed if before.get(row["id"]) != tuple(row[name] for name in _NAMES)]
    there = {row["id"] for row in rows}
    changed = (row["id"] for row in new if row["id"] in before)
    return [*(one for one in before if one not in there), *changed], new


def positions(before: Mapping[str, int], ids: Sequence[str]) -> dict[str, int]:
    """Return the positions that put ids into this order. As few as can be differ from those of `before`.

    Where there is no room between two that stay, all get new ones.
    """
    moved = moved_places([before[id] for id in ids if id in before])
    found: dict[str, int] = {}
    waiting: list[str] = []
    last: int | None = None
    for id in chain(ids, (None,)):
        at = None if id is None else before.get(id)
        if id is not None and (at is None or at in moved):
            waiting.append(id)
            continue
        places = _between(last, at, len(waiting))
        if places is None:
            return {id: number * GAP for number, id in enumerate(ids)}
        found.update(zip(waiting, places, strict=True))
        if id is not None and at is not None:
            found[id] = last = at
        waiting.clear()
    return found


def _between(first: int | None, last: int | None, count: int) -> range | None:
    """Return so many positions between two others, None on a side that is open; None: there is no room."""
    if first is not None and last is not None:
        step = (last - first) // (count + 1)
        return range(first + step, first + step * count + 1, step) if step else (range(0) if not count else None)
    start = 0 if last is None else last - GAP * count
    start = start if first is None else first + GAP
    is_far = not -_FARTHEST < start < start + GAP * count < _FARTHEST
    return None if count and is_far else range(start, start + GAP * count, GAP)
