"""What the stores of plans check alike inside their transaction: versions, media that can be shown, ids that are free.

A person is told of every wrong field at once, each by its path in what they sent.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, FromClause, Table, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import NotFound, Rejected, StaleVersion
from sync.origin.persistence.tables import assets, media, streams
from sync.origin.planning.plans import MediaFact
from sync.wire.release import Asset

FieldUses = Sequence[tuple[str, str]]
"""Where something is used and what: the path of the field, and the id in it."""

_AT_ONCE = 10_000  # ids in one query; SQLite takes 32,766 parameters, PostgreSQL 32,767

FACT_COLUMNS = [
    media.c.id.label("media_id"),
    media.c.name.label("media_name"),
    media.c.state.label("media_state"),
    media.c.problem.label("media_problem"),
    assets.c.sha256.label("asset_sha256"),
    assets.c.index_sha256.label("asset_index"),
    assets.c.size_bytes.label("asset_size_bytes"),
    assets.c.kind.label("asset_kind"),
    assets.c.media_type.label("asset_media_type"),
    assets.c.width.label("asset_width"),
    assets.c.height.label("asset_height"),
    assets.c.duration_ms.label("asset_duration_ms"),
    assets.c.has_audio.label("asset_has_audio"),
    assets.c.loudness_lufs.label("asset_loudness_lufs"),
    streams.c.url.label("stream_url"),
]
"""What `fact` makes a media's facts of; joined from media and, by `with_facts`, what it became."""


def new_id() -> str:
    """Make an id nobody can guess or meet twice."""
    return secrets.token_hex(8)


def join_media_facts(shown: FromClause) -> FromClause:
    """Join what `FACT_COLUMNS` need to a selection that has media."""
    known = shown.outerjoin(assets, assets.c.sha256 == media.c.asset_sha256)
    return known.outerjoin(streams, streams.c.media_id == media.c.id)


def media_fact(row: RowMapping) -> MediaFact:
    """Return the facts of the media in a row that has `FACT_COLUMNS`."""
    asset = None
    if row["asset_sha256"] is not None:
        asset = Asset(**{name: row[f"asset_{name}"] for name in Asset.model_fields})
    return MediaFact(
        name=row["media_name"],
        state=row["media_state"],
        problem=row["media_problem"],
        asset=asset,
        url=row["stream_url"],
    )


async def check_media(connection: AsyncConnection, uses: FieldUses) -> dict[str, str]:
    """Return the name of each media that is used.

    Raises:
        Rejected: one is unknown or has failed; each field is named.
    """
    wrong: dict[str, str] = {}
    states = await _states(connection, {media_id for _, media_id in uses})
    for field, media_id in uses:
        if media_id not in states:
            wrong[field] = f"there is no media {media_id}"
        elif states[media_id]["state"] == "failed":
            row = states[media_id]
            wrong[field] = f"{row['name']} cannot be shown: {row['problem'] or 'it failed'}"
    raise_if_wrong(wrong)
    return {media_id: row["name"] for media_id, row in states.items()}


async def _states(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, RowMapping]:
    wanted, found = sorted(ids), dict[str, RowMapping]()
    for start in range(0, len(wanted), _AT_ONCE):
        some = media.c.id.in_(wanted[start : start + _AT_ONCE])
        rows = await connection.execute(select(media.c.id, media.c.name, media.c.state, media.c.problem).where(some))
        found.update((row["id"], row) for row in rows.mappings())
    return found


async def check_exists(connection: AsyncConnection, column: Column[Any], what: str, uses: FieldUses) -> None:
    """Refuse what points at nothing.

    Raises:
        Rejected: an id is not in `column`; each field is named.
    """
    ids = sorted({used for _, used in uses})
    known = set((await connection.execute(select(column).where(column.in_(ids)))).scalars())
    raise_if_wrong({field: f"there is no {what} {used}" for field, used in uses if used not in known})


async def check_ids_free(
    connection: AsyncConnection, table: Table, elsewhere: ColumnElement[bool], uses: FieldUses
) -> None:
    """Refuse ids a person sent twice, or that parts of something else have (`elsewhere`).

    Raises:
        Rejected: each field is named.
    """
    wrong: dict[str, str] = {}
    seen: set[str] = set()
    for field, used in uses:
        if used in seen:
            wrong[field] = f"{used} is there twice"
        seen.add(used)
    ids = sorted(seen)
    for start in range(0, len(ids), _AT_ONCE):
        some = select(table.c.id).where(table.c.id.in_(ids[start : start + _AT_ONCE]), elsewhere)
        taken = set((await connection.execute(some)).scalars())
        wrong |= {
            field: f"{used} belongs to something else; leave ids out of copies" for field, used in uses if used in taken
        }
    raise_if_wrong(wrong)


def raise_if_wrong(wrong: Mapping[str, str]) -> None:
    """Raise `Rejected` if there is something wrong."""
    if wrong:
        named = ", ".join(sorted(wrong)[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        raise Rejected(f"not accepted: {named}", fields=wrong)


async def update_versioned(
    connection: AsyncConnection, table: Table, what: str, key: str, version: int, values: Mapping[str, Any]
) -> None:
    """Change a row and raise its version, if it is still the one the caller read.

    Raises:
        NotFound: there is no such row.
        StaleVersion: somebody else was first.
    """
    same = (table.c.id == key, table.c.version == version)
    done = await connection.execute(update(table).where(*same).values(**values, version=version + 1))
    if done.rowcount == 0:
        await check_version(connection, table, what, key, version)


async def check_version(connection: AsyncConnection, table: Table, what: str, key: str, version: int | None) -> None:
    """Lock a row for this transaction, and go on only if it has this version (None: any).

    Raises:
        NotFound: there is no such row.
        StaleVersion: it has another version.
    """
    current = (await connection.execute(select(table.c.version).where(table.c.id == key).with_for_update())).scalar()
    if current is None:
        raise NotFound(f"there is no {what} {key}")
    if version is not None and current != version:
        raise StaleVersion(f"somebody else changed this {what} first: read it again", current=current)
