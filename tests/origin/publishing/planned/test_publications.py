"""Publications at planned instants: seen, changed, cancelled, carried out once, and what came of each is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from sync.errors import StorageFull
from sync.origin.audit.actor import Actor, ActorKind, acting_as, current_actor
from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.publishing.planned.publication_runner import PublicationRunner
from sync.origin.store.publications import PublicationPlan, PublicationState, PublicationStore
from sync.runtime.clock import ClockTrust, unix_ms
from tests.fakes import FakeClock
from tests.origin.planning_origin import Client, PlanningOrigin, open_planning_origin, request_json
from tests.origin.publishing.test_publisher import plan

LATE_S = 6 * 3_600.0
ANNA = Actor(ActorKind.PERSON, "anna", "Anna")


@pytest.fixture
async def origin(planning: PlanningOrigin) -> AsyncIterator[PlanningOrigin]:
    """An origin with media `a` and `b`, of which channel `main` shows `a`."""
    for media in "ab":
        await planning.make_media(media)
    await plan(planning, "a")
    yield planning


def runner_of(planning: PlanningOrigin, tell: Callable[[], None] = lambda: None) -> PublicationRunner:
    store = PublicationStore(planning.database, planning.clock)

    def changed(topic: str, id: str) -> None:
        planning.changes.append((topic, id))
        tell()

    return PublicationRunner(store, planning.publisher, planning.clock, late_s=LATE_S, changed=changed)


async def planned(client: Client, **body: Any) -> Any:
    status, document = await request_json(client, "POST", "/v1/publications", {"channel": "main", **body})
    assert status == 201, document
    return document


async def read(client: Client, id: str) -> Any:
    return (await request_json(client, "GET", f"/v1/publications/{id}"))[1]


async def test_a_channel_is_published_at_its_instant_and_not_before(
    origin: PlanningOrigin, client: Client, clock: FakeClock
) -> None:
    made = await planned(client, local="2026-03-02T18:00", note="evening")
    assert (made["at"], made["zone"], made["state"], made["version"]) == (
        "2026-03-02T17:00:00.000Z",
        "Europe/Berlin",
        "planned",
        1,
    )
    told = asyncio.Event()
    service = asyncio.ensure_future(runner_of(origin, told.set).run())
    await clock.advance(5 * 3600 - 1)
    assert await origin.releases.latest("main") is None
    await clock.advance(1)
    async with asyncio.timeout(20):
        await told.wait()
    service.cancel()
    done = await read(client, made["id"])
    assert (done["state"], done["sequence"], done["ended_at"]) == ("done", 1, "2026-03-02T17:00:00.000Z")
    [release] = (await request_json(client, "GET", "/v1/releases?channel=main"))[1]["releases"]
    assert (release["note"], release["publication"]) == ("evening", made["id"])
    assert ("publications", made["id"]) in origin.changes


async def test_it_is_seen_changed_and_cancelled_until_it_runs(
    origin: PlanningOrigin, client: Client, clock: FakeClock
) -> None:
    first = await planned(client, local="2026-03-03T09:00")
    second = await planned(client, at="2026-03-02T13:00:00Z", again=1)
    listed = (await request_json(client, "GET", "/v1/publications?state=planned&channel=main"))[1]
    assert [one["id"] for one in listed["publications"]] == [second["id"], first["id"]]
    path = f"/v1/publications/{first['id']}"
    status, changed = await request_json(client, "PATCH", path, {"local": "2026-03-03T08:00"}, etag='"1"')
    assert (status, changed["at"], changed["version"]) == (200, "2026-03-03T07:00:00.000Z", 2)
    assert (await request_json(client, "PATCH", path, {"note": "x"}, etag='"1"'))[0] == 412
    status, changed = await request_json(client, "PATCH", path, {"note": "early"})
    assert (status, changed["at"], changed["note"]) == (200, "2026-03-03T07:00:00.000Z", "early")
    assert (await request_json(client, "DELETE", path))[0] == 204
    assert (await read(client, first["id"]))["state"] == "cancelled"
    for method, body in (("DELETE", None), ("PATCH", {"note": "x"})):
        assert (await request_json(client, method, path, body))[0] == 409
    await clock.advance(86_400)
    await runner_of(origin).carry_out_due()
    assert (await read(client, first["id"]))["state"] == "cancelled"
    assert (await request_json(client, "GET", "/v1/publications/none"))[0] == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"local": "2026-03-03T09:00", "at": "2026-03-03T09:00:00Z"},
        {"local": "2026-03-02T13:00"},
        {"at": "2026-03-02T12:00:00Z"},
        {"local": "2026-13-01T00:00"},
        {"local": "tomorrow"},
        {"at": "2026-03-03T09:00:00"},
    ],
)
async def test_a_time_that_is_over_or_not_clear_is_refused(
    origin: PlanningOrigin, client: Client, wrong: dict[str, str]
) -> None:
    status, problem = await request_json(client, "POST", "/v1/publications", {"channel": "main", **wrong})
    assert (status, bool(problem["fields"])) == (422, True)


async def test_a_local_time_needs_a_zone_and_one_that_the_clock_skips_is_told(
    origin: PlanningOrigin, client: Client
) -> None:
    await request_json(client, "PUT", "/v1/schedule/bare", {})
    asked = {"channel": "bare", "local": "2026-03-03T09:00"}
    status, problem = await request_json(client, "POST", "/v1/publications", asked)
    assert (status, "set its zone" in problem["fields"]["local"]) == (422, True)
    made = await planned(client, local="2026-03-29T02:30")
    assert (made["at"], made["clock_change"]) == ("2026-03-29T01:00:00.000Z", "skipped")
    assert made["remark"] == "the clock of Europe/Berlin leaves 02:30 out that day: it is done at 03:00"


async def test_what_cannot_be_published_is_told_with_its_problems(
    origin: PlanningOrigin, client: Client, clock: FakeClock
) -> None:
    await origin.queue_media("late")
    playlist = (await origin.schedules.get("main")).default_playlist or ""
    await origin.playlists.replace(playlist, PlaylistDraft(name="L", items=(PlaylistItem(media="late"),)), version=1)
    made = await planned(client, at="2026-03-02T13:00:00Z")
    await request_json(client, "PUT", "/v1/schedule/gone", {"zone": "UTC"})
    gone = await planned(client, channel="gone", at="2026-03-02T13:00:00Z")
    await request_json(client, "DELETE", "/v1/schedule/gone")
    kept = await planned(client, at="2026-03-02T13:00:00Z", again=7)
    await clock.advance(3_600)
    await runner_of(origin).carry_out_due()
    failed = await read(client, made["id"])
    assert (failed["state"], list(failed["problems"])) == ("failed", [f"playlists.{playlist}.items.0"])
    assert "late.jpg is not ready" in failed["problem"]
    removed = await read(client, gone["id"])
    assert (removed["state"], "there is no channel gone" in removed["problem"]) == ("failed", True)
    assert (await read(client, kept["id"]))["state"] == "failed"


async def test_after_an_outage_it_is_done_late_and_after_a_long_one_told_as_missed(
    origin: PlanningOrigin, client: Client, clock: FakeClock
) -> None:
    early = await planned(client, at="2026-03-02T13:00:00Z")
    later = await planned(client, at="2026-03-02T15:00:00Z")
    await clock.advance(8 * 3_600)  # nobody ran
    await runner_of(origin).carry_out_due()
    missed = await read(client, early["id"])
    assert missed["state"] == "missed"
    assert missed["problem"] == (
        "no origin ran at its time; 7.0 h after it, more than 6.0 h, it is not done any more: publish now, or plan anew"
    )
    assert (await read(client, later["id"]))["state"] == "done"


async def test_a_clock_that_is_ahead_after_a_start_ends_nothing(
    origin: PlanningOrigin, client: Client, clock: FakeClock
) -> None:
    made = await planned(client, local="2026-03-02T18:00")
    clock.trusted = ClockTrust.UNSYNCED
    await clock.advance(24 * 3_600 + LATE_S)
    await runner_of(origin).carry_out_due()
    assert (await read(client, made["id"]))["state"] == "planned"
    clock.trusted = ClockTrust.SYNCED
    await runner_of(origin).carry_out_due()
    assert (await read(client, made["id"]))["state"] == "missed"


async def test_a_full_disk_puts_it_off_and_does_not_end_it(
    origin: PlanningOrigin, client: Client, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await planned(client, at="2026-03-02T13:00:00Z")
    await clock.advance(3_600)
    runner = runner_of(origin)

    def full(*arguments: Any) -> None:
        raise StorageFull("no room")

    monkeypatch.setattr(origin.files, "replace", full)
    assert await runner.carry_out_due() == 30.0
    waiting = await read(client, made["id"])
    assert (waiting["state"], waiting["problem"], waiting["ended_at"]) == ("planned", "no room", None)
    monkeypatch.undo()
    await runner.carry_out_due()
    assert (await read(client, made["id"]))["state"] == "done"


async def test_who_planned_it_acts_and_a_kill_after_the_release_makes_no_second_one(
    origin: PlanningOrigin, client: Client, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PublicationStore(origin.database, clock)
    with acting_as(ANNA):
        made = await store.add(PublicationPlan("main", unix_ms(clock.now()) + 3_600_000))
    await clock.advance(3_600)
    acted: list[Actor] = []

    class Killed(BaseException):
        pass

    async def kill(*arguments: Any) -> None:
        acted.append(current_actor())
        raise Killed

    monkeypatch.setattr(PublicationStore, "record", kill)
    with pytest.raises(Killed):
        await runner_of(origin).carry_out_due()
    monkeypatch.undo()
    assert (await store.get(made.id)).outcome.state is PublicationState.RUNNING
    assert acted == [ANNA]
    playlist = (await origin.schedules.get("main")).default_playlist or ""
    await origin.playlists.replace(playlist, PlaylistDraft(name="L", items=(PlaylistItem(media="b"),)), version=1)
    async with open_planning_origin(tmp_path, clock) as restarted:
        await runner_of(restarted).carry_out_due()
    done = await read(client, made.id)
    assert (done["state"], done["sequence"], done["planned_by"]) == ("done", 1, "Anna")
    assert len((await request_json(client, "GET", "/v1/releases"))[1]["releases"]) == 1


async def test_what_is_put_off_right_before_it_is_carried_out_waits(
    origin: PlanningOrigin, client: Client, clock: FakeClock
) -> None:
    made = await planned(client, at="2026-03-02T13:00:00Z")
    await clock.advance(3_600)
    store = PublicationStore(origin.database, clock)
    assert await store.due(unix_ms(clock.now())) == (made["id"],)
    later = {"at": "2026-03-02T15:00:00Z"}
    assert (await request_json(client, "PATCH", f"/v1/publications/{made['id']}", later))[0] == 200
    async with store.claimed(made["id"]) as claimed:
        assert claimed is None
    assert (await read(client, made["id"]))["state"] == "planned"
