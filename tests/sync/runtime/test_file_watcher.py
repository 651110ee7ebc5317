import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sync.runtime.clock import SystemClock
from sync.runtime.file_watcher import FileWatcher
from tests.fakes import FakeClock


class Changes:
    """Counts the changes that a watcher reports, and waits for the next one."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[int] = asyncio.Queue()

    def __call__(self) -> None:
        self.queue.put_nowait(1)

    async def next(self) -> None:
        await asyncio.wait_for(self.queue.get(), 60)


@pytest.fixture
async def changes(tmp_path: Path) -> AsyncIterator[Changes]:
    (tmp_path / "player.toml").write_text("a = 1")
    changes = Changes()
    task = asyncio.create_task(FileWatcher(tmp_path / "player.toml", changes, SystemClock()).run())
    try:
        yield changes
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_an_edit_in_place_is_a_change(tmp_path: Path, changes: Changes) -> None:
    (tmp_path / "player.toml").write_text("a = 2")
    await changes.next()


async def test_each_rename_over_the_file_is_a_change(tmp_path: Path, changes: Changes) -> None:
    for number in range(3):
        (tmp_path / ".player.toml.swp").write_text(f"b = {number}")
        (tmp_path / ".player.toml.swp").rename(tmp_path / "player.toml")
        await changes.next()


async def test_a_file_deleted_and_written_with_other_content_is_one_change(tmp_path: Path, changes: Changes) -> None:
    (tmp_path / "player.toml").unlink()
    (tmp_path / "player.toml").write_text("a = 3")
    await changes.next()
    assert changes.queue.empty()


async def test_a_replaced_symbolic_link_is_a_change(tmp_path: Path, changes: Changes) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
        (tmp_path / "link").symlink_to(tmp_path / name)
        (tmp_path / "link").rename(tmp_path / "player.toml")
        await changes.next()


async def test_other_files_and_equal_content_are_no_change(tmp_path: Path, changes: Changes) -> None:
    (tmp_path / "other.toml").write_text("x = 1")
    (tmp_path / "player.toml").touch()
    (tmp_path / "player.toml").read_text()
    (tmp_path / "player.toml").write_text("a = 1")
    (tmp_path / "player.toml").write_text("a = 4")  # the first thing that counts
    await changes.next()
    assert changes.queue.empty()


async def test_the_watch_starts_when_the_folder_is_created(tmp_path: Path) -> None:
    clock, changes = FakeClock(), Changes()
    task = asyncio.create_task(FileWatcher(tmp_path / "later" / "player.toml", changes, clock).run())
    await clock.advance(60)
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "player.toml").write_text("a = 1")
    await clock.advance(60)
    await changes.next()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
