"""A process of simulated devices for `script/bench origin`; lines of JSON tell it what to do, and it answers each.

`start` has the devices connect, evenly over some time. `phase` answers what came since the last one, `state` how many
WebSockets are open, `end` how many plays of each device were acknowledged.
"""

import asyncio
import gc
import json
import logging
import os
import resource
import sys
import time
from dataclasses import dataclass
from random import Random
from typing import Any

from origin_bodies import Shown
from origin_player import Player
from origin_screen import Crowd, Screen, Tally
from origin_wire import Place


@dataclass(frozen=True)
class Load:
    """The devices `first` to `until` of one process, of which the first `players` are real clients.

    `batches` of plays of each are made beforehand.
    """

    port: int
    first: int
    until: int
    period_s: float
    batches: int
    shown: dict[str, Any]
    players: int = 0


class Process:
    """The devices of this process."""

    def __init__(self, load: Load) -> None:
        shown: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in load.shown.items()
        }
        self._crowd = Crowd(Place("127.0.0.1", load.port), Shown(**shown), load.period_s, Random(load.first))
        self._screens: dict[int, Screen | Player] = {
            number: (Player if number < load.first + load.players else Screen)(self._crowd, number)
            for number in range(load.first, load.until)
        }
        for screen in self._screens.values():
            screen.batches.make(load.batches)

    def follow(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do what a line says; return the answer."""
        return getattr(self, f"_{order.pop('do')}")(**order)  # type: ignore[no-any-return]

    def _start(self, within_s: float) -> dict[str, Any]:
        now_s, count = asyncio.get_running_loop().time(), len(self._screens)
        for place, screen in enumerate(self._screens.values()):
            screen.begin(now_s + within_s * place / count)
        return {}

    def _phase(self) -> dict[str, Any]:
        tally, self._crowd.tally = self._crowd.tally, Tally()
        return vars(tally)

    def _state(self) -> dict[str, Any]:
        tally = self._crowd.tally
        return {"open": self._crowd.open_sockets, "back": len(tally.back), "reported": len(tally.reported)}

    def _end(self) -> dict[str, Any]:
        for screen in self._screens.values():
            screen.end()
        return {number: screen.plays_delivered for number, screen in self._screens.items()}  # type: ignore[misc]


def _fail(loop: asyncio.AbstractEventLoop, what: dict[str, Any]) -> None:
    """End at once: what goes on without the devices that failed measures nothing."""
    loop.default_exception_handler(what)
    os._exit(1)


async def _main() -> None:
    asyncio.get_running_loop().set_exception_handler(_fail)
    logging.disable(logging.WARNING)  # real clients say that there is no origin, which is so meant
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    process = Process(Load(**json.loads(await lines.readline())))
    gc.collect()
    gc.freeze()
    print(json.dumps({"ready_at": time.time()}), flush=True)
    while line := await lines.readline():
        print(json.dumps(process.follow(json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(_main())
