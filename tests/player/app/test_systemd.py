import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from player.app.cli import STEPS
from player.stage.escalation import EscalationStep
from tests import TOP

UNITS = ("signage-player.service", "signage-display.service", "signage-origin.service")


def script(name: str, destdir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DESTDIR": str(destdir), "VENV": str(TOP / ".venv"), "PREFIX": "/opt/signage"}
    command = [str(TOP / "systemd" / name), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def files(destdir: Path) -> dict[str, tuple[bytes, int]]:
    found = (path for path in destdir.rglob("*") if path.is_file())
    return {str(path.relative_to(destdir)): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    done = script("install", tmp_path, "player", "origin")
    assert done.returncode == 0, done.stderr
    return tmp_path


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed (package systemd)"
)
def test_the_installed_units_pass_systemds_own_check(installed: Path) -> None:
    units = [str(installed / "etc/systemd/system" / name) for name in UNITS]
    check = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=one", *units]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    # Lines about other units of this machine are ignored.
    ours = [line for line in done.stderr.splitlines() if "signage" in line]
    assert (done.returncode, ours) == (0, [])


def test_the_units_start_what_was_installed(installed: Path) -> None:
    text = (installed / "etc/systemd/system/signage-player.service").read_text()
    assert f"ExecStart={TOP / '.venv'}/bin/signage-player run --config /etc/signage/player.toml" in text
    for line in ("Type=notify", "WatchdogSec=30", "Restart=always", "StartLimitIntervalSec=0", "User=signage"):
        assert line in text.splitlines()
    for name in UNITS:
        assert "@VENV@" not in (installed / "etc/systemd/system" / name).read_text()


@pytest.mark.parametrize(("code", "asked"), [(0, ""), (1, ""), (5, ""), (6, "--no-block reboot\n")])
def test_only_exit_code_6_reboots_the_device(installed: Path, tmp_path: Path, code: int, asked: str) -> None:
    text = (installed / "etc/systemd/system/signage-player.service").read_text()
    assert "Restart=always" in text.splitlines() and STEPS[EscalationStep.REBOOT] == 6
    (line,) = (line for line in text.splitlines() if line.startswith("ExecStopPost=+"))
    systemctl = tmp_path / "bin/systemctl"
    systemctl.parent.mkdir()
    systemctl.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    systemctl.chmod(0o755)
    command = shlex.split(line.removeprefix("ExecStopPost=+").replace("$$", "$"))
    environment = {"PATH": f"{systemctl.parent}:/usr/bin:/bin", "EXIT_STATUS": str(code)}
    subprocess.run(command, env=environment, check=True)
    assert (tmp_path / "asked").exists() == bool(asked)
    assert not asked or (tmp_path / "asked").read_text() == asked


def test_the_display_unit_sets_the_options_that_the_screen_needs(installed: Path) -> None:
    text = (installed / "etc/systemd/system/signage-display.service").read_text()
    start = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    for option in ("-noreset", "-nocursor", "-s 0", "-dpms", "-nolisten tcp", "-novtswitch"):
        assert option in start


def test_the_screen_weighs_far_more_than_what_an_origin_encodes(installed: Path) -> None:
    def weight(name: str, kind: str) -> int:
        lines = (installed / "etc/systemd/system" / name).read_text().splitlines()
        set_to = [int(line.split("=")[1]) for line in lines if line.startswith(f"{kind}=")]
        return set_to[0] if set_to else 100  # systemd's default

    for kind in ("CPUWeight", "IOWeight"):
        for name in ("signage-player.service", "signage-display.service"):
            assert weight(name, kind) >= 50 * weight("signage-origin.service", kind)


def test_every_group_of_sandbox_options_has_a_comment_with_its_reason() -> None:
    for name in UNITS:
        blocks = (TOP / "systemd" / name).read_text().split("# Nothing here can gain")[-1].splitlines()
        assert sum(line.startswith("#") for line in blocks) >= 4


def test_installing_again_changes_neither_files_nor_the_owners_settings(installed: Path) -> None:
    (installed / "etc/signage/player.toml").write_text("# mine\n")
    before = files(installed)
    assert script("install", installed, "player", "origin").returncode == 0
    assert files(installed) == before


def test_uninstalling_keeps_settings_and_proof_except_with_purge(installed: Path) -> None:
    state = installed / "var/lib/signage-player/state"
    state.mkdir(parents=True)
    (state / "plays.db").write_text("evidence")
    assert script("uninstall", installed).returncode == 0
    assert set(files(installed)) == {
        "etc/signage/player.toml",
        "etc/signage/origin.toml",
        "var/lib/signage-player/state/plays.db",
    }
    assert script("uninstall", installed).returncode == 0  # again: nothing to do
    assert script("uninstall", installed, "--purge").returncode == 0
    assert files(installed) == {}


def test_an_unknown_part_is_refused(tmp_path: Path) -> None:
    done = script("install", tmp_path, "everything")
    assert done.returncode != 0 and "everything" in done.stderr
    assert files(tmp_path) == {}
