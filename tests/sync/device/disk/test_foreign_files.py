"""Files that belong to somebody else: the device that cannot read them runs as a user without rights."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.device.store.content_store import open_content_store
from sync.device.store.file_report import owner_problems
from tests import TOP
from tests.sync.device.disk.damage import Original, synced
from tests.sync.file_tree_origin import Origin
from tests.unprivileged import STRANGER, give_away, give_to_player, reachable_folder, unprivileged

ACTIVE, PREVIOUS = 1, 0

# file: without the origin: which release plays, how many of its two media; then who the device is, and what is told
FOREIGN: dict[str, tuple[int, int, str, str]] = {
    "active": (ACTIVE, 2, "d1", ""),
    "root.json": (ACTIVE, 2, "d1", ""),
    "floor": (ACTIVE, 2, "d1", ""),
    "membership.json": (ACTIVE, 2, "d1", "membership.json cannot be used: this user is not allowed to"),
    "membership.json and its copy": (ACTIVE, 2, "not readable", "but its origin is not asked"),
    "index.db": (ACTIVE, 2, "d1", ""),
    "ballast": (ACTIVE, 2, "d1", ""),
    "lock": (ACTIVE, 2, "d1", ""),
    "release": (PREVIOUS, 2, "d1", ""),
    "index": (ACTIVE, 2, "d1", ""),
    "asset": (ACTIVE, 1, "d1", ""),
}


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, Any]]:
    """What devices say that each have one foreign file; one process, because starting one takes longest."""
    with reachable_folder() as top:
        yield asyncio.run(asked(top))


Cell = tuple[Path, tuple[Path, ...]]
"""The folder of a device, and its files that belong to somebody else, or will."""


def devices(original: Original, top: Path) -> list[Cell]:
    """Make a device for each row of the table; all of their files are theirs."""
    cells: list[Cell] = []
    for name in FOREIGN:
        device = original.copy_to(top / name.replace(" ", "-"))
        path = original.paths(device)[name.partition(" ")[0]]
        path.touch()  # the ballast is not copied
        give_to_player(device)
        cells.append((device, (path, path.parent / "copies" / path.name) if "copy" in name else (path,)))
    return cells


def command(url: str, cells: list[Cell]) -> list[str]:
    each = [str(path) for device, (path, *_) in cells for path in (device, path)]
    return unprivileged(sys.executable, "-m", "tests.sync.device.disk.unprivileged_device", url, *each)


async def asked(top: Path) -> dict[str, Any]:
    original = await synced(top)
    cells = devices(original, top)
    for path in (path for _, paths in cells for path in paths):
        give_away(path)
    origin = Origin(original.publisher)
    await origin.start()
    try:
        process = await asyncio.create_subprocess_exec(
            *command(origin.url, cells), cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        output, errors = await process.communicate()
    finally:
        await origin.stop()
    lines = output.decode().splitlines()
    assert len(lines) == len(FOREIGN), errors.decode()
    shutil.rmtree(top / "device")
    return {"original": original} | {name: json.loads(line) for name, line in zip(FOREIGN, lines, strict=True)}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_somebody_else_stops_nothing_that_can_be_shown(told: dict[str, Any], name: str) -> None:
    plays, held, device, problem = FOREIGN[name]
    original: Original = told["original"]
    assert not told[name]["readable"], "or this tests nothing"
    offline, online = told[name]["offline"], told[name]["online"]
    assert (offline["plays"], offline["held"], offline["device"]) == (original.releases[plays], held, device)
    assert (online["plays"], online["held"], online["device"]) == (original.releases[ACTIVE], 2, device)
    assert len(online["problems"]) == bool(problem), online["problems"]
    assert problem in " ".join(online["problems"])


def test_root_is_told_which_files_the_user_of_the_state_folder_cannot_read(tmp_path: Path) -> None:
    with open_content_store(tmp_path / "device") as store:
        for name in ("plays.db", "config.json"):
            (store.state / name).write_bytes(b"{}")
        give_to_player(tmp_path / "device")
        give_away(store.state / "plays.db")
        os.chown(tmp_path / "device", STRANGER + 1, STRANGER + 1)
        for path in store.state.rglob("*"):
            if path.name != "plays.db":
                os.chown(path, STRANGER + 1, STRANGER + 1)
        os.chown(store.state / "config.json", STRANGER, STRANGER)  # everybody can read it
        (problem,) = owner_problems(store)
        assert f"{store.state}/plays.db belongs to another user" in problem and "change its owner" in problem


def test_files_that_are_given_away_and_back_while_the_player_runs_cost_nothing_for_good() -> None:
    with reachable_folder() as top:
        original = asyncio.run(synced(top))
        cells = devices(original, top)
        with subprocess.Popen(
            command("-", cells), cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            before = say(process)
            for path in (path for _, paths in cells for path in paths):
                give_away(path)
            meanwhile = say(process)
            for device, _ in cells:
                give_to_player(device)
            again = say(process)
            process.communicate()
    for name, one, two, three in zip(FOREIGN, before, meanwhile, again, strict=True):
        plays, held, member, problem = FOREIGN[name]
        assert not two["readable"], "or this tests nothing"
        assert (one["plays"], one["held"], one["device"], one["problems"]) == (original.releases[ACTIVE], 2, "d1", [])
        assert (two["plays"], two["held"], two["device"]) == (original.releases[plays], held, member), name
        assert problem in " ".join(two["problems"]), name
        assert three == one, name


def say(process: "subprocess.Popen[str]") -> list[dict[str, Any]]:
    """Return what each of the devices says now."""
    assert process.stdin and process.stdout
    process.stdin.write("\n")
    process.stdin.flush()
    told: list[dict[str, Any]] = json.loads(process.stdout.readline())
    return told
