"""Checkpoints of a device: what they cover and count, when they are written, and that no crash makes the chain fork."""

import asyncio
import hashlib
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from player.evidence import checkpoints
from player.evidence.checkpoints import SigningFacts
from player.evidence.ledger import Ledger
from player.evidence.new_log_epoch import begin_new_log
from player.proof import log_signer
from player.proof.log_signer import LOOK_EVERY_S, SIGN_EVERY_S, SIGNED_LATELY_S, LogSigner
from sync.device.store.content_store import ContentStore
from sync.device.store.device_key import CheckpointHead, DeviceKeyFile, head_file, key_file
from sync.device.store.outbox import RefusedPlay
from sync.proof.checkpoint import (
    NOTHING_BEFORE,
    READS_CHANGED_COUNTS,
    Checkpoint,
    blinded_name,
    leaf,
    line_key,
    play_salt,
)
from sync.proof.key_request import request_key
from sync.proof.merkle import EMPTY_ROOT, MerkleTree
from sync.runtime.durable_files import write_durably
from sync.wire.device_reports import GENESIS, Outcome
from tests.fakes import FakeClock
from tests.player.evidence.plays import log_plays
from tests.player.proof.signed_log import DEVICE, certified, opened, opened_checkpoint, sent


async def log_more(ledger: Ledger, count: int, line: str | None = None, outcome: Outcome = Outcome.COMPLETE) -> None:
    before = (await ledger.checkpoints.place()).sequence
    await log_plays(ledger, count, after=before, line=line, outcome=outcome)


async def test_the_first_checkpoint_leaves_out_what_was_played_before_and_the_next_covers_all_after_it(
    tmp_path: Path, clock: FakeClock
) -> None:
    key = certified(tmp_path)
    async with opened(tmp_path, clock) as (ledger, signer):
        await log_more(ledger, 3, line="before")
        await signer.sign_if_due()
        await log_more(ledger, 2, line="spring")
        await log_more(ledger, 2, line="autumn", outcome=Outcome.FAILED)
        await log_more(ledger, 1)
        await ledger.outbox.acknowledge(range(1, 9))
        await signer.sign_if_due()  # the hour is not over
        clock.step_wall(60)
        await signer.sign_if_due(at_once=True)
        first, second = await sent(ledger, key)
        plays = list(reversed(await ledger.outbox.plays()))
        [secret] = {bytes.fromhex(one.secret) for one in await ledger.checkpoints.batch(9, 9)}
    assert (first.number, first.previous, first.first, first.last) == (1, NOTHING_BEFORE, 4, 3)
    assert (first.hash, first.merkle_root, first.counts) == (plays[2]["hash"], EMPTY_ROOT.hex(), ())
    assert (second.number, second.first, second.last, second.hash) == (2, 4, 8, plays[-1]["hash"])
    tree = MerkleTree(leaf(play_salt(secret, one["sequence"]), one["hash"]) for one in plays[3:])
    assert second.merkle_root == tree.root.hex()
    names = {blinded_name(line_key(secret, line), line): 2 for line in ("spring", "autumn")}
    assert {one.name: one.count for one in second.counts} == names
    assert second.at - first.at == timedelta(seconds=60)


async def test_a_log_is_signed_as_soon_as_a_key_may_sign(tmp_path: Path, clock: FakeClock) -> None:
    told: list[str] = []
    ContentStore(tmp_path).make_folders()
    async with opened(tmp_path, clock, told) as (ledger, signer), asyncio.timeout(60):
        task = asyncio.create_task(signer.run())
        while not told:  # noqa: ASYNC110  # the first look has no event
            await asyncio.sleep(0.001)
        assert signer.head is None, "there is no key"
        certified(tmp_path)
        signer.wake()
        await signer.wait_for_news()
        assert (await ledger.checkpoints.place()).newest is not None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_checkpoint_comes_every_hour_whether_or_not_anything_played(tmp_path: Path, clock: FakeClock) -> None:
    key = certified(tmp_path)
    async with opened(tmp_path, clock) as (ledger, signer):
        began = clock.now()
        for _ in range(4 * 60):
            await signer.sign_if_due()
            clock.step_wall(LOOK_EVERY_S)
            clock._monotonic += LOOK_EVERY_S
        made = await sent(ledger, key)
    gaps = [after.at - before.at for before, after in pairwise(made)]
    assert all(gap <= timedelta(hours=1) for gap in gaps) and made[0].at == began
    assert 4 <= len(made) <= 5
    assert [one.number for one in made] == list(range(1, len(made) + 1))


async def test_many_plays_are_signed_in_parts_and_at_once(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 100
    for module in (checkpoints, log_signer):
        monkeypatch.setattr(module, "MOST_PLAYS", most)
    key = certified(tmp_path)
    async with opened(tmp_path, clock) as (ledger, signer):
        await signer.sign_if_due()
        await log_more(ledger, most - 1)
        await signer.sign_if_due()
        assert len(await sent(ledger, key)) == 1
        await log_more(ledger, 2 * most, line="spring")
        await signer.sign_if_due()
        await ledger.outbox.acknowledge(range(1, 5 * most))
        made = await sent(ledger, key)
    assert [(one.first, one.last) for one in made] == [(1, 0), (1, 100), (101, 200), (201, 299)]
    assert [sum(each.count for each in one.counts) for one in made] == [0, 1, 101, 200]


async def test_a_checkpoint_is_sent_after_the_plays_that_it_covers(tmp_path: Path, clock: FakeClock) -> None:
    key = certified(tmp_path)
    async with opened(tmp_path, clock) as (ledger, signer):
        await signer.sign_if_due()
        for _ in range(3):
            await log_more(ledger, 4)
            await signer.sign_if_due(at_once=True)
        for acknowledged, numbers in ((0, [1]), (3, [1]), (4, [1, 2]), (11, [1, 2, 3]), (12, [1, 2, 3, 4])):
            await ledger.outbox.acknowledge(range(1, acknowledged + 1))
            assert [one.number for one in await sent(ledger, key)] == numbers
        assert [one.number for one in await sent(ledger, key, up_to=2)] == [1, 2]
        await ledger.checkpoints.acknowledge([1, 2, 3], before_ms=0)
        assert [one.number for one in await sent(ledger, key)] == [4]
        assert await ledger.checkpoints.queue_again(2, 9) == 2
        assert [one.number for one in await sent(ledger, key)] == [2, 3, 4]
        await ledger.checkpoints.acknowledge([2, 3, 4], before_ms=2**60)
        assert await ledger.checkpoints.queue_again(1, 9) == 1  # the newest stays


async def test_a_start_goes_on_and_one_soon_after_the_last_checkpoint_signs_nothing(
    tmp_path: Path, clock: FakeClock
) -> None:
    key = certified(tmp_path)
    for seconds, count in ((0, 1), (SIGNED_LATELY_S - 1, 1), (2, 2), (-60, 3)):
        clock.step_wall(seconds)
        async with opened(tmp_path, clock) as (ledger, signer):
            await log_more(ledger, 1)
            await signer.sign_if_due()
            await ledger.outbox.acknowledge(range(1, 99))
            assert len(await sent(ledger, key)) == count, seconds
    async with opened(tmp_path, clock) as (ledger, signer):
        clock._monotonic += SIGN_EVERY_S
        await log_more(ledger, 1)
        await signer.close()
        await ledger.outbox.acknowledge(range(1, 99))
        made = await sent(ledger, key)
    assert [one.last for one in made] == [1, 3, 4, 5]
    assert linked(made, key)


def linked(made: list[Checkpoint], *_: object) -> bool:
    return [one.number for one in made] == list(range(1, len(made) + 1))


async def test_without_a_certified_key_nothing_is_signed(tmp_path: Path, clock: FakeClock) -> None:
    ContentStore(tmp_path).make_folders()
    DeviceKeyFile(ContentStore(tmp_path), DEVICE).load_or_make()
    async with opened(tmp_path, clock) as (ledger, signer):
        await log_more(ledger, 3)
        assert await signer.sign_if_due(at_once=True) == ""
        await signer.begin_anew()
        await signer.close()
        assert (await ledger.checkpoints.place()).newest is None


async def test_a_damaged_key_is_asked_for_and_no_look_logs_it(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    certified(tmp_path)
    file = key_file(ContentStore(tmp_path))
    async with opened(tmp_path, clock) as (_, signer):
        await signer.sign_if_due()
        assert not signer.key_wanted.is_set()
        for path in (file.path, file.copy):
            path.write_bytes(b"")
        for _ in range(3):
            assert await signer.sign_if_due() == ""
        assert signer.key_wanted.is_set() and not caplog.records


async def test_before_another_log_begins_what_is_settled_of_the_old_one_is_signed(
    tmp_path: Path, clock: FakeClock
) -> None:
    key = certified(tmp_path)
    async with opened(tmp_path, clock) as (ledger, signer):
        await signer.sign_if_due()
        await log_more(ledger, 10, line="spring")
        await ledger.outbox.acknowledge(range(1, 7))
        await ledger.outbox.refuse([RefusedPlay(7, "conflict", "")])
        old = ledger.epoch
        await signer.begin_anew()
        made = await sent(ledger, key)
        assert [(one.log_epoch == old, one.first, one.last) for one in made] == [(True, 1, 0), (True, 1, 6)]
        await ledger.outbox.acknowledge(range(1, 99))
        made = await sent(ledger, key)
        assert [(one.log_epoch == old, one.first, one.last) for one in made[2:]] == [(False, 1, 4)]
        assert [sum(each.count for each in one.counts) for one in made] == [0, 6, 4]
        assert len({one.secret for one in await ledger.checkpoints.batch(9, 9)}) == 2
        assert linked(made)


async def test_a_new_log_that_was_locked_at_the_start_is_signed_when_all_that_waits_is_in_it(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.runtime.sqlite._LOCK_WAIT_S", 0.02)
    key = certified(tmp_path)
    async with opened(tmp_path, clock) as (ledger, signer):
        await signer.sign_if_due()
        await log_more(ledger, 5)
        await ledger.outbox.acknowledge([1, 2])
        async with ledger._database.transaction():
            await begin_new_log(ledger._database)  # and then the player is killed
    with closing(sqlite3.connect(ContentStore(tmp_path).state / "plays.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with opened(tmp_path, clock) as (ledger, signer):
            assert await ledger.head() is None
            other.execute("ROLLBACK")
            await signer.sign_if_due()
            await ledger.outbox.acknowledge(range(1, 99))
            made = (await sent(ledger, key))[-1]
            assert (made.log_epoch, made.last, await ledger.outbox.depth()) == (ledger.epoch, 3, 0)


async def test_a_lost_file_of_plays_does_not_break_the_chain(tmp_path: Path, clock: FakeClock) -> None:
    key = certified(tmp_path)
    async with opened(tmp_path, clock) as (ledger, signer):
        for _ in range(3):
            await log_more(ledger, 2)
            await signer.sign_if_due(at_once=True)
        await ledger.outbox.acknowledge(range(1, 99))
        queued = (await ledger.checkpoints.batch(9, 9))[-1]
        last, last_hash = opened_checkpoint(queued.envelope, key)
    for path in ContentStore(tmp_path).state.glob("plays.db*"):
        path.unlink()
    async with opened(tmp_path, clock) as (ledger, signer):
        await log_more(ledger, 2, line="spring")
        await signer.sign_if_due()
        await ledger.outbox.acknowledge(range(1, 99))
        [made] = await sent(ledger, key)
    assert (made.number, made.previous, made.first, made.last) == (last.number + 1, last_hash, 1, 2)
    assert sum(one.count for one in made.counts) == 2


@pytest.mark.parametrize("more", [0, 1, 5])
async def test_a_log_from_a_backup_is_not_signed_and_goes_on_as_another_one(
    tmp_path: Path, clock: FakeClock, more: int
) -> None:
    key = certified(tmp_path)
    plays = ContentStore(tmp_path).state / "plays.db"
    async with opened(tmp_path, clock) as (ledger, signer):
        await signer.sign_if_due()
        await log_more(ledger, 2)
        await signer.sign_if_due(at_once=True)
    shutil.copy(plays, tmp_path / "backup")
    async with opened(tmp_path, clock) as (ledger, signer):
        await log_more(ledger, 3, line="lost")
        await signer.sign_if_due(at_once=True)
        head = signer.head
    shutil.copy(tmp_path / "backup", plays)
    async with opened(tmp_path, clock) as (ledger, signer):
        old = ledger.epoch
        await log_more(ledger, more)
        assert "was set back" in await signer.sign_if_due()  # two plays wait
        assert (await signer.sign_if_due(at_once=True), ledger.epoch) != ("", old)
        await ledger.outbox.acknowledge(range(1, 99))
        assert await signer.sign_if_due() == ""
        assert ledger.epoch != old
        made = await sent(ledger, key)
    assert head is not None and head.number == 3
    assert [(one.number, one.log_epoch == old) for one in made] == [(1, True), (2, True), (4, False)]
    assert made[-1].previous == head.hash and made[-1].first == 1


async def test_plays_whose_checkpoint_a_backup_lacks_are_not_signed_twice(tmp_path: Path, clock: FakeClock) -> None:
    key = certified(tmp_path, READS_CHANGED_COUNTS)
    plays = ContentStore(tmp_path).state / "plays.db"
    async with opened(tmp_path, clock) as (ledger, signer):
        await signer.sign_if_due()
        await log_more(ledger, 2, line="spring")
    shutil.copy(plays, tmp_path / "backup")
    async with opened(tmp_path, clock) as (ledger, signer):
        await signer.sign_if_due(at_once=True)
        head, old = signer.head, ledger.epoch
    shutil.copy(tmp_path / "backup", plays)
    async with opened(tmp_path, clock) as (ledger, signer):
        await ledger.outbox.acknowledge(range(1, 99))
        assert await signer.sign_if_due(at_once=True) == ""
        made = await sent(ledger, key)
    assert head is not None and (head.number, head.last) == (2, 2)
    assert [(one.number, one.log_epoch == old, one.last) for one in made] == [(1, True, 0), (3, False, 0)]


@pytest.mark.parametrize("rotated", [False, True])
async def test_a_key_that_signed_is_not_used_again_when_nobody_knows_where_it_stopped(
    tmp_path: Path, clock: FakeClock, rotated: bool
) -> None:
    key = certified(tmp_path)
    async with opened(tmp_path, clock) as (ledger, signer):
        await signer.sign_if_due()
        if rotated:
            keys = DeviceKeyFile(ContentStore(tmp_path), DEVICE)
            new = keys.prepare_next().next_key
            assert new is not None
            key = keys.certified(new.id, request_key(DEVICE, new, clock.now())) or key
            await signer.sign_if_due(at_once=True)
    for path in [*ContentStore(tmp_path).state.rglob("plays.db*"), *ContentStore(tmp_path).state.rglob("checkpoint*")]:
        path.unlink()
    async with opened(tmp_path, clock) as (ledger, signer):
        await signer.sign_if_due()
        assert (await ledger.checkpoints.place()).newest is None
        other = certified(tmp_path)
        assert other.key.id != key.key.id
        await signer.sign_if_due()
        [made] = await sent(ledger, other)
        assert made.number == 1


async def test_a_log_with_very_many_lines_gives_way_to_another_one(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("player.proof.log_signer.MANY_LINES", 5)
    monkeypatch.setattr("player.evidence.checkpoints.MOST_LINES", 8)
    key = certified(tmp_path)
    async with opened(tmp_path, clock) as (ledger, signer):
        old = ledger.epoch
        for number in range(7):
            await log_more(ledger, 1, line=f"line-{number}")
        await signer.sign_if_due()
        for number in range(7):
            await log_more(ledger, 1, line=f"line-{number}")
        assert await signer.sign_if_due(at_once=True) == ""
        for number in range(7, 10):
            await log_more(ledger, 1, line=f"line-{number}")
        assert "too many lines" in await signer.sign_if_due(at_once=True)
        await ledger.outbox.acknowledge(range(1, 99))
        assert (await signer.sign_if_due(), ledger.epoch != old) == ("", True)
        made = await sent(ledger, key)
    assert [(one.log_epoch == old, len(one.counts)) for one in made] == [(True, 0), (True, 7), (False, 0)]


async def test_an_origin_that_reads_it_gets_the_counts_of_what_played_and_now_and_then_of_all_lines(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("player.proof.log_signer.MANY_LINES", 5)
    monkeypatch.setattr("player.evidence.checkpoints.MOST_LINES", 8)
    monkeypatch.setattr("player.evidence.checkpoints.ALL_LINES_EVERY", 3)
    key = certified(tmp_path, READS_CHANGED_COUNTS)
    async with opened(tmp_path, clock) as (ledger, signer):
        epoch = ledger.epoch
        for lines in (("a", "b", "b"), ("b", "c"), (None,), ("a",), ("a", "d", "e", "f", "g", "h", "i"), ("i", "a")):
            for line in lines:
                await log_more(ledger, 1, line=line)
            await ledger.outbox.acknowledge(range(1, 99))
            assert await signer.sign_if_due(at_once=True) == ""
        assert ledger.epoch == epoch, "no log begins anew for its many lines"
        made = await sent(ledger, key)
        certified(tmp_path)  # an older origin answers
        assert "too many lines" not in await signer.sign_if_due(at_once=True)
        assert ledger.epoch != epoch
        assert not (await sent(ledger, key))[-1].only_changed
    counts = [sorted((each.count, each.plays or 0) for each in one.counts) for one in made]
    assert [(one.only_changed, counted) for one, counted in zip(made, counts, strict=True)] == [
        (False, []),  # what was played before the key was certified
        (True, [(1, 1), (1, 1)]),
        (True, []),
        (False, [(1, 0), (1, 0), (1, 1)]),
        (True, [(1, 1)] * 6 + [(2, 1)]),
        (True, [(2, 1), (3, 1)]),  # there are more than fit into one that counts all
    ]


class Copies:
    """Copies of a state folder as SIGKILL leaves it around each transaction and each write of a file.

    With each copy goes what others may have seen
    by then; copies that are equal are one.
    """

    def __init__(self, folder: Path, into: Path) -> None:
        self.folder, self.into = folder, into
        self.seen: dict[int, str] = {}
        self.taken: dict[Path, dict[int, str]] = {}

    def before(self, statement: str) -> None:
        if statement.startswith(("BEGIN", "COMMIT")):  # all others change what is in memory alone
            self.take()

    def take(self) -> None:
        files = [path for path in sorted((self.folder / "state").rglob("*")) if path.is_file()]
        content = [(str(path.relative_to(self.folder)), path.read_bytes()) for path in files]
        copy = self.into / hashlib.sha256(repr(content).encode()).hexdigest()[:16]
        if copy not in self.taken:
            for name, raw in content:
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                (copy / name).write_bytes(raw)
        self.taken.setdefault(copy, {}).update(self.seen)

    def write(self, *args: Any, **options: Any) -> None:
        """Write a file, with a copy before and after it."""
        self.take()
        write_durably(*args, **options)
        self.take()


async def deliverable(ledger: Ledger, signer: LogSigner) -> dict[int, str]:
    """Return the checkpoints that could be sent now."""
    await ledger.outbox.acknowledge(range(1, 999))
    up_to = signer.head.number if signer.head else 0
    return {one.number: one.envelope for one in await ledger.checkpoints.batch(99, up_to)}


async def go_on(folder: Path, clock: FakeClock) -> dict[int, str]:
    """Start after a crash, play something, and return what is sent then."""
    async with opened(folder, clock) as (ledger, signer):
        await log_more(ledger, 1)
        await signer.sign_if_due(at_once=True)
        return await deliverable(ledger, signer)


def without_plays(folder: Path) -> Path:
    """Return a copy whose file of plays is lost as well."""
    copy = folder.with_name(f"{folder.name}-lost")
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("plays.db*"))
    return copy


async def test_whatever_a_crash_leaves_the_chain_goes_on_without_a_fork(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, copies = certified(tmp_path), Copies(tmp_path, tmp_path / "copies")
    monkeypatch.setattr("sync.runtime.file_with_copy.write_durably", copies.write)
    async with opened(tmp_path, clock) as (ledger, signer):
        await ledger._database._connection.set_trace_callback(copies.before)
        for step in range(3):
            await log_more(ledger, 2, line="spring")
            await signer.sign_if_due(at_once=True)
            copies.seen |= await deliverable(ledger, signer)
            if step == 1:
                await ledger.outbox.refuse([RefusedPlay(4, "conflict", "")])
                await signer.begin_anew()
                copies.seen |= await deliverable(ledger, signer)
        await ledger._database._connection.set_trace_callback(lambda _: None)
    monkeypatch.undo()
    assert len(copies.taken) > 20 and len(copies.seen) == 4
    went_on = 0
    for crashed, seen in copies.taken.items():
        for folder in (without_plays(crashed), crashed):
            known = {**seen}
            sent_later = await go_on(folder, clock)
            if not sent_later:  # nobody knows what the key signed, so another one is made
                assert not seen
                continue
            for number, envelope in sent_later.items():
                assert known.setdefault(number, envelope) == envelope, (folder, number)
            chain = [opened_checkpoint(known[number], key) for number in sorted(known)]
            for (one, its_hash), (other, _) in pairwise(chain):
                assert other.number > one.number + 1 or other.previous == its_hash
            went_on += 1
    assert went_on > len(copies.taken)


async def test_a_head_of_another_device_id_is_not_gone_on_with(tmp_path: Path, clock: FakeClock) -> None:
    key = certified(tmp_path)
    other = CheckpointHead(device="other", number=9, hash="a" * 64, log_epoch="b" * 32, last=1, play_hash="c" * 64)
    head_file(ContentStore(tmp_path)).save(other.model_dump_json().encode())
    async with opened(tmp_path, clock) as (ledger, signer):
        await signer.sign_if_due()
        [made] = await sent(ledger, key)
        facts = SigningFacts(key.key, clock.now(), clock.trust(), "")
        assert (await ledger.checkpoints.write(facts, other)) is not None
    assert (made.number, made.hash) == (1, GENESIS)
