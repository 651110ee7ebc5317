"""The doctor: the facts of this machine and of others, and the findings about them."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from player.diagnostics.doctor import MachineFacts, Severity, doctor_text, find_faults
from player.diagnostics.doctor_probes import swap_on_card
from player.display.inspection import DisplayFacts, OutputFacts
from player.platform.decoders import Decoders, find_decoders, uses_hardware
from player.platform.geometry import Area
from player.settings.layers import Layer, Source, resolve
from sync.errors import Rejected
from sync.runtime.clock import ClockTrust
from tests.display import start_xvfb

INTEL = Decoders(("renderD128",), ("iHD_drv_video.so",), (), ("libvaapi_plugin.so",))
HDMI = OutputFacts("HDMI-1", True, "1920x1080", 60.0, True)
SCREEN = DisplayFacts(
    ":0", "Xorg", "X.Org 12101007", 24, Area(width=1920, height=1080), 60.0, "HDMI-1", True, (HDMI,), (), "", ""
)  # fmt: skip
HEALTHY = MachineFacts(
    version="1", model="PC", cpus=4, memory_bytes=4 << 30, memory_free_bytes=2 << 30, disk_free_bytes=8 << 30,
    state_dir="/var/lib/signage-player", state_read_only=False, swap_on_card=False, clock=ClockTrust.SYNCED,
    zone="Europe/Berlin", zone_problem="",
    sound=("HDMI 0",), speakers=(("hdmi", "HDMI of the GPU"),), speaker="", libvlc="3.0.24", plugins_missing=(),
    decoders=INTEL, profiles=("H264High",), setting="auto", display=SCREEN, no_display="", reserve_bytes=256 << 20,
)  # fmt: skip


def test_a_healthy_machine_has_no_findings() -> None:
    assert find_faults(HEALTHY) == ()
    assert doctor_text(HEALTHY)[-1] == "no problem found"


@pytest.mark.parametrize(
    ("facts", "severity", "words"),
    [
        (replace(HEALTHY, libvlc=""), Severity.BROKEN, "install libvlc5"),
        (replace(HEALTHY, display=None, no_display="DISPLAY is not set"), Severity.BROKEN, "DISPLAY is not set"),
        (replace(HEALTHY, display=replace(SCREEN, lacks=("Composite",))), Severity.BROKEN, "lacks Composite"),
        (replace(HEALTHY, display=replace(SCREEN, depth=16)), Severity.BROKEN, "16 bits"),
        (replace(HEALTHY, display=replace(SCREEN, desktop="mutter runs on it")), Severity.BROKEN, "mutter"),
        (replace(HEALTHY, state_read_only=True), Severity.BROKEN, "cannot be written"),
        (replace(HEALTHY, setting="off"), Severity.WARNING, "60 fps"),
        (replace(HEALTHY, decoders=Decoders(), setting="on"), Severity.WARNING, "set it to auto"),
        (replace(HEALTHY, display=replace(SCREEN, connected=False)), Severity.WARNING, "connected to HDMI-1"),
        (
            replace(HEALTHY, display=replace(SCREEN, problem="display.output is 'x'")),
            Severity.WARNING,
            "display.output",
        ),
        (
            replace(HEALTHY, speaker="usb"),
            Severity.WARNING,
            "'usb', which libVLC does not find: connect it, or set another (hdmi)",
        ),
        (replace(HEALTHY, swap_on_card=True), Severity.WARNING, "memory card"),
        (replace(HEALTHY, clock=ClockTrust.UNSYNCED), Severity.WARNING, "NTP"),
        (replace(HEALTHY, memory_free_bytes=100 << 20), Severity.WARNING, "100 MiB of memory"),
    ],
)
def test_each_problem_is_one_finding(facts: MachineFacts, severity: Severity, words: str) -> None:
    (finding,) = find_faults(facts)
    assert finding.weight is severity and words in finding.sentence


def _write_file(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_auto_uses_hardware_only_with_gpu_driver_and_plug_in(tmp_path: Path) -> None:
    assert not find_decoders(tmp_path).usable
    _write_file(tmp_path / "dev/dri/renderD128")
    _write_file(tmp_path / "usr/lib/x86_64-linux-gnu/dri/iHD_drv_video.so")
    assert not uses_hardware("auto", find_decoders(tmp_path))
    _write_file(tmp_path / "usr/lib/x86_64-linux-gnu/vlc/plugins/vaapi/libvaapi_plugin.so")
    assert find_decoders(tmp_path) == INTEL
    assert [uses_hardware(setting, INTEL) for setting in ("auto", "on", "off")] == [True, True, False]


def test_the_decoder_of_a_raspberry_pi_needs_a_libvlc_with_its_plug_in(tmp_path: Path) -> None:
    _write_file(tmp_path / "sys/class/video4linux/video10/name", "bcm2835-codec-decode\n")
    _write_file(tmp_path / "sys/class/video4linux/video11/name", "bcm2835-codec-encode\n")
    found = find_decoders(tmp_path)
    assert (found.v4l2, found.usable) == (("bcm2835-codec-decode",), False)
    assert "no plug-in" in find_faults(replace(HEALTHY, decoders=found, display=None))[-1].sentence
    _write_file(tmp_path / "usr/lib/aarch64-linux-gnu/vlc/plugins/codec/libdrm_avcodec_plugin.so")
    assert find_decoders(tmp_path).usable


def test_swap_on_a_memory_card_is_found() -> None:
    head = "Filename Type Size Used Priority\n"
    card, disk = "/dev/mmcblk0p2 / ext4 rw 0 0\n", "/dev/sda1 / ext4 rw 0 0\n"
    assert swap_on_card(f"{head}/var/swap file 102396 0 -2\n", card)
    assert swap_on_card(f"{head}/dev/mmcblk0p3 partition 102396 0 -2\n", disk)
    assert not swap_on_card(f"{head}/var/swap file 102396 0 -2\n", disk)
    assert not swap_on_card(f"{head}/dev/zram0 partition 102396 0 100\n", card)
    assert not swap_on_card(head, card)


def test_true_and_false_of_older_files_are_still_read() -> None:
    def read(value: object) -> str:
        values = {"playback": {"hardware_decoding": value}}
        return resolve([Layer(Source.FILE, values)]).settings.playback.hardware_decoding

    assert [read(value) for value in (True, False, "auto")] == ["on", "off", "auto"]
    with pytest.raises(Rejected):
        read("gpu")


@pytest.mark.display
def test_the_command_reports_on_this_machine_and_its_display(tmp_path: Path) -> None:
    def run(display: str) -> tuple[int, dict[str, object]]:
        variables = {"DISPLAY": display, "SIGNAGE_PLAYER__STORAGE__STATE_DIR": str(tmp_path)}
        command = [sys.executable, "-c", "from player.app.cli import main; main(['doctor', '--json'])"]
        done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, timeout=60)
        report: dict[str, object] = json.loads(done.stdout)
        return done.returncode, report

    with start_xvfb(640, 360) as name:
        code, report = run(name)
    assert isinstance(report["display"], dict) and isinstance(report["libvlc"], str)
    assert (code, report["display"]["kind"], report["display"]["area"]["width"]) == (0, "Xvfb", 640)
    assert report["libvlc"].startswith("3.") and not report["plugins_missing"]
    code, report = run(name)  # the X server has ended
    assert code == 1 and report["display"] is None and name in str(report["no_display"])
