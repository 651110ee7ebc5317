"""Reads what a release of a channel is made from: the ready versions of its plans, and which drafts that leaves out."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel
from sqlalchemy import or_, select
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
from sync.origin.store.drafts.ready_versions import TakenDrafts, with_draft
from sync.origin.store.playlists import load_playlists
from sync.origin.store.row_checks import media_facts
from sync.origin.store.schedules import get_schedule
from sync.origin.store.spaces.caller_rights import caller_rights
from sync.origin.store.spaces.visible_rows import seen
from sync.origin.tables.plans import campaigns, playlists
from sync.roles import Role

_DRAFTS: Mapping[ThingKind, type[BaseModel]] = {
    ThingKind.PLAYLIST: PlaylistDraft,
    ThingKind.CAMPAIGN: CampaignDraft,
}

Stored = TypeVar("Stored", StoredPlaylist, StoredCampaign)
Planned = TypeVar("Planned", StoredPlaylist, StoredCampaign, StoredSchedule)
_NONE_TAKEN: TakenDrafts = {}


async def load_plan(
    connection: AsyncConnection, channel: str, *, ready: bool, taken: TakenDrafts = _NONE_TAKEN
) -> ChannelPlan:
    """Return the plan of a channel, of ready versions or as it is edited; drafts that are `taken` count as ready.

    What was never ready is in it where something ready needs it, and named: a release cannot be made of it. Drafts that
    one may not see are not named.

    Raises:
        NotFound: there is no such channel.
    """
    newest = _take(await get_schedule(connection, channel), ThingKind.SCHEDULE, channel, taken)
    schedule = await _ready_schedule(connection, newest) if ready else newest
    used = {daypart.playlist for daypart in schedule.dayparts} | {schedule.default_playlist} - {None}
    shown = await load_playlists(connection, playlists.c.id.in_(used))
    booked = or_(campaigns.c.channel_id.is_(None), campaigns.c.channel_id == channel)
    if not ready:
        return await _plan(connection, schedule, shown, await load_campaigns(connection, booked))
    unused = await load_campaigns(connection, booked & ~with_draft(campaigns))
    drafts = await load_campaigns(connection, with_draft(campaigns))
    drafts = tuple(_take(one, ThingKind.CAMPAIGN, one.id, taken) for one in drafts)
    shown = tuple(_take(one, ThingKind.PLAYLIST, one.id, taken) for one in shown)
    campaigns_now = await _ready(connection, ThingKind.CAMPAIGN, drafts)
    own = tuple(one for one in campaigns_now if one.ready_version is not None and one.channel in (None, channel))
    shown_now = await _ready(connection, ThingKind.PLAYLIST, shown)
    plan = await _plan(connection, schedule, shown_now, (*unused, *own))
    waiting = _waiting_schedule(newest, schedule)
    waiting += [_waiting("playlist", *pair) for pair in zip(shown, shown_now, strict=True) if _has_draft(pair[0])]
    both = zip(drafts, campaigns_now, strict=True)
    about = [pair for pair in both if _has_draft(pair[0]) and {one.channel for one in pair} & {None, channel}]
    about = [pair for pair in about if plan.is_seen(pair[0].id)]
    waiting += [_waiting("campaign", *pair) for pair in about]
    never = tuple(one for one in waiting if one.ready_version is None and one.kind != "campaign")
    return replace(plan, left_out=tuple(waiting), never=never)


def _take(newest: Planned, kind: ThingKind, id: str, taken: TakenDrafts) -> Planned:
    """Return a document as if the version that is taken were its ready one; where a newer one is ready, that stays."""
    version = taken.get((kind, id), 0)
    return newest.model_copy(update={"ready_version": version}) if version > (newest.ready_version or 0) else newest


async def _plan(
    connection: AsyncConnection,
    schedule: StoredSchedule,
    shown: tuple[StoredPlaylist, ...],
    booked: tuple[StoredCampaign, ...],
) -> ChannelPlan:
    logos = {overlay.media for overlay in schedule.overlays if isinstance(overlay, LogoDraft)}
    facts = await _facts(connection, logos | ({schedule.fallback} if schedule.fallback else set()))
    return ChannelPlan(
        schedule=schedule,
        playlists=shown,
        campaigns=booked,
        fallback=facts.get(schedule.fallback or ""),
        logos={id: fact for id, fact in facts.items() if id in logos},
        seen_campaigns=await seen_campaigns(connection),
    )


async def seen_campaigns(connection: AsyncConnection) -> frozenset[str] | None:
    """Return the campaigns that one may see; None: one sees all, and those that were."""
    if caller_rights().spaces(Role.VIEWER) is None:
        return None
    return frozenset(await connection.scalars(select(campaigns.c.id).where(seen(campaigns))))


async def _facts(connection: AsyncConnection, used: Collection[str]) -> dict[str, MediaFact]:
    """Return the facts about media; a version that became ready late may show one that was removed meanwhile."""
    found = await media_facts(connection, used)
    return {id: found.get(id) or MediaFact(name=id, state="failed", problem="it was removed") for id in used}


async def _ready_schedule(connection: AsyncConnection, newest: StoredSchedule) -> StoredSchedule:
    """Return the ready version of a schedule; the newest one, if none was ever ready."""
    version = newest.ready_version
    if version in (None, newest.version):
        return newest
    found = await bodies(connection, ThingKind.SCHEDULE, newest.channel, [version])
    if version not in found:
        return newest.model_copy(update={"ready_version": None})
    draft = ScheduleDraft.model_validate(found[version])
    fixed = {name: getattr(newest, name) for name in ("channel", "sequence", "ready_version", "space")}
    return StoredSchedule(**vars(draft), **fixed, version=version)


async def _ready(connection: AsyncConnection, kind: ThingKind, newest: tuple[Stored, ...]) -> tuple[Stored, ...]:
    """Return the ready version of each document; of one that has none, or whose is not kept, the newest."""
    drafts, found = {one.id for one in newest if _has_draft(one)}, dict[str, _ReadyVersion]()
    for one in newest:
        if one.id in drafts and one.ready_version is not None:
            kept = await bodies(connection, kind, one.id, [one.ready_version])
            if one.ready_version in kept:
                found[one.id] = await asyncio.to_thread(_read, _DRAFTS[kind], kept[one.ready_version])
    facts = await _facts(connection, set[str]().union(*(one.media for one in found.values())))
    return tuple(one if one.id not in drafts else _as_ready(one, found.get(one.id), facts) for one in newest)


class _ReadyVersion(NamedTuple):
    draft: BaseModel
    media: set[str]


def _read(draft: type[BaseModel], body: Mapping[str, Any]) -> _ReadyVersion:
    return _ReadyVersion(draft.model_validate(body), _media_in([body]))


def _as_ready(newest: Stored, ready: _ReadyVersion | None, facts: Mapping[str, MediaFact]) -> Stored:
    if ready is None:
        return newest.model_copy(update={"ready_version": None})
    there = {id: facts[id] for id in ready.media}
    return newest.model_copy(update={**vars(ready.draft), "version": newest.ready_version, "media": there})


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


def _waiting(kind: str, one: StoredPlaylist | StoredCampaign, ready: StoredPlaylist | StoredCampaign) -> WaitingDraft:
    return WaitingDraft(kind, one.id, one.name, one.version, ready.ready_version)


def _waiting_schedule(newest: StoredSchedule, ready: StoredSchedule) -> list[WaitingDraft]:
    if not _has_draft(newest):
        return []
    return [WaitingDraft("schedule", newest.channel, newest.channel, newest.version, ready.ready_version)]


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
