"""Tools run under limits, without secrets, and never longer than the origin."""

import asyncio
import json
import os
import socket
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

import sync
from sync.origin.transcode.sandbox import ChildStopped, Limits, run_tool
from sync.runtime.clock import SystemClock
from sync.sandbox.restrict import SCOPES_SINCE, landlock_version
from tests.origin.media_origin import child_processes, wait_until

MIB = 1024 * 1024
LIMITS = Limits(seconds=20, memory_bytes=512 * MIB, file_bytes=8 * MIB)


async def test_a_tool_and_its_children_end_at_the_time_limit() -> None:
    clock = SystemClock()
    began = clock.monotonic()
    with pytest.raises(ChildStopped, match="longer than 1 s"):
        await run_tool(("sh", "-c", "sleep 60 & sleep 60"), Limits(1, 512 * MIB, MIB))
    assert clock.monotonic() - began < 60 / 2
    assert not child_processes("sleep")


async def test_a_tool_gets_no_more_memory_and_no_larger_files_than_allowed(tmp_path: Path) -> None:
    with pytest.raises(ChildStopped):
        await run_tool((sys.executable, "-c", "bytearray(10**9)"), LIMITS)
    big = tmp_path / "big"
    with pytest.raises(ChildStopped):
        await run_tool(("dd", "if=/dev/zero", f"of={big}", "bs=1M", "count=20"), replace(LIMITS, writes=(tmp_path,)))
    assert big.stat().st_size <= LIMITS.file_bytes


async def test_a_tool_that_goes_on_after_an_absurd_size_has_hit_no_limit() -> None:
    told = "echo 'packet: Cannot allocate memory' >&2; exit"
    assert "Cannot allocate" in (await run_tool(("sh", "-c", f"{told} 0"), LIMITS)).errors
    assert (await run_tool(("sh", "-c", f"{told.replace('packet', 'file:/source')} 69"), LIMITS)).code == 69
    with pytest.raises(ChildStopped):
        await run_tool(("sh", "-c", f"{told} 1"), LIMITS)


async def test_a_line_without_an_end_stops_the_tool() -> None:
    async def read_line(line: str) -> None:
        raise AssertionError(line)

    with pytest.raises(ChildStopped, match="cannot be read"):
        await run_tool(("dd", "if=/dev/zero", "bs=1M", "count=2", "status=none"), LIMITS, on_line=read_line)


async def test_a_tool_sees_no_secrets_of_the_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNAGE_ORIGIN__PUBLISH__ENROLMENT_KEY", "secret")
    assert "secret" not in (await run_tool(("env",), LIMITS)).output


async def test_a_tool_dies_with_the_origin_even_by_kill_9(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    program = (
        "import asyncio, pathlib; from sync.origin.transcode.sandbox import Limits, run_tool; "
        f"limits = Limits(60, 10**9, 10**6, writes=(pathlib.Path('{tmp_path}'),)); "
        f"asyncio.run(run_tool(('sh', '-c', 'echo $$ > {pid_file}; sleep 60; :'), limits))"
    )
    origin = await asyncio.create_subprocess_exec(sys.executable, "-c", program)

    async def started() -> int:
        return int(pid_file.read_text() or 0) if pid_file.exists() else 0

    tool = await wait_until(started)
    origin.kill()
    await origin.wait()

    async def ended() -> bool:
        return not psutil.pid_exists(tool) or psutil.Process(tool).status() == psutil.STATUS_ZOMBIE

    await wait_until(ended)


# What a decoder that a file has taken over may try, as an expression each; `parent` is the origin.
ATTEMPTS = {
    "read a key": "open(folder + '/keys/root.key').read()",
    "read the database": "open(folder + '/origin.db').read()",
    "read another upload": "open(folder + '/uploads/other').read()",
    "change its source": "open(source, 'a')",
    "list the data folder": "os.listdir(folder)",
    "make a file beside its folder": "open(work + '/../beside', 'w')",
    "follow a link out of its folder": "os.symlink(folder + '/keys/root.key', work + '/link') or open(work + '/link')",
    "link a key into its folder": "os.link(folder + '/keys/root.key', work + '/key')",
    "move its folder's files out": "open(work + '/mine', 'w') and os.rename(work + '/mine', folder + '/keys/mine')",
    "read the environment of the origin": "open(f'/proc/{parent}/environ').read()",
    "read the files of the origin": "open(f'/proc/{parent}/root' + folder + '/keys/root.key').read()",
    "write the memory of the origin": "open(f'/proc/{parent}/mem', 'wb')",
    "trace the origin": "call(b'ptrace', 16, parent, 0, 0)",
    "limit the origin": "resource.prlimit(parent, resource.RLIMIT_NOFILE, (3, 3))",
    "connect to this machine": "socket.create_connection(('127.0.0.1', port))",
    "connect by IPv6": "socket.socket(socket.AF_INET6)",
    "connect to a database by its file": "socket.socket(socket.AF_UNIX).connect(folder + '/socket')",
    "send a raw packet": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "ask the kernel about networks": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "open a socket by a ring": "call(b'io_uring_setup', 8, ctypes.create_string_buffer(120))",
    "become root of its own": "call(b'unshare', 0x10000000)",
    "become root of its own by clone": "call(b'clone', 0x10000000 | 17, 0, 0, 0, 0)",
    "start a helper that connects": "subprocess.run([sys.executable, '-c', helper], check=True, capture_output=True)",
}
if landlock_version() >= SCOPES_SINCE:
    ATTEMPTS["stop the origin"] = "os.kill(parent, signal.SIGSTOP)"
ALLOWED = {
    "read its source": "open(source).read()",
    "write its result": "open(work + '/result', 'w').write('x')",
    "use a pair of sockets": "socket.socketpair()[0].close()",
    "run another program": "subprocess.run(['true'], check=True)",
    "start a thread": "threading.Thread(target=print, args=('',)).start()",
}
PROGRAM = """
import ctypes, json, os, resource, signal, socket, subprocess, sys, threading
attempts, folder, work, source, parent, port = json.loads(sys.argv[1])
helper = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
names = ctypes.CDLL("libseccomp.so.2")
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if libc.syscall(names.seccomp_syscall_resolve_name(name), *arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")
done = []
for name, attempt in attempts.items():
    try:
        eval(attempt)
    except (OSError, subprocess.CalledProcessError):
        continue
    done.append(name)
sys.stderr.write(json.dumps(done))
"""


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    for name in ("keys/root.key", "origin.db", "uploads/mine", "uploads/other", "work/mine/part"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("secret")
    return tmp_path


async def _done_of(attempts: dict[str, str], folder: Path, *, restricted: bool) -> list[str]:
    """Return which of the attempts succeed in a tool, or in the same program without the sandbox."""
    source, work = folder / "uploads/mine", folder / "work/mine"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(folder / "socket"))
        local.listen()
        told = [attempts, str(folder), str(work), str(source), os.getpid(), server.getsockname()[1]]
        command = (sys.executable, "-c", PROGRAM, json.dumps(told))
        if restricted:
            limits = replace(LIMITS, reads=(source,), writes=(work,))
            said = (await run_tool(command, limits)).errors
        else:
            child = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
            said = (await child.communicate())[1].decode()
    done: list[str] = json.loads(said)
    return done


async def test_a_tool_reaches_neither_keys_nor_networks_nor_the_origin(data_folder: Path) -> None:
    assert await _done_of(ATTEMPTS | ALLOWED, data_folder, restricted=True) == list(ALLOWED)


async def test_without_the_sandbox_a_tool_would_reach_them(data_folder: Path) -> None:
    harmful = {"stop the origin", "limit the origin", "trace the origin"}
    tried = {name: attempt for name, attempt in ATTEMPTS.items() if name not in harmful}
    assert len(await _done_of(tried, data_folder, restricted=False)) > 15


async def test_keys_in_a_folder_beside_the_code_are_not_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var/key").write_text("secret")
    monkeypatch.setattr(sync, "__file__", str(tmp_path / "sync/__init__.py"))
    result = await run_tool(("cat", str(tmp_path / "var/key")), LIMITS)
    assert (result.code, result.output) == (1, "")
