"""Forked tools have one file each: no rights of others, no effect on others, and no longer life than their job."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from sync.origin.limits.priority import Priority
from sync.origin.transcode import forked_tools
from sync.origin.transcode.forked_tools import ForkedTools
from sync.origin.transcode.sandbox import ChildStopped, Limits
from sync.runtime.clock import SystemClock
from sync.sandbox.restrict import SCOPES_SINCE, landlock_version
from tests.fakes import FakeClock
from tests.origin.media_origin import wait_until
from tests.origin.samples import Samples
from tests.origin.transcode.test_sandbox import ALLOWED, ATTEMPTS, PROGRAM

MIB = 1024**2
LIMITS = Limits(seconds=20, memory_bytes=512 * MIB, file_bytes=8 * MIB)
# A tool that runs the program it is given, as a decoder would that a file has taken over.
FORKER = """
import sys
from sync.origin.transcode import tool_forker

def run(arguments):
    sys.argv = arguments
    exec(compile(arguments[0], "tool", "exec"), {"__name__": "tool"})
    return 0

tool_forker.TOOLS["run"] = run
tool_forker.main()
"""
MORE_ATTEMPTS = {
    "read another job": "open(os.path.join(folder, 'work', 'other', 'part')).read()",
    "list all uploads": "os.listdir(folder + '/uploads')",
    "make a file among the uploads": "open(folder + '/uploads/new', 'w')",
    "trace the forker": "call(b'ptrace', 16, os.getppid(), 0, 0)",
    "write the memory of the forker": "open(f'/proc/{os.getppid()}/mem', 'wb')",
    "have more open than its output": "os.fstat(next((n for n in range(3, 256) if is_open(n)), -1))",
}
if landlock_version() >= SCOPES_SINCE:
    MORE_ATTEMPTS["kill the forker"] = "os.kill(os.getppid(), signal.SIGKILL)"
IS_OPEN = """
def is_open(number):
    try:
        return bool(os.fstat(number))
    except OSError:
        return False
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("keys/root.key", "origin.db", "uploads/mine", "uploads/other", "work/mine/part", "work/other/part"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("secret")
    return tmp_path


@pytest.fixture
async def tools(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ForkedTools]:
    monkeypatch.setattr(forked_tools, "_COMMAND", (sys.executable, "-c", FORKER))
    tools = ForkedTools(folder / "uploads", folder / "work", SystemClock())
    others = psutil.Process().children(recursive=True)
    service = asyncio.ensure_future(tools.run())
    yield tools
    service.cancel()
    await asyncio.wait([service])
    assert [one for one in psutil.Process().children(recursive=True) if one not in others] == []


def the_forker(tools: ForkedTools) -> psutil.Process:
    return psutil.Process(tools._forkers[-1].process.pid)


def has_ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


async def test_a_forked_tool_reaches_no_other_file_and_no_other_process(tools: ForkedTools, folder: Path) -> None:
    source, work = folder / "uploads/mine", folder / "work/mine"
    limits = replace(LIMITS, reads=(source,), writes=(work,))
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(folder / "socket"))
        local.listen()
        attempts = ATTEMPTS | MORE_ATTEMPTS | ALLOWED
        told = [attempts, str(folder), str(work), str(source), os.getpid(), server.getsockname()[1]]
        result = await tools.run_tool("run", [IS_OPEN + PROGRAM, json.dumps(told)], limits)
    assert result.code == 0 and json.loads(result.errors) == list(ALLOWED)


HOSTILE = {
    "import os; os.abort()": "ended with -6",
    "bytearray(10**9)": "MemoryError",
    "while True: pass": "longer than 1 s",
    "import os\nos.setpgid(0, os.getpgid(os.getppid()))\nwhile True: pass": "longer than 1 s",
    "print('x' * 10**6)": "longer than 1 s",
    "import os; os.killpg(0, 9)": "ended with -9",
}


async def test_what_a_file_does_to_its_tool_does_nothing_to_others(tools: ForkedTools) -> None:
    async def attacked(program: str, told: str) -> None:
        with pytest.raises(ChildStopped, match=told):
            await tools.run_tool("run", [program], replace(LIMITS, seconds=1 if "longer" in told else 20))

    beside = asyncio.ensure_future(tools.run_tool("run", ["import time; time.sleep(1.5); print('whole')"], LIMITS))
    await asyncio.gather(*(attacked(*one) for one in HOSTILE.items()))
    assert (await beside).output == "whole\n"
    assert (await tools.run_tool("run", ["print('next')"], LIMITS)).output == "next\n"


async def test_a_tool_gets_no_larger_files_than_allowed(tools: ForkedTools, folder: Path) -> None:
    big = folder / "work/mine/big"
    limits = replace(LIMITS, writes=(big.parent,))
    result = await tools.run_tool("run", [f"open('{big}', 'wb').write(bytes(20 * 2**20))"], limits)
    assert result.code == 1 and "File too large" in result.errors
    assert big.stat().st_size <= LIMITS.file_bytes


async def test_what_a_tool_has_started_ends_with_it(tools: ForkedTools) -> None:
    result = await tools.run_tool("run", ["import subprocess; print(subprocess.Popen(['sleep', '60']).pid)"], LIMITS)

    async def ended() -> bool:
        return not psutil.pid_exists(int(result.output))

    await wait_until(ended)


async def test_a_job_that_is_cancelled_leaves_no_process(tools: ForkedTools) -> None:
    await tools.prepare(Priority.NORMAL)
    job = asyncio.ensure_future(tools.run_tool("run", ["import time; time.sleep(60)"], LIMITS))

    async def is_running() -> bool:
        return bool(the_forker(tools).children())

    await wait_until(is_running)
    job.cancel()
    await asyncio.wait([job])
    assert job.cancelled() and not the_forker(tools).children()


@pytest.mark.parametrize("is_told", [True, False])
async def test_with_a_forker_ends_all_that_its_tools_have_started(tools: ForkedTools, is_told: bool) -> None:
    program = ["import subprocess, time; subprocess.Popen(['sleep', '60']); time.sleep(60)"]
    jobs = [asyncio.ensure_future(tools.run_tool("run", program, LIMITS)) for _ in range(3)]

    async def started() -> list[psutil.Process]:
        found = the_forker(tools).children(recursive=True) if tools._forkers else []
        return found if [one.name() for one in found].count("sleep") == 3 else []

    processes, forker = await wait_until(started), the_forker(tools)
    first = forker.children()[0]
    if not is_told:  # it learns at once that a tool has ended, and that nobody listens
        forker.suspend()
    first.kill()
    while first.is_running() if is_told else first.status() != psutil.STATUS_ZOMBIE:
        pass  # nobody reads meanwhile what the forker tells
    ending = asyncio.ensure_future(tools._forkers[-1].stop())
    await asyncio.sleep(0)
    if not is_told:
        forker.resume()
    await ending
    assert all(isinstance(one, ChildStopped) for one in await asyncio.gather(*jobs, return_exceptions=True))

    async def ended() -> bool:
        return all(map(has_ended, processes))

    await wait_until(ended, within_s=10)


async def test_after_a_kill_of_the_forker_its_jobs_are_stopped_and_the_next_has_a_new_one(tools: ForkedTools) -> None:
    await tools.prepare(Priority.NORMAL)
    job = asyncio.ensure_future(tools.run_tool("run", ["import time; time.sleep(60)"], LIMITS))
    first = the_forker(tools)

    async def children() -> list[psutil.Process]:
        return first.children()

    tool = (await wait_until(children))[0]
    first.send_signal(signal.SIGKILL)
    with pytest.raises(ChildStopped):
        await job
    assert (await tools.run_tool("run", ["print('next')"], LIMITS)).output == "next\n"
    assert the_forker(tools).pid != first.pid

    async def ended() -> bool:
        return has_ended(tool)

    await wait_until(ended)


async def test_a_forker_is_renewed_once_its_jobs_end(tools: ForkedTools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forked_tools, "_MOST_JOBS", 2)
    pids = [await tools.run_tool("run", ["import os; print(os.getppid())"], LIMITS) for _ in range(5)]
    assert len({result.output for result in pids}) == 3


async def test_more_jobs_at_once_than_the_socket_holds_have_several_forkers(
    tools: ForkedTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forked_tools, "_MOST_AT_ONCE", 2)
    program = ["import os, time; time.sleep(0.5); print(os.getppid())"]
    results = await asyncio.gather(*(tools.run_tool("run", program, LIMITS) for _ in range(5)))
    assert len({result.output for result in results}) == 3


async def test_a_forker_that_nobody_needs_ends(folder: Path, samples: Samples, clock: FakeClock) -> None:
    tools = ForkedTools(samples.folder, folder / "work", clock)
    service = asyncio.ensure_future(tools.run())
    limits = replace(LIMITS, reads=(samples.rotated_jpeg(),))
    assert json.loads((await tools.run_tool("size", [str(samples.rotated_jpeg())], limits)).output)["width"] == 400
    forker = the_forker(tools)
    for _ in range(2):
        await clock.advance(61)

    async def ended() -> bool:
        return has_ended(forker)

    await wait_until(ended)
    assert (await tools.run_tool("size", [str(samples.rotated_jpeg())], limits)).code == 0
    service.cancel()
    await asyncio.wait([service])


async def test_tools_end_with_the_origin_even_by_kill_9(folder: Path) -> None:
    program = f"""
import asyncio, sys
from pathlib import Path
from sync.origin.transcode import forked_tools
from sync.origin.transcode.sandbox import Limits
from sync.runtime.clock import SystemClock
forked_tools._COMMAND = (sys.executable, "-c", {FORKER!r})
tools = forked_tools.ForkedTools(Path({str(folder)!r}), Path({str(folder)!r}), SystemClock())
asyncio.run(tools.run_tool("run", ["import time; time.sleep(60)"], Limits(60, 10**9, 10**6)))
"""
    origin = await asyncio.create_subprocess_exec(sys.executable, "-c", program)

    async def two_generations() -> list[psutil.Process]:
        found = psutil.Process(origin.pid).children(recursive=True)
        return found if len(found) == 2 else []

    processes = await wait_until(two_generations)
    origin.kill()
    await origin.wait()

    async def ended() -> bool:
        return all(map(has_ended, processes))

    await wait_until(ended)
