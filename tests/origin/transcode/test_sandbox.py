"""Tools run under limits, without secrets, and never longer than the origin."""

import asyncio
import sys
from pathlib import Path

import psutil
import pytest

from sync.origin.transcode.sandbox import ChildStopped, Limits, run_tool
from sync.runtime.clock import SystemClock
from tests.origin.media_origin import child_processes, wait_until

MIB = 1024 * 1024
LIMITS = Limits(seconds=20, memory_bytes=512 * MIB, file_bytes=8 * MIB)


async def test_a_tool_and_its_children_end_at_the_time_limit() -> None:
    clock = SystemClock()
    began = clock.monotonic()
    with pytest.raises(ChildStopped, match="longer than 1 s"):
        await run_tool(("sh", "-c", "sleep 60 & sleep 60"), Limits(1, 512 * MIB, MIB))
    assert clock.monotonic() - began < 10
    assert not child_processes("sleep")


async def test_a_tool_gets_no_more_memory_and_no_larger_files_than_allowed(tmp_path: Path) -> None:
    with pytest.raises(ChildStopped):
        await run_tool((sys.executable, "-c", "bytearray(10**9)"), LIMITS)
    big = tmp_path / "big"
    with pytest.raises(ChildStopped):
        await run_tool(("dd", "if=/dev/zero", f"of={big}", "bs=1M", "count=20"), LIMITS)
    assert big.stat().st_size <= LIMITS.file_bytes


async def test_a_tool_that_goes_on_after_an_absurd_size_has_hit_no_limit() -> None:
    told = "echo 'packet: Cannot allocate memory' >&2; exit"
    assert "Cannot allocate" in (await run_tool(("sh", "-c", f"{told} 0"), LIMITS)).errors
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
        "import asyncio; from sync.origin.transcode.sandbox import Limits, run_tool; "
        f"asyncio.run(run_tool(('sh', '-c', 'echo $$ > {pid_file}; sleep 60; :'), Limits(60, 10**9, 10**6)))"
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
