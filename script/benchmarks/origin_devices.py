"""A day of thousands of devices in minutes: they come, play, take a release, and come back after the origin ended.

Each row is a kind of request in one phase, the last one what all came to. A generator that used all of its processor is
late by its own fault: how much it used is in the row.
"""

import asyncio
import json
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
from origin_bodies import name_of
from origin_screens import Load
from origin_site import Site, open_site, told
from postgresql import postgresql, server_s
from progress import tell
from seam import spread_ms

ITEM_S = 10.0
PERIOD_S = 60.0
_MOST_OF_A_PROCESS = 5_000
_LEAST_PROCESSES = 2
_PLAYERS = 20
"""Real clients among the devices."""

_SETTLE_S = 5.0
_LONGEST_RETURN_S = 300.0
_HINTS_S = 60.0
_LOOK_S = 0.5
_COMING_A_SECOND = 200
_LINE_BYTES = 2**26


class Fleet:
    """Processes of devices, which are told the same, and what they answer, together."""

    def __init__(self, processes: Sequence[Process]) -> None:
        self._processes = processes
        self._watched = [psutil.Process(one.pid) for one in processes]

    async def ask(self, **order: Any) -> list[dict[str, Any]]:
        """Tell all the same at once; return their answers."""
        return await asyncio.gather(*(asked(one, order) for one in self._processes))

    async def phase(self) -> dict[str, Any]:
        """Return what came since the last call."""
        found = await self.ask(do="phase")
        late: dict[str, list[float]] = {}
        for one in found:
            for kind, seconds in one["late_s"].items():
                late.setdefault(kind, []).extend(seconds)
        counts = {name: sum((Counter(one[name]) for one in found), Counter[str]()) for name in ("failed", "receipts")}
        instants = {name: sorted(at for one in found for at in one[name]) for name in ("hinted", "back", "reported")}
        return {"late_s": late, **counts, **instants}

    async def state(self) -> Counter[str]:
        """Return how many are there."""
        return sum(map(Counter, await self.ask(do="state")), Counter[str]())

    def cpu_s(self) -> list[float]:
        """Return the processor time that each has used."""
        return [sum(one.cpu_times()[:2]) for one in self._watched]


async def asked(process: Process, order: dict[str, Any]) -> dict[str, Any]:
    """Tell a process what to do; return its answer."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(order).encode() + b"\n")
    line = await process.stdout.readline()
    if not line:
        raise SystemExit("a process of simulated devices ended")
    found: dict[str, Any] = json.loads(line)
    return found


@asynccontextmanager
async def open_fleet(site: Site, count: int, minutes: float) -> AsyncIterator[Fleet]:
    """Start the processes of all devices, and wait until their bodies are made."""
    parts = max(_LEAST_PROCESSES, -(-count // _MOST_OF_A_PROCESS))
    edges = [count * part // parts for part in range(parts + 1)]
    shown = told(site.shown)
    loads = [
        Load(site.port, edges[part], edges[part + 1], PERIOD_S, round(minutes + 1), shown, _PLAYERS * (part == 0))
        for part in range(parts)
    ]
    program = Path(__file__).parent / "origin_screens.py"
    command = ("setpriv", "--pdeathsig", "KILL", "--", sys.executable, str(program))
    processes = [
        await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, limit=_LINE_BYTES) for _ in loads
    ]
    try:
        await asyncio.gather(*(asked(one, asdict(load)) for one, load in zip(processes, loads, strict=True)))
        yield Fleet(processes)
    finally:
        for one in processes:
            one.kill()
        await asyncio.gather(*(one.wait() for one in processes))


class Day:
    """The phases of one run, and their rows."""

    def __init__(
        self, site: Site, fleet: Fleet, database: str, count: int, seconds: float, server: int | None = None
    ) -> None:
        self._site, self._fleet = site, fleet
        self._server = server
        self._of = {"database": database, "devices": count}
        self._count, self._seconds = count, seconds
        self._receipts = Counter[str]()
        self.requests: list[dict[str, Any]] = []
        self.sums: dict[str, Any] = dict(self._of)

    async def run(self) -> None:
        """Go through all phases."""
        site, fleet = self._site, self._fleet
        await site.start()
        await asyncio.sleep(_SETTLE_S)
        idle_mib = site.mib()
        await fleet.ask(do="start", within_s=self._count / _COMING_A_SECOND)
        await self._all("open", time.time())
        await self._all("reported", time.time())
        await self._end_phase("coming")
        await self._steady(idle_mib)
        await self._release()
        await self._return("kill", signal.SIGKILL)
        await self._return("SIGTERM", signal.SIGTERM)
        delivered = {int(number): plays for one in await fleet.ask(do="end") for number, plays in one.items()}
        await asyncio.sleep(1)
        await site.end()
        await self._compare(delivered)

    async def _steady(self, idle_mib: float) -> None:
        site, fleet, began_s = self._site, self._fleet, time.time()
        cpu_s, own_s, database_s = site.cpu_s(), fleet.cpu_s(), server_s(self._server)
        await asyncio.sleep(self._seconds)
        took_s = time.time() - began_s
        used_s = site.cpu_s() - cpu_s
        own = max(after - before for after, before in zip(fleet.cpu_s(), own_s, strict=True))
        phase = await self._end_phase("playing")
        self.sums |= {
            "plays_s": round(sum(phase["receipts"].values()) / took_s, 1),
            "cpu_percent": round(100 * used_s / took_s, 1),
            "cpu_ms_a_device_minute": self._a_minute(used_s, took_s),
            "database_ms_a_device_minute": self._a_minute(server_s(self._server) - database_s, took_s)
            if self._server
            else "-",
            "generator_percent": round(100 * own / took_s, 1),
            "mib_idle": round(idle_mib, 1),
            "mib": round(site.mib(), 1),
            "kib_a_device": round(1024 * (site.mib() - idle_mib) / self._count, 1),
        }

    def _a_minute(self, used_s: float, took_s: float) -> float:
        """Return the milliseconds of the processor for a device and minute."""
        return round(60_000 * used_s / took_s / self._count, 2)

    async def _release(self) -> None:
        published = time.time()
        await self._site.publish(1)
        took_s = time.time() - published
        await asyncio.sleep(max(self._seconds, _HINTS_S))
        phase = await self._end_phase("a release")
        hinted = [at - published for at in phase["hinted"]]
        spread = spread_ms(hinted)
        self.sums |= {
            "publish_s": round(took_s, 2),
            "hint_p99_s": round(spread["p99"] / 1000, 2),
            "hint_last_s": round(spread["max"] / 1000, 2),
            "not_hinted": self._count - len(hinted),
        }

    async def _return(self, name: str, how: signal.Signals) -> None:
        await self._fleet.phase()
        began = time.time()
        await self._site.end(how)
        ended = time.time()
        await self._site.start()
        started = time.time()
        await self._all("open", began)
        await self._all("reported", began)
        phase = await self._end_phase(f"after {name}")
        self.sums |= {
            f"{name}_ended_s": round(ended - began, 1),
            f"{name}_started_s": round(started - began, 1),
            f"{name}_all_back_s": self._when_all(phase["back"], began),
            f"{name}_all_reported_s": self._when_all(phase["reported"], began),
        }

    def _when_all(self, instants: Sequence[float], began: float) -> float | str:
        missing = self._count - len(instants)
        return f"{missing} missing" if missing > 0 else round(instants[self._count - 1] - began, 1)

    async def _all(self, what: str, since: float) -> None:
        """Wait until all devices are there, or for too long."""
        for _ in range(int((since + _LONGEST_RETURN_S - time.time()) / _LOOK_S)):
            if (await self._fleet.state())[what] >= self._count:
                return
            await asyncio.sleep(_LOOK_S)

    async def _end_phase(self, name: str) -> dict[str, Any]:
        phase = await self._fleet.phase()
        self._receipts += phase["receipts"]
        for kind in sorted({*phase["late_s"], *phase["failed"]}):
            late = phase["late_s"].get(kind, [])
            row = {**self._of, "phase": name, "request": kind, "answered": len(late)}
            self.requests.append({**row, "late_ms": spread_ms(late), "failed": phase["failed"][kind]})
            tell(self.requests[-1])
        return phase

    async def _compare(self, delivered: dict[int, int]) -> None:
        stored, aside = await self._site.stored()
        lost = sum(max(0, count - stored.get(name_of(number), 0)) for number, count in delivered.items())
        refused = sum(self._receipts[status] for status in ("invalid", "conflict"))
        self.sums |= {
            "plays": sum(delivered.values()), "plays_lost": lost, "plays_refused": refused, "plays_set_aside": aside,
            "told_later": self._receipts["later"], "faults_in_log": self._site.faults(),
        }  # fmt: skip
        tell(self.sums)


async def measure(database: str, count: int, seconds: float) -> list[dict[str, Any]]:
    """Return a row for each kind of request of each phase, and one for all, on a database."""
    minutes = (2.5 * seconds + PERIOD_S + _HINTS_S + 2 * PERIOD_S) / 60
    async with AsyncExitStack() as stack:
        is_server = database == "postgresql"
        url, server = await stack.enter_async_context(postgresql()) if is_server else ("", None)
        site = await stack.enter_async_context(open_site(count, ITEM_S, url))
        fleet = await stack.enter_async_context(open_fleet(site, count, minutes))
        day = Day(site, fleet, database, count, seconds, server)
        await day.run()
    return [*day.requests, day.sums]
