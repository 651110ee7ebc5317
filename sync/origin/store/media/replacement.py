"""Takes media out of all plans, or puts another one in their place: in one transaction, each plan by its own store."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Conflict, Forbidden, NotFound, Rejected
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.deadlocks import again_if_deadlocked
from sync.origin.planning.media.plan_edits import Instead, campaign_with, playlist_with, schedule_with
from sync.origin.planning.media.uses import MediaUses
from sync.origin.planning.plan_fields import MediaFact
from sync.origin.store.audit.record import record
from sync.origin.store.campaigns import CampaignStore, load_campaigns
from sync.origin.store.drafts.ready_versions import left_as_they_are, ready_users
from sync.origin.store.media.uses import may_change_all, seen_uses, uses_in_plans
from sync.origin.store.playlists import PlaylistStore, load_playlists
from sync.origin.store.row_checks import FACT_COLUMNS, check_version, join_media_facts, media_fact
from sync.origin.store.schedules import ScheduleStore, load_schedules
from sync.origin.store.spaces.visible_rows import seen
from sync.origin.tables.media import media
from sync.origin.tables.plans import campaigns, channels, creatives, lines, overlays, playlist_items, playlists
from sync.wire.release import MediaKind

UsesOf = Mapping[str, MediaUses]
"""What uses each of some media, by their ids."""


@dataclass(frozen=True, slots=True)
class PlanStores:
    """The stores of all that shows media."""

    playlists: PlaylistStore
    campaigns: CampaignStore
    schedules: ScheduleStore


class MediaReplacementStore:
    """Removes and replaces media with all their uses."""

    def __init__(self, database: OriginDatabase, plans: PlanStores) -> None:
        self._database = database
        self._plans = plans

    @again_if_deadlocked
    async def remove(
        self, ids: Collection[str], *, version: int | None = None, with_uses: bool = False, mark: str | None = None
    ) -> UsesOf:
        """Delete media, all or none; return what used them. `sync.origin.retention` deletes assets nothing needs.

        `version`, if not None, must be the present one. `with_uses`: they are taken out of all plans, where `mark`, if
        not None, must be that of the present uses. A playlist may become empty; a line or a campaign that would is
        removed.

        Raises:
            NotFound: no media has one of the ids.
            StaleVersion: somebody else changed it first.
            Forbidden: one may not change them, or one of the plans that use them.
            Conflict: plans use them, or others than those that were seen, or the next release does; they are named as
                far as one may see them.
        """
        async with self._database.writing() as connection:
            if with_uses:
                await _lock_users(connection, ids)
            names = {one: await _locked(connection, one, version) for one in sorted(set(ids))}
            uses = {one: await uses_in_plans(connection, one) for one in names}
            known = [await seen_uses(connection, one) for one in uses.values()]
            users = {name for one in known for name in one.names}
            if not with_uses and (users := users.union(await ready_users(connection, names))):
                raise Conflict("this media is in use: remove it there first", users=sorted(users))
            _check_mark(known, mark)
            await _check_may_change(connection, uses.values())
            await self._change_plans(connection, uses, dict.fromkeys(names))
            if kept := await ready_users(connection, names):
                raise Conflict("the next release still shows this media: make these ready first", users=kept)
            await connection.execute(delete(media).where(media.c.id.in_(names)))
            for one, name in names.items():
                record(connection, AuditedChange(ThingKind.MEDIA, one, name, Action.REMOVED))
        return uses

    @again_if_deadlocked
    async def replace(self, old: str, new: str, mark: str | None = None) -> MediaUses:
        """Put media `new` wherever plans use `old`, which stays; return what was changed.

        Raises:
            NotFound: no media has one of the ids.
            Forbidden: one may not change the old one, or one of the plans that use it.
            Conflict: plans use it otherwise than was seen; they are named.
            Rejected: the other one is not ready, or cannot be shown in one of these places; each is named.
        """
        async with self._database.writing() as connection:
            await _lock_users(connection, [old])
            for one in sorted({old, new}):
                await (_locked(connection, one, None) if one == old else _held(connection, one))
            uses = await uses_in_plans(connection, old)
            _check_mark([await seen_uses(connection, uses)], mark)
            await _check_may_change(connection, [uses])
            _check_fits(old, new, uses, await _fact(connection, new), await self._timeless(connection, old, uses))
            await self._change_plans(connection, {old: uses}, {old: new})
        return uses

    async def _timeless(self, connection: AsyncConnection, old: str, uses: MediaUses) -> list[str]:
        """Return the names of campaigns that show a media for as long as it plays itself."""
        found = await load_campaigns(connection, campaigns.c.id.in_([one.id for one in uses.campaigns]))
        return [
            campaign.name
            for campaign in found
            if any(one.media == old and one.duration_ms is None for line in campaign.lines for one in line.creatives)
        ]

    async def _change_plans(self, connection: AsyncConnection, uses: UsesOf, instead: Instead) -> None:
        in_playlists = sorted({one.id for each in uses.values() for one in each.playlists})
        for playlist in await load_playlists(connection, playlists.c.id.in_(in_playlists)):
            draft, version = playlist_with(playlist, instead), playlist.version
            with left_as_they_are(version, playlist.ready_version):
                await self._plans.playlists.replace_in(connection, playlist.id, draft, version=version)
        in_campaigns = sorted({one.id for each in uses.values() for one in each.campaigns})
        for campaign in await load_campaigns(connection, campaigns.c.id.in_(in_campaigns)):
            booked, version = campaign_with(campaign, instead), campaign.version
            if booked is None:
                await self._plans.campaigns.remove_in(connection, campaign.id, version=version)
            else:
                with left_as_they_are(version, campaign.ready_version):
                    await self._plans.campaigns.replace_in(connection, campaign.id, booked, version=version)
        in_channels = sorted({one.channel for each in uses.values() for one in each.channels})
        for schedule in await load_schedules(connection, channels.c.id.in_(in_channels)):
            planned, version = schedule_with(schedule, instead), schedule.version
            with left_as_they_are(version, schedule.ready_version):
                await self._plans.schedules.replace_in(connection, schedule.channel, planned, version=version)


def _check_mark(uses: Iterable[MediaUses], mark: str | None) -> None:
    for one in uses:
        if mark not in (None, one.mark):
            raise Conflict("plans use this media otherwise than you have seen: look again", users=one.names)


async def _check_may_change(connection: AsyncConnection, uses: Iterable[MediaUses]) -> None:
    for one in uses:
        if not await may_change_all(connection, one):
            named = ", ".join((await seen_uses(connection, one)).names)
            raise Forbidden(f"{named} use this media, and you may not change all of them: ask an editor there")


def _check_fits(old: str, new: str, uses: MediaUses, fact: MediaFact, timeless: list[str]) -> None:
    """Refuse what cannot be shown in all places of another media."""
    if old == new:
        raise _rejected("it is the same media: choose another one")
    if fact.url is None and fact.asset is None:
        raise _rejected(f"{fact.name} is not ready: wait until it is, or choose another one")
    is_picture = fact.asset is not None and fact.asset.kind is MediaKind.PICTURE
    if uses.channels and not is_picture:
        named = ", ".join(one.channel for one in uses.channels)
        raise _rejected(f"{fact.name} is not a picture, as a fallback or a logo must be: {named}")
    if fact.url is not None and timeless:
        raise _rejected(f"{fact.name} is a stream: as an ad it needs a duration: {', '.join(sorted(timeless))}")


def _rejected(why: str) -> Rejected:
    return Rejected(why, fields={"by": why})


async def _lock_users(connection: AsyncConnection, ids: Collection[str]) -> None:
    """Lock the plans that use media, before the media: so does who saves a plan, from the channel down."""
    in_lines = select(lines.c.campaign_id).join(creatives, creatives.c.line_id == lines.c.id)
    logos = select(overlays.c.channel_id).where(overlays.c.media_id.in_(ids))
    items = select(playlist_items.c.playlist_id).where(playlist_items.c.media_id.in_(ids))
    booked = campaigns.c.id.in_(in_lines.where(creatives.c.media_id.in_(ids)))
    of_campaigns = select(campaigns.c.channel_id).where(booked)
    of_channels = or_(*(channels.c.id.in_(one) for one in (logos, of_campaigns)), channels.c.fallback_media_id.in_(ids))
    for table, these in ((channels, of_channels), (campaigns, booked), (playlists, playlists.c.id.in_(items))):
        await connection.execute(select(table.c.id).where(these).order_by(table.c.id).with_for_update())


async def _locked(connection: AsyncConnection, media_id: str, version: int | None) -> str:
    """Lock a media and return its name."""
    await check_version(connection, media, "media", media_id, version)
    return str(await connection.scalar(select(media.c.name).where(media.c.id == media_id)))


async def _held(connection: AsyncConnection, media_id: str) -> None:
    """Lock a media that one may see; raise NotFound if there is none."""
    query = select(media.c.id).where(media.c.id == media_id, seen(media)).with_for_update()
    if await connection.scalar(query) is None:
        raise NotFound(f"there is no media {media_id}")


async def _fact(connection: AsyncConnection, media_id: str) -> MediaFact:
    query = select(*FACT_COLUMNS).select_from(join_media_facts(media)).where(media.c.id == media_id)
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise NotFound(f"there is no media {media_id}")
    return media_fact(row)
