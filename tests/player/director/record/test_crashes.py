"""The player ends at any statement of the ledger's transactions: what it finds at the next start is true.

While a random history of takes runs in the real recorder and a real file, the file is copied before each statement, as
SIGKILL would leave it there: SQLite has changes that are not committed in the memory of the process alone. Each copy is
opened again, and so is each that the recovery itself leaves at each of its statements. What a power cut leaves of the
journal is any part of it.
"""

import hashlib
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from player.director.record_clock import TakeStart
from player.director.take_recorder import TakeRecorder
from player.evidence.ledger import Ledger, open_ledger
from player.programme.planned_shots import PlannedShot
from player.programme.proof_of_play import ScreenCondition, StartFacts, verify_chain
from player.protocol.stage_interface import Ended
from sync.programme.take import Take
from sync.wire.device_reports import Outcome, Play
from tests.fakes import FakeClock
from tests.long_tables import in_bench
from tests.player.director.record.examples import planned, planned_ad
from tests.player.evidence.plays import charges

DEVICE = "device-1"
STEPS = 24
ENDINGS = (
    (10.0, "eof", False, False),
    (4.0, "operator", False, False),
    (3.0, "decoder gave up", True, False),
    (2.0, "killed", True, True),
    (0.0, "cut", False, False),
)
"""How long a take of ten seconds is on, how it ends, whether it failed, and whether its deck was lost."""


@dataclass
class Copies:
    """Copies of a ledger, each with the takes whose plays were written for certain by then; equal ones are one."""

    folder: Path
    written: set[str] = field(default_factory=set)
    certain: dict[Path, set[str]] = field(default_factory=dict)
    statements: int = 0

    def take(self, path: Path) -> None:
        parts = [part for part in (path, path.with_name(f"{path.name}-wal")) if part.exists()]
        content = hashlib.sha256(b"\0".join(part.read_bytes() for part in parts)).hexdigest()[:16]
        copy = self.folder / content / "plays.db"
        if copy not in self.certain:
            copy.parent.mkdir(parents=True, exist_ok=True)
            for part in parts:
                shutil.copy(part, copy.parent / part.name)
        self.certain.setdefault(copy, set()).update(self.written)


@asynccontextmanager
async def traced(path: Path, copies: Copies) -> AsyncIterator[Ledger]:
    """Open a ledger that is copied before each of its statements, and at the end."""

    def before(_statement: str) -> None:
        copies.statements += 1
        copies.take(path)

    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        await ledger._database._connection.set_trace_callback(before)
        yield ledger
        await ledger._database._connection.set_trace_callback(lambda _: None)
        copies.take(path)


class History:
    """Takes in random order, as the director has them: one is on air, and at most one more is reserved."""

    def __init__(self, recorder: TakeRecorder, copies: Copies, rng: Random) -> None:
        self.recorder, self.copies, self.rng, self.clock = recorder, copies, rng, FakeClock()
        self.on_air: tuple[PlannedShot, StartFacts, TakeStart] | None = None
        self.takes = 0

    def plan(self) -> PlannedShot:
        self.takes += 1
        if self.rng.random() < 0.3:
            return replace(planned(f"take-{self.takes}"), memory=self.recorder.memory)
        return planned_ad(f"take-{self.takes}", self.recorder.memory)

    async def step(self) -> None:
        shot = self.plan()
        if self.rng.random() < 0.1:
            self.recorder.skip(shot)
            return
        assert await self.recorder.reserve(shot)
        await self.clock.advance(1.0)
        if self.on_air and self.rng.random() < 0.5:
            await self.recorder.write_progress(self.on_air[0].take.take, timedelta(seconds=1))
        if self.rng.random() < 0.15:
            self.recorder.cancel(shot)
            return
        closed = self.end()
        at_s, now = self.clock.monotonic(), self.clock.now()
        start = self.recorder.start(shot.take, at_s, now, at_s)
        facts = StartFacts(boot_id="b" * 32, mono_start_ms=start.monotonic_ms)
        start = await self.recorder.avoid_used_time(start)
        self.on_air = shot, facts, start
        await self.recorder.write_start(shot.take, start, facts)
        self.copies.written |= closed

    def end(self) -> set[str]:
        """End what is on air; return its take if that has a play."""
        if self.on_air is None:
            return set()
        shot, facts, start = self.on_air
        shown_s, reason, failed, deck_lost = self.rng.choice(ENDINGS)
        self.clock._move_to(max(self.clock.monotonic(), start.at_s + shown_s))
        how = Ended(
            take=shot.take.take, started_s=start.at_s, ended_s=start.at_s + shown_s, reason=reason,
            failed=failed, deck_lost=deck_lost,
        )  # fmt: skip
        judged = self.recorder.end(shot.take, how, start, facts=facts, screen=ScreenCondition())
        if failed and not deck_lost:
            self.recorder.record_failure(shot.take.asset, reason, self.clock.now())
        self.on_air = None
        return {shot.take.take} if judged else set()


async def the_copies_of_a_history(folder: Path, seed: int) -> tuple[Copies, list[Play]]:
    copies = Copies(folder / "copies")
    async with traced(folder / "plays.db", copies) as ledger:
        recorder = TakeRecorder(ledger, seed)
        await recorder.recover()
        history = History(recorder, copies, Random(seed))
        for _ in range(STEPS):
            await history.step()
        assert recorder.problem == ""
        plays = await logged(ledger)
    return copies, plays


async def logged(ledger: Ledger) -> list[Play]:
    return [Play.model_validate(body) for body in reversed(await ledger.outbox.plays(limit=10_000))]


def owed(plays: Sequence[Play], open_lines: Sequence[str | None] = ()) -> Counter[str]:
    complete = [play.line for play in plays if play.outcome is Outcome.COMPLETE]
    return Counter(line for line in (*complete, *open_lines) if line)


async def check_as_found(path: Path, certain: set[str]) -> None:
    """What lies in the file is whole: the plays that were written, one chain, and accounts that agree."""
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        assert ledger.problem == ""
        plays, open_takes = await logged(ledger), await ledger.open_takes()
        verify_chain(plays)
        takes = [play.take for play in plays]
        assert (
            certain <= set(takes)
            and len(set(takes)) == len(takes)
            and not {one.take for one in open_takes} & set(takes)
        )
        assert await ledger.outbox.depth() == len(plays)
        lines = [Take.model_validate_json(one.body).line for one in open_takes]
    assert charges(path) == owed(plays, lines), "accounts are complete plays and open reservations"


async def check_after_recovery(path: Path, copies: Copies | None = None) -> None:
    """The next start closes what is open: on the screen is a play, reserved is none, and what is owed is given back."""
    async with open_ledger(path, DEVICE, FakeClock()) as ledger:
        before, left = await logged(ledger), await ledger.open_takes()
    async with traced(path, copies or Copies(path.parent / "again")) as ledger:
        await TakeRecorder(ledger, 1).recover()
        await TakeRecorder(ledger, 1).recover()  # a second time changes nothing
        after = await logged(ledger)
        assert after[: len(before)] == before and await ledger.open_takes() == []
        found = [(play.take, play.outcome) for play in after[len(before) :]]
        assert found == [(one.take, Outcome.INTERRUPTED) for one in left if one.started_ms is not None]
        verify_chain(after)
    assert charges(path) == owed(after), "nothing is refunded twice, nothing stays charged"


@pytest.mark.parametrize("seed", [0, *in_bench(*range(1, 30))])
async def test_a_crash_at_any_statement_leaves_a_truthful_record(tmp_path: Path, seed: int) -> None:
    copies, plays = await the_copies_of_a_history(tmp_path, seed)
    assert copies.statements > 5 * STEPS and len(copies.certain) > STEPS
    assert len({play.outcome for play in plays}) > 1
    recoveries = Copies(tmp_path / "recoveries")
    for copy, certain in copies.certain.items():
        recoveries.written = certain
        await check_as_found(copy, certain)
        await check_after_recovery(copy, recoveries)
    half_way = [copy for copy in recoveries.certain if copy not in copies.certain]
    for copy in half_way[:: max(1, len(half_way) // 10)]:
        await check_as_found(copy, recoveries.certain[copy])
        await check_after_recovery(copy)


async def test_a_power_cut_leaves_a_beginning_of_the_record_and_accounts_that_agree(tmp_path: Path) -> None:
    """The journal is written and flushed with each transaction; a cut while it is written leaves a part of it."""
    copies, plays = await the_copies_of_a_history(tmp_path, 1)
    whole = list(copies.certain)[-1]
    journal = whole.with_name("plays.db-wal").read_bytes()
    rng, kept = Random(1), set[int]()
    for part in sorted(rng.randrange(len(journal)) for _ in range(25)):
        cut = tmp_path / f"cut-{part}" / "plays.db"
        shutil.copytree(whole.parent, cut.parent)
        cut.with_name("plays.db-wal").write_bytes(journal[:part] + rng.randbytes(rng.choice((0, 100, 5_000))))
        async with open_ledger(cut, DEVICE, FakeClock()) as ledger:
            found = await logged(ledger)
        assert found == plays[: len(found)]
        kept.add(len(found))
        await check_as_found(cut, set())
        await check_after_recovery(cut)
    assert len(kept) > 5, "the cuts were at many places of the history"
