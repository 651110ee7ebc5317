"""sync: how fast a device has a release, verified and on its disk, and what that costs; beside curl, aria2 and rsync.

All take turns on one machine over loopback, from nginx and from our origin. The device is put together as the daemon
does it (`syncing_device.py`); its time ends when the release is active, which is when all of it is durable. CPU is of
the one who downloads alone. Flushes and bytes are counted on a file system that nobody else uses.
"""

import asyncio
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import syncing_content as content_of
import syncing_film
import syncing_many
import syncing_rivals as rivals
from syncing_content import Content
from syncing_device import device
from syncing_line import SERVER, lossy_line, measured_round_trip_s

from sync.runtime.clock import SystemClock
from sync.runtime.durable_files import hash_file

_GIB = 1024**3
_MIB = 1024**2
_SMALL_BYTES = 100_000
_MANY = 500  # so many deleted files make new ones slow, for ext4 leaves their inodes alone for a while
_FLUSHES = ("fsync", "fdatasync", "syncfs")
_KILLED_BYTES_S = "4m"  # of each connection: so slow that no bytes wait in a socket when the device is killed
ROUNDS = 3
PARTS = ("large", "small", "tls", "origin", "line", "disk", "kills", "many", "film")
FILM_S = 15  # of a film are looked at in each arm
ROUND_TRIP_S, LOSS = 0.02, 0.01  # of the line between two network namespaces

Rows = list[dict[str, Any]]
Way = Callable[[Path], Awaitable[rivals.Used]]


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is transferred, and how often."""

    large: int = 8
    small: int = 2_000
    rounds: int = ROUNDS
    kills: int = 10
    many: int = 5_000
    line_mib: int = 32  # of each of 8 files
    part_s: float = 1_800.0  # a part that takes longer is ended and told as not measured


SHORT = Scale(large=3, small=600, rounds=1, kills=3, many=5_000, line_mib=8, part_s=900.0)


async def measure(part: str, rounds: int, *, short: bool) -> Rows:
    """Return the rows of one part, or of all if it is empty."""
    scale = SHORT if short else Scale(rounds=rounds)
    if part and part not in PARTS:
        raise SystemExit(f"sync has no part {part}; there are: {', '.join(PARTS)}")
    if content_of.has_nginx() is None:
        raise SystemExit("nginx is not installed (apt-get install nginx-light)")
    rows: Rows = []
    disk = Path.cwd() / "var"  # of this clone, for /tmp may be in memory
    disk.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-sync-", dir=disk) as folder:
        for name in PARTS if not part else (part,):
            place = Path(folder) / name
            place.mkdir()
            try:
                async with asyncio.timeout(scale.part_s):
                    rows += await _MEASURES[name](place, scale)
            except TimeoutError as error:
                why = str(error) or f"it did not end within {scale.part_s / 60:.0f} minutes"
                sys.stderr.write(f"{name}: NOT MEASURED, {why}\n")
            shutil.rmtree(place)
    return rows


async def _large(folder: Path, scale: Scale) -> Rows:
    content = content_of.random_content(folder / "tree", scale.large, 128 * _MIB)
    rows = await _compared(folder, content, f"{scale.large} x 128 MiB", scale.rounds)
    return [*rows, _hashed_later(content)]


async def _small(folder: Path, scale: Scale) -> Rows:
    content = content_of.random_content(folder / "tree", scale.small, _SMALL_BYTES)
    return await _compared(folder, content, f"{scale.small:,} x 100 kB", scale.rounds)


async def _compared(folder: Path, content: Content, what: str, rounds: int) -> Rows:
    async with content_of.nginx(folder / "nginx", content.tree) as url:
        ways: dict[str, Way] = {
            "signage-player": partial(_synced, content, url),
            f"curl -Z ({rivals.CURL_CONNECTIONS}) + sync + openssl": partial(rivals.curl, content, url),
        }
        others: dict[str, tuple[str, Way]] = {
            "aria2c": ("aria2c + checksum, no flush", partial(rivals.aria2, content, url)),
            "rsync": ("rsync --fsync + openssl", partial(rivals.rsync, content, url)),
        }
        ways |= {way: work for name, (way, work) in others.items() if rivals.installed(name)}
        rows = await _in_turns(folder, content, f"nginx, {what}", ways, rounds)
        missing = [way for name, (way, _) in others.items() if not rivals.installed(name)]
        return rows + [dict.fromkeys(rows[0], "-") | {"way": f"{way}: not installed here"} for way in missing]


async def _tls(folder: Path, scale: Scale) -> Rows:
    content = content_of.random_content(folder / "tree", scale.large, 128 * _MIB)
    certificate = content_of.self_signed(folder)
    async with content_of.nginx(folder / "nginx", content.tree, certificate=certificate) as url:
        ways: dict[str, Way] = {
            "signage-player": partial(_synced, content, url, certificates=str(certificate)),
            f"curl -Z ({rivals.CURL_CONNECTIONS}) + sync + openssl": partial(
                rivals.curl, content, url, certificates=str(certificate)
            ),
        }
        return await _in_turns(folder, content, f"nginx with TLS, {scale.large} x 128 MiB", ways, scale.rounds)


async def _from_origin(folder: Path, scale: Scale) -> Rows:
    rows: Rows = []
    for count, size, what in ((scale.large, 128 * _MIB, "128 MiB"), (scale.small, _SMALL_BYTES, "100 kB")):
        place = folder / what.replace(" ", "")
        place.mkdir()
        content = content_of.random_content(place / "tree", count, size)
        async with content_of.our_origin(place / "origin", content.tree) as url:
            ways: dict[str, Way] = {
                "signage-player": partial(_synced, content, url),
                f"curl -Z ({rivals.CURL_CONNECTIONS}) + sync + openssl": partial(rivals.curl, content, url),
            }
            rows += await _in_turns(place, content, f"our origin, {count:,} x {what}", ways, scale.rounds)
    return rows


async def _over_a_line(folder: Path, scale: Scale) -> Rows:
    content = content_of.random_content(folder / "tree", 8, scale.line_mib * _MIB)
    async with AsyncExitStack() as stack:
        line = await stack.enter_async_context(lossy_line(ROUND_TRIP_S, LOSS))
        if line is None:
            sys.stderr.write("line: NOT MEASURED, it takes root, network namespaces and TUN devices\n")
            return []
        served = content_of.nginx(folder / "nginx", content.tree, host=SERVER, under=line.at_server)
        url = await stack.enter_async_context(served)
        round_trip_s = await measured_round_trip_s(line, url)
        ways: dict[str, Way] = {
            "signage-player": partial(_synced, content, url, under=line.at_client),
            f"curl -Z ({rivals.CURL_CONNECTIONS}) + sync + openssl": partial(
                rivals.curl, content, url, under=line.at_client
            ),
        }
        rows = await _in_turns(folder, content, "", ways, scale.rounds)
    what = f"nginx, round trip {1000 * round_trip_s:.1f} ms, {100 * line.measured_loss():.2f} % loss"
    return [row | {"release": f"{what}, 8 x {scale.line_mib} MiB"} for row in rows]


async def _in_turns(folder: Path, content: Content, what: str, ways: dict[str, Way], rounds: int) -> Rows:
    """Let all take turns, so that a machine whose speed drifts is fair to each; medians."""
    found: dict[str, list[rivals.Used]] = {name: [] for name in ways}
    for turn in range(rounds):
        for number, (name, way) in enumerate(ways.items()):
            (target := folder / f"target-{turn}-{number}").mkdir()
            found[name].append(await way(target))
            if len(content.assets) < _MANY:
                shutil.rmtree(target)
            await asyncio.to_thread(os.sync)  # the next one does not pay for what this one left
    megabytes, gibibytes = content.size_bytes / 1e6, content.size_bytes / _GIB
    walls = {name: statistics.median(wall for wall, _ in took) for name, took in found.items()}
    processors = {name: statistics.median(cpu for _, cpu in took) for name, took in found.items()}
    theirs = next(name for name in ways if name.startswith("curl"))
    return [
        {
            "release": what,
            "way": name,
            "rounds": rounds,
            "mb_s": megabytes / walls[name],
            "to_curl": walls[theirs] / walls[name],
            "cpu_s_gib": processors[name] / gibibytes,
            "cpu_to_curl": processors[name] / processors[theirs],
        }
        for name in ways
    ]


def _hashed_later(content: Content) -> dict[str, Any]:
    """Return what the whole hash of each file of several chunks costs, for which a device waits until it is idle."""
    asset = content.assets[0]
    began_s, cpu_s = time.perf_counter(), time.process_time()
    hash_file(content.tree / "assets" / asset.sha256)
    wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    return {
        "release": "after that, when idle",
        "way": "whole hash, lowest priority",
        "rounds": 1,
        "mb_s": asset.size_bytes / 1e6 / wall_s,
        "to_curl": "-",
        "cpu_s_gib": cpu_s / asset.size_bytes * _GIB,
        "cpu_to_curl": "-",
    }


async def _synced(
    content: Content, url: str, target: Path, *, certificates: str = "", under: tuple[str, ...] = ()
) -> rivals.Used:
    async with device(target / "device", url, content.tree, "--certificates", certificates, under=under) as running:
        running.begin()
        said = await running.told()
        return said["wall_s"], said["cpu_s"]


async def _disk(folder: Path, scale: Scale) -> Rows:
    rows: Rows = []
    for count, size, what in ((scale.large, 128 * _MIB, "128 MiB"), (scale.small, _SMALL_BYTES, "100 kB")):
        place = folder / what.replace(" ", "")
        place.mkdir()
        content = content_of.random_content(place / "tree", count, size)
        async with content_of.nginx(place / "nginx", content.tree) as url:
            rows += [{"release": f"{count:,} x {what}", **row} for row in await _flushed(place, content, url)]
        shutil.rmtree(place)
    return rows


async def _flushed(place: Path, content: Content, url: str) -> Rows:
    """Return what one device writes, from its start to the activation, and what curl writes."""
    calls, rows = place / "calls.log", []
    trace = ("-e", f"trace={','.join(_FLUSHES)}", "-o", str(calls))
    traced = ("strace", "-D", "-f", "--seccomp-bpf", "-qq", "-ttt", *trace)
    with content_of.disk_of_its_own(place, 3 * content.size_bytes + 512 * _MIB) as disk:
        if disk is None:
            sys.stderr.write("disk: NOT MEASURED, it takes root and loop devices\n")
            return []
        mounted, name = disk
        under = traced if rivals.installed("strace") else ()
        async with device(mounted / "device", url, content.tree, under=under) as running:
            os.sync()
            before, began_s = content_of.written(name), time.time()
            running.begin()
            await running.told()
        os.sync()
        lines = calls.read_text().splitlines() if under else []
        asked = [line for line in lines if re.search(r"sync(fs)?\(", line) and float(line.split()[1]) >= began_s]
        rows.append(_row_of_disk(content, "signage-player", before, content_of.written(name), len(asked) or "-"))
        (target := mounted / "target").mkdir()
        os.sync()
        before = content_of.written(name)
        await rivals.curl(content, url, target)
        os.sync()
        rows.append(_row_of_disk(content, "curl + sync + openssl", before, content_of.written(name), 1))
    return rows


def _row_of_disk(
    content: Content, way: str, before: tuple[int, int], after: tuple[int, int], asked: int | str
) -> dict[str, Any]:
    flushes = after[0] - before[0]
    return {
        "way": way,
        "asked": asked,  # calls of fsync, fdatasync and syncfs
        "asked_gib": asked if isinstance(asked, str) else asked / content.size_bytes * _GIB,
        "flushes": flushes,  # of the device, up to two of which one call takes
        "flushes_gib": flushes / content.size_bytes * _GIB,
        "flushes_file": flushes / len(content.assets),
        "written_to_size": (after[1] - before[1]) / content.size_bytes,
    }


async def _kills(folder: Path, scale: Scale) -> Rows:
    content, rng = content_of.random_content(folder / "tree", 4, scale.kills * 12 * _MIB), Random(7)
    log, clock, active = folder / "sent.log", SystemClock(), folder / "device/state/active"
    kills = 0
    limit = f"limit_rate {_KILLED_BYTES_S};"
    async with content_of.nginx(folder / "nginx", content.tree, log=str(log), more=limit) as url:
        while not active.exists() and kills < scale.kills:
            async with device(folder / "device", url, content.tree) as running:
                running.begin()
                await clock.sleep(rng.uniform(0.5, 1.5))
            kills += 1
        if not active.exists():  # else all was here before the last kill
            async with device(folder / "device", url, content.tree) as running:
                running.begin()
                await running.told()
        await clock.sleep(0.5)  # nginx notes what was cut off when it sees it
    sent = [line.split() for line in log.read_text().splitlines()]
    bodies = sum(int(length) for length, path in sent if path.startswith("/content/assets/"))
    again = bodies - content.size_bytes
    release = f"4 x {scale.kills * 12} MiB"
    return [{"release": release, "kills": kills, "sent_again_mib_a_kill": again / kills / _MIB}]


async def _many(folder: Path, scale: Scale) -> Rows:
    async with AsyncExitStack() as stack:
        return await syncing_many.measure(stack, folder, scale.many)


async def _film(folder: Path, scale: Scale) -> Rows:
    return await syncing_film.measure(folder, scale.rounds, scale.large * 128 * _MIB, FILM_S)


_MEASURES: dict[str, Callable[[Path, Scale], Awaitable[Rows]]] = {
    "large": _large,
    "small": _small,
    "tls": _tls,
    "origin": _from_origin,
    "line": _over_a_line,
    "disk": _disk,
    "kills": _kills,
    "many": _many,
    "film": _film,
}
