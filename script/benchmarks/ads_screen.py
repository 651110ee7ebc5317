"""A screen of the benchmark of ads: its real record on SQLite, killed before any statement."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from player.director.take_recorder import TakeRecorder
from player.evidence.ledger import Ledger, open_ledger
from tests.fakes import FakeClock


class Killed(BaseException):
    """The player is killed before a statement."""


@dataclass
class Screen:
    """The record of a running player; `kill_in` counts statements down."""

    ledger: Ledger
    recorder: TakeRecorder
    kill_in: int | None = None

    def watch(self) -> None:
        """Have a kill come before the statement that `kill_in` says."""
        database = self.ledger._database
        for name in ("execute", "execute_many"):
            setattr(database, name, self._killing(getattr(database, name)))

    def _killing(self, run: Any) -> Any:
        async def statement(*arguments: Any, **named: Any) -> Any:
            if self.kill_in is not None:
                self.kill_in -= 1
                if self.kill_in <= 0:
                    raise Killed
            return await run(*arguments, **named)

        return statement


@asynccontextmanager
async def running_screen(folder: Path, clock: FakeClock, seed: int) -> AsyncIterator[Screen]:
    """Start on the record in `folder`; a kill left it so, or it is made."""
    folder.mkdir(exist_ok=True)
    async with open_ledger(folder / "plays.db", "screen", clock) as ledger:
        recorder = TakeRecorder(ledger, seed)
        await recorder.recover()
        screen = Screen(ledger, recorder)
        screen.watch()
        yield screen
