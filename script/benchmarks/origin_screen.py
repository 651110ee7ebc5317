"""One simulated device of `script/bench origin`: what it sends and when, as a player does, and what came of it."""

import asyncio
import base64
import hashlib
import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import Any

from origin_bodies import (
    CHANNEL,
    Batches,
    Shown,
    exchange_body,
    exchange_message,
    head,
    heartbeat,
    on_air,
    upgrade,
)
from origin_wire import HttpConnection, Place, Request, SocketConnection

from sync.runtime.clock import Backoff
from sync.wire.content_paths import release_path, root_path, timestamp_path

_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 300.0
_ANSWER_S = 20.0  # then it is asked again, over HTTP
_JITTER = 0.1
_BATCH_S = 60.0
_MOST_PLAYS = 100  # of an exchange
_TAKEN = ("accepted", "duplicate")
_OK, _NO_FILE = 200, 404


@dataclass
class Tally:
    """What came of a phase.

    By kind: how late answers were, how many failed; receipts of plays; instants (Unix time) at which devices heard of a
    newer release, had a WebSocket, and had their first report after that answered.
    """

    late_s: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: Counter[str] = field(default_factory=Counter)
    receipts: Counter[str] = field(default_factory=Counter)
    hinted: list[float] = field(default_factory=list)
    back: list[float] = field(default_factory=list)
    reported: list[float] = field(default_factory=list)


@dataclass
class Crowd:
    """What all devices of a process have in common."""

    place: Place
    shown: Shown
    period_s: float
    rng: Random
    tally: Tally = field(default_factory=Tally)
    open_sockets: int = 0

    @property
    def host(self) -> str:
        """What requests call the origin."""
        return f"{self.place.host}:{self.place.port}"


@dataclass(slots=True)
class _Sent:
    """The exchange under way: when it was due, until which batch of plays, and its number; 0: it went over HTTP."""

    due_s: float
    until: int
    message: int = 0
    timer: asyncio.TimerHandle | None = None


class Screen:
    """One device. It shows an item after the other, reports once a period, and holds a WebSocket, as a player does.

    Times are those of the event loop.
    """

    def __init__(self, crowd: Crowd, number: int) -> None:
        self._crowd, self._number = crowd, number
        self.batches = Batches(number, crowd.shown)
        self.delivered = 0  # of them
        self._beat = heartbeat(number, crowd.shown, crowd.period_s)
        self._http = HttpConnection(crowd.place, number)
        self._socket: SocketConnection | None = None
        self._back_off = Backoff(first_s=_FIRST_WAIT_S, limit_s=_LONGEST_WAIT_S, rng=crowd.rng)
        self._reports = Backoff(first_s=_FIRST_WAIT_S, limit_s=_LONGEST_WAIT_S, rng=crowd.rng)
        self._welcomed, self._within_s, self._messages = False, 0.0, 0
        self._socket_due_s = self._began_s = 0.0
        self._sent: _Sent | None = None
        self._is_first = True  # the next report is the first one since the WebSocket ended
        self._heard = 1  # sequence
        self._held, self._release = crowd.shown.timestamp, crowd.shown.release
        self._fetch: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._ended = False

    @property
    def plays_delivered(self) -> int:
        """How many plays were acknowledged."""
        return self.delivered * self._crowd.shown.batch

    def begin(self, at_s: float) -> None:
        """Connect at an instant, and report from then on."""
        loop, crowd = asyncio.get_running_loop(), self._crowd
        loop.call_at(at_s, self._connect, at_s)
        phase = self._number * 0.6180339887 % 1.0  # spread evenly, in no order
        self._began_s = at_s + phase * crowd.period_s
        loop.call_at(self._began_s, self._report, self._began_s)
        loop.call_at(at_s + phase * crowd.shown.item_s, self._show, 0)

    def end(self) -> None:
        """Do nothing any more."""
        self._ended = True
        self._http.close()
        if self._socket is not None:
            self._socket.close()

    # What it shows

    def _show(self, nth: int) -> None:
        if self._ended:
            return
        if self._socket is not None and self._welcomed:
            self._socket.send(on_air(self._number, nth, self._crowd.shown))
        asyncio.get_running_loop().call_later(self._crowd.shown.item_s, self._show, nth + 1)

    # Its live connection

    def _connect(self, due_s: float) -> None:
        if not self._ended:
            self._socket_due_s = due_s
            self._socket = SocketConnection(self, upgrade(self._crowd.host, self._number))
            self._task = asyncio.create_task(self._socket.open(self._crowd.place, self._number))

    def socket_opened(self) -> None:
        """Count it."""
        self._crowd.open_sockets += 1
        self._crowd.tally.late_s["socket"].append(asyncio.get_running_loop().time() - self._socket_due_s)
        self._crowd.tally.back.append(time.time())
        self._back_off.reset()
        self._messages = 0

    def socket_ended(self, status: int, *, was_open: bool) -> None:
        """Come back: at a moment of the window that the origin named, else after the backoff."""
        loop, tally = asyncio.get_running_loop(), self._crowd.tally
        self._socket, self._welcomed = None, False
        if self._ended:
            return
        if was_open:
            self._crowd.open_sockets -= 1
            self._is_first = True
        else:
            tally.failed["socket"] += 1
        if self._sent is not None and self._sent.message:
            self._failed()
        window_s, self._within_s = self._within_s, 0.0
        wait_s = max(self._back_off.next_s(), self._crowd.rng.uniform(0, window_s))
        loop.call_later(wait_s, self._connect, loop.time() + wait_s)

    def socket_said(self, text: bytes) -> None:
        """Follow a message of the origin."""
        said = json.loads(text)
        topic = said["topic"]
        if topic == "exchange":
            self._exchanged(said)
        elif topic == "welcome":
            self._welcomed, self._within_s = True, said.get("within_s", 0.0)
        elif topic == "release" and said["sequence"] > self._heard:
            self._heard = said["sequence"]
            self._crowd.tally.hinted.append(time.time())
            self._fetch_within(said.get("within_s", 0.0))

    # Its reports

    def _report(self, due_s: float) -> None:
        if not self._ended:
            loop, crowd = asyncio.get_running_loop(), self._crowd
            next_s = due_s + crowd.period_s * crowd.rng.uniform(1 - _JITTER, 1 + _JITTER)
            loop.call_at(next_s, self._report, next_s)
            self._deliver(due_s)

    def _deliver(self, due_s: float) -> None:
        """Report, and deliver the plays that wait: over the live connection, else over HTTP; one after the other."""
        if self._sent is not None or self._ended:
            return
        until = 1 + round((due_s - self._began_s) / _BATCH_S)  # at each report one, though it comes a little early
        until = min(until, self.delivered + _MOST_PLAYS // self._crowd.shown.batch)
        body = exchange_body(self._beat, self.batches.take(self.delivered, until))
        loop = asyncio.get_running_loop()
        if self._socket is not None and self._welcomed:
            self._messages += 1
            self._sent = _Sent(due_s, until, self._messages, loop.call_later(_ANSWER_S, self._failed))
            self._socket.send(exchange_message(self._messages, body))
        else:
            self._sent = _Sent(due_s, until)
            raw = head("POST", "/v1/exchange", self._crowd.host, self._number, body) + body
            self._http.ask(Request("exchange", raw, due_s, self._answered))

    def _answered(self, request: Request, status: int, body: bytes) -> None:
        if status == _OK:
            self._take_answer(json.loads(body))
        else:
            self._failed()

    def _exchanged(self, said: dict[str, Any]) -> None:
        if self._sent is None or said["number"] != self._sent.message:
            return
        if said.get("status", _OK) == _OK:
            self._take_answer(said["answer"])
        else:
            self._failed(said.get("retry_after_s", 0.0))

    def _take_answer(self, answer: dict[str, Any]) -> None:
        sent, tally = self._end_exchange(), self._crowd.tally
        tally.late_s["exchange"].append(asyncio.get_running_loop().time() - sent.due_s)
        self._reports.reset()
        if self._is_first:
            self._is_first = False
            tally.reported.append(time.time())
        taken = answer.get("plays")
        if taken is None and sent.until > self.delivered:
            tally.receipts["later"] += self._crowd.shown.batch * (sent.until - self.delivered)
        elif taken is not None:
            for receipt in taken["receipts"]:
                is_aside = receipt["status"] in _TAKEN and receipt.get("detail")
                tally.receipts["set aside" if is_aside else receipt["status"]] += 1
            self.delivered = sent.until
            self.batches.forget(self.delivered)
        if answer.get("timestamp") not in (None, self._held):
            self._fetch_within(answer.get("fetch_within_s", 0.0))

    def _end_exchange(self) -> "_Sent":
        sent, self._sent = self._sent, None
        assert sent is not None, "an exchange is under way"
        if sent.timer is not None:
            sent.timer.cancel()
        return sent

    def _failed(self, retry_after_s: float = 0.0) -> None:
        """Try again after the backoff, but within a period."""
        self._crowd.tally.failed["exchange"] += 1
        self._end_exchange()
        loop = asyncio.get_running_loop()
        wait_s = max(retry_after_s, min(self._reports.next_s(), self._crowd.period_s))
        loop.call_later(wait_s, self._deliver, loop.time() + wait_s)

    # The release

    def _fetch_within(self, seconds: float) -> None:
        """Fetch the timestamp at some moment, unless it will be anyway."""
        if self._fetch is None:
            loop = asyncio.get_running_loop()
            at_s = loop.time() + self._crowd.rng.uniform(0, seconds)
            self._fetch = loop.call_at(at_s, self._get, "timestamp", timestamp_path(CHANNEL), at_s)

    def _get(self, kind: str, path: str, due_s: float) -> None:
        raw = head("GET", f"/content/{path}", self._crowd.host, None)
        self._http.ask(Request(kind, raw, due_s, self._fetched))

    def _fetched(self, request: Request, status: int, body: bytes) -> None:
        now_s, tally = asyncio.get_running_loop().time(), self._crowd.tally
        if request.kind == "timestamp":
            self._fetch = None
        if status != (_NO_FILE if request.kind == "root" else _OK):
            tally.failed[request.kind] += 1
            return
        tally.late_s[request.kind].append(now_s - request.due_s)
        if request.kind == "timestamp":
            self._held = hashlib.sha256(body).hexdigest()
            release = json.loads(base64.b64decode(json.loads(body)["payload"]))["release"]
            if release != self._release:
                self._release = release
                self._get("root", root_path(2), now_s)
                self._get("release", release_path(release), now_s)
        elif request.kind == "release":
            assert hashlib.sha256(body).hexdigest() == self._release, "the origin sent another release"
