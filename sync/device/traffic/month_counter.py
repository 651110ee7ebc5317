"""The bytes of this month on the disk: a small record in two files that are written in turn.

What a program has written stays when it is killed, at any instant. Under a budget the bytes that requests for media may
bring are written before these are sent (`reserve`): a kill counts at most 1 MiB too much. The length of a chunk list is
not known before it comes: 128 KiB are reserved for it, and no list of an origin is that long. Of all else, and without
a budget, a kill loses what came since the last write: 256 KiB, or what came in the time of a look and a write, some
milliseconds. A power cut loses what was not flushed. The newer of both files counts.
"""

import logging
import math
import os
import threading
import zlib
from collections.abc import Callable, Collection
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from sync.device.traffic.budget import Budget, BudgetState, Month, Traffic, begin, budget_state
from sync.device.traffic.socket_meter import Meter, kernel_problems
from sync.errors import StorageBroken
from sync.runtime.clock import Clock, ClockTrust
from sync.runtime.durable_files import read_file, storage_error, sync_data, sync_folder, write_at
from sync.runtime.threads import in_thread, start_thread
from sync.wire.value_types import Instant, Wire

FILE = "traffic"
COPIES = "copies"
RECORD_BYTES = 4096
"""The length of the file. It is written at once, which a kill does not tear."""

_WRITE_BYTES, _WRITE_S = 256 * 1024, 1.0  # after so many bytes, or so long after a change
_LOOKS_S = 0.002, 0.1  # between two looks at the sockets, so that about half of `_WRITE_BYTES` come meanwhile
_UNHURRIED_S = 0.02  # the shortest without a budget: each look costs 20 microseconds
_FLUSH_BYTES, _FLUSH_S = 16 * 1024 * 1024, 60.0
_TURN_S = 1.0

log = logging.getLogger(__name__)


def _check_month(name: str) -> str:
    date.fromisoformat(f"{name}-01")
    return name


class MonthRecord(Wire):
    """A month in the file."""

    name: Annotated[str, AfterValidator(_check_month)]
    since: Instant
    sent: Annotated[int, Field(ge=0)]
    received: Annotated[int, Field(ge=0)]
    streams: Annotated[int, Field(ge=0)]


class TrafficRecord(Wire):
    """What the file says after its checksum; the larger `number` is the newer one."""

    number: Annotated[int, Field(ge=0)]
    zone: str
    months: Annotated[tuple[MonthRecord, ...], Field(min_length=1)]
    sure: bool
    ran_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    known: bool
    let_through: str


class TrafficCounter:
    """A service that counts the traffic of this device. Threads may ask it.

    `zone` returns the zone of the venue, None while that is not known, and `budget` what holds now; `in_venue` are
    hosts whose bytes do not count. `changed` is called in the event loop when the budget is spent or goes on.
    """

    def __init__(
        self,
        state: Path,
        clock: Clock,
        zone: Callable[[], ZoneInfo | None],
        budget: Callable[[], Budget | None] = lambda: None,
        in_venue: Callable[[], Collection[str]] = frozenset,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.content, self.streams = Meter(in_venue), Meter(in_venue)
        self.problem = ""
        self._paths = state / FILE, state / COPIES / FILE
        self._clock = clock
        self._find_zone = zone
        self._budget = budget
        self._changed = changed
        self._lock = threading.RLock()  # of what is counted
        self._file_lock = threading.Lock()  # of the files; the first to be taken
        self._stopped = threading.Event()
        self._ahead = 0  # bytes that are in the file and have not come yet
        self._number, self._unwritten, self._unflushed = 0, 0, 0
        self._written_s = self._flushed_s = self._turned_s = clock.monotonic()
        self._is_changed = True  # since the last write
        self._zone = zone() or ZoneInfo("UTC")
        self._traffic = self._load() or begin(clock.now(), self._zone, timed=self._is_timed())
        if not self._traffic.known:
            for _ in self._paths:
                self._write()
        self._turn()

    def state(self) -> BudgetState:
        """Return what this month had, and what its budget has left."""
        with self._lock:
            self._count()
            if self._clock.monotonic() - self._turned_s >= _TURN_S:
                self._turn()
            return budget_state(self._traffic, self._budget(), self._clock.now(), self._zone)

    def left_for(self, release: str) -> float:
        """Return how many bytes the media of a release may still have; infinite without a budget."""
        return math.inf if self._budget() is None else self.state().left_for(release)

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the count, in sentences."""
        unsaved = f"The bytes of this month are counted in memory only: {self.problem}."
        return (*((unsaved,) if self.problem else ()), *kernel_problems())

    def let_through(self, release: str) -> None:
        """Have the media of one release fetched whatever the budget of this month; blocks until it is on the disk."""
        with self._lock:
            self._traffic = replace(self._traffic, let_through=release)
        self._write()
        self._flush()

    def reserve(self, length: int) -> int:
        """Have bytes counted on the disk before they come; return how many to `give_back` afterwards. Blocks."""
        if self._budget() is None:
            return 0
        with self._lock:
            self._ahead += length
        self._write()
        return length

    def give_back(self, length: int) -> None:
        """Count what has come in place of what was reserved."""
        with self._lock:
            self._ahead -= length
            self._is_changed = self._is_changed or length > 0

    async def run(self) -> None:
        """Count until cancelled."""
        self._stopped.clear()
        watching = start_thread(self._watch)
        spent = self.state().spent
        try:
            while not watching.done():
                if (now := self.state().spent) != spent:
                    spent = now
                    self._changed()
                if self._is_flush_due():
                    await in_thread(self._flush)
                await self._clock.sleep(_TURN_S)
            watching.result()
        finally:
            self._stopped.set()
            self._write()
            self._flush()

    def _watch(self) -> None:
        """Look at the sockets, often while bytes come, and write what has changed."""
        wait_s, before, before_s = 0.0, 0, self._clock.monotonic()
        while not self._stopped.wait(wait_s):
            with self._lock:
                self._count()
                total, now_s = self._traffic.month.total, self._clock.monotonic()
                bytes_s = max(1.0, total - before) / max(0.0001, now_s - before_s)
                before, before_s = total, now_s
                shortest_s = _UNHURRIED_S if self._budget() is None else _LOOKS_S[0]
                wait_s = max(shortest_s, min(_LOOKS_S[1], _WRITE_BYTES / 2 / bytes_s))
                late = now_s - self._written_s >= _WRITE_S
                due = self._unwritten >= _WRITE_BYTES or (self._is_changed and late)
            if due:
                self._write()

    def _count(self) -> None:
        (sent, received), (to_streams, of_streams) = self.content.take(), self.streams.take()
        streams = to_streams + of_streams
        moved = sent + received + streams
        if moved:
            self._traffic = self._traffic.plus(sent + to_streams, received + of_streams, streams)
            self._unwritten += moved
            self._unflushed += moved
            self._is_changed = True

    def _turn(self) -> None:
        """Find the month that it is."""
        now_s, before = self._clock.monotonic(), self._traffic
        ran_s, self._turned_s = before.ran_s + max(0.0, now_s - self._turned_s), now_s
        self._zone = self._find_zone() or self._zone
        after = replace(before, ran_s=ran_s).at(self._clock.now(), self._zone, timed=self._is_timed())
        self._traffic = after
        if after.month.name != before.month.name:
            self._is_changed = True
            log.info("month=%s is counted; %s had %d bytes", after.month.name, before.month.name, before.month.total)

    def _is_timed(self) -> bool:
        return self._clock.trust() is ClockTrust.SYNCED

    # The files

    def _load(self) -> Traffic | None:
        """Return what the files say; None if there are none."""
        found: list[TrafficRecord] = []
        fault = ""
        for path in self._paths:
            try:
                raw = read_file(path, RECORD_BYTES)
                found += [] if raw is None else [_parse(raw)]
            except (ValueError, StorageBroken) as error:
                fault = str(error) if isinstance(error, StorageBroken) else f"{path} is damaged"
                log.warning("the count of bytes: %s", fault)
        if not found:
            new = begin(self._clock.now(), self._zone, timed=self._is_timed())
            return replace(new, known=False) if fault else None
        newest = max(found, key=lambda record: record.number)
        self._number = newest.number
        self._zone = self._find_zone() or _zone_of(newest.zone)
        months = tuple(Month(**one.model_dump()) for one in newest.months)
        return Traffic(months, newest.sure, newest.ran_s, newest.known, newest.let_through)

    def _write(self) -> None:
        """Write the older file anew; the other one if that fails."""
        with self._file_lock:
            with self._lock:
                self._count()
                self._number += 1
                raw = self._record()
                self._unwritten, self._is_changed, self._written_s = 0, False, self._clock.monotonic()
            faults = []
            for turn in (self._number, self._number + 1):
                path = self._paths[turn % 2]
                try:
                    _overwrite(path, raw)
                except OSError as error:
                    faults.append(str(storage_error(error, path)))
                else:
                    break
            self._note(faults[-1] if len(faults) == len(self._paths) else "")

    def _note(self, fault: str) -> None:
        """Note why the count cannot be written, or that it was."""
        if fault and not self.problem:
            log.error("the count of bytes is in memory only: %s", fault)
        elif self.problem and not fault:
            log.info("the count of bytes is on the disk again")
        self.problem = fault
        if fault:
            self._is_changed = True

    def _is_flush_due(self) -> bool:
        waited = self._unflushed and self._clock.monotonic() - self._flushed_s >= _FLUSH_S
        return bool(waited) or self._unflushed >= _FLUSH_BYTES

    def _flush(self) -> None:
        self._unflushed, self._flushed_s = 0, self._clock.monotonic()
        for path in self._paths:
            try:
                sync_data(path)
                sync_folder(path.parent)
            except OSError as error:  # the next write tells
                log.debug("file=%s is not flushed: %s", path, error)

    def _record(self) -> bytes:
        fields = asdict(self._traffic.plus(0, self._ahead, 0)) | {"ran_s": round(self._traffic.ran_s, 1)}
        record = TrafficRecord(number=self._number, zone=self._zone.key, **fields)
        body = record.model_dump_json().encode().ljust(RECORD_BYTES - 10)
        return b"%08x " % zlib.crc32(body) + body + b"\n"


def _overwrite(path: Path, raw: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
    try:
        write_at(descriptor, memoryview(raw), 0)
        if os.fstat(descriptor).st_size != len(raw):
            os.ftruncate(descriptor, len(raw))
    finally:
        os.close(descriptor)


def _parse(raw: bytes) -> TrafficRecord:
    """Return a record; raises ValueError for what is damaged."""
    checksum, body = raw[:8], raw[9:-1]
    if len(raw) != RECORD_BYTES or checksum != b"%08x" % zlib.crc32(body):
        raise ValueError("its checksum is wrong")
    return TrafficRecord.model_validate_json(body)


def _zone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):  # the system knows it no more
        return ZoneInfo("UTC")
