"""The same statements on PostgreSQL, where it is installed, with two origins on one database at once."""

import asyncio
import json
import os
import pwd
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import delete, event, insert, select, text, update
from sqlalchemy.util import await_only

from sync.errors import Conflict, Rejected, StaleVersion, StorageBroken, Unauthenticated
from sync.http.listener import serve_http
from sync.origin.audit.changes import ThingKind
from sync.origin.persistence.database import IN_EACH_CHANGE, open_origin_database
from sync.origin.persistence.deadlocks import again_if_deadlocked
from sync.origin.persistence.lists import CHANNELS, DEVICES, MEDIA
from sync.origin.persistence.migrations.versions import revision_0001_first_schema
from sync.origin.persistence.pages import PageRequest
from sync.origin.persistence.play_files import FileOfDay
from sync.origin.planning.campaigns import CampaignDraft, CreativeDraft, LineDraft
from sync.origin.planning.file_names import natural_key
from sync.origin.planning.media.edits import MediaChange
from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.planning.schedules import DaypartDraft, ScheduleDraft
from sync.origin.planning.venue_days import date_of
from sync.origin.publishing.planned.publication_runner import PublicationRunner
from sync.origin.publishing.publisher import Publication
from sync.origin.reports.day_counter import DayCounter, _sums
from sync.origin.retention.scanner import Figures
from sync.origin.settings.model import OriginStorageSettings
from sync.origin.store.changes.change_log import ChangeLog, Subject, note
from sync.origin.store.counts import CountStore, DeviceCounts
from sync.origin.store.days.archived_plays import ArchiveStore
from sync.origin.store.days.play_days import mark_days
from sync.origin.store.devices import DeviceStore, add_device
from sync.origin.store.drafts.readiness import ReadinessStore
from sync.origin.store.drafts.ready_versions import keep_drafts, ready_users, ready_uses
from sync.origin.store.drafts.reviews import ReviewState, ReviewStore
from sync.origin.store.heartbeats.heartbeats import HeartbeatStore
from sync.origin.store.media.edits import MediaEditStore
from sync.origin.store.pairings import Admission, Pairing, PairingLimits, PairingStep, PairingStore
from sync.origin.store.people.keys import Key, KeyStore
from sync.origin.store.people.login_challenges import Challenge, ChallengeStore, Purpose
from sync.origin.store.people.passkeys import Passkey, PasskeyStore
from sync.origin.store.people.people import PeopleStore, Person, Reset
from sync.origin.store.people.sessions import Means, OpenedBy, Session, SessionStore, TokenHolder
from sync.origin.store.proof.device_logs import DeviceLogStore
from sync.origin.store.proof.history import HistoryFilter, HistoryStore
from sync.origin.store.proof.play_times import MovedPlay, PlayTimeStore
from sync.origin.store.proof.plays import Delivery, PlayStore, ReceivedPlay
from sync.origin.store.publications import PublicationPlan, PublicationState, PublicationStore
from sync.origin.store.reports.billable_rules import note_rules
from sync.origin.store.reports.day_plays import DayPlays
from sync.origin.store.reports.new_plays import DaySums
from sync.origin.store.reports.play_sums import PlaySumStore, SumFilter
from sync.origin.store.spaces.moving import LendingStore, SpaceThing
from sync.origin.store.spaces.space_table import Space, SpaceStore
from sync.origin.tables.all_tables import metadata
from sync.origin.tables.media import media as media_table
from sync.origin.tables.people import keys
from sync.origin.tables.plans import playlists
from sync.origin.tables.plays import plays
from sync.origin.wiring.origin import Origin, open_origin
from sync.roles import DEFAULT_SPACE, Rights, Role
from sync.runtime.clock import unix_ms
from sync.wire.device_reports import HistoryRecord, Play, PlayBatch
from tests.fakes import FakeClock
from tests.origin.api.media import test_folders, test_uses
from tests.origin.api.plans.random_editors import edit_by_chance
from tests.origin.api.plans.test_random_editors import EDITORS
from tests.origin.api.proof.test_history import BOOT, NINE, late, record, synchronised
from tests.origin.api.spaces import test_every_operation, test_lending
from tests.origin.http.test_idempotency import check_two_processes
from tests.origin.intake.random_deliveries import check_random_deliveries
from tests.origin.persistence.test_schema_upgrade import first_keys, newest
from tests.origin.planning_origin import Client, PlanningOrigin, open_planning_origin, serve_planning
from tests.origin.retention.retention_origin import GRACE_S, asset_of, open_retention_origin
from tests.origin.retention.test_history_cleaner import check_old_entries, check_old_history, cleaner
from tests.origin.running_origin import ZERO, RunningOrigin, play, running_origin, settings_in
from tests.origin.store.audit.test_document_versions import check_record_in_functions, check_versions
from tests.origin.store.grouped_checkpoints import check_groups

Origins = tuple[PlanningOrigin, PlanningOrigin]

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
pytestmark = pytest.mark.skipif(not BINARIES, reason="PostgreSQL is not installed")


def _run(*command: str) -> None:
    """Run a tool of PostgreSQL; they refuse to run as root."""
    unprivileged: dict[str, Any] = {"user": "nobody", "group": "nogroup"} if os.getuid() == 0 else {}
    subprocess.run(command, check=True, timeout=60, cwd="/", stdout=subprocess.DEVNULL, **unprivileged)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Start a server that listens only on a socket file; the value is its URL."""
    pytest.importorskip("asyncpg")
    with TemporaryDirectory(ignore_cleanup_errors=True) as made:
        if os.getuid() == 0:
            os.chown(made, pwd.getpwnam("nobody").pw_uid, -1)
        data, control, initialise = f"{made}/data", str(BINARIES[-1] / "pg_ctl"), str(BINARIES[-1] / "initdb")
        _run(initialise, "-D", data, "-A", "trust", "-U", "signage", "--no-sync", "-E", "UTF8")
        options = f"-k {made} -c listen_addresses= -c fsync=off"
        _run(control, "-D", data, "-o", options, "-w", "-l", f"{made}/log", "start")
        try:
            yield f"postgresql+asyncpg://signage@/postgres?host={made}"
        finally:
            _run(control, "-D", data, "-m", "immediate", "stop")
            shutil.rmtree(data, ignore_errors=True)


@pytest.fixture
async def origins(cluster: str, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Origins]:
    async with (
        open_planning_origin(tmp_path, clock, url=cluster) as first,
        open_planning_origin(tmp_path, clock, url=cluster) as second,
    ):
        yield first, second
        async with first.database.writing() as connection:
            await connection.run_sync(metadata.drop_all)
            await connection.execute(text("DROP TABLE alembic_version"))


async def test_a_repeated_request_is_carried_out_by_one_process(origins: Origins, clock: FakeClock) -> None:
    await check_two_processes(origins[0].database, clock, is_sqlite=False)


async def test_random_editors_of_two_origins_lose_nothing(
    cluster: str, origins: Origins, tmp_path: Path, clock: FakeClock
) -> None:
    one, other = (
        settings_in(folder).model_copy(update={"storage": OriginStorageSettings(data_dir=folder, database_url=cluster)})
        for folder in (tmp_path / "one", tmp_path / "other")
    )
    async with (
        running_origin(one, clock) as first,
        open_origin(other, clock) as origin,
        serve_http(origin.app, "127.0.0.1", 0) as url,
    ):
        second = RunningOrigin(origin, url, first.client, first.writer, first.reader)
        made, _ = await edit_by_chance([first, second], clock, editors=EDITORS, steps=3, seed=7)
        assert made > EDITORS


async def test_versions_are_kept_and_changes_recorded_by_whom(origins: Origins) -> None:
    await check_versions(origins[0])
    await check_record_in_functions(origins[1])


def edits(planning: PlanningOrigin) -> MediaEditStore:
    return MediaEditStore(planning.database, planning.clock)


async def test_two_origins_store_race_for_and_publish_plans_at_once(
    origins: Origins,
) -> None:
    first, second = origins
    for media in ("a", "b", "ad"):
        await first.make_media(media)
    draft = PlaylistDraft(name="Lobby", items=(PlaylistItem(media="a", title="A"), PlaylistItem(media="b")))
    playlist = await first.playlists.create(draft)
    assert [item.title for item in (await second.playlists.get(playlist.id)).items] == ["A", None]
    outcomes = await asyncio.gather(
        *(planning.playlists.replace(playlist.id, draft, version=1) for planning in origins), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["StaleVersion", "StoredPlaylist"]

    daypart = DaypartDraft(name="Day", playlist=playlist.id)
    schedule = ScheduleDraft(zone="Europe/Berlin", default_playlist=playlist.id, fallback="a", dayparts=(daypart,))
    made = await asyncio.gather(
        *(planning.schedules.create("main", schedule) for planning in origins), return_exceptions=True
    )
    assert len([outcome for outcome in made if isinstance(outcome, StaleVersion | Conflict)]) == 1
    stored = await first.schedules.get("main")
    assert (await second.schedules.replace("main", schedule, version=stored.version)).version == 2

    line = LineDraft(name="All", creatives=(CreativeDraft(media="ad"),))
    start = first.clock.now()
    flight = {"starts_at": start, "ends_at": start.replace(year=start.year + 1)}
    campaign = await first.campaigns.create(CampaignDraft(name="Fizzo", advertiser="Fizzo", lines=(line,), **flight))
    assert await second.campaigns.list_all() == (campaign,)

    published = await asyncio.gather(
        *(planning.publisher.publish("main") for planning in origins), return_exceptions=True
    )
    assert {type(outcome) for outcome in published} <= {Publication, Conflict}
    sequences = [record.sequence for record in (await first.releases.page(PageRequest())).items]
    assert sequences == list(range(len(sequences), 0, -1))
    assert (await second.schedules.get("main")).sequence == sequences[0]
    assert await first.releases.plan_version("main") == await second.releases.plan_version("main")
    assert await first.releases.published_channels() == ("main",)


async def test_deleting_what_is_in_use_and_using_what_is_unknown_are_refused(
    origins: Origins,
) -> None:
    first, second = origins
    await first.make_media("own")
    playlist = await first.playlists.create(PlaylistDraft(name="Own", items=(PlaylistItem(media="own"),)))
    await first.schedules.create("bar", ScheduleDraft(default_playlist=playlist.id))
    await first.publisher.publish("bar")
    with pytest.raises(Conflict) as used:
        await second.playlists.remove(playlist.id, version=None)
    assert used.value.users == ("bar",)
    with pytest.raises(Conflict) as published:
        await second.schedules.remove("bar", version=None)
    assert published.value.users == ("its releases",)
    with pytest.raises(Rejected) as unknown:
        await first.playlists.create(PlaylistDraft(name="X", items=(PlaylistItem(media="none"),)))
    assert list(unknown.value.fields) == ["items.0.media"]


@pytest.mark.parametrize("check", [getattr(test_uses, name) for name in dir(test_uses) if name.startswith("test_")])
async def test_uses_and_titles_are_read_alike(
    origins: Origins, check: Callable[[PlanningOrigin, Client], Awaitable[None]]
) -> None:
    async with serve_planning(origins[0]) as client:
        await check(origins[0], client)


async def test_media_are_filed_and_found_alike(
    cluster: str, origins: Origins, tmp_path: Path, clock: FakeClock
) -> None:
    storage = OriginStorageSettings(data_dir=tmp_path / "third", reserve_bytes=0, database_url=cluster)
    storage.data_dir.mkdir()
    settings = settings_in(tmp_path / "third").model_copy(update={"storage": storage})
    async with running_origin(settings, clock) as server:
        await test_folders.test_media_are_found_by_folder_tag_and_search(server)
        await test_folders.test_what_is_used_and_which_shape_it_has_are_filters(server)


async def test_roles_in_spaces_reach_no_other_space(
    cluster: str, origins: Origins, tmp_path: Path, clock: FakeClock
) -> None:
    storage = OriginStorageSettings(data_dir=tmp_path / "third", reserve_bytes=0, database_url=cluster)
    storage.data_dir.mkdir()
    settings = settings_in(tmp_path / "third").model_copy(update={"storage": storage})
    async with running_origin(settings, clock) as server:
        await test_lending.test_what_is_taken_back_or_moved_while_somebody_begins_to_use_it_stays_whole(server)
        await test_every_operation.look_at_own_and_others(server)


async def test_each_queued_media_is_claimed_once_in_its_own_lane(origins: Origins) -> None:
    first, second = origins
    for number in range(6):
        await first.media.queue(f"m{number}", f"m{number}.mp4", "0" * 64, 9)
    for number in range(3):
        claimed = await first.media.claim()
        assert claimed and claimed.id == f"m{number}"
        await first.media.requeue_large(claimed.id)
    small = [planning.media.claim() for planning in origins for _ in range(3)]
    large = [planning.media.claim(large=True) for planning in origins for _ in range(3)]
    rows = [row for row in await asyncio.gather(*small, *large) if row]
    assert sorted(row.id for row in rows) == [f"m{number}" for number in range(6)]
    assert {row.id for row in rows if row.large} == {"m0", "m1", "m2"} and {row.attempts for row in rows} == {1}
    assert await second.media.next_attempt_ms() is None


async def test_a_reader_sees_one_moment_in_all_its_queries(
    origins: Origins,
) -> None:
    first, second = origins
    stored = await first.playlists.create(PlaylistDraft(name="Before"))
    async with first.database.reading() as connection:
        query = select(playlists.c.name).where(playlists.c.id == stored.id)
        before = (await connection.execute(query)).scalar()
        await second.playlists.replace(stored.id, PlaylistDraft(name="After"), version=1)
        assert (await connection.execute(query)).scalar() == before == "Before"
    assert (await first.playlists.get(stored.id)).name == "After"


async def test_a_value_it_cannot_store_is_refused_and_a_lost_race_for_a_name_is_reported(
    origins: Origins,
) -> None:
    first, _ = origins
    await first.make_media("own")
    with pytest.raises(Rejected, match="cannot store"):
        await first.playlists.get("a\0b")
    version = (await first.media.get("own")).version
    renamed = await asyncio.gather(
        *(
            edits(planning).change("own", MediaChange(name=name), version=version)
            for planning in origins
            for name in ("x", "y")
        ),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in renamed) == ["NoneType", *["StaleVersion"] * 3]


async def test_two_origins_that_delete_at_once_leave_what_is_needed(
    origins: Origins, cluster: str, tmp_path: Path
) -> None:
    now = FakeClock(datetime.now(UTC))
    async with (
        open_retention_origin(tmp_path, now, url=cluster) as first,
        open_retention_origin(tmp_path, now, url=cluster) as second,
    ):
        for media in "abc":
            await first.publish(media)
        await first.delete("a")
        for _ in range(3):
            await now.advance(GRACE_S + 60)
            cleared = await asyncio.gather(first.cleaner.clear(), second.cleaner.clear(), return_exceptions=True)
            assert {type(outcome) for outcome in cleared} <= {Figures, Conflict}
            first.check()
        assert len(first.names("releases")) == 2
        assert first.names("assets") == {asset_of("b"), asset_of("c")}


async def test_a_broken_chain_is_found(origins: Origins) -> None:
    first, _ = origins
    plays, chains = PlayStore(first.database), DeviceLogStore(first.database)
    async with first.database.writing() as connection:
        await add_device(connection, id="d", name="window", channel_id="main", token_hash="0" * 64, paired_ms=0)
    documents = [play("d", number) for number in (1, 2, 5)]  # each claims to be the first
    await plays.store(
        [Delivery("d", [ReceivedPlay(Play.model_validate(document), document) for document in documents])], 0
    )
    breaks = await chains.breaks(None, 0, 2**50, 9)
    assert sorted((sequence, below, named == ZERO) for _, _, sequence, _, below, named, _ in breaks) == [
        (2, 1, True), (5, 2, True)
    ]  # fmt: skip
    ((_, _, count, lowest, highest, *_),) = await chains.logs("d")
    assert (count, lowest, highest) == (3, 1, 5)
    assert await chains.conflicts("d", 0, 2**50, 9) == []


async def test_two_origins_count_what_both_take_in_at_once(origins: Origins) -> None:
    databases = [origin.database for origin in origins]
    async with databases[0].writing() as connection:
        await add_device(connection, id="d", name="window", channel_id="main", token_hash="0" * 64, paired_ms=0)

    async def deliver(number: int) -> None:
        document = play("d", number)
        arrivals = [ReceivedPlay(Play.model_validate(document), document)]
        await PlayStore(databases[number % 2]).store([Delivery("d", arrivals)], 0)
        await DayCounter(PlaySumStore(databases[number % 2], 1), FakeClock()).count()

    await asyncio.gather(*(deliver(number) for number in range(1, 21)))
    async with databases[1].writing() as connection:
        await note_rules(connection, {"mornings": {"kind": "on_render"}}, 0)
    store, everything = PlaySumStore(databases[1], 1), SumFilter(0, 10**6)
    assert len(await store.stale_days(None, ("", 0), 9)) == 1
    await DayCounter(store, FakeClock()).count()
    rows = await store.sums(everything, ("line_id", "rule_version"), hours=True)
    assert [(row["line_id"], row["rule_version"], row["plays"], row["hour_10"]) for row in rows] == [
        ("mornings", 1, 20, 20)
    ]


async def deliver_first(origins: Origins, *names: str) -> list[PlaySumStore]:
    """Add devices, each with a play; return the sums of both origins."""
    database = origins[0].database
    for name in names:
        async with database.writing() as connection:
            await add_device(connection, id=name, name=name, channel_id="main", token_hash=name, paired_ms=0)
        document = play(name, 1)
        arrivals = [ReceivedPlay(Play.model_validate(document), document)]
        await PlayStore(database).store([Delivery(name, arrivals)], 0)
    return [PlaySumStore(origin.database, 1) for origin in origins]


async def test_the_first_two_devices_of_a_day_are_both_in_the_sums_of_all(origins: Origins) -> None:
    first, second = await deliver_first(origins, "d", "e")
    days = await first.stale_days(None, ("", 0), 9)

    async def count_other() -> None:
        read = await second.plays_of("e", [days[1][1]])
        for day, count in _sums(read).items():
            await second.keep(read, day, count)

    def count(read: DayPlays) -> dict[int, DaySums]:
        await_only(count_other())
        return _sums(read)

    await first.add(days[:1], count)
    await DayCounter(first, FakeClock()).count()
    (row,) = await first.sums(SumFilter(0, 10**6), ("line_id",))
    assert row["plays"] == 2


async def test_checkpoints_of_several_devices_are_judged_apart(origins: Origins) -> None:
    async with origins[0].database.writing() as connection:
        for name in "def":
            await add_device(connection, id=name, name=name, channel_id="main", token_hash=name, paired_ms=0)
    await check_groups(origins[0].database)


async def lock_waited_for(origin: PlanningOrigin) -> None:
    """Return when somebody waits for a lock."""
    waits, waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted"), 0
    async with asyncio.timeout(60):
        while not waiting:
            async with origin.database.reading() as connection:
                waiting = await connection.scalar(waits) or 0


async def test_a_rule_that_changes_while_its_plays_are_counted_judges_them(origins: Origins) -> None:
    first, _ = await deliver_first(origins, "d")
    days = await first.stale_days(None, ("", 0), 9)
    changes = list[asyncio.Task[None]]()

    async def change() -> None:
        async with origins[1].database.writing() as connection:
            await note_rules(connection, {"mornings": {"kind": "on_render"}}, 0)

    async def begin_to_change() -> None:
        changes.append(asyncio.create_task(change()))
        await lock_waited_for(origins[0])

    def count(read: DayPlays) -> dict[int, DaySums]:
        await_only(begin_to_change())
        return _sums(read)

    await first.add(days, count)
    await asyncio.gather(*changes)
    await DayCounter(first, FakeClock()).count()
    (row,) = await first.sums(SumFilter(0, 10**6), ("rule_version",))
    assert (row["rule_version"], row["plays"]) == (1, 1)


async def test_a_rule_changes_while_plays_of_several_devices_come(origins: Origins) -> None:
    first, _ = await deliver_first(origins, "e", "d")  # this is their order on the disk
    days = await first.stale_days(None, ("", 0), 9)

    async def change() -> None:
        async with origins[1].database.writing() as connection:
            await note_rules(connection, {"mornings": {"kind": "on_render"}}, 0)

    async with origins[0].database.writing() as connection:
        await connection.run_sync(mark_days, days[:1])
        changing = asyncio.create_task(change())
        await lock_waited_for(origins[0])
        await connection.run_sync(mark_days, days[1:])
    await changing


async def test_lists_are_walked_and_searched_as_on_sqlite(origins: Origins) -> None:
    first, second = origins
    names = ["_b%", "a 2", "Ärger", "ä 10", "B", "Zoo", "日本"]
    for number, name in enumerate(reversed(names)):
        await first.make_media(f"m{number}")
        await edits(first).change(f"m{number}", MediaChange(name=name), version=None)
        await first.schedules.create(f"channel-{number}", ScheduleDraft())
        async with first.database.writing() as connection:
            device = {"id": f"d{number}", "name": name, "channel_id": "main", "token_hash": name}
            await add_device(connection, **device, paired_ms=10**12 + number)
    walked, asked = list[str](), PageRequest(2, "name")
    while True:
        page = await second.media.page(asked)
        walked += [row.name for row in page.items]
        if page.next is None:
            break
        asked = PageRequest(2, cursor=page.next)
    assert walked == sorted(names, key=natural_key) and page.total == len(names)
    for sought, found in {"ARG": ["Ärger"], "%": ["_b%"], "b": ["_b%", "B"], "本": ["日本"], "x": []}.items():
        rows = (await second.media.page(PageRequest(order="name", filters={"search": sought}))).items
        assert [row.name for row in rows] == found, sought
    devices = DeviceStore(second.database)
    for rule, read in ((MEDIA, second.media.page), (DEVICES, devices.page), (CHANNELS, second.schedules.summaries)):
        for order in rule.orders:
            whole = (await read(PageRequest(order=order))).items
            one = await read(PageRequest(3, order))
            two = await read(PageRequest(3, cursor=one.next))
            assert (*one.items, *two.items) == whole[:6]
            assert (await read(PageRequest(3, cursor=two.previous))).items == one.items
    assert (await devices.page(PageRequest(filters={"online": False, "channel": "main"}))).total == len(names)


async def test_changes_of_two_origins_appear_in_the_order_of_their_numbers(origins: Origins) -> None:
    first, second = origins
    written = ChangeLog(second.database)
    reads: list[list[str]] = []

    async def note_other() -> None:
        async with second.database.writing() as connection:
            await note(connection, Subject.DEVICE, "b")

    async with first.database.writing() as connection:
        await note(connection, Subject.DEVICE, "a")
        waiting = asyncio.create_task(note_other())
        for _ in range(10):  # a reader that saw the second one now would never read the first
            await asyncio.sleep(0.01)
            reads.append([one.id for one in await written.since(0) or ()])
    await waiting
    assert reads == [[]] * 10
    assert [(one.id, one.number) for one in await written.since(0) or ()] == [("a", 1), ("b", 2)]


async def test_of_two_people_who_approve_a_device_at_once_only_one_lets_it_in(origins: Origins) -> None:
    stores = [PairingStore(origin.database) for origin in origins]
    pairing = Pairing("p", "window", PairingStep.WAITING, None, None, 2**50)
    await stores[0].create(pairing, code="CODE", secret_hash="secret", now_ms=0, client="", limits=PairingLimits(9, 9))
    admissions = [Admission(f"d{number}", "main", None, f"token {number}", now_ms=0) for number in range(6)]
    outcomes = await asyncio.gather(
        *(
            stores[number % 2].approve_by_code("CODE", admission, first_channel="main")
            for number, admission in enumerate(admissions)
        ),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", *["NotFound"] * 5]
    assert len(await DeviceStore(origins[0].database).list_all()) == 1


@pytest.mark.parametrize(("right", "wrong"), [("/postgres?", "/nowhere?"), ("signage@", "stranger@")])
async def test_a_wrong_database_or_user_is_reported_in_plain_words(cluster: str, right: str, wrong: str) -> None:
    with pytest.raises(StorageBroken, match=r"check storage\.database_url"):
        async with open_origin_database(cluster.replace(right, wrong)):
            pass


async def test_deliveries_of_one_device_to_two_origins_take_turns(origins: Origins) -> None:
    first, second = (PlayStore(origin.database) for origin in origins)
    entered: list[str] = []

    async def enter(store: PlayStore, device: str) -> None:
        async with store.turn(device):
            entered.append(device)

    async with first.turn("window"):
        waiting = [asyncio.create_task(enter(second, "window")) for _ in range(20)]
        await enter(second, "door")
        async with origins[0].database.reading() as connection:
            waits = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            async with asyncio.timeout(60):
                while not (await connection.execute(waits)).scalar():
                    pass
        assert entered == ["door"]
    await asyncio.gather(*waiting, *(enter(store, f"d{n}") for n in range(40) for store in (first, second)))
    assert len(entered) == 101


@pytest.mark.parametrize("is_new", [True, False])
async def test_origins_that_start_at_once_bring_one_database_up_to_date_once(
    origins: Origins, cluster: str, is_new: bool
) -> None:
    async with origins[0].database.writing() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.execute(text("DROP TABLE alembic_version"))
        if not is_new:
            await connection.run_sync(revision_0001_first_schema.base.create_all)
            for statement in ("DROP TABLE streams", "ALTER TABLE plays DROP COLUMN accepted"):
                await connection.execute(text(statement))
    assert len(await first_keys(cluster)) == 1
    async with origins[1].database.reading() as connection:
        assert (await connection.execute(select(plays.c.accepted))).all() == []
        assert (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalars().all() == [newest()]
        assert (
            await connection.run_sync(lambda plain: compare_metadata(MigrationContext.configure(plain), metadata)) == []
        )


async def test_of_origins_that_start_at_once_one_makes_the_first_key(origins: Origins) -> None:
    first, second = origins
    key = Key(id="first", name="first", role=Role.ADMINISTRATOR, created_ms=0)
    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with first.database.writing() as connection, asyncio.timeout(60):
        await connection.execute(
            insert(keys).values(id="first", name="first", role="administrator", created_ms=0, hash="a")
        )
        adding = asyncio.create_task(KeyStore(second.database).add_first(key, "b"))
        while not await connection.scalar(waits):
            assert not adding.done()
    assert await adding is False
    assert [key.id for key in await KeyStore(first.database).list_all()] == ["first"]


async def test_history_is_written_once_and_moves_plays(origins: Origins) -> None:
    stores = [HeartbeatStore(origin.database) for origin in origins]
    async with origins[0].database.writing() as connection:
        await add_device(connection, id="window", name="w", channel_id="main", token_hash="t", paired_ms=1)
    stores[0].hold("window", {"period_s": 30}, 1_000)
    await stores[0].write()
    assert await stores[1].not_heard(2_000, 10_000) == [("window", 1_000, 30)]
    assert sum(await asyncio.gather(*(store.lose("window", 1_000, 200_000) for store in stores))) == 1
    counts = CountStore(origins[1].database)
    assert await counts.devices(None) == DeviceCounts(1, 0, {})
    stores[0].hold("window", {}, 300_000, "warning")
    await stores[0].write()
    assert await counts.devices(None) == DeviceCounts(1, 1, {"warning": 1})
    history, times = HistoryStore(origins[0].database), PlayTimeStore(origins[0].database)
    documents = [record("window", 1, clock="unsynced"), synchronised("window", 3)]
    records = [(HistoryRecord.model_validate(document), document) for document in documents]
    assert await history.insert("window", records, 400_000) == ["accepted", "accepted"]
    assert await history.gaps("window", documents[0]["log_epoch"], 9) == [(2, 2)]
    (untrusted,) = await history.untrusted("window", [BOOT])
    await history.set_times({untrusted.id: (1_000, -5)})
    rows = (await history.page(HistoryFilter("window"), PageRequest())).items
    assert [row.state for row in rows] == ["synchronised", "back", "off", "lost", "paired"]
    lost, off, back = ("contact", "lost", 1_000), ("screen", "off", 1_000), ("contact", "back", 300_000)
    for from_ms, until_ms, found in (
        (1_001, 300_000, [lost, off, back]),
        (0, 1_001, [lost, off, back]),
        (0, 1, [lost, off]),
    ):
        states = await history.states(("contact", "screen"), from_ms, until_ms, "window")
        assert states == [("window", *one) for one in found]
    assert await history.states(("contact",), 0, 10**9, None) == [("window", *lost), ("window", *back)]
    assert await history.states(("player",), 0, 1, "door") == []
    assert [row["state"] for row in await history.of_clock("window", [BOOT], ["x"])] == ["synchronised"]
    documents = [late("window", number) for number in (1, 2)]
    plays_sent = [ReceivedPlay(Play.model_validate(document), document) for document in documents]
    await PlayStore(origins[0].database).store([Delivery("window", plays_sent)], 400_000)
    stored = await times.untrusted("window", [BOOT], [], after=("", 0), limit=9)
    await times.move("window", [MovedPlay(one.key, 7, 8, 9) for one in stored], overlaps="x")
    assert [one.offset_ms for one in await times.moved("window", 9)] == [9, 9]
    await times.judge("window", {stored[0].key: None, stored[1].key: "why"})
    assert await times.moved("window", 9) == []


async def test_plays_move_into_a_file_and_lost_ones_come_back(origins: Origins) -> None:
    database, day = origins[0].database, unix_ms(NINE) // 86_400_000
    async with database.writing() as connection:
        await add_device(connection, id="window", name="w", channel_id="main", token_hash="t", paired_ms=1)
    documents = [late("window", number) for number in (1, 2)]
    sent = [ReceivedPlay(Play.model_validate(document), document) for document in documents]
    await PlayStore(database).store([Delivery("window", sent)], 400_000)
    store, file = ArchiveStore(database), FileOfDay(date_of(day), "a" * 64)
    assert await store.days_due(day - 1) == [] and await store.days_due(day) == [day]
    due, rows = await store.devices_due(day), await store.rows("window", day)
    assert [json.loads(row["document"]) for row in rows] == documents
    async with database.writing() as connection:
        await connection.execute(delete(plays).where(plays.c.sequence == 2))
    assert await store.finished() == set()
    archive = await store.begin(file)
    assert await store.begin(file) == archive
    await store.attach(archive, rows)
    await store.attach(archive, rows)  # once more: it changes nothing
    await store.finish(archive)
    assert await store.finished() == {file.sha256} and await store.rows("window", day) == []
    async with database.reading() as connection:
        found = (await connection.execute(select(plays.c.archive_id, plays.c.hash).order_by(plays.c.sequence))).all()
    assert found == [(archive, document["hash"]) for document in documents]
    await store.note_archived(day, due)
    assert await store.days_due(day) == [day]  # a play came back meanwhile
    await store.note_archived(day, await store.devices_due(day))
    assert await store.days_due(day) == []


async def test_plays_and_heartbeats_that_two_origins_take_at_once_are_stored_once(
    cluster: str, origins: Origins, tmp_path: Path, clock: FakeClock
) -> None:
    names = [f"d{number}" for number in range(12)]
    async with origins[0].database.writing() as connection:
        for name in names:
            await add_device(connection, id=name, name=name, channel_id="main", token_hash=name, paired_ms=0)
    async with AsyncExitStack() as stack:
        both = []
        for part in ("one", "other"):
            storage = OriginStorageSettings(data_dir=tmp_path / part, database_url=cluster)
            settings = settings_in(tmp_path / part).model_copy(update={"storage": storage})
            both.append(await stack.enter_async_context(open_origin(settings, clock)))
        batches = {name: PlayBatch(plays=tuple(play(name, number) for number in range(1, 4))) for name in names}

        async def submit(origin: Origin, name: str) -> list[str]:
            return [receipt.status for receipt in (await origin.plays.submit(name, batches[name].plays)).receipts]

        async with PlayStore(origins[0].database).turn("d0"):  # somebody corrects its times
            held = [asyncio.create_task(submit(origin, "d0")) for origin in both]
            found = await asyncio.gather(*(submit(origin, name) for name in names[1:] for origin in both))
            assert not any(task.done() for task in held)
        found += await asyncio.gather(*held)
        assert sorted(map(tuple, found)) == [("accepted",) * 3] * 12 + [("duplicate",) * 3] * 12
        for number, origin in enumerate(both):
            HeartbeatStore(origin.keys._database).hold("d1", {"number": number}, 1_000 + number)
            await HeartbeatStore(origin.keys._database).write()
        assert await HeartbeatStore(origins[0].database).not_heard(2_000, 3_000) == [("d1", 1_001, 0.0)]


async def test_a_group_of_plays_is_one_transaction_and_is_held_once_that_is_committed(
    cluster: str, origins: Origins, tmp_path: Path, clock: FakeClock
) -> None:
    names = [f"d{number}" for number in range(6)]
    async with origins[0].database.writing() as connection:
        for name in names:
            await add_device(connection, id=name, name=name, channel_id="main", token_hash=name, paired_ms=0)
    storage = OriginStorageSettings(data_dir=tmp_path / "third", database_url=cluster)
    async with open_origin(settings_in(tmp_path / "third").model_copy(update={"storage": storage}), clock) as origin:
        database, begun = origin.keys._database, list[Any]()
        event.listen(database._engine.sync_engine, "begin", begun.append)

        async def submit(name: str) -> str:
            return (await origin.plays.submit(name, [play(name, 1, clock="synced")])).receipts[0].status

        def refuse(*_: object) -> None:
            raise StorageBroken("the disk is full of holes")

        before_commit = IN_EACH_CHANGE.set(refuse)
        with pytest.raises(StorageBroken, match="full of holes"):
            await submit("d0")
        IN_EACH_CHANGE.reset(before_commit)
        assert not database.held_plays.take((name, day) for name in names for day in range(30_000))
        begun.clear()
        assert await asyncio.gather(*map(submit, names)) == ["accepted"] * 6
        assert len(begun) == 1
        assert len(database.held_plays.take((name, day) for name in names for day in range(30_000))) == 6


@pytest.mark.parametrize("seed", [8, 9])
async def test_plays_come_to_the_same_as_on_sqlite(
    cluster: str, origins: Origins, tmp_path: Path, clock: FakeClock, seed: int
) -> None:
    storage = OriginStorageSettings(data_dir=tmp_path / "third", database_url=cluster)
    settings = settings_in(tmp_path / "third").model_copy(update={"storage": storage})
    async with open_origin(settings, clock) as origin:
        await check_random_deliveries(origin, seed, together=True)


async def test_of_two_origins_one_leaves_an_administrator_and_a_code_counts_once(origins: Origins) -> None:
    first, second = (PeopleStore(origin.database) for origin in origins)
    for name in ("anna", "bo"):
        await first.add(Person(name, name, Role.ADMINISTRATOR, 0), name, "a hash", None)
        await first.set_second_factor(name, "a hash", "secret", 5, ["code"])
    removed = await asyncio.gather(first.remove("anna"), second.remove("bo"), return_exceptions=True)
    assert [type(one) for one in removed].count(Conflict) == 1
    [left] = await first.list_all()
    uses = (store.use_recovery_code(left.id, "code") for store in (first, second) for _ in range(4))
    assert sorted(await asyncio.gather(*uses)) == [False] * 7 + [True]
    uses = (store.use_app_step(left.id, 6) for store in (first, second) for _ in range(4))
    assert sorted(await asyncio.gather(*uses)) == [False] * 7 + [True]
    reset = Reset("reset", 10)
    await second.begin_anew(left.id, reset, even_last=True)
    used = await asyncio.gather(*(store.use_reset("reset", "b", 0) for store in (first, second)))
    assert sorted(used, key=str) == [None, left.id]


async def test_who_uses_a_code_while_another_reset_takes_it_waits_for_that_one_only(origins: Origins) -> None:
    first, second = origins
    people = PeopleStore(second.database)
    await people.add(Person("anna", "anna", Role.VIEWER, 0), "anna", None, Reset("code", 10))
    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with first.database.writing() as connection, asyncio.timeout(60):
        await connection.execute(text("UPDATE people SET password_hash = NULL"))
        using = asyncio.create_task(people.use_reset("code", "new", 0))
        while not await connection.scalar(waits):
            assert not using.done()
        await connection.execute(text("DELETE FROM resets"))
    assert await using is None
    assert (await people.credentials_of("anna")).password_hash is None


async def test_a_session_is_not_opened_with_a_password_that_is_being_changed(origins: Origins) -> None:
    first, second = origins
    people, sessions = PeopleStore(first.database), SessionStore(second.database)
    await people.add(Person("anna", "anna", Role.VIEWER, 0), "anna", "old", None)
    session = Session("hash", "id", created_ms=0, seen_ms=0, expires_ms=10, client="", browser="")
    holder = TokenHolder("anna", "anna", Rights.of(Role.VIEWER), is_person=True)
    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with first.database.writing() as connection, asyncio.timeout(60):
        await connection.execute(text("UPDATE people SET password_hash = 'new'"))
        opening = asyncio.create_task(sessions.open(session, holder, Means(OpenedBy.PASSWORD, "old")))
        while not await connection.scalar(waits):
            assert not opening.done()
    with pytest.raises(Unauthenticated):
        await opening
    assert await sessions.of("anna", True, 0) == []


async def test_a_release_that_comes_back_and_one_that_is_pinned(cluster: str, tmp_path: Path, clock: FakeClock) -> None:
    async with open_retention_origin(tmp_path, clock, url=cluster) as origin:
        planning = origin.planning
        try:
            for media in ("a", "b", "c"):
                await origin.publish(media)
            assert (await planning.publisher.pin("main", 1, True)).pinned
            await clock.advance(2 * GRACE_S)
            await origin.clear_and_check()
            again = await planning.publisher.bring_back("main", 1)
            assert (again.record.sequence, again.record.again) == (4, 1)
            listed = (await planning.releases.listed(PageRequest(), 1)).items
            assert {one.record.sequence: one.unneeded_ms is None for one in listed} == {
                4: True,
                3: True,
                2: False,
                1: False,
            }
        finally:
            async with planning.database.writing() as connection:
                await connection.run_sync(metadata.drop_all)
                await connection.execute(text("DROP TABLE alembic_version"))


async def test_any_origin_takes_the_answer_to_a_challenge_and_one_only(origins: Origins) -> None:
    first, second = (origin.database for origin in origins)
    await PeopleStore(first).add(Person("anna", "anna", Role.VIEWER, 0), "anna", "a hash", None)
    asked = ChallengeStore(first)
    for hash in ("one", "two", "late"):
        await asked.add(Challenge(hash, Purpose.LOG_IN, "browser", 5 if hash == "late" else 10), 0)
    takes = (ChallengeStore(one).take("one", Purpose.LOG_IN, "browser", 6) for one in (first, second) for _ in range(4))
    assert sorted(await asyncio.gather(*takes)) == [False] * 7 + [True]
    wrong = (
        ("two", Purpose.LOG_IN, "another"),
        ("two", Purpose.ADD_PASSKEY, "browser"),
        ("late", Purpose.LOG_IN, "browser"),
    )
    assert [await asked.take(*one, 6) for one in wrong] == [False] * 3
    with pytest.raises(Unauthenticated):
        mine = Challenge("mine", Purpose.ADD_PASSKEY, "browser", 10, "anna")
        await asked.add(mine, 0, password_hash="another hash")
    keys = [PasskeyStore(one) for one in (first, second)]
    await asked.add(mine, 0, password_hash="a hash")
    made = [Passkey(str(n), "anna", f"key {n}", "", 3, False, False, "localhost", "Phone", 1) for n in range(2)]
    added = await asyncio.gather(
        *(store.add(one, "mine", "browser") for store, one in zip(keys, made, strict=True)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in added) == ["Conflict", "NoneType"]
    [one] = await keys[1].of("anna")
    used = await asyncio.gather(*(store.use(one.id, 4, True, 7) for store in keys for _ in range(3)))
    assert sorted(used) == [False] * 5 + [True]
    await keys[0].remove(one.id, "anna", session="")
    assert await keys[1].by_credential(one.credential) is None


async def test_a_planned_publication_is_carried_out_by_exactly_one_of_two_origins(
    origins: Origins, clock: FakeClock
) -> None:
    first, second = origins
    await first.make_media("a")
    playlist = await first.playlists.create(PlaylistDraft(name="Lobby", items=(PlaylistItem(media="a"),)))
    await first.schedules.create("main", ScheduleDraft(zone="Europe/Berlin", default_playlist=playlist.id))
    stores = [PublicationStore(origin.database, clock) for origin in origins]
    made = [await stores[0].add(PublicationPlan("main", unix_ms(clock.now()) + 1_000)) for _ in range(4)]
    await clock.advance(2)
    told: list[str] = []
    runners = [
        PublicationRunner(store, origin.publisher, clock, late_s=60, changed=lambda _, id: told.append(id))
        for store, origin in zip(stores, origins, strict=True)
        for _ in range(2)
    ]
    await asyncio.gather(*(runner.carry_out_due() for runner in runners))
    await runners[0].carry_out_due()  # what another one had at that moment
    assert sorted(told) == sorted(one.id for one in made)
    states = [(await stores[1].get(one.id)).outcome for one in made]
    assert [(one.state, one.sequence) for one in states] == [(PublicationState.DONE, 1)] * 4
    [release] = (await second.releases.page(PageRequest())).items
    assert release.publication in {one.id for one in made}
    cancelled = await stores[0].add(PublicationPlan("main", unix_ms(clock.now()) + 1_000))
    await clock.advance(2)
    outcomes = await asyncio.gather(
        stores[0].cancel(cancelled.id, None), runners[2].carry_out_due(), return_exceptions=True
    )
    state = (await stores[1].get(cancelled.id)).outcome.state
    assert state is (PublicationState.DONE if isinstance(outcomes[0], Conflict) else PublicationState.CANCELLED)


async def test_a_release_is_made_of_ready_versions(origins: Origins) -> None:
    first, second = origins
    for media in "ab":
        await first.make_media(media)
    draft = PlaylistDraft(name="Lobby", items=(PlaylistItem(media="a"),))
    playlist = await first.playlists.create(draft)
    await first.schedules.create("main", ScheduleDraft(zone="Europe/Berlin", default_playlist=playlist.id))
    before = await second.releases.plan_version("main")
    keep_drafts(True)
    try:
        await second.playlists.replace(
            playlist.id, PlaylistDraft(name="New", items=(PlaylistItem(media="b"),)), version=1
        )
        await second.schedules.replace("main", ScheduleDraft(zone="UTC"), version=1)
    finally:
        keep_drafts(False)
    plan = await first.releases.plan("main")
    assert [(one.name, [item.media for item in one.items]) for one in plan.playlists] == [("Lobby", ["a"])]
    assert (plan.schedule.zone, sorted(one.kind for one in plan.left_out)) == (
        "Europe/Berlin",
        ["playlist", "schedule"],
    )
    assert (await first.releases.plan("main", ready=False)).schedule.zone == "UTC"
    with pytest.raises(Conflict, match="in use"):
        await first.replacements.remove(["a"])
    between = await second.releases.plan_version("main")
    ready = ReadinessStore(first.database)
    both = [(ThingKind.PLAYLIST, playlist.id, 2), (ThingKind.SCHEDULE, "main", None)]
    assert await ready.make_ready(both) == [2, 2]
    assert len({before, between, await second.releases.plan_version("main")}) == 3
    assert (await second.releases.plan("main")).left_out == ()
    keep_drafts(True)
    try:
        await first.playlists.replace(playlist.id, draft, version=2)
    finally:
        keep_drafts(False)
    reviews = [ReviewStore(origin.database, origin.clock) for origin in origins]
    asked = await asyncio.gather(*(store.ask(ThingKind.PLAYLIST, playlist.id, "please") for store in reviews))
    assert len({one.id for one in asked}) == 1
    ends = (ReviewState.APPROVED, ReviewState.RETURNED)
    ended = await asyncio.gather(
        *(store.end(asked[0].id, state, None) for store, state in zip(reviews, ends, strict=True)),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in ended) == ["Conflict", "Review"]
    [seen] = (await reviews[1].page(PageRequest())).items
    went_out = (await second.playlists.get(playlist.id)).ready_version
    assert (seen.current_version, went_out) == (3, 3 if seen.state is ReviewState.APPROVED else 2)


async def test_old_history_is_removed(origins: Origins, clock: FakeClock) -> None:
    await check_old_history(origins[0], clock)
    await clock.advance(40 * 86_400)
    await cleaner(origins[0], clock).clear()
    await check_old_entries(origins[1], clock)


async def test_changes_that_wait_for_each_other_are_made_again(origins: Origins) -> None:
    first, _ = origins
    for media in "ab":
        await first.make_media(media)
    both_hold, tries = asyncio.Barrier(2), list[str]()

    @again_if_deadlocked
    async def rename(*ids: str) -> None:
        async with first.database.writing() as connection:
            await connection.execute(text("SET LOCAL deadlock_timeout = '20ms'"))
            tries.append(ids[0])
            for id in ids:
                await connection.execute(update(media_table).where(media_table.c.id == id).values(name=ids[0]))
                if id == ids[0] and len(tries) <= 2:
                    await both_hold.wait()

    await asyncio.gather(rename("a", "b"), rename("b", "a"))
    assert len(tries) == 3
    assert (await first.media.get("a")).name == (await first.media.get("b")).name


async def test_media_are_removed_and_channels_moved_while_plans_are_saved(origins: Origins) -> None:
    first, second = origins
    await SpaceStore(first.database).add(Space("bar", "Bar"))
    await first.make_media("kept")
    items = [PlaylistItem(media="kept")]
    playlist = await first.playlists.create(PlaylistDraft(name="Lobby", items=tuple(items)))
    await first.schedules.create("main", ScheduleDraft(zone="Europe/Berlin", default_playlist=playlist.id))
    lending = LendingStore(second.database, ready_users, ready_uses)
    start = first.clock.now()
    line = LineDraft(name="All", creatives=(CreativeDraft(media="kept"),))
    flight = {"starts_at": start, "ends_at": start.replace(year=start.year + 1)}
    booked = CampaignDraft(name="Fizzo", advertiser="Fizzo", channel="main", lines=(line,), **flight)
    campaign = await first.campaigns.create(booked)
    for number in range(8):
        gone = await first.make_media(f"gone{number}")
        shown = (*items, PlaylistItem(media=gone))
        version = (await first.playlists.get(playlist.id)).version
        await first.playlists.replace(playlist.id, PlaylistDraft(name="Lobby", items=shown), version=version)
        schedule = await first.schedules.get("main")
        done = await asyncio.gather(
            first.playlists.replace(playlist.id, PlaylistDraft(name="X", items=shown), version=version + 1),
            second.replacements.remove([gone], with_uses=True),
            first.campaigns.replace(campaign.id, booked, version=number + 1),
            lending.move(SpaceThing.CHANNELS, "main", ("bar", DEFAULT_SPACE)[number % 2]),
            second.schedules.replace("main", ScheduleDraft(default_playlist=playlist.id), version=schedule.version),
            return_exceptions=True,
        )
        assert {type(one) for one in done if isinstance(one, Exception)} <= {StaleVersion, Rejected, Conflict}
