"""Each version of a document is kept with who made it, in the transaction of the change; on SQLite and PostgreSQL."""

import asyncio
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select

from sync.errors import Rejected, StaleVersion
from sync.origin.audit.actor import Actor, ActorKind, acting_as, current_actor
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase, do_last
from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.planning.schedules import ScheduleDraft
from sync.origin.store.audit.document_versions import DocumentVersions
from sync.origin.store.audit.record import record
from sync.origin.tables.audit import audit_entries, document_versions
from sync.runtime.clock import unix_ms
from tests.origin.planning_origin import PlanningOrigin

ANNA = Actor(ActorKind.PERSON, "p1", "Anna", "192.0.2.7")
BEN = Actor(ActorKind.KEY, "k1", "Ben")


async def entries(database: OriginDatabase) -> list[dict[str, Any]]:
    async with database.reading() as connection:
        rows = await connection.execute(select(audit_entries).order_by(audit_entries.c.id))
        return [dict(row) for row in rows.mappings()]


async def check_versions(planning: PlanningOrigin) -> None:
    """AuditedChange documents as two people; each version must be kept, and each change recorded with who made it."""
    await planning.make_media("film")
    versions = DocumentVersions(planning.database)
    draft = PlaylistDraft(name="Lobby", items=(PlaylistItem(media="film"),))
    with acting_as(ANNA):
        first = await planning.playlists.create(draft)
    with acting_as(BEN):
        second = await planning.playlists.replace(first.id, draft.model_copy(update={"name": "Hall"}), version=1)
        with pytest.raises(StaleVersion):
            await planning.playlists.replace(first.id, draft, version=1)
        with pytest.raises(Rejected):
            await planning.playlists.create(PlaylistDraft(name="x", items=(PlaylistItem(media="unknown"),)))
    kept = await versions.bodies(ThingKind.PLAYLIST, first.id, [1, 2, 3])
    assert [PlaylistDraft.model_validate(kept[number]) for number in (1, 2)] == [
        PlaylistDraft(name=one.name, items=one.items) for one in (first, second)
    ]
    assert await versions.body(ThingKind.PLAYLIST, first.id, 3, now=3) is None
    await planning.playlists.remove(first.id, version=None)
    found = [row for row in await entries(planning.database) if row["kind"] == "playlist"]
    assert [
        (row["actor_name"], row["name"], row["action"], row["version_before"], row["version_after"]) for row in found
    ] == [
        ("Anna", "Lobby", "created", None, 1),
        ("Ben", "Hall", "changed", 1, 2),
        ("origin", "Hall", "removed", 2, None),
    ]
    assert (found[0]["address"], found[0]["at_ms"]) == ("192.0.2.7", unix_ms(planning.clock.now()))


async def check_record_in_functions(planning: PlanningOrigin) -> None:
    """Record in functions of many statements, which run elsewhere: they must know who acts, and fail as a whole."""
    change = AuditedChange(ThingKind.SCHEDULE, "main", "main", Action.CHANGED, after={"zone": "UTC"})

    def work(connection: Connection) -> Actor:
        record(connection, change)
        return current_actor()

    def fail(connection: Connection) -> None:
        work(connection)
        raise Rejected("no")

    with acting_as(ANNA):
        assert await planning.database.write(work) == ANNA
        with pytest.raises(Rejected):
            await planning.database.write(fail)
        with pytest.raises(Rejected):
            async with planning.database.writing() as connection:
                await connection.run_sync(fail)
    for number in range(3):  # on the connection of those that failed
        await planning.database.write(lambda _: None)
        async with planning.database.writing() as connection:
            do_last(connection, partial(_insert, number))
    found = await entries(planning.database)
    assert [(row["actor_name"], row["after"]) for row in found if row["name"] == "main"] == [("Anna", {"zone": "UTC"})]
    assert [row["name"] for row in found][-3:] == ["0", "1", "2"]
    assert [row["id"] for row in found] == sorted({row["id"] for row in found})


def _insert(number: int, connection: Connection, now_ms: int) -> None:
    texts = dict.fromkeys(("actor_kind", "actor_id", "actor_name", "address", "kind", "thing_id", "action"), "x")
    connection.execute(insert(audit_entries).values(**texts, searched="", name=str(number), at_ms=now_ms))


async def test_versions_are_kept_and_changes_recorded(planning: PlanningOrigin) -> None:
    await check_versions(planning)


async def test_functions_know_who_acts_and_what_fails_leaves_nothing(planning: PlanningOrigin) -> None:
    await check_record_in_functions(planning)


async def test_a_task_goes_on_as_who_started_it_and_changes_nobody_else(planning: PlanningOrigin) -> None:
    async def named() -> str:
        await asyncio.sleep(0)
        return current_actor().name

    with acting_as(ANNA):
        task = asyncio.create_task(named())
    with acting_as(BEN):
        assert (await task, current_actor().name) == ("Anna", "Ben")
    assert current_actor().name == "origin"


async def test_documents_of_an_earlier_version_get_their_present_version_once(planning: PlanningOrigin) -> None:
    playlist = await planning.playlists.create(PlaylistDraft(name="Lobby"))
    await planning.schedules.create("main", ScheduleDraft(default_playlist=playlist.id))
    async with planning.database.writing() as connection:
        await connection.execute(delete(document_versions))
    for _ in range(2):
        for store in (planning.playlists, planning.schedules, planning.campaigns):
            await store.keep_missing_versions()
    versions = DocumentVersions(planning.database)
    assert await versions.body(ThingKind.PLAYLIST, playlist.id, 1, now=1) == {"name": "Lobby", "items": []}
    kept = await versions.body(ThingKind.SCHEDULE, "main", 1, now=1)
    assert kept is not None and ScheduleDraft.model_validate(kept).default_playlist == playlist.id
    await planning.playlists.replace(playlist.id, PlaylistDraft(name="Hall"), version=1)
    assert await versions.body(ThingKind.PLAYLIST, playlist.id, 2, now=2) == {"name": "Hall", "items": []}


async def test_a_channel_of_a_name_that_was_used_goes_on_counting(planning: PlanningOrigin) -> None:
    await planning.schedules.create("main", ScheduleDraft())
    await planning.schedules.remove("main", version=1)
    again = await planning.schedules.create("main", ScheduleDraft(zone="UTC"))
    assert again.version == 3  # one number is left out where the earlier one ends
    with pytest.raises(StaleVersion):
        await planning.schedules.replace("main", ScheduleDraft(), version=1)
