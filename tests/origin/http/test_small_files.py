"""Small files from memory are those that the disk has at that moment, and memory has a limit."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sync.errors import NotFound, StorageBroken
from sync.origin.http import small_files
from sync.origin.http.small_files import LARGEST_BYTES, SmallFiles
from sync.origin.persistence.data_folder import DataFolder


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were read from the disk."""
    paths: list[str] = []
    read = small_files._read

    def noted(path: str) -> object:
        paths.append(Path(path).name)
        return read(path)

    monkeypatch.setattr(small_files, "_read", noted)
    return paths


def put(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


async def test_a_file_is_read_once_and_has_the_hash_of_its_bytes_as_its_etag(tmp_path: Path, opened: list[str]) -> None:
    small, path = SmallFiles(), put(tmp_path / "a", b"abc")
    first = await small.read(path)
    assert first == (b"abc", f'"{hashlib.sha256(b"abc").hexdigest()}"')
    assert await small.read(path) is first and opened == ["a"]


async def test_a_file_that_is_replaced_again_and_again_is_never_an_old_one(tmp_path: Path) -> None:
    files, small = DataFolder(tmp_path), SmallFiles()
    for number in range(200):  # of one size, faster than the clock of the file system ticks
        path = files.replace("channels/main/timestamp.json", b"%03d" % number)
        found = await small.read(str(path))
        assert found is not None and found.content == b"%03d" % number


def shortened(path: Path) -> None:
    path.write_bytes(b"a")


def rewritten_in_place(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"xyz")
    os.utime(path, (1, 1))


def replaced(path: Path) -> None:
    before = path.stat()
    put(path.with_name("new"), b"xyz")
    os.utime(path.with_name("new"), ns=(before.st_atime_ns, before.st_mtime_ns))
    path.with_name("new").replace(path)


@pytest.mark.parametrize("change", [shortened, rewritten_in_place, replaced])
async def test_what_changed_on_the_disk_is_read_again(tmp_path: Path, change: Callable[[Path], None]) -> None:
    small, path = SmallFiles(), put(tmp_path / "a", b"abc")
    await small.read(path)
    change(tmp_path / "a")
    found = await small.read(path)
    assert found is not None and found.content == (tmp_path / "a").read_bytes()


async def test_what_is_removed_or_no_file_any_more_is_not_served(tmp_path: Path) -> None:
    small, path = SmallFiles(), put(tmp_path / "a", b"abc")
    await small.read(path)
    (tmp_path / "a").rename(tmp_path / "b")
    with pytest.raises(NotFound):
        await small.read(path)
    assert small._held_bytes == 0
    (tmp_path / "a").symlink_to(tmp_path / "b")
    for name in (path, str(tmp_path)):  # a link, a folder
        with pytest.raises(StorageBroken, match="is not a file"):
            await small.read(name)
    with pytest.raises(StorageBroken, match="cannot be read"):
        await small.read(str(tmp_path / "b" / "below a file"))
    (tmp_path / "a").unlink()
    (tmp_path / "b").rename(tmp_path / "a")
    assert await small.read(path) == await SmallFiles().read(path)


async def test_memory_has_a_limit_and_what_was_asked_for_last_stays(tmp_path: Path, opened: list[str]) -> None:
    small = SmallFiles(most_bytes=5 * (1_000 + 1_024))
    paths = [put(tmp_path / str(number), bytes([number]) * 1_000) for number in range(9)]
    for path in paths:
        await small.read(paths[0])
        await small.read(path)
    assert len(small._held) == 5 and small._held_bytes == 5 * 2_024
    assert opened == [str(number) for number in range(9)]  # the first one was never read again
    await small.read(paths[1])
    assert opened[-1] == "1"


async def test_a_large_file_is_left_to_the_kernel(tmp_path: Path, opened: list[str]) -> None:
    small = SmallFiles()
    assert await small.read(put(tmp_path / "a", bytes(LARGEST_BYTES))) is not None
    assert await small.read(put(tmp_path / "a", bytes(LARGEST_BYTES + 1))) is None
    assert small._held_bytes == 0 and opened == ["a"]
