"""Runs the cases of long tables that `script/test` leaves out, and tells each file's count, failures and time."""

import asyncio
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree


async def measure() -> list[dict[str, Any]]:
    """Run all tests marked `long_table`; what they print goes to the error output."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = (sys.executable, "-m", "pytest", "--quiet", "-m", "long_table", f"--junit-xml={report}")
        await (await asyncio.create_subprocess_exec(*command, stdout=sys.stderr)).wait()
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
