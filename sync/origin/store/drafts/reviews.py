"""The table of reviews: drafts that somebody asks a publisher to make ready."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, case, insert, literal, or_, select, true, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Conflict, NotFound
from sync.origin.audit.actor import current_actor
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase, do_last
from sync.origin.persistence.deadlocks import again_if_deadlocked
from sync.origin.persistence.lists import REVIEWS
from sync.origin.persistence.pages import Page, PageRequest, read_page
from sync.origin.store.audit.document_versions import TABLES
from sync.origin.store.audit.record import record
from sync.origin.store.drafts.ready_versions import mark_version_ready
from sync.origin.store.spaces.caller_rights import caller_rights
from sync.origin.store.spaces.visible_rows import changeable, check_role, seen
from sync.origin.tables.plans import campaigns, channels, playlists, reviews
from sync.roles import EVERYTHING, Role
from sync.runtime.clock import Clock, unix_ms


class ReviewState(StrEnum):
    """How far a review is."""

    OPEN = "open"
    APPROVED = "approved"  # the version that was asked for is ready
    RETURNED = "returned"  # it stays a draft


MOST_REMARKS = 200
"""Remarks in one review; each of them is answered with it."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody said about a draft (`at_ms`: Unix)."""

    by: str
    at_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Review:
    """A review of one version of a document; `current_version` is its newest one, None: it was removed."""

    id: str
    kind: ThingKind
    document: str
    name: str
    version: int
    current_version: int | None
    state: ReviewState
    asked_by: str
    asked_ms: int
    ended_by: str | None
    ended_ms: int | None
    remarks: tuple[Remark, ...]


class ReviewStore:
    """Stores reviews; a document has one open review at most."""

    def __init__(self, database: OriginDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def page(self, asked: PageRequest) -> Page[Review]:
        """Return a page of those of documents that lie where one may look; of removed ones for who sees everything."""
        async with self._database.reading() as connection:
            found = await read_page(connection, REVIEWS, _QUERY, asked, _is_seen())
        return found.of(lambda row: _review(row._mapping))

    @again_if_deadlocked
    async def ask(self, kind: ThingKind, document: str, text: str | None) -> Review:
        """Ask for a review of the newest version of a document; an open review of it is about that from now on.

        Raises:
            NotFound: there is no such document.
            Forbidden: one is no editor where it lies.
            Conflict: its newest version is ready.
        """
        table, now_ms, actor = TABLES[kind], unix_ms(self._clock.now()), current_actor()
        async with self._database.writing() as connection:
            query = select(table, seen(table).label("is_seen")).where(table.c.id == document).with_for_update()
            row = (await connection.execute(query)).mappings().first()
            if row is None:
                raise NotFound(f"there is no {kind} {document}")
            check_role(kind, document, row["space_id"], Role.EDITOR, is_seen=row["is_seen"])
            if row["ready_version"] == row["version"]:
                raise Conflict(f"the newest version of this {kind} is ready: there is nothing to review")
            name = row["id"] if kind is ThingKind.SCHEDULE else row["name"]
            values = {"version": row["version"], "name": name, "asked_ms": now_ms, "asked_by": actor.name}
            own = reviews.c
            these = (own.kind == kind.value, own.document_id == document, own.state == ReviewState.OPEN.value)
            found = (await connection.execute(select(own.id, own.remarks).where(*these))).first()
            remarks = _with(found.remarks if found else [], actor.name, now_ms, text)
            if found is None:
                id = secrets.token_hex(8)
                fixed = {"id": id, "kind": kind.value, "document_id": document, "state": ReviewState.OPEN.value}
                await connection.execute(insert(reviews).values(**fixed, **values, remarks=remarks))
            else:
                id = found.id
                await connection.execute(update(reviews).where(own.id == id).values(**values, remarks=remarks))
            return _recorded(connection, await _get(connection, id), Action.REVIEW_ASKED)

    @again_if_deadlocked
    async def remark(self, review: str, text: str) -> Review:
        """Add what somebody says.

        Raises:
            NotFound: there is no such review.
            Forbidden: one is no editor where that lies which it is about.
        """
        async with self._database.writing() as connection:
            found = await _locked(connection, review, Role.EDITOR)
            stored = await self._store(connection, found, {}, text)
            return _recorded(connection, stored, Action.REMARKED)

    @again_if_deadlocked
    async def end(self, review: str, state: ReviewState, text: str | None) -> Review:
        """Approve a review, which makes the version it is about ready, or return it.

        Raises:
            NotFound: there is no such review, or what it is about was removed.
            Forbidden: one is no publisher where that lies, or it would show in channels which one may not change.
            Conflict: it has ended.
        """
        async with self._database.writing() as connection:
            found = await _locked(connection, review, Role.PUBLISHER)
            if found.state is not ReviewState.OPEN:
                raise Conflict(f"this review has ended: it was {found.state.value}")
            if state is ReviewState.APPROVED:
                await mark_version_ready(connection, found.kind, found.document, found.version)
            ended = {"state": state.value, "ended_by": current_actor().name, "ended_ms": unix_ms(self._clock.now())}
            stored = await self._store(connection, found, ended, text)
            return _recorded(connection, stored, _ENDED[state])

    async def _store(
        self, connection: AsyncConnection, found: Review, values: Mapping[str, Any], text: str | None
    ) -> Review:
        before = [asdict(one) for one in found.remarks]
        remarks = _with(before, current_actor().name, unix_ms(self._clock.now()), text)
        change = update(reviews).where(reviews.c.id == found.id)
        await connection.execute(change.values(**values, remarks=remarks))
        return await _get(connection, found.id)


async def return_for_new_channel(connection: AsyncConnection, channel: str) -> None:
    """Return the reviews of a removed channel whose name a new one gets, in the caller's transaction."""
    own = reviews.c
    these = (own.kind == ThingKind.SCHEDULE.value, own.document_id == channel, own.state == ReviewState.OPEN.value)
    for row in (await connection.execute(_QUERY.where(*these))).mappings().all():
        _recorded(connection, _review(row), Action.RETURNED)
    ended = update(reviews).where(*these).values(state=ReviewState.RETURNED.value, ended_by=current_actor().name)
    do_last(connection, lambda plain, now_ms: plain.execute(ended.values(ended_ms=now_ms)))


_ENDED = {ReviewState.APPROVED: Action.APPROVED, ReviewState.RETURNED: Action.RETURNED}


def _recorded(connection: AsyncConnection, review: Review, action: Action) -> Review:
    after = {"review": review.id, "version": review.version}
    record(connection, AuditedChange(review.kind, review.document, review.name, action, after=after))
    return review


def _with(remarks: list[dict[str, Any]], by: str, at_ms: int, text: str | None) -> list[dict[str, Any]]:
    if text is not None and len(remarks) >= MOST_REMARKS:
        raise Conflict(f"a review has {MOST_REMARKS} remarks at most: approve or return it without a word")
    return remarks if text is None else [*remarks, asdict(Remark(by, at_ms, text))]


_CURRENT = case(
    *(
        (
            reviews.c.kind == literal(kind.value),
            select(table.c.version).where(table.c.id == reviews.c.document_id).scalar_subquery(),
        )
        for kind, table in (
            (ThingKind.PLAYLIST, playlists),
            (ThingKind.SCHEDULE, channels),
            (ThingKind.CAMPAIGN, campaigns),
        )
    )
)
_QUERY = select(reviews, _CURRENT.label("current_version"))


def _is_seen() -> ColumnElement[bool]:
    """Return the condition of the reviews that one may see: to whom something is merely lent sees no drafts of it."""
    if caller_rights().spaces(Role.VIEWER) is None:
        return true()
    own = (
        (reviews.c.kind == kind.value)
        & reviews.c.document_id.in_(select(table.c.id).where(changeable(table, Role.VIEWER)))
        for kind, table in TABLES.items()
    )
    return or_(*own)


async def _get(connection: AsyncConnection, review: str) -> Review:
    row = (await connection.execute(_QUERY.where(reviews.c.id == review, _is_seen()))).mappings().first()
    if row is None:
        raise NotFound(f"there is no review {review}")
    return _review(row)


async def _locked(connection: AsyncConnection, review: str, needed: Role) -> Review:
    """Lock a review for this transaction, and check that one has a role where that lies which it is about."""
    await connection.execute(select(reviews.c.id).where(reviews.c.id == review).with_for_update())
    found = await _get(connection, review)
    table = TABLES[found.kind]
    space = await connection.scalar(select(table.c.space_id).where(table.c.id == found.document))
    check_role(found.kind, found.document, space or EVERYTHING, needed, is_seen=True)
    return found


def _review(row: RowMapping) -> Review:
    same = ("id", "name", "version", "current_version", "asked_by", "asked_ms", "ended_by", "ended_ms")
    return Review(
        kind=ThingKind(row["kind"]),
        document=row["document_id"],
        state=ReviewState(row["state"]),
        remarks=tuple(Remark(**one) for one in row["remarks"]),
        **{name: row[name] for name in same},
    )
