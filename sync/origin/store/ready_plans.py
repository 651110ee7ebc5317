"""Reads what a release of a channel is made from: the ready versions of its plans, and which drafts that leaves out."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel
from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import NotFound
from sync.origin.audit.changes import ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.planning.campaigns import CampaignDraft, StoredCampaign
from sync.origin.planning.channel_plan import ChannelPlan, WaitingDraft
from sync.origin.planning.plan_fields import MediaFact
from sync.origin.planning.playlists import PlaylistDraft, StoredPlaylist
from sync.origin.planning.schedules import LogoDraft, ScheduleDraft, StoredSchedule
from sync.origin.store.audit.document_versions import bodies
from sync.origin.store.campaigns import load_campaigns
from sync.origin.store.drafts.ready_versions import with_draft
from sync.origin.store.playlists import load_playlists
from sync.origin.store.row_checks import media_facts
from sync.origin.store.schedules import get_schedule
from sync.origin.tables.plans import campaigns, playlists

_DRAFTS: Mapping[ThingKind, type[BaseModel]] = {
    ThingKind.PLAYLIST: PlaylistDraft,
    ThingKind.CAMPAIGN: CampaignDraft,
}

Stored = TypeVar("Stored", StoredPlaylist, StoredCampaign)


async def load_plan(connection: AsyncConnection, channel: str, *, ready: bool) -> ChannelPlan:
    """Return the plan of a channel, of ready versions or as it is edited.

    What was never ready is in it where something ready needs it, and named: a release cannot be made of it.

    Raises:
        NotFound: there is no such channel.
    """
    newest = await get_schedule(connection, channel)
    schedule = await _ready_schedule(connection, newest) if ready else newest
    used = {daypart.playlist for daypart in schedule.dayparts} | {schedule.default_playlist} - {None}
    shown = await load_playlists(connection, playlists.c.id.in_(used))
    booked = or_(campaigns.c.channel_id.is_(None), campaigns.c.channel_id == channel)
    if not ready:
        return await _plan(connection, schedule, shown, await load_campaigns(connection, booked))
    unused = await load_campaigns(connection, booked & ~with_draft(campaigns))
    drafts = await load_campaigns(connection, with_draft(campaigns))
    campaigns_now = await _ready(connection, ThingKind.CAMPAIGN, drafts)
    own = tuple(one for one in campaigns_now if one.ready_version is not None and one.channel in (None, channel))
    plan = await _plan(connection, schedule, await _ready(connection, ThingKind.PLAYLIST, shown), (*unused, *own))
    waiting = [*_waiting_schedule(newest), *(_waiting("playlist", one) for one in shown if _has_draft(one))]
    before = {one.id: one for one in campaigns_now}
    about = [one for one in drafts if {one.channel, before[one.id].channel} & {None, channel}]
    waiting += [_waiting("campaign", one) for one in about]
    never = tuple(one for one in waiting if one.ready_version is None and one.kind != "campaign")
    return ChannelPlan(
        plan.schedule, plan.playlists, plan.campaigns, plan.fallback, plan.logos, left_out=tuple(waiting), never=never
    )


async def _plan(
    connection: AsyncConnection,
    schedule: StoredSchedule,
    shown: tuple[StoredPlaylist, ...],
    booked: tuple[StoredCampaign, ...],
) -> ChannelPlan:
    logos = {overlay.media for overlay in schedule.overlays if isinstance(overlay, LogoDraft)}
    facts = await media_facts(connection, logos | ({schedule.fallback} if schedule.fallback else set()))
    return ChannelPlan(
        schedule=schedule,
        playlists=shown,
        campaigns=booked,
        fallback=facts.get(schedule.fallback or ""),
        logos={id: fact for id, fact in facts.items() if id in logos},
    )


async def _ready_schedule(connection: AsyncConnection, newest: StoredSchedule) -> StoredSchedule:
    """Return the ready version of a schedule; the newest one, if none was ever ready."""
    version = newest.ready_version
    if version in (None, newest.version):
        return newest
    found = await bodies(connection, ThingKind.SCHEDULE, newest.channel, [version])
    if version not in found:
        return newest.model_copy(update={"ready_version": None})
    draft = ScheduleDraft.model_validate(found[version])
    fixed = {name: getattr(newest, name) for name in ("channel", "sequence", "ready_version")}
    return StoredSchedule(**vars(draft), **fixed, version=version)


async def _ready(connection: AsyncConnection, kind: ThingKind, newest: tuple[Stored, ...]) -> tuple[Stored, ...]:
    """Return the ready version of each document; of one that has none, the newest."""
    found: dict[str, Mapping[str, Any]] = {}
    for one in newest:
        if _has_draft(one) and one.ready_version is not None:
            kept = await bodies(connection, kind, one.id, [one.ready_version])
            if one.ready_version in kept:
                found[one.id] = kept[one.ready_version]
    draft = _DRAFTS[kind]
    read = await asyncio.to_thread(lambda: {id: draft.model_validate(body) for id, body in found.items()})
    facts = await media_facts(connection, _media_in(found.values()))
    return tuple(one if one.id not in read else _with_draft_of(one, read[one.id], facts) for one in newest)


def _with_draft_of(newest: Stored, draft: BaseModel, facts: Mapping[str, MediaFact]) -> Stored:
    used = _media_in([draft.model_dump(mode="json")])
    there = {id: facts.get(id) or MediaFact(name=id, state="failed", problem="it was removed") for id in used}
    values = {**vars(draft), "version": newest.ready_version, "media": there}
    return newest.model_copy(update=values)


def _media_in(documents: Collection[Mapping[str, Any]]) -> set[str]:
    """Return the media that are named anywhere in documents."""
    found: set[str] = set()
    todo: list[Any] = list(documents)
    while todo:
        match todo.pop():
            case dict() as part:
                found |= {part["media"]} if isinstance(part.get("media"), str) else set()
                todo += part.values()
            case list() as parts:
                todo += parts
    return found


def _has_draft(one: StoredPlaylist | StoredCampaign | StoredSchedule) -> bool:
    return one.ready_version != one.version


def _waiting(kind: str, one: StoredPlaylist | StoredCampaign) -> WaitingDraft:
    return WaitingDraft(kind, one.id, one.name, one.version, one.ready_version)


def _waiting_schedule(newest: StoredSchedule) -> list[WaitingDraft]:
    if not _has_draft(newest):
        return []
    return [WaitingDraft("schedule", newest.channel, newest.channel, newest.version, newest.ready_version)]


class ReadyPlans:
    """Reads ready versions, as releases are made of them."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def playlist(self, playlist_id: str) -> StoredPlaylist:
        """Return the ready version of a playlist; raise NotFound if it has none."""
        async with self._database.reading() as connection:
            newest = await load_playlists(connection, playlists.c.id == playlist_id)
            return _only_ready("playlist", playlist_id, await _ready(connection, ThingKind.PLAYLIST, newest))

    async def campaign(self, campaign_id: str) -> StoredCampaign:
        """Return the ready version of a campaign; raise NotFound if it has none."""
        async with self._database.reading() as connection:
            newest = await load_campaigns(connection, campaigns.c.id == campaign_id)
            return _only_ready("campaign", campaign_id, await _ready(connection, ThingKind.CAMPAIGN, newest))

    async def schedule(self, channel: str) -> StoredSchedule:
        """Return the ready version of a schedule; raise NotFound if it has none."""
        async with self._database.reading() as connection:
            found = await _ready_schedule(connection, await get_schedule(connection, channel))
        if found.ready_version is None:
            raise NotFound(f"the schedule of {channel} was never ready")
        return found


def _only_ready(kind: str, id: str, found: Sequence[Stored]) -> Stored:
    if not found or found[0].ready_version is None:
        raise NotFound(f"there is no {kind} {id} that was ever ready")
    return found[0]
