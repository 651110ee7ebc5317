"""The units, run by the real systemd on a machine of its own: all works under their sandbox, and the sandbox holds."""

import io
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from sync.runtime.clock import SystemClock
from tests import TOP
from tests.display import XORG
from tests.machine import CODE, VENV, Machine, running_machine

KEY = "a long random text for all screens"
CEILINGS = {"player": 2.0, "origin": 1.9, "display": 5.0}

# What a unit that was taken over may try, as an expression each; all is refused unless ALLOWED names it.
ATTEMPTS = {
    "get back a capability": "must(int(status('CapBnd'), 16) & 1 << 25)",  # SYS_TIME
    "gain privileges": "must(status('NoNewPrivs') == '0')",
    "write the system": "open('/usr/mine', 'w')",
    "write settings": "open('/etc/mine', 'w')",
    "read a home": "os.stat('/home/person')",
    "see the files of others in /tmp": "os.stat('/tmp/of-others')",
    "mount for all": "must(os.readlink('/proc/self/ns/mnt') == '{init_mounts}')",
    "see other processes": "os.stat('/proc/1')",
    "be known to other users": "must('4294967295' in open('/proc/self/uid_map').read())",
    "open the disk": "os.open('/dev/a-disk', os.O_RDONLY)",
    "set the clock": "time.clock_settime(time.CLOCK_REALTIME, time.time())",
    "set a kernel variable": "must(not os.statvfs('/proc/irq').f_flag & os.ST_RDONLY)",
    "read modules": "os.listdir('/usr/lib/modules')",
    "read the kernel's log": "open('/dev/kmsg')",
    "change control groups": "os.mkdir('/sys/fs/cgroup/systemd/mine')",
    "name the machine": "socket.sethostname('mine')",
    "open a packet socket": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "open an Internet socket": "socket.socket(socket.AF_INET)",
    "ask the kernel about networks": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "make a namespace": "call(b'unshare', 0x10000000)",
    "run in real time": "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))",
    "make a set-user-ID file": "os.open('{own}/suid', os.O_CREAT, 0o4755)",
    "change personality": "call(b'personality', 0x0400000)",
    "call as another machine": "subprocess.run([sys.executable, '-c', machine_code], check=True)",
    "debug": "call(b'ptrace', 0, 0, 0, 0)",
    "leave its root": "os.chroot('/')",
    "read the keys of the origin": "os.listdir('/var/lib/signage-origin/keys')",
    "read the secrets of the origin": "open('/etc/signage/origin.toml') and open('/etc/signage/origin.env')",
    "read the pairing of the player": "os.listdir('/var/lib/signage-player/state')",
    "read the secrets of the player": "open('/etc/signage/player.env').read()",
    "read the key of the display": "open('/run/signage-display/Xauthority', 'rb').read()",
}
ALLOWED = {
    "player": {
        "open an Internet socket", "ask the kernel about networks", "read the pairing of the player",
        "read the key of the display",
    },
    "origin": {"open an Internet socket", "read the keys of the origin"},
    "display": {
        "see the files of others in /tmp", "see other processes", "be known to other users", "open the disk",
        "set a kernel variable", "read modules", "ask the kernel about networks", "read the keys of the origin",
        "read the secrets of the origin", "read the pairing of the player", "read the secrets of the player",
        "read the key of the display",
    },
}  # fmt: skip
# Directive: the attempts that it is there to refuse, in the probe or (*) in the test of that name.
DIRECTIVES = {
    "User": ["read the keys of the origin", "read the pairing of the player"],
    "Group": ["*test_only_the_player_and_root_reach_the_display"],
    "SupplementaryGroups": ["*test_all_of_it_works_under_the_units"],
    "UMask": ["*test_only_the_player_and_root_reach_the_display"],
    "NoNewPrivileges": ["gain privileges"],
    "CapabilityBoundingSet": ["get back a capability", "set the clock"],
    "RestrictSUIDSGID": ["make a set-user-ID file"],
    "ProtectSystem": ["write the system", "write settings"],
    "ReadWritePaths": ["*test_all_of_it_works_under_the_units"],
    "ProtectHome": ["read a home"],
    "PrivateTmp": ["see the files of others in /tmp"],
    "BindReadOnlyPaths": ["*test_all_of_it_works_under_the_units"],
    "PrivateMounts": ["mount for all"],
    "RemoveIPC": ["*test_a_unit_leaves_no_shared_memory_behind"],
    "ProtectProc": ["see other processes"],
    "PrivateUsers": ["be known to other users"],
    "PrivateDevices": ["open the disk"],
    "DevicePolicy": ["open the disk"],
    "DeviceAllow": ["open the disk"],
    "ProtectClock": ["set the clock"],
    "ProtectKernelTunables": ["set a kernel variable"],
    "ProtectKernelModules": ["read modules"],
    "ProtectKernelLogs": ["read the kernel's log"],
    "ProtectControlGroups": ["change control groups"],
    "ProtectHostname": ["name the machine"],
    "RestrictAddressFamilies": ["open a packet socket", "open an Internet socket"],
    "RestrictNamespaces": ["make a namespace"],
    "RestrictRealtime": ["run in real time"],
    "LockPersonality": ["change personality"],
    "SystemCallArchitectures": ["call as another machine"],
    "SystemCallFilter": ["debug", "leave its root"],
    "SystemCallErrorNumber": ["debug"],
}
_PLAIN = {  # what is no sandbox
    "Type", "ExecStart", "ExecStartPre", "ExecStartPost", "ExecStopPost", "Environment", "EnvironmentFile",
    "StateDirectory", "StateDirectoryMode", "RuntimeDirectory", "RuntimeDirectoryMode", "WatchdogSec", "LimitNOFILE",
    "Restart", "RestartSec", "TimeoutStartSec", "TimeoutStopSec", "KillMode", "OOMPolicy", "CPUWeight", "IOWeight",
}  # fmt: skip
_PROBE = '''
import ctypes, json, os, socket, subprocess, sys, time
machine_code = """
import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=7)
page.write(bytes.fromhex("b814000000cd80c3"))  # getpid of 32 bits
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
"""
names, libc = ctypes.CDLL("libseccomp.so.2"), ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if libc.syscall(names.seccomp_syscall_resolve_name(name), *arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")
def status(name):
    return next(line.split()[1] for line in open("/proc/self/status") if line.startswith(name + ":"))
def must(met):
    if not met:
        raise OSError("refused")
done = []
for name, attempt in json.load(open(sys.argv[1])).items():
    try:
        eval(attempt)
    except (OSError, subprocess.CalledProcessError):
        continue
    done.append(name)
libc.shmget(0, 4096, 0o1600)
print(json.dumps(done))
'''


def unit(name: str) -> str:
    return (TOP / f"systemd/signage-{name}.service").read_text()


def directives(name: str) -> list[str]:
    return [
        line.split("=")[0] for line in unit(name).split("\n[Service]")[-1].splitlines() if re.match(r"[A-Z]\w+=", line)
    ]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize(("name", "ceiling"), CEILINGS.items())
def test_systemd_finds_no_unit_more_exposed_than_this(tmp_path: Path, name: str, ceiling: float) -> None:
    file = tmp_path / f"signage-{name}.service"
    file.write_text(unit(name).replace("@VENV@", "/usr").replace("@DOC@", "/usr"))
    check = ["systemd-analyze", "security", "--offline=yes", f"--threshold={ceiling * 10:.0f}", str(file)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


@pytest.mark.parametrize("name", CEILINGS)
def test_each_directive_of_the_sandbox_is_tried_by_a_process_under_it(name: str) -> None:
    used = set(directives(name)) - _PLAIN - {"WantedBy"}
    assert used <= DIRECTIVES.keys(), "name the attempt that it refuses, or the test that needs it"
    for directive in used:
        tests = [attempt[1:] for attempt in DIRECTIVES[directive] if attempt.startswith("*")]
        refused = [attempt for attempt in DIRECTIVES[directive] if attempt in ATTEMPTS and attempt not in ALLOWED[name]]
        assert refused or (tests and all(test in globals() for test in tests)), directive


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with running_machine() as machine:
        _prepare(machine)
        assert "running: signage-origin.service" in machine.run(f"{CODE}/systemd/install", "origin").stdout
        yield machine


def _prepare(machine: Machine) -> None:
    """Write settings, an X server that needs no screen, and a data folder of another user; all else is as installed."""
    machine.run("sh", "-c", "mkdir -p /var/lib/signage-origin/old && chown -R daemon /var/lib/signage-origin")
    machine.write("/etc/signage/origin.env", f"SIGNAGE_ORIGIN__PUBLISH__ENROLMENT_KEY={KEY}\n")
    origin = f"SIGNAGE_PLAYER__ORIGIN__URL=http://127.0.0.1:8090\nSIGNAGE_PLAYER__ORIGIN__ENROLMENT_KEY={KEY}\n"
    machine.write("/etc/signage/player.env", origin)
    server = "Xvfb :0 -screen 0 640x360x24"
    if shutil.which("Xorg"):
        machine.write("/etc/signage/dummy.conf", XORG.format(modes='"640x360"'))
        server = "Xorg :0 -config /etc/signage/dummy.conf -configdir /etc/signage/none -novtswitch -sharevts"
    start = f"ExecStart=\nExecStart=/usr/bin/{server} -auth /run/signage-display/Xauthority -noreset -nolisten tcp\n"
    for name, more in (("player", ""), ("origin", ""), ("display", start)):
        log = f"StandardOutput=file:/run/{name}.log\nStandardError=file:/run/{name}.log\n"
        text = f"[Service]\n{log}Environment=PYTHONPATH={CODE}\n{more}"
        machine.write(f"/etc/systemd/system/signage-{name}.service.d/test.conf", text)


@pytest.mark.display
def test_all_of_it_works_under_the_units(machine: Machine) -> None:
    """The origin takes media in and publishes; the player pairs, syncs, decodes and shows it on the display."""
    folder = machine.folder / "run/media"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    for name in ("green", "red"):
        Image.new("RGB", (640, 360), name).save(folder / f"{name}.bmp")
    (folder / "red.bmp").rename(folder.parent / "red.bmp")
    log = machine.folder / "run/origin.log"
    until(lambda: "first key" in log.read_text(), machine)
    key = re.findall("first key .*: (.+)", log.read_text())[-1]
    made = machine.run(*_PYTHON, _UPLOAD, key, "/run/red.bmp").stdout.strip()
    machine.run(f"{VENV}/bin/signage-origin", "publish", "/run/media", "--channel", "main", user="signage-origin")
    assert "running: signage-player.service" in machine.run(f"{CODE}/systemd/install", "player").stdout
    until(lambda: b"ready" in _get(machine, f"http://127.0.0.1:8090{made}", key), machine)
    until(lambda: _pixel(machine)[:3] == (0, 128, 0), machine)
    assert "less restricted" not in _logs(machine)
    assert machine.run("stat", "--format=%U", "/var/lib/signage-origin/old").stdout == "signage-origin\n"


_PYTHON = (f"{VENV}/bin/python", "-c")
_GET = """
import sys, urllib.request as u
sys.stdout.write(u.urlopen(u.Request(sys.argv[1], headers={"Authorization": f"Bearer {sys.argv[2]}"})).read().hex())
"""
_UPLOAD = """
import sys, urllib.request as u
body = open(sys.argv[2], "rb").read()
headers = {"Authorization": f"Bearer {sys.argv[1]}", "Tus-Resumable": "1.0.0", "Upload-Length": str(len(body))}
headers |= {"Content-Type": "application/offset+octet-stream", "Upload-Metadata": "filename cmVkLmJtcA=="}
answer = u.urlopen(u.Request("http://127.0.0.1:8090/v1/uploads", body, headers))
print(answer.headers["Location"].replace("uploads", "media"))
"""


def _get(machine: Machine, url: str, key: str = "") -> bytes:
    return bytes.fromhex(machine.run(*_PYTHON, _GET, url, key, check=False).stdout)


def _pixel(machine: Machine) -> tuple[int, ...]:
    """Return the middle of the screen, as the endpoint captured it."""
    shot = _get(machine, "http://127.0.0.1:8080/v1/screenshot.png")
    pixel = Image.open(io.BytesIO(shot)).convert("RGB").getpixel((320, 180)) if shot else ()
    assert isinstance(pixel, tuple)
    return pixel


def until(met: Callable[[], bool], machine: Machine) -> None:
    clock = SystemClock()
    deadline = clock.monotonic() + 180
    while not met():
        assert clock.monotonic() < deadline, _logs(machine)
        time.sleep(0.3)  # each look is a process


def _logs(machine: Machine) -> str:
    return "\n".join(path.read_text()[-3000:] for path in (machine.folder / "run").glob("*.log"))


@pytest.mark.display
def test_only_the_player_and_root_reach_the_display(machine: Machine) -> None:
    ask = (f"{VENV}/bin/python", "-c", "from player.platform.x11 import connect_x; connect_x(':0')")
    key = "XAUTHORITY=/run/signage-display/Xauthority"
    for user, environment, reached in (
        ("signage", key, True),
        ("root", key, True),
        ("root", "XAUTHORITY=/dev/null", False),
        ("signage", "XAUTHORITY=/dev/null", False),
        ("signage-origin", key, False),
        ("daemon", key, False),
    ):
        done = machine.run("env", environment, *ask, user=user, check=False)
        assert (done.returncode == 0) is reached, (user, done.stderr)
        assert reached or "refuses this user" in done.stderr


@pytest.mark.display
@pytest.mark.parametrize("name", CEILINGS)
def test_what_a_unit_is_not_given_is_refused(machine: Machine, name: str) -> None:
    assert set(_probe(machine, name)) == ALLOWED[name]


def _probe(machine: Machine, name: str) -> list[str]:
    """Run the attempts in a process under all of the unit's directives; return which succeed."""
    own = {"player": "/var/lib/signage-player", "origin": "/var/lib/signage-origin"}.get(name, "/tmp")
    mounts = machine.run("readlink", "/proc/1/ns/mnt").stdout.strip()
    tried = {key: text.format(own=own, init_mounts=mounts) if "{" in text else text for key, text in ATTEMPTS.items()}
    machine.write("/opt/attempts.json", json.dumps(tried))
    machine.write("/opt/probe.py", _PROBE)
    machine.write("/tmp/of-others", "")
    for folder in ("usr/lib/modules", "home/person"):
        (machine.folder / folder).mkdir(exist_ok=True)
    text = unit(name).replace("@VENV@", str(VENV)).replace("RuntimeDirectory=", "#").replace("ExecStartP", "#")
    text = text.replace("ExecStopPost=", "#").replace("WatchdogSec=", "#").replace("Type=notify", "Type=oneshot")
    text = text.replace("Type=simple", "Type=oneshot").replace("Restart=always", "Restart=no")
    start = f"ExecStart={VENV}/bin/python /opt/probe.py /opt/attempts.json"
    text = re.sub(r"(?m)^ExecStart=.*", f"{start}\nStandardOutput=file:/run/probe-{name}.json", text)
    machine.write(f"/etc/systemd/system/probe-{name}.service", text)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", f"probe-{name}", check=False)
    done: list[str] = json.loads((machine.folder / f"run/probe-{name}.json").read_text())
    return done


@pytest.mark.display
def test_a_unit_leaves_no_shared_memory_behind(machine: Machine) -> None:
    machine.run("systemctl", "stop", "signage-player", "signage-origin")
    left = machine.run("cat", "/proc/sysvipc/shm").stdout
    for user in ("signage", "signage-origin"):
        assert not re.search(rf"^ *0 .* {machine.run('id', '-u', user).stdout.strip()} ", left, re.MULTILINE), left


@pytest.mark.display
def test_uninstalling_leaves_settings_and_evidence_and_nothing_else(machine: Machine) -> None:
    machine.run(f"{CODE}/systemd/uninstall")
    assert not machine.run("systemctl", "list-units", "--no-legend", "signage-*").stdout.strip()
    found = machine.run("find", "/etc", "/run/signage-display", "-name", "*signage*", check=False).stdout.split()
    assert [path for path in found if not path.endswith(".d")] == ["/etc/signage"]
    assert machine.run("test", "-e", "/var/lib/signage-player/state/plays.db").returncode == 0
    machine.run(f"{CODE}/systemd/uninstall", "--purge")
    assert machine.run("getent", "passwd", "signage", "signage-origin", check=False).stdout == ""
    assert machine.run("sh", "-c", "ls -d /etc/signage /var/lib/signage-*", check=False).stdout == ""
