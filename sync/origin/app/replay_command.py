"""The command `signage-origin replay`: whether the audit log, replayed, gives what is stored today."""

import argparse
import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from sync.errors import NotFound, Rejected
from sync.origin.app.trust_commands import Answer
from sync.origin.audit.changes import ThingKind
from sync.origin.audit.differences import PARTS
from sync.origin.audit.replay import Replayed, Thing, replay
from sync.origin.persistence.pages import PageRequest
from sync.origin.planning.campaigns import CampaignDraft
from sync.origin.planning.playlists import PlaylistDraft
from sync.origin.planning.schedules import ScheduleDraft, StoredSchedule
from sync.origin.store.audit.audit_log import AuditLog
from sync.origin.store.audit.document_versions import body_of
from sync.origin.store.media.media import MediaStore
from sync.origin.store.media.media_rows import MediaState
from sync.origin.wiring.origin import Origin

_MOST_TOLD = 20


async def check_replay(origin: Origin, options: argparse.Namespace) -> Answer:
    """Compare the log with what is stored: playlists, schedules, campaigns, names of media. The server may run.

    Raises:
        Rejected: they differ.
    """
    count, faults = await faults_of(origin)
    if faults:
        more = "" if len(faults) <= _MOST_TOLD else f"; and {len(faults) - _MOST_TOLD} more"
        raise Rejected(f"the audit log does not give what is stored: {'; '.join(faults[:_MOST_TOLD])}{more}")
    return {"things": count, "faults": 0}, [f"The audit log, replayed, gives what is stored: {count} things."]


async def faults_of(origin: Origin) -> tuple[int, list[str]]:
    """Return of how many things the log speaks, and what differs from what is stored, as sentences."""
    count, faults = await _looked(origin)
    if faults:  # what was changed between both looks is no fault
        count, again = await _looked(origin)
        faults = [one for one in faults if one in again]
    return count, faults


async def _looked(origin: Origin) -> tuple[int, list[str]]:
    things, plans = replay(await origin.log.all()), origin.folder_target
    faults = [f"{kind} {id}: {gap}" for (kind, id), said in things.items() if kind in PARTS for gap in said.gaps]
    faults += await _faults(origin.log, things, ThingKind.PLAYLIST, plans.playlists, PlaylistDraft)
    faults += await _faults(origin.log, things, ThingKind.SCHEDULE, plans.schedules, ScheduleDraft)
    faults += await _faults(origin.log, things, ThingKind.CAMPAIGN, plans.campaigns, CampaignDraft)
    return len(things), faults + await _media_faults(things, plans.media)


async def _media_faults(things: Mapping[Thing, Replayed], media: MediaStore) -> list[str]:
    names = {row.id: row.name for row in await media.in_states(*MediaState)}
    said = {id: one.name for (kind, id), one in things.items() if kind is ThingKind.MEDIA and one.is_there}
    gone = [f"media {id} is not there, and the log says that it is" for id in said.keys() - names.keys()]
    both = ((id, names[id], said[id]) for id in said.keys() & names.keys())
    return gone + [f"media {id} is called {now}, and the log says {was}" for id, now, was in both if now != was]


async def _faults(
    log: AuditLog, things: Mapping[Thing, Replayed], kind: ThingKind, store: Any, draft: type[BaseModel]
) -> list[str]:
    """Return what differs in the documents of one kind."""
    ids = await _ids(store)
    there = {id for (one, id), said in things.items() if one is kind and said.is_there}
    faults = [f"{kind} {id} is not there, and the log says that it is" for id in there - set(ids)]
    for id in ids:
        try:
            stored = await store.get(id)
        except NotFound:
            continue  # it was removed at this moment
        if why := await _fault(log, things.get((kind, id)), kind, id, stored, draft):
            faults.append(f"{kind} {id}: {why}")
    return faults


async def _ids(store: Any) -> list[str]:
    found, asked = list[str](), PageRequest()
    while True:
        page = await store.page(asked)
        found += (one.channel if isinstance(one, StoredSchedule) else one.id for one in page.items)
        if page.next is None:
            return found
        asked = replace(asked, cursor=page.next)


async def _fault(
    log: AuditLog, said: Replayed | None, kind: ThingKind, id: str, stored: Any, draft: type[BaseModel]
) -> str | None:
    if said is not None and not said.is_there:
        return "the log says that it was removed"
    if said is not None and said.versions and stored.version != said.versions[-1]:
        return f"it has version {stored.version}, and the log says {said.versions[-1]}"
    kept = await log.version(kind, id, stored.version)
    if kept is None:
        return f"version {stored.version} is not kept"
    if kept != await asyncio.to_thread(body_of, stored, draft):
        return f"version {stored.version} is stored otherwise than it was kept"
    return None
