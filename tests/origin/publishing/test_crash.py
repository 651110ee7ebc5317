"""Killed by SIGKILL at each step of a change or a publication: what is found after is the old or the new, whole."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from tests import TOP
from tests.fakes import FakeClock
from tests.long_tables import in_bench
from tests.origin.planning_origin import open_planning_origin
from tests.origin.publishing.test_publisher import fetched, immutable, plan

# A second process does `work` on the planning in the folder, and dies just before or after it calls `place`.
SCRIPT = """
import asyncio, os, signal, sys
from pathlib import Path
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.planning.playlists import PlaylistDraft; from sync.origin.planning.playlists import PlaylistItem
from sync.origin.store import playlists as statements
from sync.origin.store.releases import ReleaseStore
from tests.fakes import FakeClock
from tests.origin.planning_origin import open_planning_origin

folder, where, when, work = sys.argv[1:]
owner, name = {"row": (statements, "_row"), "put": (DataFolder, "put"), "add": (ReleaseStore, "add"),
               "replace": (DataFolder, "replace")}[where]
real = getattr(owner, name)

def die_before(*arguments, **named):
    os.kill(os.getpid(), signal.SIGKILL)

async def die_after_awaited(*arguments, **named):
    await real(*arguments, **named)
    die_before()

def die_after(*arguments, **named):
    real(*arguments, **named)
    die_before()

async def main():
    async with open_planning_origin(Path(folder), FakeClock()) as planning:
        deaths = {"before": die_before, "after": die_after_awaited if where == "add" else die_after}
        setattr(owner, name, deaths[when])
        if work == "publish":
            await planning.publisher.publish("main")
        else:
            draft = PlaylistDraft(name="New", items=[PlaylistItem(media="b")])
            await planning.playlists.replace(work, draft, version=1)

asyncio.run(main())
"""


def _killed(folder: Path, where: str, when: str, work: str) -> None:
    ended = subprocess.run([sys.executable, "-c", SCRIPT, str(folder), where, when, work], cwd=TOP, timeout=60)
    assert ended.returncode == -signal.SIGKILL


async def test_a_playlist_is_the_old_one_whole_if_we_die_in_the_middle_of_its_change(
    tmp_path: Path, clock: FakeClock
) -> None:
    draft = PlaylistDraft(name="Old", items=(PlaylistItem(media="a"), PlaylistItem(media="a")))
    async with open_planning_origin(tmp_path, clock) as planning:
        await planning.make_media("a")
        await planning.make_media("b")
        stored = await planning.playlists.create(draft)
    _killed(tmp_path, "row", "before", stored.id)
    async with open_planning_origin(tmp_path, clock) as planning:
        assert await planning.playlists.get(stored.id) == stored
        assert (await planning.playlists.replace(stored.id, draft, version=1)).version == 2


@pytest.mark.parametrize(
    ("where", "when", "published"),
    [
        ("put", "before", False),
        ("add", "before", False),
        ("add", "after", True),
        ("replace", "after", True),
        *in_bench(("put", "after", False), ("replace", "before", True)),
    ],
)
async def test_a_publication_is_not_there_or_made_good_wherever_we_die(
    tmp_path: Path, clock: FakeClock, where: str, when: str, published: bool
) -> None:
    async with open_planning_origin(tmp_path, clock) as planning:
        await planning.make_media("a")
        await planning.make_media("b")
        playlist = await plan(planning, "a")
        await planning.publisher.publish("main")
        draft = PlaylistDraft(name="Lobby", items=(PlaylistItem(media="b"),))
        await planning.playlists.replace(playlist, draft, version=1)
    before = immutable(tmp_path / "content")
    _killed(tmp_path, where, when, "publish")
    fetched(tmp_path / "content", "main", clock)  # at no moment is there nothing to trust
    async with open_planning_origin(tmp_path, clock) as planning:
        await planning.publisher.timestamps.refresh()
        assert fetched(tmp_path / "content", "main", clock)[0].sequence == (2 if published else 1)
        again = await planning.publisher.publish("main")
        timestamp, release = fetched(tmp_path / "content", "main", clock)
        assert (again.unchanged, timestamp.sequence, len(release.assets)) == (published, 2, 1)
        assert (await planning.schedules.get("main")).sequence == 2
    after = immutable(tmp_path / "content")
    assert {path: after[path] for path in before} == before
