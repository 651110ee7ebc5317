import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from player.app.cli import STEPS
from player.endpoint.server import _LIMITS as ENDPOINT_LIMITS
from player.stage.escalation import EscalationStep
from sync.http.listener import RESERVED_DESCRIPTORS
from tests import TOP
from tests.display import XorgDummy

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


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed (package systemd)"
)
def test_what_only_a_real_screen_can_prove_is_off_and_takes_more_away(installed: Path) -> None:
    assert not [name for name in files(installed) if "strict" in name]
    unit = installed / "etc/systemd/system/signage-display.service"
    check = ["systemd-analyze", "security", "--offline=yes", str(unit)]
    without = exposure(subprocess.run(check, capture_output=True, text=True, check=True).stdout)
    unit.with_suffix(".service.d").mkdir()
    shutil.copy(TOP / "systemd/display-strict.conf", unit.with_suffix(".service.d"))
    assert exposure(subprocess.run(check, capture_output=True, text=True, check=True).stdout) <= without - 1
    verify = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=one", str(unit)]
    assert "display-strict.conf" not in subprocess.run(verify, capture_output=True, text=True, check=False).stderr


def exposure(told: str) -> float:
    return float(told.rpartition("signage-display.service:")[2].split()[0])


def test_connections_have_the_descriptors_that_the_documentation_says(installed: Path) -> None:
    units = {name: (installed / "etc/systemd/system" / name).read_text() for name in UNITS}
    most = {name: int(text.split("LimitNOFILE=")[1].split()[0]) for name, text in units.items() if "NOFILE" in text}
    assert set(most) == {"signage-player.service", "signage-origin.service"}
    accepted = (most["signage-origin.service"] - RESERVED_DESCRIPTORS) // 2
    assert f"The origin accepts {accepted:,} connections" in (TOP / "docs/operations.md").read_text()
    assert most["signage-player.service"] >= 16 * ENDPOINT_LIMITS.most, "decks, media and databases have the rest"


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


def test_an_update_restarts_what_changed_and_all_that_runs_the_code(installed: Path, tmp_path: Path) -> None:
    """A copy of the script, for which a systemd runs that notes what it is told."""
    source, said = tmp_path / "source", tmp_path / "said"
    for name in ("systemd", "config"):
        shutil.copytree(TOP / name, source / name)
    (source / "docs").mkdir()
    shutil.copy(TOP / "docs/operations.md", source / "docs")
    install = source / "systemd/install"
    where = 'if [ -z "$destdir" ] && [ -d /run/systemd/system ]; then'
    assert where in install.read_text()
    install.write_text(install.read_text().replace(where, "if true; then"))
    for name in ("systemctl", "sysctl", "udevadm"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{said}\n')
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "DESTDIR": str(installed), "VENV": str(TOP / ".venv"), "PREFIX": "/opt/signage"}
    environment["PATH"] = f"{tmp_path}:{environment['PATH']}"

    def told(*parts: str) -> list[str]:
        said.unlink(missing_ok=True)
        subprocess.run([str(install), *parts], env=environment, check=True, capture_output=True)
        return [line for line in said.read_text().splitlines() if "daemon-reload" in line or " restart " in line]

    code = "signage-player.service signage-origin.service"
    assert told("player", "origin") == told("origin") == [f"systemctl restart {code}"]
    with (source / "systemd/signage-display.service").open("a") as unit:
        unit.write("# changed\n")
    assert told("player") == ["systemctl daemon-reload", f"systemctl restart signage-display.service {code}"]
    (source / "systemd/input/xorg.conf").write_text("# changed\n")
    assert told("player") == ["systemctl daemon-reload", f"systemctl restart signage-display.service {code}"]


def test_uninstalling_keeps_settings_and_proof_except_with_purge(installed: Path) -> None:
    state = installed / "var/lib/signage-player/state"
    state.mkdir(parents=True)
    (state / "plays.db").write_text("evidence")
    assert script("uninstall", installed).returncode == 0
    assert set(files(installed)) == {
        "etc/signage/player.toml",
        "etc/signage/origin.toml",
        "etc/signage/player.env",
        "etc/signage/origin.env",
        "var/lib/signage-player/state/plays.db",
    }
    assert script("uninstall", installed).returncode == 0  # again: nothing to do
    assert script("uninstall", installed, "--purge").returncode == 0
    assert files(installed) == {}


def test_an_unknown_part_is_refused(tmp_path: Path) -> None:
    done = script("install", tmp_path, "everything")
    assert done.returncode != 0 and "everything" in done.stderr
    assert files(tmp_path) == {}


def test_a_keyboard_at_the_screen_reaches_neither_consoles_nor_a_reboot(installed: Path) -> None:
    etc = installed / "etc"
    options = (etc / "signage/xorg.conf").read_text()
    for option in ('"AutoAddDevices" "off"', '"DontVTSwitch" "on"', '"DontZap" "on"'):
        assert option in options
    unit = (etc / "systemd/system/signage-display.service").read_text()
    assert "-config /etc/signage/xorg.conf" in unit and "getty@tty7.service" in unit
    assert (etc / "systemd/system/ctrl-alt-del.target").readlink() == Path("/dev/null")
    assert "CtrlAltDelBurstAction=none" in (etc / "systemd/system.conf.d/signage.conf").read_text()
    assert "kernel.sysrq = 0" in (etc / "sysctl.d/signage.conf").read_text()
    assert script("uninstall", installed).returncode == 0
    assert not (etc / "systemd/system/ctrl-alt-del.target").is_symlink()


def test_what_the_owner_has_masked_stays_masked(tmp_path: Path) -> None:
    masked = tmp_path / "etc/systemd/system/ctrl-alt-del.target"
    masked.parent.mkdir(parents=True)
    masked.symlink_to("/dev/null")
    assert script("install", tmp_path).returncode == 0
    assert script("uninstall", tmp_path).returncode == 0
    assert masked.is_symlink()


@pytest.mark.skipif(
    shutil.which("Xorg") is None or os.geteuid() != 0, reason="Xorg is not installed, or we are not root"
)
def test_the_real_x_server_takes_these_options_and_opens_no_input_device(installed: Path) -> None:
    folder = installed / "more"
    folder.mkdir()
    shutil.copy(installed / "etc/signage/xorg.conf", folder)
    with XorgDummy(800, 600, "-configdir", str(folder)) as server:
        log = server.log_text()
        for option in ("AutoAddDevices", "DontVTSwitch", "DontZap", "DontZoom"):
            assert f'(**) Option "{option}"' in log
        assert "Using input driver" not in log
        held = [str(fd.readlink()) for fd in Path(f"/proc/{server.pid}/fd").iterdir()]
        assert not [name for name in held if name.startswith("/dev/input")]


def test_files_for_secrets_are_there_and_only_root_reads_them(installed: Path) -> None:
    for name in ("player.env", "origin.env"):
        assert (installed / "etc/signage" / name).stat().st_mode & 0o777 == 0o600


def test_help_says_what_can_be_installed(tmp_path: Path) -> None:
    done = script("install", tmp_path, "--help")
    assert (done.returncode, files(tmp_path)) == (0, {})
    assert "[player] [origin]" in done.stdout


@pytest.mark.parametrize("parts", [("player", "origin"), ("origin", "player")])
def test_the_order_of_the_parts_does_not_matter(tmp_path: Path, parts: tuple[str, str]) -> None:
    assert script("install", tmp_path, *parts).returncode == 0
    assert {path.name for path in (tmp_path / "etc/systemd/system").glob("*.service")} == set(UNITS)
