"""Where files go when no setting says so."""

import os
from pathlib import Path

import pytest

from sync.runtime import default_folders
from sync.runtime.default_folders import data_folder, state_folder

SOMEBODY = os.getuid() + 4711


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands in for /var/lib; the caller has a home and no variables."""
    folder = tmp_path / "var-lib"
    folder.mkdir()
    monkeypatch.setattr(default_folders, "_SERVICES", folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    return folder


def run_as(uid: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: uid)


def test_a_person_gets_folders_of_their_own(services: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_as(SOMEBODY, monkeypatch)
    (services / "signage-player").mkdir()  # of a service on the same machine
    assert state_folder("signage-player") == tmp_path / "home/.local/state/signage-player"
    assert data_folder("signage-origin") == tmp_path / "home/.local/share/signage-origin"


def test_the_xdg_variables_count_when_they_are_absolute(
    services: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_as(SOMEBODY, monkeypatch)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", "somewhere")
    assert state_folder("signage-player") == tmp_path / "state/signage-player"
    assert data_folder("signage-origin") == tmp_path / "home/.local/share/signage-origin"


def test_root_is_a_service_even_where_nothing_is_installed_yet(services: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_as(0, monkeypatch)
    assert state_folder("signage-player") == services / "signage-player"


def test_the_user_of_a_service_stays_there_when_the_disk_becomes_read_only(
    services: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = services / "signage-origin"
    folder.mkdir(mode=0o555)
    if os.getuid() == 0:
        os.chown(folder, SOMEBODY, -1)
    run_as(folder.stat().st_uid, monkeypatch)
    assert data_folder("signage-origin") == folder


def test_a_user_without_a_home_is_told_about_the_folder_of_the_service(
    services: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    run_as(SOMEBODY, monkeypatch)
    monkeypatch.setattr(Path, "home", no_home)
    assert state_folder("signage-player") == services / "signage-player"
