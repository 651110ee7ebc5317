import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.runtime.systemd import Watchdog, notify, watchdog_interval_s
from tests import TOP
from tests.fakes import FakeClock


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


def test_a_state_reaches_systemd(supervisor: socket.socket) -> None:
    notify("READY=1")
    assert supervisor.recv(100) == b"READY=1"


def test_a_state_reaches_an_abstract_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0signage-test-{os.getpid()}")
        listening.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@signage-test-{os.getpid()}")
        notify("STOPPING=1")
        assert listening.recv(100) == b"STOPPING=1"


def test_outside_systemd_nothing_is_sent_and_there_is_no_watchdog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    notify("READY=1")
    assert watchdog_interval_s() is None


def test_a_missing_supervisor_is_only_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notify("READY=1")
    assert "READY not delivered" in caplog.text


@pytest.mark.parametrize(
    ("usec", "pid", "interval"),
    [
        ("30000000", str(os.getpid()), 15.0),
        ("30000000", "", 15.0),
        ("30000000", "1", None),
        ("0", "", None),
        ("x", "", None),
    ],
    ids=["ours", "anybody's", "another's", "none", "not a number"],
)
def test_the_ping_interval_is_half_of_what_systemd_allows(
    monkeypatch: pytest.MonkeyPatch, usec: str, pid: str, interval: float | None
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", pid)
    assert watchdog_interval_s() == interval


async def test_the_watchdog_pings_once_per_interval(supervisor: socket.socket, clock: FakeClock) -> None:
    task = asyncio.create_task(Watchdog(5.0, clock).run())
    await clock.advance(10.0)
    task.cancel()
    supervisor.setblocking(False)
    pings = [supervisor.recv(100) for _ in range(3)]
    assert pings == [b"WATCHDOG=1"] * 3
    with pytest.raises(BlockingIOError):
        supervisor.recv(100)


_DAEMON = """
import asyncio, signal, time
from sync.runtime.clock import SystemClock
from sync.runtime.systemd import Watchdog
from sync.runtime.systemd import notify
from sync.runtime.systemd import watchdog_interval_s

async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, lambda: time.sleep(60))
    notify("READY=1")
    await Watchdog(watchdog_interval_s(), SystemClock()).run()

asyncio.run(main())
"""


def test_a_loop_that_hangs_sends_no_pings(supervisor: socket.socket) -> None:
    allowed_s = 0.4
    environment = {**os.environ, "WATCHDOG_USEC": str(int(allowed_s * 1e6)), "WATCHDOG_PID": ""}
    with subprocess.Popen([sys.executable, "-c", _DAEMON], env=environment, cwd=TOP) as daemon:
        try:
            assert supervisor.recv(100) == b"READY=1"
            assert [supervisor.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
            supervisor.settimeout(allowed_s * 5)
            daemon.send_signal(signal.SIGUSR1)
            with pytest.raises(TimeoutError):
                for _ in range(4):  # a ping or two may have been on the way
                    supervisor.recv(100)
        finally:
            daemon.kill()
