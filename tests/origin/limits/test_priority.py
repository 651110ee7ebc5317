"""The priority of children, as the kernel tells it, and when it is idle."""

import os
import sys
from pathlib import Path

import pytest

from sync.origin.limits.priority import Priority, player_runs_here, priority_for
from sync.origin.transcode.sandbox import Limits, run_tool

TELL = (
    "import os; from pathlib import Path; a = Path('/proc/self/autogroup'); "
    "print(os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0), flush=True); "
    "import subprocess; subprocess.run(('ionice', '-p', str(os.getpid())))"
)


@pytest.mark.parametrize(
    ("priority", "scheduling", "nicer", "input_output"),
    [
        (Priority.IDLE, os.SCHED_IDLE, 19, "idle"),
        (Priority.NICE, os.SCHED_OTHER, 10, "best-effort: prio 7"),
        (Priority.NORMAL, os.SCHED_OTHER, 0, ""),
    ],
)
async def test_a_tool_and_its_children_get_the_priority(
    priority: Priority, scheduling: int, nicer: int, input_output: str
) -> None:
    nice = min(19, os.getpriority(os.PRIO_PROCESS, 0) + nicer)  # niceness adds up
    limits = Limits(20, 512 * 1024**2, 1024**2, priority)
    result = await run_tool(("sh", "-c", 'exec "$0" -c "$1"', sys.executable, TELL), limits)
    assert " ".join(result.output.split()).startswith(f"{scheduling} {nice} {input_output}".rstrip())


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="the kernel does not group by session")
async def test_the_session_of_a_tool_is_nice_too() -> None:
    limits = Limits(20, 512 * 1024**2, 1024**2, Priority.IDLE, reads=(Path("/proc"),))
    result = await run_tool(("sh", "-c", "sleep 0.2; cat /proc/self/autogroup"), limits)
    assert result.output.split()[-1] == "19"


def test_children_are_idle_where_a_player_is_installed_or_runs(tmp_path: Path) -> None:
    unit, processes = tmp_path / "signage-player.service", tmp_path / "proc"
    for pid, command in {"1": b"/sbin/init\0", "77": b"vi\0player.deck\0", "self": b""}.items():
        (processes / pid).mkdir(parents=True)
        (processes / pid / "cmdline").write_bytes(command)
    (processes / "99").mkdir()  # it ended
    assert not player_runs_here(unit, processes)
    (processes / "99" / "cmdline").write_bytes(b"/opt/signage/venv/bin/python\0-m\0player.deck\0--area\0x\0")
    assert player_runs_here(unit, processes)
    (processes / "99" / "cmdline").unlink()
    unit.touch()
    assert player_runs_here(unit, processes)
    assert [priority_for(name) for name in ("idle", "nice", "normal")] == list(Priority)
