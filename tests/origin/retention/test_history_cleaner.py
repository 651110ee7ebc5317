"""What stays of the audit log and of versions of plans when old ones are removed; on SQLite and PostgreSQL."""

import pytest
from sqlalchemy import select

from sync.origin.audit.changes import ThingKind
from sync.origin.persistence.pages import PageRequest
from sync.origin.planning.playlists import PlaylistDraft
from sync.origin.planning.schedules import ScheduleDraft
from sync.origin.retention.history_cleaner import HistoryCleaner
from sync.origin.store.audit import old_history
from sync.origin.store.audit.audit_log import AuditLog
from sync.origin.store.audit.old_history import OldHistoryStore
from sync.origin.store.drafts.ready_versions import keep_drafts
from sync.origin.store.drafts.reviews import ReviewStore
from sync.origin.tables.audit import document_versions
from sync.runtime.clock import Clock
from tests.fakes import FakeClock
from tests.origin.planning_origin import PlanningOrigin

DAY_S = 86_400.0


def cleaner(planning: PlanningOrigin, clock: Clock) -> HistoryCleaner:
    return HistoryCleaner(OldHistoryStore(planning.database), clock, entries_days=30, versions_days=10)


async def kept(planning: PlanningOrigin, document: str) -> list[int]:
    own = document_versions.c
    query = select(own.version).where(own.document_id == document).order_by(own.version)
    async with planning.database.reading() as connection:
        return list(await connection.scalars(query))


async def check_old_history(planning: PlanningOrigin, clock: FakeClock) -> None:
    """Change plans over weeks, with drafts and a review; old versions must go but those that somebody needs."""
    playlist = await planning.playlists.create(PlaylistDraft(name="v1"))
    gone = await planning.playlists.create(PlaylistDraft(name="gone"))
    await planning.schedules.create("bar", ScheduleDraft(zone="UTC"))
    await planning.playlists.replace(playlist.id, PlaylistDraft(name="v2"), version=1)
    keep_drafts(True)
    try:
        await planning.playlists.replace(playlist.id, PlaylistDraft(name="v3"), version=2)
        await ReviewStore(planning.database, clock).ask(ThingKind.PLAYLIST, playlist.id, None)
        await planning.playlists.replace(playlist.id, PlaylistDraft(name="v4"), version=3)
        await planning.playlists.replace(playlist.id, PlaylistDraft(name="v5"), version=4)
    finally:
        keep_drafts(False)
    await planning.playlists.remove(gone.id, version=None)
    await planning.schedules.remove("bar", version=None)
    await clock.advance(9 * DAY_S)
    await cleaner(planning, clock).clear()
    assert await kept(planning, playlist.id) == [1, 2, 3, 4, 5]
    await clock.advance(3 * DAY_S)
    keep_drafts(True)
    try:
        await planning.playlists.replace(playlist.id, PlaylistDraft(name="v6"), version=5)
    finally:
        keep_drafts(False)
    await cleaner(planning, clock).clear()
    assert await kept(planning, playlist.id) == [2, 3, 5, 6]  # ready, of a review, followed just now, newest
    assert (await kept(planning, gone.id), await kept(planning, "bar")) == ([], [1])
    assert (await planning.schedules.create("bar", ScheduleDraft(zone="UTC"))).version == 3


async def check_old_entries(planning: PlanningOrigin, clock: FakeClock) -> None:
    """Fill the log; all that is older than a month must go, which the log says once."""
    log = AuditLog(planning.database)
    for number in range(5):
        await planning.playlists.create(PlaylistDraft(name=f"old {number}"))
    await clock.advance(29 * DAY_S)
    await planning.playlists.create(PlaylistDraft(name="new"))
    before = (await log.page(PageRequest())).items
    await cleaner(planning, clock).clear()
    assert (await log.page(PageRequest())).items == before
    await clock.advance(2 * DAY_S)
    for _ in range(2):
        await cleaner(planning, clock).clear()
    told = [
        (f"{one.change.kind}.{one.change.action}", one.change.name) for one in (await log.page(PageRequest())).items
    ]
    assert told == [("log.removed", "audit"), ("playlist.created", "new")]


async def test_versions_that_somebody_needs_stay(planning: PlanningOrigin, clock: FakeClock) -> None:
    await check_old_history(planning, clock)


async def test_the_log_is_cut_in_slices_and_says_so(
    planning: PlanningOrigin, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(old_history, "SLICE", 2)
    await check_old_entries(planning, clock)
