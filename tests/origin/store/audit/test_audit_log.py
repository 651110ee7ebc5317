"""The history of a long document is read without having all of its versions in memory."""

import tracemalloc

from sync.origin.audit.actor import ORIGIN, Actor
from sync.origin.audit.changes import Action, ThingKind
from sync.origin.audit.sentences import sentence
from sync.origin.persistence.pages import PageRequest
from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.store.audit.audit_log import MOST_DIFFERENCES, AuditEntry, AuditLog
from sync.origin.store.audit.document_versions import KeptDocument, keep_version
from tests.origin.planning_origin import PlanningOrigin

ITEMS, VERSIONS = 2_000, 20


async def test_a_long_history_takes_little_memory(planning: PlanningOrigin) -> None:
    async with planning.database.writing() as connection:
        for version in range(1, VERSIONS + 1):
            items = tuple(PlaylistItem(id=f"i{n}", media="m", volume=version) for n in range(ITEMS))
            draft = PlaylistDraft(name="Lobby", items=items)
            document = KeptDocument(ThingKind.PLAYLIST, "p", "Lobby", version, draft, PlaylistDraft)
            await keep_version(connection, document, Action.CREATED if version == 1 else Action.CHANGED)
    log = AuditLog(planning.database)
    peaks = []
    for limit in (3, VERSIONS):
        tracemalloc.start()
        found = (await log.history([ThingKind.PLAYLIST], "p", PageRequest(limit))).items
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]
    assert [(one.change.version_after, one.more) for one in found][:2] == [(VERSIONS, 1_800), (VERSIONS - 1, 1_800)]
    assert found[-1].differs is None and len(found[0].differs or ()) == MOST_DIFFERENCES
    assert text_of(found[0]).endswith("and 1997 more")


def text_of(entry: AuditEntry) -> str:
    actor: Actor = ORIGIN
    change = entry.change
    return sentence(actor, change.kind, change.name, change.action, entry.differs or (), entry.more)
