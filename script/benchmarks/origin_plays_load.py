"""Screens for `script/bench origin --part plays`: a process of its own, which sends one delivery after another.

The load comes as JSON on the standard input. When all bodies are made, the process says so. For each line that follows
it sends the next deliveries, at most `connections` at once, for so many seconds, and prints what came of them. Each has
a connection of its own, as those of a screen have.
"""

import asyncio
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from sync.proof.checkpoint import NOTHING_BEFORE, Checkpoint, sign_checkpoint
from sync.trust.signing import SigningKey
from sync.wire.device_reports import GENESIS

from origin_bodies import name_of, play_after, token_of  # isort: skip

RELEASE = "a" * 64
ASSETS = [f"{number:064x}" for number in range(1, 21)]
KEY = SigningKey.from_bytes(b"k" * 32)
AD_EVERY = 5
"""Each fifth play is an ad."""
_ITEM_MS = 10_000
_ADDRESSES = 200


@dataclass(frozen=True)
class Screens:
    """What the screens `first` to `until` send: `batches` times `batch` plays each, then a checkpoint over them."""

    url: str
    first: int
    until: int
    batches: int
    batch: int
    connections: int


@dataclass(frozen=True)
class Turn:
    """So many deliveries at most, for so many seconds; `checkpoints` instead of plays."""

    most: int
    seconds: float
    checkpoints: bool = False


def ad_of(index: int) -> dict[str, str]:
    """Return what an ad names beside its asset."""
    line = index % len(ASSETS)
    return {"campaign": f"campaign-{line % 4}", "line": f"line-{line}", "creative": f"creative-{line}"}


class Sender:
    """Makes and sends the deliveries."""

    def __init__(self, screens: Screens) -> None:
        self._screens = screens
        url = urlsplit(screens.url)
        self._host, self._port = url.hostname or "", url.port or 80
        self._began = datetime.now(UTC) - timedelta(hours=20)
        numbers = range(screens.first, screens.until)
        self._last = dict.fromkeys(numbers, GENESIS)
        plays = [self._plays(number, batch) for batch in range(screens.batches) for number in numbers]
        self._plays_left = iter(plays)
        self._checkpoints_left = iter([self._checkpoint(number) for number in numbers])

    async def send(self, turn: Turn) -> dict[str, Any]:
        """Send until a turn is over; return how many plays were accepted, and each status."""
        left = self._checkpoints_left if turn.checkpoints else self._plays_left
        deliveries, statuses = islice(left, turn.most), Counter[str]()
        began_s = time.monotonic()
        await asyncio.gather(
            *(self._send(deliveries, began_s + turn.seconds, statuses) for _ in range(self._screens.connections))
        )
        return {"statuses": statuses, "took_s": time.monotonic() - began_s}

    async def _send(self, deliveries: Iterator[tuple[int, bytes]], until_s: float, statuses: Counter[str]) -> None:
        while time.monotonic() < until_s and (one := next(deliveries, None)):
            number, raw = one
            local = (f"127.0.1.{number % _ADDRESSES + 1}", 0)
            reader, writer = await asyncio.open_connection(self._host, self._port, local_addr=local)
            writer.write(raw)
            answer = await reader.read()
            writer.close()
            head, _, body = answer.partition(b"\r\n\r\n")
            statuses[head[9:12].decode()] += 1
            for status in ("accepted", "stored", "set aside"):
                statuses[status] += body.count(status.encode())

    def _plays(self, number: int, batch: int) -> tuple[int, bytes]:
        documents = []
        for index in range(batch * self._screens.batch, (batch + 1) * self._screens.batch):
            documents.append(self._play(number, index))
        return number, self._http("/v1/plays", number, {"plays": documents})

    def _play(self, number: int, index: int) -> dict[str, Any]:
        began = self._began + timedelta(milliseconds=index * _ITEM_MS)
        ad = index % AD_EVERY == 0
        place = index // AD_EVERY if ad else index
        what = ad_of(place) if ad else {"playlist": "lunch", "item": f"item-{place % len(ASSETS)}"}
        kind, asset = "ad" if ad else "item", ASSETS[place % len(ASSETS)]
        made = play_after(
            self._last[number],
            number,
            index,
            began,
            _ITEM_MS,
            {"kind": kind, "release": RELEASE, "asset": asset, **what},
        )
        self._last[number] = made["hash"]
        return made

    def _checkpoint(self, number: int) -> tuple[int, bytes]:
        signed = Checkpoint(
            device=name_of(number), number=1, previous=NOTHING_BEFORE, log_epoch=f"{number:032x}", first=1,
            last=self._screens.batches * self._screens.batch, hash=self._last[number], merkle_root="0" * 64,
            at=datetime.now(UTC),
        )  # fmt: skip
        sent = {"envelope": json.loads(sign_checkpoint(signed, KEY)), "secret": "5" * 64}
        return number, self._http("/v1/checkpoints", number, {"checkpoints": [sent]})

    def _http(self, path: str, number: int, document: dict[str, Any]) -> bytes:
        body = json.dumps(document, separators=(",", ":")).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nAuthorization: Bearer {token_of(number)}\r\n"
            "Accept: */*\r\nAccept-Encoding: gzip, deflate\r\nUser-Agent: signage-player\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def main() -> None:
    """Do what the standard input says."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sender = Sender(Screens(**json.loads(sys.stdin.readline())))
    print("{}", flush=True)
    for line in sys.stdin:
        print(json.dumps(asyncio.run(sender.send(Turn(**json.loads(line))))), flush=True)


if __name__ == "__main__":
    main()
