"""Runs what `script/test` does less of: long tables, editors and kills; tells each file's count, failures and time."""

import asyncio
import os
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree


async def measure() -> list[dict[str, Any]]:
    """Run all tests marked `long_table`."""
    return await _run("-m", "long_table")


async def measure_kills(kills: int) -> list[dict[str, Any]]:
    """Kill a syncer so many times while it fetches from a server with faults, and check its files each time."""
    rows = await _run("tests/sync/device/disk/test_kill.py", "-k", "killed_at_any_moment", SIGNAGE_KILLS=str(kills))
    return [{"kills": kills, **row} for row in rows]


async def measure_editors(editors: int) -> list[dict[str, Any]]:
    """Have so many random editors change one playlist over HTTP at once, on SQLite and PostgreSQL."""
    rows = await _run("tests/origin", "-k", "random_editors", SIGNAGE_EDITORS=str(editors))
    return [{"editors": editors, **row} for row in rows]


async def _run(*chosen: str, **variables: str) -> list[dict[str, Any]]:
    """Run tests; what they print goes to the error output."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = (sys.executable, "-m", "pytest", "--quiet", *chosen, f"--junit-xml={report}")
        environment = os.environ | variables
        await (await asyncio.create_subprocess_exec(*command, stdout=sys.stderr, env=environment)).wait()
        cases = list(ElementTree.parse(report).iter("testcase"))
    by_file: dict[str, list[ElementTree.Element]] = defaultdict(list)
    for case in cases:
        by_file[case.attrib["classname"].replace(".", "/") + ".py"].append(case)
    return [
        {
            "file": file,
            "cases": len(found),
            "failed": sum(case.find("failure") is not None or case.find("error") is not None for case in found),
            "seconds": sum(float(case.attrib["time"]) for case in found),
        }
        for file, found in sorted(by_file.items())
    ]
