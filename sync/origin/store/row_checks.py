"""Checks that the stores of plans make inside their transaction: versions, media that can be shown, ids that are free.

An error names many wrong fields at once, each by its path in what was sent.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from sqlalchemy import Column, ColumnElement, FromClause, Table, insert, literal, select, true, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import NotFound, Rejected, StaleVersion
from sync.origin.planning.plan_fields import MediaFact
from sync.origin.store.spaces.caller_rights import caller_rights
from sync.origin.store.spaces.visible_rows import check_role, not_usable, seen, usable
from sync.origin.tables.media import assets, media, streams
from sync.origin.tables.plans import channels, playlists
from sync.roles import EVERYTHING, Role
from sync.wire.release import Asset

FieldUses = Sequence[tuple[str, str]]
"""Pairs of the path of a field and the id in it."""

_MOST_WRONG = 100  # fields; 20,000 take the event loop 60 ms, and a problem names 20
_ROWS_PER_INSERT = 500
_IDS_PER_QUERY = 10_000  # SQLite takes 32,766 parameters, PostgreSQL 32,767

ASSET_COLUMNS = [
    assets.c["index_sha256" if name == "index" else name].label(f"asset_{name}") for name in Asset.model_fields
]
"""The columns `asset_in` reads."""

FACT_COLUMNS = [
    media.c.id.label("media_id"),
    media.c.name.label("media_name"),
    media.c.state.label("media_state"),
    media.c.problem.label("media_problem"),
    *ASSET_COLUMNS,
    streams.c.url.label("stream_url"),
]
"""The columns `media_fact` reads, of the tables that `join_media_facts` joins."""


def new_id() -> str:
    """Return a random id that nobody can guess."""
    return secrets.token_hex(8)


def title_columns(title: str | None, media_name: str) -> dict[str, Any]:
    """Return the columns of a title: one that is the name of the media is not its own, and follows that name."""
    return {"title": title or media_name, "own_title": title not in (None, media_name)}


def join_media_facts(tables: FromClause) -> FromClause:
    """Join the tables that `FACT_COLUMNS` need to `tables`, which include media."""
    joined = tables.outerjoin(assets, assets.c.sha256 == media.c.asset_sha256)
    return joined.outerjoin(streams, streams.c.media_id == media.c.id)


def media_fact(row: RowMapping) -> MediaFact:
    """Return the facts about the media in a row with `FACT_COLUMNS`."""
    values = {name: row[f"media_{name}"] for name in ("name", "state", "problem")}
    return MediaFact(asset=asset_in(row), url=row["stream_url"], **values)


def asset_in(row: RowMapping) -> Asset | None:
    """Return the asset in a row with `ASSET_COLUMNS`, None if the media has none."""
    if row["asset_sha256"] is None:
        return None
    return Asset(**{name: row[f"asset_{name}"] for name in Asset.model_fields})


async def media_facts(connection: AsyncConnection, media_ids: Iterable[str]) -> dict[str, MediaFact]:
    """Return the facts about these media, by id; of one that is not there, none."""
    ids, found = sorted(media_ids), dict[str, MediaFact]()
    for start in range(0, len(ids), _IDS_PER_QUERY):
        batch = media.c.id.in_(ids[start : start + _IDS_PER_QUERY])
        rows = await connection.execute(select(*FACT_COLUMNS).select_from(join_media_facts(media)).where(batch))
        found.update((row["media_id"], media_fact(row)) for row in rows.mappings())
    return found


async def check_media(connection: AsyncConnection, uses: FieldUses, space: str) -> dict[str, str]:
    """Return the name of each media that something in a space uses, by id; they stay there until the transaction ends.

    Raises:
        Rejected: a media is unknown or has failed, or lies in another space and is not lent; each field is named.
    """
    found = await _media_rows(connection, {media_id for _, media_id in uses}, space)
    rows = {media_id: row for media_id, row in found.items() if row["is_seen"]}
    unknown = ((field, f"there is no media {media_id}") for field, media_id in uses if media_id not in rows)
    failed = {media_id: row for media_id, row in rows.items() if row["state"] == "failed"}
    reasons = {id_: f"{row['name']} cannot be shown: {row['problem'] or 'it failed'}" for id_, row in failed.items()}
    foreign = {media_id: row["name"] for media_id, row in rows.items() if not row["is_usable"]}
    reasons |= {media_id: not_usable("media", name, space) for media_id, name in foreign.items()}
    raise_if_wrong(chain(unknown, ((field, reasons[media_id]) for field, media_id in uses if media_id in reasons)))
    return {media_id: row["name"] for media_id, row in rows.items()}


async def _media_rows(connection: AsyncConnection, media_ids: Iterable[str], space: str) -> dict[str, RowMapping]:
    columns = [media.c.id, media.c.name, media.c.state, media.c.problem]
    rights = [seen(media).label("is_seen"), usable(media, space).label("is_usable")]
    ids, found = sorted(media_ids), dict[str, RowMapping]()
    for start in range(0, len(ids), _IDS_PER_QUERY):
        batch = ids[start : start + _IDS_PER_QUERY]
        await hold(connection, media, batch)
        rows = await connection.execute(select(*columns, *rights).where(media.c.id.in_(batch)))
        found.update((row["id"], row) for row in rows.mappings())
    return found


async def hold(connection: AsyncConnection, table: Table, ids: Sequence[str]) -> None:
    """Have rows stay, where they are and lent as they are, until the transaction ends.

    What is lent is read by the next statement: one that waits for a lock sees it as it was before.
    """
    rows = select(table.c.id).where(table.c.id.in_(ids)).order_by(table.c.id)
    await connection.execute(rows.with_for_update(read=True, key_share=True))


async def check_exists(connection: AsyncConnection, column: Column[Any], kind: str, uses: FieldUses) -> None:
    """Refuse ids that are not in `column`; `kind` says in the error what they are.

    Raises:
        Rejected: each wrong field is named.
    """
    ids = sorted({used for _, used in uses})
    known = set((await connection.execute(select(column).where(column.in_(ids)))).scalars())
    raise_if_wrong((field, f"there is no {kind} {used}") for field, used in uses if used not in known)


async def check_playlists(connection: AsyncConnection, uses: FieldUses, space: str) -> None:
    """Refuse playlists that there are not, or that something in this space may not use.

    Raises:
        Rejected: each wrong field is named.
    """
    ids = sorted({used for _, used in uses})
    query = select(playlists.c.id, playlists.c.name, usable(playlists, space).label("is_usable"))
    await hold(connection, playlists, ids)
    found = {row.id: row for row in await connection.execute(query.where(playlists.c.id.in_(ids), seen(playlists)))}
    unknown = ((field, f"there is no playlist {used}") for field, used in uses if used not in found)
    foreign = {id: row.name for id, row in found.items() if not row.is_usable}
    refused = ((field, not_usable("playlist", foreign[used], space)) for field, used in uses if used in foreign)
    raise_if_wrong(chain(unknown, refused))


async def check_channel(connection: AsyncConnection, field: str, channel: str) -> str:
    """Return the space of a channel.

    Raises:
        Rejected: there is no such channel, or one may not see it; the field is named.
    """
    query = select(channels.c.space_id).where(channels.c.id == channel, seen(channels))
    space: str | None = await connection.scalar(query.with_for_update(read=True, key_share=True))
    if space is None:
        raise_if_wrong([(field, f"there is no channel {channel}")])
    return str(space)


async def check_channel_role(connection: AsyncConnection, channel: str, needed: Role) -> None:
    """Check that one has a role where a channel lies; where there is none any more, that one has it for everything.

    Raises:
        NotFound: there is no such channel, or one may not see it.
        Forbidden: one does not have the role.
    """
    lies = select(channels.c.space_id.label("space"), seen(channels).label("is_seen")).where(channels.c.id == channel)
    row = (await connection.execute(lies)).first()
    if row is not None and row.is_seen:
        check_role("channel", channel, row.space, needed, is_seen=True)
    elif row is not None or caller_rights().spaces(needed) is not None:
        raise NotFound(f"there is no channel {channel}: PUT /v1/schedule/{channel} adds it")


async def insert_all(connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, a few hundred at a time: others are answered in between."""
    for start in range(0, len(rows), _ROWS_PER_INSERT):
        await connection.execute(insert(table), rows[start : start + _ROWS_PER_INSERT])


async def check_ids_free(
    connection: AsyncConnection, table: Table, elsewhere: ColumnElement[bool], uses: FieldUses
) -> None:
    """Refuse ids that were sent twice, or that other rows have, which the condition `elsewhere` selects.

    Raises:
        Rejected: each wrong field is named.
    """
    twice: list[tuple[str, str]] = []
    seen, taken = set[str](), set[str]()
    for field, used in uses:
        if used in seen:
            twice.append((field, f"{used} is used twice"))
        seen.add(used)
    ids = sorted(seen)
    for start in range(0, len(ids), _IDS_PER_QUERY):
        batch = select(table.c.id).where(table.c.id.in_(ids[start : start + _IDS_PER_QUERY]), elsewhere)
        taken |= set((await connection.execute(batch)).scalars())
    reason = "belongs to something else: leave ids out of copies"
    raise_if_wrong(chain(twice, ((field, f"{used} {reason}") for field, used in uses if used in taken)))


def raise_if_wrong(wrong: Iterable[tuple[str, str]]) -> None:
    """Raise `Rejected` if a field is wrong; `wrong` has fields and reasons, of which the first ones are looked at."""
    fields = dict(islice(wrong, _MOST_WRONG))
    if fields:
        several = "" if len(fields) <= 5 else f" and {len(fields) - 5} more"
        named = ", ".join(sorted(fields)[:5]) + several + (" at least" if len(fields) == _MOST_WRONG else "")
        raise Rejected(f"not accepted: {named}", fields=fields)


async def update_versioned(
    connection: AsyncConnection, table: Table, kind: str, row_id: str, version: int, values: Mapping[str, Any]
) -> str:
    """Change a row and raise its version, if it still has the version the caller read; return its space.

    Raises:
        NotFound: there is no such row, or one may not see it.
        Forbidden: one may not change it.
        StaleVersion: somebody else changed it first.
    """
    space = await check_version(connection, table, kind, row_id, version)
    await connection.execute(update(table).where(table.c.id == row_id).values(**values, version=version + 1))
    return space


async def check_version(
    connection: AsyncConnection,
    table: Table,
    kind: str,
    row_id: str,
    version: int | None,
    needed: Role = Role.EDITOR,
) -> str:
    """Lock a row for this transaction, check that one may change it and its version (None: any); return its space.

    Raises:
        NotFound: there is no such row, or one may not see it.
        Forbidden: one does not have the role that is needed in its space.
        StaleVersion: it has another version.
    """
    lies = (table.c.space_id, seen(table)) if "space_id" in table.c else (literal(EVERYTHING), true())
    columns = (table.c.version, lies[0].label("space"), lies[1].label("is_seen"))
    row = (await connection.execute(select(*columns).where(table.c.id == row_id).with_for_update())).first()
    if row is None:
        raise NotFound(f"there is no {kind} {row_id}")
    check_role(kind, row_id, row.space, needed, is_seen=row.is_seen)
    if version is not None and row.version != version:
        raise StaleVersion(f"somebody else changed this {kind} first: read it again", current=row.version)
    return str(row.space)
