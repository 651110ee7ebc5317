"""The tables of campaigns: each is replaced with its lines and creatives as a whole and read in one query."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, delete, insert, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import NotFound
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.deadlocks import again_if_deadlocked
from sync.origin.persistence.lists import CAMPAIGNS, named
from sync.origin.persistence.pages import Page, PageRequest, read_page
from sync.origin.planning.billable_rule import BillableRule
from sync.origin.planning.campaigns import CampaignDraft, CreativeDraft, LineDraft, StoredCampaign
from sync.origin.planning.file_names import natural_key
from sync.origin.planning.plan_fields import MediaFact
from sync.origin.planning.schedules import WindowDraft
from sync.origin.store.audit.document_versions import KeptDocument, keep_missing_versions, keep_version
from sync.origin.store.audit.record import record
from sync.origin.store.drafts.ready_versions import mark_saved
from sync.origin.store.reports.billable_rules import note_rules
from sync.origin.store.row_checks import (
    FACT_COLUMNS,
    check_channel,
    check_ids_free,
    check_media,
    check_version,
    hold,
    insert_all,
    join_media_facts,
    media_fact,
    media_facts,
    new_id,
    raise_if_wrong,
    title_columns,
    update_versioned,
)
from sync.origin.store.spaces.visible_rows import check_everywhere, check_role, seen, shown_space, space_for_new
from sync.origin.tables.media import media
from sync.origin.tables.plans import campaigns, channels, creatives, lines
from sync.roles import Role
from sync.runtime.clock import Clock, instant, unix_ms


class CampaignStore:
    """Stores campaigns."""

    def __init__(self, database: OriginDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def list_all(self) -> tuple[StoredCampaign, ...]:
        """Return all campaigns in the natural order of their names."""
        async with self._database.reading() as connection:
            found = await load_campaigns(connection, campaigns.c.id.is_not(None))
        return tuple(sorted(found, key=lambda campaign: (natural_key(campaign.name), campaign.id)))

    async def page(self, asked: PageRequest) -> Page[StoredCampaign]:
        """Return a page of campaigns."""
        async with self._database.reading() as connection:
            page = await read_page(connection, CAMPAIGNS, select(campaigns.c.id), asked, seen(campaigns))
            found = await load_campaigns(connection, campaigns.c.id.in_([row.id for row in page.items]))
        by_id = {campaign.id: campaign for campaign in found}
        return page.of(lambda row: by_id[row.id])

    async def get(self, campaign_id: str) -> StoredCampaign:
        """Return a campaign; raise NotFound if no campaign that one may see has this id."""
        async with self._database.reading() as connection:
            return await _get_campaign(connection, campaign_id, seen(campaigns))

    async def unstored(self, draft: CampaignDraft, campaign_id: str | None = None) -> StoredCampaign:
        """Return a campaign as it would be stored, with new ids for parts that have none; nothing is checked."""
        lines = tuple(line.model_copy(update={"id": line.id or new_id()}) for line in draft.lines)
        used = {creative.media for line in lines for creative in line.creatives}
        async with self._database.reading() as connection:
            facts = await media_facts(connection, used)
        unknown = {media_id: MediaFact(name=media_id, state="failed") for media_id in used - facts.keys()}
        own = {"id": campaign_id or new_id(), "version": 0, "updated_at": self._clock.now(), "media": facts | unknown}
        return StoredCampaign.model_construct(**{**vars(draft), "lines": lines, **own})

    @again_if_deadlocked
    async def create(self, draft: CampaignDraft, space: str | None = None) -> StoredCampaign:
        """Add a campaign, in the space of its channel; one without a channel in this space.

        Raises:
            Rejected: its channel or a media is unknown, a media has failed, or an id is taken.
            Forbidden: it would show in channels which one may not change.
        """
        campaign_id = new_id()
        async with self._database.writing() as connection:
            lies_in = await _space_of(connection, draft, space)
            await _check(connection, campaign_id, draft)
            values = {**self._values(draft), "space_id": lies_in}
            await connection.execute(insert(campaigns).values(id=campaign_id, version=1, **values))
            await _write_lines(connection, campaign_id, draft, unix_ms(self._clock.now()), lies_in)
            return await _kept(connection, campaign_id, Action.CREATED)

    @again_if_deadlocked
    async def replace(self, campaign_id: str, draft: CampaignDraft, *, version: int) -> StoredCampaign:
        """Replace a campaign as a whole; lines and creatives that are sent with an id keep it.

        Raises:
            NotFound: no campaign has this id.
            Forbidden: one may not change it, or it shows in channels which one may not change.
            StaleVersion: somebody else changed it first.
            Rejected: its channel or a media is unknown, a media has failed, or an id is taken.
        """
        async with self._database.writing() as connection:
            return await self.replace_in(connection, campaign_id, draft, version=version)

    async def replace_in(
        self, connection: AsyncConnection, campaign_id: str, draft: CampaignDraft, *, version: int
    ) -> StoredCampaign:
        """Do the same inside the caller's transaction."""
        if draft.channel is not None:
            await hold(connection, channels, [draft.channel])  # first, as who moves the channel does
        space = await _check_changeable(connection, campaign_id, version)
        lies_in = await _space_of(connection, draft, space if draft.channel is None else None)
        await _check(connection, campaign_id, draft)
        values = {**self._values(draft), "space_id": lies_in}
        await update_versioned(connection, campaigns, "campaign", campaign_id, version, values)
        await connection.execute(delete(lines).where(lines.c.campaign_id == campaign_id))
        await _write_lines(connection, campaign_id, draft, unix_ms(self._clock.now()), lies_in)
        return await _kept(connection, campaign_id, Action.CHANGED)

    @again_if_deadlocked
    async def remove(self, campaign_id: str, *, version: int | None) -> None:
        """Delete a campaign; its plays stay as evidence, and devices show it until the next release.

        Raises:
            NotFound: no campaign has this id.
            Forbidden: one may not change it, or it shows in channels which one may not change.
            StaleVersion: somebody else changed it first.
        """
        async with self._database.writing() as connection:
            await self.remove_in(connection, campaign_id, version=version)

    async def remove_in(self, connection: AsyncConnection, campaign_id: str, *, version: int | None) -> None:
        """Do the same inside the caller's transaction."""
        await _check_changeable(connection, campaign_id, version)
        gone = delete(campaigns).where(campaigns.c.id == campaign_id).returning(campaigns.c.name, campaigns.c.version)
        name, last = (await connection.execute(gone)).one()
        record(connection, AuditedChange(ThingKind.CAMPAIGN, campaign_id, name, Action.REMOVED, version_before=last))

    async def keep_missing_versions(self) -> None:
        """Keep the present version of each campaign that an earlier version of this program stored."""

        async def load(connection: AsyncConnection, condition: ColumnElement[bool]) -> list[KeptDocument]:
            return [_document(one) for one in await load_campaigns(connection, condition)]

        await keep_missing_versions(self._database, ThingKind.CAMPAIGN, campaigns, load)

    def _values(self, draft: CampaignDraft) -> dict[str, Any]:
        return {
            **named(draft.name, draft.advertiser),
            "advertiser": draft.advertiser,
            "channel_id": draft.channel,
            "starts_ms": unix_ms(draft.starts_at),
            "ends_ms": unix_ms(draft.ends_at),
            "updated_ms": unix_ms(self._clock.now()),
        }


def _document(stored: StoredCampaign) -> KeptDocument:
    return KeptDocument(ThingKind.CAMPAIGN, stored.id, stored.name, stored.version, stored, CampaignDraft)


async def _kept(connection: AsyncConnection, campaign_id: str, action: Action) -> StoredCampaign:
    await mark_saved(connection, ThingKind.CAMPAIGN, campaign_id)
    stored = await _get_campaign(connection, campaign_id)
    await keep_version(connection, _document(stored), action)
    return stored


async def load_campaigns(connection: AsyncConnection, condition: ColumnElement[bool]) -> tuple[StoredCampaign, ...]:
    """Return the campaigns that match, with their lines, creatives and the facts about their media, by id."""
    rows = await connection.execute(_query().where(condition))
    return await asyncio.to_thread(_campaigns, rows.mappings())


def _campaigns(rows: Iterable[RowMapping]) -> tuple[StoredCampaign, ...]:
    rows_by_id: dict[str, list[RowMapping]] = {}
    for row in rows:
        rows_by_id.setdefault(row["id"], []).append(row)
    return tuple(_campaign(one) for one in rows_by_id.values())


def _query() -> Select[Any]:
    # The windows of a line come with its first creative only: with each one, they would be read 100 times.
    windows = case((creatives.c.position == 0, lines.c.windows)).label("line_windows")
    line_columns = [column.label(f"line_{name}") for name, column in lines.c.items() if name != "windows"] + [windows]
    creative_columns = [column.label(f"creative_{name}") for name, column in creatives.c.items()]
    with_media = join_media_facts(creatives.join(media, media.c.id == creatives.c.media_id))
    with_lines = campaigns.join(lines, lines.c.campaign_id == campaigns.c.id)
    joined = with_lines.join(with_media, creatives.c.line_id == lines.c.id)
    query = select(campaigns, *line_columns, *creative_columns, *FACT_COLUMNS).select_from(joined)
    return query.order_by(campaigns.c.id, lines.c.position, creatives.c.position)


def _campaign(rows: Sequence[RowMapping]) -> StoredCampaign:
    first = rows[0]
    rows_by_line: dict[str, list[RowMapping]] = {}
    for row in rows:
        rows_by_line.setdefault(row["line_id"], []).append(row)
    facts = {row["media_id"]: row for row in rows}
    return StoredCampaign(
        id=first["id"],
        version=first["version"],
        ready_version=first["ready_version"],
        updated_at=instant(first["updated_ms"]),
        name=first["name"],
        advertiser=first["advertiser"],
        channel=first["channel_id"],
        starts_at=instant(first["starts_ms"]),
        ends_at=instant(first["ends_ms"]),
        lines=tuple(_line(line_rows) for line_rows in rows_by_line.values()),
        media={media_id: media_fact(row) for media_id, row in facts.items()},
        space=shown_space(first["space_id"]),
    )


def _line(rows: Sequence[RowMapping]) -> LineDraft:
    parts = ("creatives", "windows", "billable_rule")
    values = {name: rows[0][f"line_{name}"] for name in LineDraft.model_fields if name not in parts}
    if (rule := rows[0]["line_billable_rule"]) is not None:
        values["billable_rule"] = BillableRule.model_validate(rule)
    windows = tuple(WindowDraft.model_validate(window) for window in rows[0]["line_windows"])
    return LineDraft(windows=windows, creatives=tuple(_creative(row) for row in rows), **values)


def _creative(row: RowMapping) -> CreativeDraft:
    values = {name: row[f"creative_{name}"] for name in CreativeDraft.model_fields if name not in ("media", "title")}
    title = row["creative_title"] if row["creative_own_title"] else None
    return CreativeDraft(media=row["media_id"], title=title, **values)


async def _get_campaign(connection: AsyncConnection, campaign_id: str, *these: ColumnElement[bool]) -> StoredCampaign:
    found = await load_campaigns(connection, and_(campaigns.c.id == campaign_id, *these))
    if not found:
        raise NotFound(f"there is no campaign {campaign_id}")
    return found[0]


async def _check_changeable(connection: AsyncConnection, campaign_id: str, version: int | None) -> str:
    """Lock a campaign, check its version and that one may change it where it shows; return its space."""
    space = await check_version(connection, campaigns, "campaign", campaign_id, version)
    channel = await connection.scalar(select(campaigns.c.channel_id).where(campaigns.c.id == campaign_id))
    check_everywhere(channel)
    return space


async def _space_of(connection: AsyncConnection, draft: CampaignDraft, asked: str | None) -> str:
    """Return the space in which a campaign lies: that of its channel, or else the one that is asked for."""
    check_everywhere(draft.channel)
    if draft.channel is None:
        return await space_for_new(connection, asked)
    space = await check_channel(connection, "channel", draft.channel)
    check_role("channel", draft.channel, space, Role.EDITOR, is_seen=True)
    if asked not in (None, space):
        raise_if_wrong([("space", f"a campaign lies in the space of its channel: {space}")])
    return space


async def _check(connection: AsyncConnection, campaign_id: str, draft: CampaignDraft) -> None:
    line_ids = [(f"lines.{number}.id", line.id) for number, line in enumerate(draft.lines) if line.id is not None]
    await check_ids_free(connection, lines, lines.c.campaign_id != campaign_id, line_ids)
    own_lines = select(lines.c.id).where(lines.c.campaign_id == campaign_id)
    creative_ids = [(f"{path}.id", creative.id) for path, creative in _creatives(draft) if creative.id is not None]
    await check_ids_free(connection, creatives, creatives.c.line_id.not_in(own_lines), creative_ids)


def _creatives(draft: CampaignDraft) -> list[tuple[str, CreativeDraft]]:
    return [
        (f"lines.{line_number}.creatives.{number}", creative)
        for line_number, line in enumerate(draft.lines)
        for number, creative in enumerate(line.creatives)
    ]


async def _write_lines(
    connection: AsyncConnection, campaign_id: str, draft: CampaignDraft, now_ms: int, space: str
) -> None:
    used = [(f"{path}.media", creative.media) for path, creative in _creatives(draft)]
    names = await check_media(connection, used, space)
    line_rows, creative_rows = await asyncio.to_thread(_rows, campaign_id, draft, names)
    await insert_all(connection, lines, line_rows)
    await note_rules(connection, {row["id"]: row["billable_rule"] for row in line_rows}, now_ms)
    await insert_all(connection, creatives, creative_rows)


def _rows(
    campaign_id: str, draft: CampaignDraft, names: Mapping[str, str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of the lines and of their creatives."""
    line_rows: list[dict[str, Any]] = []
    creative_rows: list[dict[str, Any]] = []
    for position, line in enumerate(draft.lines):
        line_id = line.id or new_id()
        values = line.model_dump(mode="json", exclude={"creatives"})
        line_rows.append({**values, "id": line_id, "campaign_id": campaign_id, "position": position})
        for number, creative in enumerate(line.creatives):
            values = creative.model_dump(mode="json", exclude={"media"})
            values |= {"id": creative.id or new_id(), **title_columns(creative.title, names[creative.media])}
            creative_rows.append({**values, "line_id": line_id, "position": number, "media_id": creative.media})
    return line_rows, creative_rows
