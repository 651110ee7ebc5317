"""Files of the data folder are whole or missing, also after crashes and on full disks."""

import os
from pathlib import Path

import pytest

from sync.errors import Conflict, StorageBroken, StorageFull
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.upload_file import lock_upload


@pytest.fixture
def files(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path)
    folder.prepare()
    return folder


def test_content_is_never_overwritten_and_leaves_no_temporary_files(files: DataFolder) -> None:
    first = files.put("releases/a.json", b"one")
    assert files.put("releases/a.json", b"two") == first and first.read_bytes() == b"one"
    files.replace("releases/a.json", b"three")
    assert first.read_bytes() == b"three"
    made = files.work / "made"
    made.write_bytes(b"other")
    files.move_in(made, "releases/a.json")
    assert first.read_bytes() == b"three" and not made.exists()
    assert [path.name for path in first.parent.iterdir()] == ["a.json"]
    for bad in ("../a", "/etc/a", "a//b", "a/./b"):
        with pytest.raises(ValueError, match="inside"):
            files.put(bad, b"")


def test_a_full_disk_and_a_broken_one_are_different_errors(files: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    (files.content / "releases").write_bytes(b"a file where a folder should be")
    with pytest.raises(StorageBroken):
        files.put("releases/a.json", b"one")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull):
        files.put("a.json", b"one")
    assert [path.name for path in files.content.iterdir()] == ["releases"]


def test_temporary_files_of_killed_writers_are_deleted_once_they_are_old(files: DataFolder) -> None:
    kept = files.put("assets/a", b"whole")
    old, young = kept.with_name(".a.1.tmp"), kept.with_name(".a.2.tmp")
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    os.utime(kept, (1, 1))
    files.remove_temporary_files(before_s=1000)
    assert sorted(kept.parent.iterdir()) == sorted((kept, young))


def test_an_upload_file_that_cannot_be_opened_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "upload").mkdir()
    with pytest.raises(StorageBroken, match="upload"), lock_upload(tmp_path / "upload"):
        pass


def test_an_upload_file_is_locked_against_other_writers(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.touch()
    with lock_upload(path), pytest.raises(Conflict), lock_upload(path):
        pass
    with lock_upload(path):
        pass
