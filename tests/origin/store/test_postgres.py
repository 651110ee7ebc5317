"""The same statements on PostgreSQL: a cluster of our own where one is installed, with two origins on it at once."""

import asyncio
import os
import pwd
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import select

from sync.errors import Conflict, Rejected, StaleVersion
from sync.origin.persistence.tables import metadata, playlists
from sync.origin.planning.plans import (
    CampaignDraft,
    CreativeDraft,
    DaypartDraft,
    LineDraft,
    PlaylistDraft,
    PlaylistItem,
    ScheduleDraft,
)
from sync.origin.publishing.publisher import Publication
from sync.origin.retention.scanner import Figures
from sync.origin.store.devices import add_device
from sync.origin.store.plays import ChainStore, PlayStore, ReceivedPlay
from sync.wire.report import Play
from tests.fakes import FakeClock
from tests.origin.planning_origin import PlanningOrigin, open_planning_origin
from tests.origin.retention.retention_origin import GRACE_S, asset_of, open_retention_origin
from tests.origin.running_origin import ZERO, play

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
pytestmark = pytest.mark.skipif(not BINARIES, reason="PostgreSQL is not installed")


def _run(*command: str) -> None:
    """Run a tool of PostgreSQL, which refuses to be root."""
    unprivileged: dict[str, Any] = {"user": "nobody", "group": "nogroup"} if os.getuid() == 0 else {}
    subprocess.run(command, check=True, timeout=60, cwd="/", stdout=subprocess.DEVNULL, **unprivileged)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Start a server that listens on a socket file only; give its URL."""
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
async def desks(cluster: str, tmp_path: Path, clock: FakeClock) -> AsyncIterator[tuple[PlanningOrigin, PlanningOrigin]]:
    async with (
        open_planning_origin(tmp_path, clock, url=cluster) as one,
        open_planning_origin(tmp_path, clock, url=cluster) as other,
    ):
        yield one, other
        async with one.database.writing() as connection:
            await connection.run_sync(metadata.drop_all)


async def test_plans_are_kept_raced_for_and_published_by_two_origins_at_once(
    desks: tuple[PlanningOrigin, PlanningOrigin],
) -> None:
    one, other = desks
    for media in ("a", "b", "ad"):
        await one.make_media(media)
    draft = PlaylistDraft(name="Lobby", items=(PlaylistItem(media="a", title="A"), PlaylistItem(media="b")))
    playlist = await one.playlists.create(draft)
    assert [item.title for item in (await other.playlists.get(playlist.id)).items] == ["A", "b.jpg"]
    outcomes = await asyncio.gather(
        *(planning.playlists.replace(playlist.id, draft, version=1) for planning in desks), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["StaleVersion", "StoredPlaylist"]

    daypart = DaypartDraft(name="Day", playlist=playlist.id)
    schedule = ScheduleDraft(zone="Europe/Berlin", default_playlist=playlist.id, fallback="a", dayparts=(daypart,))
    made = await asyncio.gather(
        *(planning.schedules.create("main", schedule) for planning in desks), return_exceptions=True
    )
    assert len([outcome for outcome in made if isinstance(outcome, StaleVersion | Conflict)]) == 1
    held = await one.schedules.get("main")
    assert (await other.schedules.replace("main", schedule, version=held.version)).version == 2

    line = LineDraft(name="All", creatives=(CreativeDraft(media="ad"),))
    start = one.clock.now()
    flight = {"starts_at": start, "ends_at": start.replace(year=start.year + 1)}
    campaign = await one.campaigns.create(CampaignDraft(name="Fizzo", advertiser="Fizzo", lines=(line,), **flight))
    assert await other.campaigns.list_all() == (campaign,)

    published = await asyncio.gather(
        *(planning.publisher.publish("main") for planning in desks), return_exceptions=True
    )
    assert {type(outcome) for outcome in published} <= {Publication, Conflict}
    sequences = [record.sequence for record in await one.releases.list_releases("main", limit=9)]
    assert sequences == list(range(len(sequences), 0, -1))
    assert (await other.schedules.get("main")).sequence == sequences[0]
    assert await one.releases.plan_version("main") == await other.releases.plan_version("main")
    assert await one.releases.published_channels() == ("main",)


async def test_what_is_in_use_or_unknown_is_refused_there_as_well(desks: tuple[PlanningOrigin, PlanningOrigin]) -> None:
    one, other = desks
    await one.make_media("own")
    playlist = await one.playlists.create(PlaylistDraft(name="Own", items=(PlaylistItem(media="own"),)))
    await one.schedules.create("bar", ScheduleDraft(default_playlist=playlist.id))
    await one.publisher.publish("bar")
    with pytest.raises(Conflict) as used:
        await other.playlists.remove(playlist.id, version=None)
    assert used.value.users == ("bar",)
    with pytest.raises(Conflict) as published:
        await other.schedules.remove("bar", version=None)
    assert published.value.users == ("its releases",)
    with pytest.raises(Rejected) as unknown:
        await one.playlists.create(PlaylistDraft(name="X", items=(PlaylistItem(media="none"),)))
    assert list(unknown.value.fields) == ["items.0.media"]


async def test_a_reader_sees_one_moment_however_many_questions_it_asks(
    desks: tuple[PlanningOrigin, PlanningOrigin],
) -> None:
    one, other = desks
    kept = await one.playlists.create(PlaylistDraft(name="Before"))
    async with one.database.reading() as connection:
        query = select(playlists.c.name).where(playlists.c.id == kept.id)
        first = (await connection.execute(query)).scalar()
        await other.playlists.replace(kept.id, PlaylistDraft(name="After"), version=1)
        assert (await connection.execute(query)).scalar() == first == "Before"
    assert (await one.playlists.get(kept.id)).name == "After"


async def test_what_it_cannot_hold_is_refused_and_a_lost_race_for_a_name_is_told(
    desks: tuple[PlanningOrigin, PlanningOrigin],
) -> None:
    one, _ = desks
    await one.make_media("own")
    with pytest.raises(Rejected, match="cannot store"):
        await one.playlists.get("a\0b")
    version = (await one.media.get("own")).version
    renamed = await asyncio.gather(
        *(planning.media.rename("own", name, version=version) for planning in desks for name in ("x", "y")),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in renamed) == ["MediaRow", *["StaleVersion"] * 3]


async def test_of_two_origins_that_clear_at_once_each_leaves_what_is_needed(
    desks: tuple[PlanningOrigin, PlanningOrigin], cluster: str, tmp_path: Path
) -> None:
    now = FakeClock(datetime.now(UTC))
    async with (
        open_retention_origin(tmp_path, now, url=cluster) as one,
        open_retention_origin(tmp_path, now, url=cluster) as other,
    ):
        for media in "abc":
            await one.publish(media)
        await one.delete("a")
        for _ in range(3):
            await now.advance(GRACE_S + 60)
            cleared = await asyncio.gather(one.cleaner.clear(), other.cleaner.clear(), return_exceptions=True)
            assert {type(outcome) for outcome in cleared} <= {Figures, Conflict}
            one.check()
        assert len(one.names("releases")) == 2
        assert one.names("assets") == {asset_of("b"), asset_of("c")}


async def test_a_chain_that_is_not_whole_is_found_there_as_well(desks: tuple[PlanningOrigin, PlanningOrigin]) -> None:
    one, _ = desks
    plays, chains = PlayStore(one.database), ChainStore(one.database)
    async with one.database.writing() as connection:
        await add_device(connection, id="d", name="window", channel_id="main", token_hash="0" * 64, paired_ms=0)
    documents = [play("d", number) for number in (1, 2, 5)]  # each says it is the first
    await plays.insert("d", [ReceivedPlay(Play.model_validate(document), document) for document in documents], 0)
    breaks = await chains.breaks(None, 0, 2**50, 9)
    assert sorted((sequence, below, named == ZERO) for _, _, sequence, _, below, named, _ in breaks) == [
        (2, 1, True), (5, 2, True)
    ]  # fmt: skip
    ((_, _, count, first, last, *_),) = await chains.logs("d")
    assert (count, first, last) == (3, 1, 5)
    assert await chains.conflicts("d", 0, 2**50, 9) == []
