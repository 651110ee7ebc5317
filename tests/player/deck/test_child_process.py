"""What a process that opens media is given, and what it cannot reach."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from player.platform.child_process import child_environment
from sync.sandbox.restrict import SCOPES_SINCE, landlock_version
from tests.unprivileged import give_to_player, reachable_folder, unprivileged

# What a decoder that a file has taken over may try, as an expression each; `parent` is the daemon.
HIDDEN = {
    "read a token": "open(state + '/state/endpoint_token').read()",
    "read the pairing": "open(state + '/state/copies/membership.json').read()",
    "change the evidence": "open(state + '/state/plays.db', 'ab')",
    "list the state": "os.listdir(state + '/state')",
    "change a verified file": "open(state + '/store/assets/film', 'ab')",
    "remove a verified file": "os.remove(state + '/store/assets/film')",
    "put a file among the verified ones": "open(state + '/store/assets/other', 'wb')",
    "make a second state": "os.mkdir(state + '/more')",
    "read through the daemon": "open(f'/proc/{parent}/root' + state + '/state/endpoint_token').read()",
    "read the environment of the daemon": "open(f'/proc/{parent}/environ').read()",
    "write the memory of the daemon": "open(f'/proc/{parent}/mem', 'wb')",
    "open a connection to the Internet": "socket.socket(socket.AF_INET)",
    "send datagrams": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "open a connection by IPv6": "socket.socket(socket.AF_INET6)",
    "ask for the network's settings": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
}
if landlock_version() >= SCOPES_SINCE:
    HIDDEN["stop the daemon"] = "os.kill(parent, 19)"
KEPT = {
    "open a verified file": "open(state + '/store/assets/film').read()",
    "write beside": "open(beside, 'w')",
    "load a library": "ctypes.CDLL('libc.so.6')",
    "run a program": "subprocess.run(['true'], check=True)",
    "open a device": "open('/dev/null', 'w')",
    "read settings of the system": "os.listdir('/etc')",
    "reach display and sound": "socket.socket(socket.AF_UNIX)",
    "make a pair of sockets": "socket.socketpair()",
}
PROGRAM = """
import ctypes, json, os, socket, subprocess, sys
from pathlib import Path
from player.platform.become_child import become_child
attempts, state, beside, given = json.loads(sys.argv[1])
parent = os.getpid()
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
if given:
    become_child(parent, address_space_bytes=2**31, state_dir=Path(given))
done = []
for name, attempt in attempts.items():
    try:
        eval(attempt)
    except OSError:
        continue
    done.append(name)
print(json.dumps(done))
"""


@pytest.fixture
def state_dir() -> Iterator[Path]:
    with reachable_folder() as folder:
        for name in ("state/endpoint_token", "state/copies/membership.json", "state/plays.db", "store/assets/film"):
            (folder / "player" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "player" / name).write_text("content")
        (folder / "beside").write_text("")
        (folder / "link").symlink_to(folder / "player")
        give_to_player(folder)
        yield folder / "player"


def _done_of(attempts: dict[str, str], state_dir: Path, given: str) -> list[str]:
    told = json.dumps([attempts, str(state_dir), str(state_dir.parent / "beside"), given])
    command = unprivileged(sys.executable, "-c", PROGRAM, told)
    done: list[str] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return done


def test_a_deck_sees_its_media_and_neither_tokens_nor_evidence_nor_the_daemon(state_dir: Path) -> None:
    for given in (state_dir, state_dir.parent / "link"):
        assert _done_of(HIDDEN | KEPT, state_dir, str(given)) == list(KEPT)
    reach = {name: attempt for name, attempt in HIDDEN.items() if name != "stop the daemon"}
    assert set(_done_of(reach, state_dir, "")) == set(reach)  # what it could do without


def test_a_deck_starts_without_what_only_the_daemon_needs() -> None:
    loaded = "import sys, player.deck.__main__; print({'asyncio', 'ssl', 'sync.wire.release'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", loaded], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"


def test_a_kernel_without_filters_of_system_calls_leaves_no_screen_dark(state_dir: Path) -> None:
    refused = "import sync.sandbox.restrict as r; r._check = lambda *_: (_ for _ in ()).throw(OSError(22, 'no'))\n"
    told = json.dumps([{"go on": "None"}, str(state_dir), "", str(state_dir)])
    command = unprivileged(sys.executable, "-c", refused + PROGRAM, told)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == ["go on"] and "may open network sockets" in done.stderr


@pytest.mark.parametrize(
    ("name", "passed"),
    [
        ("PATH", True),
        ("LC_ALL", True),
        ("XAUTHORITY", True),
        ("PULSE_SERVER", True),
        ("ALSA_CONFIG_PATH", True),
        ("XDG_RUNTIME_DIR", True),
        ("VLC_PLUGIN_PATH", True),
        ("SIGNAGE_PLAYER__ORIGIN__ENROLMENT_KEY", False),
        ("https_proxy", False),
        ("HTTP_PROXY", False),
        ("NOTIFY_SOCKET", False),
        ("CREDENTIALS_DIRECTORY", False),
        ("DATABASE_PASSWORD", False),
        ("MY_PATH", False),
        ("PATH_TO_KEY", False),
    ],
)
def test_a_deck_has_an_environment_of_its_own(monkeypatch: pytest.MonkeyPatch, name: str, passed: bool) -> None:
    monkeypatch.setenv(name, "value")
    assert (child_environment(":7").get(name) == "value") is passed
    assert child_environment(":7")["DISPLAY"] == ":7"
