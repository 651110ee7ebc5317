"""The table of releases: what a release is made from, read at one moment, and the releases that were published.

A release is stored before its channel points to it. `channels.sequence` follows once the signed timestamp is on the
disk, so no device is told about a release that it cannot download. A crash in between is noticed and repaired.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import cache, partial, reduce
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Select, String, and_, bindparam, case, func, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Conflict, NotFound
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase, insertion
from sync.origin.persistence.deadlocks import again_if_deadlocked
from sync.origin.persistence.lists import RELEASES
from sync.origin.persistence.pages import Page, PageRequest, read_page
from sync.origin.persistence.turns import DatabaseAccess
from sync.origin.planning.channel_plan import ChannelPlan, ReleaseRecord
from sync.origin.planning.release_contents import ReleaseContent, Runs, ShownAssets, runs_at, runs_with
from sync.origin.store.audit.record import record
from sync.origin.store.changes.change_log import Subject, note
from sync.origin.store.days.given_rows import GivenRows
from sync.origin.store.drafts.readiness import make_taken_ready
from sync.origin.store.drafts.ready_versions import TakenDrafts
from sync.origin.store.heartbeats.heartbeats import write_held
from sync.origin.store.ready_plans import load_plan, seen_campaigns
from sync.origin.store.row_checks import check_channel_role
from sync.origin.store.spaces.caller_rights import caller_rights
from sync.origin.store.spaces.visible_rows import named_users, of_seen_channel, seen
from sync.origin.tables.devices import devices
from sync.origin.tables.media import media
from sync.origin.tables.plans import campaigns, channels, playlists
from sync.origin.tables.releases import release_contents, releases
from sync.roles import Role

RunsOf = Mapping[ReleaseContent, Runs]
_AT_ONCE = 500  # rows that one statement writes: some 10 ms of the processor
_CONTENT = [release_contents.c[name] for name in ReleaseContent.__dataclass_fields__]


@dataclass(frozen=True, slots=True)
class ListedRelease:
    """A release; `unneeded_ms` (Unix): when the next one took its place, None: it is still among the newest ones."""

    record: ReleaseRecord
    unneeded_ms: int | None


class ReleaseStore:
    """Reads plans and stores releases."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def check_role(self, channel: str, needed: Role) -> None:
        """Check that one has a role where a channel lies, for what is done with its releases.

        Raises:
            NotFound: there is no such channel, or one may not see it.
            Forbidden: one does not have the role.
        """
        async with self._database.reading() as connection:
            await check_channel_role(connection, channel, needed)

    async def seen_campaigns(self) -> frozenset[str] | None:
        """Return the campaigns that one may see; None: one sees all, and those that were."""
        async with self._database.reading() as connection:
            return await seen_campaigns(connection)

    async def plan(self, channel: str, *, ready: bool = True, taken: TakenDrafts | None = None) -> ChannelPlan:
        """Return all that a release of the channel is made from at one moment, or its plan as it is edited.

        Drafts that are `taken` count as ready.

        Raises:
            NotFound: there is no such channel.
        """
        async with self._database.reading() as connection:
            return await load_plan(connection, channel, ready=ready, taken=taken or {})

    async def channels(self, most: int) -> tuple[str, ...]:
        """Return the first channels by name."""
        async with self._database.reading() as connection:
            return tuple(
                (await connection.execute(select(channels.c.id).order_by(channels.c.id).limit(most))).scalars()
            )

    async def screens_without(self, channel: str, reads: str) -> tuple[str, ...]:
        """Return the names of the screens of a channel whose last heartbeat does not say that they read this."""
        await write_held(self._database)
        query = select(devices.c.name, devices.c.heartbeat, seen(devices)).where(
            devices.c.channel_id == channel, devices.c.removed_ms.is_(None)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query.order_by(devices.c.name))).all()
        old = [(name, bool(is_seen)) for name, beat, is_seen in rows if reads not in ((beat or {}).get("reads") or ())]
        return tuple(named_users(old, "screen"))

    async def latest(self, channel: str) -> ReleaseRecord | None:
        """Return the newest release, None before the first."""
        async with self._database.reading() as connection:
            return await _latest(connection, channel)

    async def newest(self, channel: str, most: int) -> list[ReleaseRecord]:
        """Return the last releases of a channel, the newest first."""
        own = releases.c
        query = select(releases).where(own.channel_id == channel).order_by(own.sequence.desc()).limit(most)
        async with self._database.reading() as connection:
            return [_record(row) for row in (await connection.execute(query)).mappings()]

    async def page(self, asked: PageRequest) -> Page[ReleaseRecord]:
        """Return a page of the releases of all channels."""
        async with self._database.reading() as connection:
            found = await read_page(connection, RELEASES, select(releases), asked, of_seen_channel(_CHANNEL))
        return found.of(lambda row: _record(row._mapping))

    async def listed(self, asked: PageRequest, previous: int) -> Page[ListedRelease]:
        """Return the same page; retention keeps `previous` releases before the newest one of each channel."""
        async with self._database.reading() as connection:
            found = await read_page(connection, RELEASES, _listing(previous), asked, of_seen_channel(_CHANNEL))
        return found.of(lambda row: _listed(row._mapping))

    async def listed_one(self, channel: str, sequence: int, previous: int) -> ListedRelease:
        """Return one of them; raise NotFound if the channel never had it."""
        async with self._database.reading() as connection:
            return _listed(await _find(connection, channel, sequence, _listing(previous)))

    async def find(self, channel: str, sequence: int) -> ReleaseRecord:
        """Return a release; raise NotFound if the channel never had it."""
        async with self._database.reading() as connection:
            return _record(await _find(connection, channel, sequence, select(releases)))

    async def pin(self, channel: str, sequence: int, pinned: bool) -> ReleaseRecord:
        """Record whether a person wants the files of a release kept; raise NotFound if the channel never had it."""
        own = releases.c
        these = (own.channel_id == channel, own.sequence == sequence)
        async with self._database.writing() as connection:
            await connection.execute(update(releases).where(*these).values(pinned=pinned))
            after = {"sequence": sequence, "pinned": pinned}
            record(connection, AuditedChange(ThingKind.RELEASE, channel, channel, Action.CHANGED, after=after))
            return _record(await _find(connection, channel, sequence, select(releases)))

    async def assets_of_media(self, assets: Collection[str]) -> frozenset[str]:
        """Return those of these assets and streams that a media still has."""
        held = select(media.c.asset_sha256).where(media.c.asset_sha256.is_not(None)).distinct()
        found = await self._database.read(lambda connection: frozenset(connection.scalars(held)))
        return found.intersection(assets)

    async def published_channels(self) -> tuple[str, ...]:
        """Return the channels that have a release."""
        async with self._database.reading() as connection:
            return tuple((await connection.execute(select(releases.c.channel_id).distinct())).scalars())

    @again_if_deadlocked
    async def add(
        self, release: ReleaseRecord, contents: Collection[ReleaseContent], taken: TakenDrafts | None = None
    ) -> None:
        """Add a release as the newest of its channel, and what it shows; its sequence may leave a gap.

        The drafts that it has `taken` along are ready from now on.

        Raises:
            Conflict: somebody else published this channel at the same moment.
            NotFound: one of the drafts was removed meanwhile.
        """
        values = {name: getattr(release, name) for name in ReleaseRecord.__dataclass_fields__ if name != "channel"}
        channel, after = release.channel, {"sequence": release.sequence, "release": release.sha256}
        async with self._database.writing() as connection:
            await make_taken_ready(connection, taken or {})
            latest = await _latest(connection, channel)
            if latest is not None and release.sequence <= latest.sequence:
                raise Conflict(f"somebody else has just published {channel}: read it and try again")
            await connection.execute(insert(releases).values(channel_id=channel, named=True, **values))
            await _change_runs(connection, channel, partial(_runs_at, release.sequence, contents))
            record(connection, AuditedChange(ThingKind.RELEASE, channel, channel, Action.PUBLISHED, after=after))

    @again_if_deadlocked
    async def make_ready(self, taken: TakenDrafts) -> None:
        """Have drafts be ready that change nothing of what is in force; raise NotFound if one was removed meanwhile."""
        async with self._database.writing() as connection:
            await make_taken_ready(connection, taken)

    async def remember_contents(self, channel: str, sha256: str, contents: Collection[ReleaseContent]) -> None:
        """Store what a release shows that was published without, or of which a restored database knows nothing."""
        query = select(releases.c.sequence).where(releases.c.sha256 == sha256, releases.c.channel_id == channel)
        async with self._database.writing() as connection:
            sequences = (await connection.scalars(query)).all()
            await _change_runs(connection, channel, partial(_runs_with, sequences, contents))
            await connection.execute(update(releases).where(releases.c.sha256 == sha256).values(named=True))

    async def published(
        self, sha256s: Collection[str], access: DatabaseAccess | None = None
    ) -> dict[str, tuple[str, int, bool]]:
        """Return of each of these releases that was published its channel, its creation, and whether it is `named`."""
        rows = await (access or self._database).read(lambda it: it.execute(_PUBLISHED, {"sha256s": [*sha256s]}).all())
        return {sha256: (channel, created_ms, bool(named)) for sha256, channel, created_ms, named in rows}

    async def contents(self, channels: Collection[str] | None, assets: Collection[str]) -> ShownAssets:
        """Return what all releases of these channels (None: of any) ever showed of each of these assets."""
        query = select(*_CONTENT).where(release_contents.c.asset.in_(assets)).order_by(release_contents.c.asset)
        if channels is not None:
            query = query.where(release_contents.c.channel_id.in_(channels))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        shown = [ReleaseContent(*row) for row in rows]
        return {asset: list(same) for asset, same in groupby(shown, key=attrgetter("asset"))}

    async def contents_of_each(
        self, channels: Collection[str], assets: Collection[str], access: DatabaseAccess | None = None
    ) -> dict[str, ShownAssets]:
        """Return the same of each channel by itself."""
        asked = [(channel, asset) for channel in channels for asset in assets]
        rows = await (access or self._database).read(lambda it: _contents_of_each(it, asked)) if asked else ()
        found: dict[str, dict[str, list[ReleaseContent]]] = {channel: {} for channel in channels}
        for channel, *content in rows:
            found[channel].setdefault(content[0], []).append(ReleaseContent(*content))
        return dict(found)

    @asynccontextmanager
    async def locked_latest(self, channel: str) -> AsyncIterator[ReleaseRecord]:
        """Lock a channel and provide its newest release while the timestamp for it is written; there must be one.

        When the block ends without an exception, the channel points to that release.
        """
        async with self._database.writing() as connection:
            await connection.execute(select(channels.c.id).where(channels.c.id == channel).with_for_update())
            latest = await _latest(connection, channel)
            assert latest is not None, f"{channel} has no release to point to"
            yield latest
            these = (channels.c.id == channel, channels.c.sequence != latest.sequence)
            if (await connection.execute(update(channels).where(*these).values(sequence=latest.sequence))).rowcount:
                await note(connection, Subject.CHANNEL, channel)

    async def plan_version(self, channel: str) -> tuple[Any, ...]:
        """Return a value that changes whenever what one may know of the plan of a channel may have changed.

        It is only good for comparing.
        """
        queries = (
            select(channels.c.version, channels.c.ready_version, channels.c.sequence).where(channels.c.id == channel),
            _change_counts(playlists).add_columns(func.sum(playlists.c.ready_version)),
            _change_counts(campaigns).add_columns(func.sum(campaigns.c.ready_version)),
            _change_counts(media).add_columns(func.count(media.c.asset_sha256)),
            select(func.count()).select_from(releases).where(releases.c.channel_id == channel),
        )
        async with self._database.reading() as connection:
            found = [tuple(row) for query in queries for row in await connection.execute(query)]
        return caller_rights(), *found


_CHANNEL = releases.c.channel_id


def _runs_at(sequence: int, contents: Collection[ReleaseContent], runs: RunsOf) -> RunsOf:
    """Return the runs after a release as the newest one, which shows these contents."""
    kept = {one: runs_at(was, sequence, named=one in contents) for one, was in runs.items()}
    return kept | {one: ((sequence, None),) for one in contents if one not in runs}


def _runs_with(sequences: Sequence[int], contents: Collection[ReleaseContent], runs: RunsOf) -> RunsOf:
    """Return the runs with older releases, too, which show these contents."""
    return {one: reduce(runs_with, sequences, runs.get(one, ())) for one in contents}


async def _change_runs(connection: AsyncConnection, channel: str, change: Callable[[RunsOf], RunsOf]) -> None:
    """Store what changes of the runs of contents; another origin may insert the same at the same moment.

    There may be thousands: it is done in a thread, and stored in parts, so that others are answered in between.
    """
    query = select(*_CONTENT, release_contents.c.sequences).where(release_contents.c.channel_id == channel)
    rows = await asyncio.to_thread(_changed_rows, channel, await connection.execute(query), change)
    statement = insertion(release_contents, connection.dialect.name)
    changed = {"sequences": statement.excluded.sequences}
    keys = list(release_contents.primary_key.columns)
    statement = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    while rows:
        await connection.execute(statement, rows[-_AT_ONCE:])
        del rows[-_AT_ONCE:]  # to free all at the end would take long, too


def _changed_rows(
    channel: str, found: Iterable[Sequence[Any]], change: Callable[[RunsOf], RunsOf]
) -> list[dict[str, Any]]:
    before = {ReleaseContent(*row[:-1]): tuple((first, last) for first, last in row[-1]) for row in found}
    return [
        {"channel_id": channel, **asdict(content), "sequences": list(runs)}
        for content, runs in change(before).items()
        if before.get(content) != runs
    ]


_PUBLISHED = (
    select(
        releases.c.sha256,
        releases.c.channel_id,
        func.min(releases.c.created_ms),
        func.max(case((releases.c.named, 1), else_=0)),
    )
    .where(releases.c.sha256.in_(bindparam("sha256s", expanding=True)))
    .group_by(releases.c.sha256, releases.c.channel_id)
)
_ASKED = GivenRows(channel=String(), asset=String())


@cache
def _shown(dialect: str) -> Select[Any]:
    """Return a query with parameters, made once: to make it costs several times what it costs to execute it."""
    own, given = release_contents.c, _ASKED.table(dialect)
    same = and_(own.channel_id == given.c.channel, own.asset == given.c.asset)
    query = select(own.channel_id, *_CONTENT).select_from(given.join(release_contents, same))
    return query.order_by(own.channel_id, own.asset)


def _contents_of_each(connection: Connection, asked: Sequence[tuple[str, str]]) -> Sequence[Sequence[Any]]:
    dialect = connection.dialect.name
    return connection.execute(_shown(dialect), _ASKED.values(dialect, asked)).all()


def _change_counts(table: Any) -> Select[Any]:
    return select(func.count(), func.sum(table.c.version), func.max(table.c.updated_ms)).select_from(table)


async def _latest(connection: AsyncConnection, channel: str) -> ReleaseRecord | None:
    query = select(releases).where(releases.c.channel_id == channel).order_by(releases.c.sequence.desc()).limit(1)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else _record(row)


async def _find(connection: AsyncConnection, channel: str, sequence: int, query: Select[Any]) -> RowMapping:
    these = (releases.c.channel_id == channel, releases.c.sequence == sequence)
    row: RowMapping | None = (await connection.execute(query.where(*these))).mappings().first()
    if row is None:
        raise NotFound(f"channel {channel} has no release {sequence}: GET /v1/releases lists those it has")
    return row


def _listing(previous: int) -> Select[Any]:
    """Select releases, each with the creation of the next one, and of the one that pushed it out of the newest ones."""
    own, other = releases.c, releases.alias("other").c
    later = select(other.created_ms).where(other.channel_id == own.channel_id, other.sequence > own.sequence)
    ordered = later.order_by(other.sequence).limit(1)
    after, pushed = ordered.scalar_subquery(), ordered.offset(previous).scalar_subquery()
    return select(releases, after.label("after_ms"), pushed.label("pushed_ms"))


def _listed(row: RowMapping) -> ListedRelease:
    return ListedRelease(_record(row), None if row["pushed_ms"] is None else row["after_ms"])


def _record(row: RowMapping) -> ReleaseRecord:
    values = {name: row[name] for name in ReleaseRecord.__dataclass_fields__ if name != "channel"}
    return ReleaseRecord(channel=row["channel_id"], **values)
