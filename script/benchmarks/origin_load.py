"""Simulated devices for `script/bench origin`: a process of its own that sends what real ones send, at its time.

The load comes as JSON on the standard input. When all bodies are made, the process says so, is told the moment of the
start (Unix time), and in the end prints what came of its requests, as JSON. A request is late from the moment at which
it was due, so that an origin that answers slowly is not asked less. Each has a connection of its own: a device closes
its connection between two of them.
"""

import asyncio
import hashlib
import json
import resource
import sys
import time
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sync.wire.device_reports import GENESIS, Heartbeat, OnAir, PlayKind, play_hash

RELEASE = "a" * 64
ASSETS = [f"{number:064x}" for number in range(1, 21)]
_ADDRESSES = 200  # on loopback, so that no port is used twice within a minute
_GIVE_UP_S = 30.0


def name_of(number: int) -> str:
    """Return the id of a device."""
    return f"screen-{number:05}"


def token_of(number: int) -> str:
    """Return the token of a device."""
    return hashlib.sha256(name_of(number).encode()).hexdigest()[:43]


@dataclass(frozen=True)
class Load:
    """What the devices `first` to `until` of one process do; times in seconds."""

    url: str
    first: int
    until: int
    seconds: float
    heartbeat_s: float
    item_s: float
    plays: int  # in a batch

    @property
    def batch_s(self) -> float:
        """How long the plays of a batch take."""
        return self.plays * self.item_s


@dataclass
class Outcome:
    """What came of the requests, by their kind: how late the answer was, and each status."""

    late_s: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: defaultdict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    accepted: int = 0


class _Request(asyncio.Protocol):
    """One request; `answer` is the whole answer, as far as it came."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._got = raw, bytearray()
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self._raw)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        if found and len(body) >= _length(bytes(head)):
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.answer.done():
            self.answer.set_result(bytes(self._got))


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


class Devices:
    """The devices of one process."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._host, self._port = urlsplit(load.url).hostname or "", urlsplit(load.url).port or 80
        self.outcome = Outcome()
        self._last: dict[int, str] = {}
        self._before = datetime.now(UTC) - timedelta(hours=2)  # what is sent was on then
        self._batches = max(1, int(load.seconds // load.batch_s))

    def requests(self) -> list[tuple[float, str, int, bytes]]:
        """Make all bodies; return when each is due, what it is, and of which device."""
        load, requests = self._load, []
        for number in range(load.first, load.until):
            phase = (number * 0.6180339887) % 1.0  # spread evenly, in no order
            requests += [(phase * load.heartbeat_s, "heartbeat", number, self._heartbeat(number, phase))]
            for batch in range(self._batches):
                due_s = ((phase * 7.3) % 1.0 + batch) * load.batch_s
                requests.append((due_s, "plays", number, self._plays(number, batch)))
        return sorted(requests, key=lambda one: one[0])

    async def run(self, requests: list[tuple[float, str, int, bytes]], starts_at: float) -> None:
        """Send from the start until the time is over."""
        load, loop = self._load, asyncio.get_running_loop()
        began_s = loop.time() + starts_at - time.time()
        tasks = set[asyncio.Task[None]]()
        for due_s, kind, number, raw in requests:
            times = [due_s]
            if kind == "heartbeat":
                times = [due_s + step * load.heartbeat_s for step in range(int(load.seconds // load.heartbeat_s) or 1)]
            for at_s in times:
                loop.call_at(began_s + at_s, self._begin, tasks, kind, number, raw, began_s + at_s)
        await asyncio.sleep(began_s + load.seconds - loop.time())
        await asyncio.gather(*tasks)

    def _begin(self, tasks: set[asyncio.Task[None]], kind: str, number: int, raw: bytes, due_s: float) -> None:
        task = asyncio.create_task(self._ask(kind, number, raw, due_s))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _ask(self, kind: str, number: int, raw: bytes, due_s: float) -> None:
        loop, request, answer = asyncio.get_running_loop(), _Request(raw), b""
        local = (f"127.0.1.{number % _ADDRESSES + 1}", 0)
        with suppress(OSError):  # TimeoutError as well
            async with asyncio.timeout(_GIVE_UP_S):
                await loop.create_connection(lambda: request, self._host, self._port, local_addr=local)
                answer = await request.answer
        status = int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0
        self.outcome.statuses[kind][status] += 1
        self.outcome.late_s[kind].append(loop.time() - due_s)
        self.outcome.accepted += answer.count(b'"status":"accepted"')

    def _http(self, path: str, number: int, body: bytes) -> bytes:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nAuthorization: Bearer {token_of(number)}\r\n"
            "Accept: */*\r\nAccept-Encoding: gzip, deflate\r\nUser-Agent: signage-player\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def _heartbeat(self, number: int, phase: float) -> bytes:
        now = datetime.now(UTC)
        health = {name: phase * 100 for name in ("cpu_percent", "disk_free_mib", "memory_mib", "temperature_c")}
        beat = Heartbeat(
            at=now, version="1.4.0", period_s=self._load.heartbeat_s, release=RELEASE, sequence=1, zone="Europe/Berlin",
            on_air=OnAir(title="Iced mint tea", kind=PlayKind.ITEM, asset=ASSETS[0], since=now), sync_age_s=12.5,
            next_title="Breakfast until eleven", health=health, reads=("bookings",), boot_id=f"{number:032x}",
            log_epoch=f"{number:032x}", log_sequence=0,
        )  # fmt: skip
        return self._http("/v1/heartbeats", number, beat.model_dump_json(exclude_none=True).encode())

    def _plays(self, number: int, batch: int) -> bytes:
        previous = GENESIS if batch == 0 else self._last[number]
        documents = []
        for index in range(batch * self._load.plays, (batch + 1) * self._load.plays):
            documents.append(self._play(number, index, previous))
            previous = documents[-1]["hash"]
        self._last[number] = previous
        return self._http("/v1/plays", number, json.dumps({"plays": documents}).encode())

    def _play(self, number: int, index: int, previous: str) -> dict[str, Any]:
        length_ms = int(self._load.item_s * 1000)
        began = self._before + timedelta(milliseconds=index * length_ms)
        document = {
            "device": name_of(number), "log_epoch": f"{number:032x}", "sequence": index + 1,
            "take": f"{number:08x}{index:024x}", "kind": "item", "release": RELEASE, "asset": ASSETS[index % 20],
            "title": "Iced mint tea", "playlist": "lunch", "item": f"item-{index % 20}",
            "started_at": _told(began), "ended_at": _told(began + timedelta(milliseconds=length_ms)),
            "zone": "Europe/Berlin", "rendered_ms": length_ms, "expected_ms": length_ms, "outcome": "complete",
            "reason": "duration", "frames_lost": 0, "screen": "on", "clock": "synced", "relaxed": [],
            "output": "HDMI-1", "resolution": "1920x1080", "offset_min": 60, "boot_id": f"{number:032x}",
            "mono_start_ms": index * length_ms, "mono_end_ms": (index + 1) * length_ms, "clock_state": "synchronised",
            "clock_age_s": 30, "player": "1.4.0", "previous_hash": previous,
        }  # fmt: skip
        return {**document, "hash": play_hash(previous, document)}


def _told(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    devices = Devices(Load(**json.loads(sys.stdin.readline())))
    requests = devices.requests()
    print("ready", flush=True)
    await devices.run(requests, float(sys.stdin.readline()))
    print(json.dumps(vars(devices.outcome)))


if __name__ == "__main__":
    asyncio.run(_main())
