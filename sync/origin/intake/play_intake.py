"""Takes plays in: checks each, judges it, and stores it; all that comes meanwhile shares one transaction.

Each play gets its own receipt, so that one bad record never blocks the outbox of a device. What is acknowledged is
durable.
"""

import asyncio
from collections.abc import Callable, Container, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import compress
from typing import Any, get_args

from pydantic import ValidationError

from sync.origin.intake.clock_correction import ClockCorrection
from sync.origin.intake.play_judge import Case, PlayJudge
from sync.origin.intake.receipts import GapSearch, invalid, last_epoch
from sync.origin.sent_plays.play_checks import written
from sync.origin.sent_plays.sent_play import LARGEST_NUMBER, Sent, SentPlay, as_document, read_plays
from sync.origin.store.groups import Groups
from sync.origin.store.proof.deduplication import Key, Place, ReceiptStatus
from sync.origin.store.proof.device_logs import DeviceLogStore
from sync.origin.store.proof.identity_doubts import DoubtKind, IdentityDoubtStore
from sync.origin.store.proof.plays import Delivery, PlayStore, PlayTurn, ReceivedPlay, Stored
from sync.runtime.clock import Clock, unix_ms
from sync.wire.device_reports import BatchAnswer, Play, Receipt, play_hash
from sync.wire.input.input_messages import one_line, rejected

CHECKED_AT_ONCE = 100  # usual plays
UNUSUAL_COST = 5  # of these; a wrong one takes up to a millisecond

MOST_TOGETHER = 1_000
"""Plays of one transaction; one batch may have more than what is left of it."""

LONGEST_WAIT_S = 2.0
"""When plays wait for longer than this to be written, no more are taken: the device keeps them, and asks again."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The plays of a delivery as they were judged, and what came of them."""

    arrivals: Sequence[ReceivedPlay]
    stored: Stored


class PlayIntake:
    """Takes batches of plays. `changed` is told of which topic and device something changed."""

    def __init__(
        self,
        store: PlayStore,
        logs: DeviceLogStore,
        judge: PlayJudge,
        correction: ClockCorrection,
        doubts: IdentityDoubtStore,
        changed: Callable[[str, str], None],
        clock: Clock,
    ) -> None:
        self._store = store
        self._logs = logs
        self._search = GapSearch(clock)
        self._judge = judge
        self._correction = correction
        self._doubts = doubts
        self._changed = changed
        self._clock = clock
        self._unfinished = set[asyncio.Task[_Outcome]]()
        self._groups = Groups[Delivery, _Outcome | None](
            self._take_group,
            clock,
            most=MOST_TOGETHER,
            longest_wait_s=LONGEST_WAIT_S,
            size=_size,
        )

    async def submit(self, device: str, sent: Sequence[Sent]) -> BatchAnswer:
        """Store the plays of a batch that are new; return a receipt for each once they are durable.

        Raises:
            Overloaded: more comes than can be written.
            StorageFull, StorageBroken: nothing of the batch is stored.
        """
        plays = read_plays(sent)
        results = await self._checked(device, plays)
        valid = [result for result in results if isinstance(result, ReceivedPlay)]
        epoch = last_epoch(plays)
        outcome = await self._finish(self._taken(device, valid, epoch))
        pairs = zip(outcome.arrivals, outcome.stored.statuses, strict=True)
        stored = iter([_receipt(arrival, status) for arrival, status in pairs])
        receipts = tuple(next(stored) if isinstance(result, ReceivedPlay) else result for result in results)
        await self._tell(device, receipts)
        if epoch is None:
            return BatchAnswer(receipts=receipts)
        mark = outcome.stored.high_water
        behind = any((one.sequence or 0) > mark for one in receipts)
        gaps = partial(self._logs.missing, device, epoch)
        missing = await self._search.missing(device, gaps) if behind else ()
        return BatchAnswer(receipts=receipts, log_epoch=epoch, high_water=mark, missing=missing)

    async def _checked(self, device: str, plays: Sequence[Sent]) -> list[ReceivedPlay | Receipt]:
        results, cost = list[ReceivedPlay | Receipt](), 0
        for one in plays:
            results.append(found := check_play(one, device))
            cost += 1 if isinstance(found, ReceivedPlay) and isinstance(found.body, bytes) else UNUSUAL_COST
            if cost >= CHECKED_AT_ONCE:
                cost = 0
                await self._clock.sleep(0)  # others are answered in between
        return results

    async def drain(self) -> None:
        """Return when all that was submitted is written."""
        while self._unfinished:
            await asyncio.wait(self._unfinished)

    async def _finish(self, work: Coroutine[Any, Any, _Outcome]) -> _Outcome:
        """Do this to its end, also when the request is cancelled: until then the turn of its device is not over."""
        task = asyncio.create_task(work)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        return await asyncio.shield(task)

    async def _taken(self, device: str, plays: Sequence[ReceivedPlay], epoch: str | None) -> _Outcome:
        async with self._store.turn_here(device):
            delivery = Delivery(device, await self._correction.timed(device, plays), epoch)
            outcome = await self._groups.submit(delivery)
            if outcome is None:  # another origin has the turn of this device, such as to correct its times: wait for it
                async with self._store.turns_among_origins([device], wait=True) as turn:
                    [outcome] = await self._judge_and_store([delivery], turn)
            return outcome

    async def _take_group(self, deliveries: Sequence[Delivery]) -> list[_Outcome | None]:
        names = [one.device for one in deliveries]  # all different: the caller of each has the turn of its device
        async with self._store.turns_among_origins(names, wait=False) as turn:
            mine = sorted((one for one in deliveries if one.device in turn.devices), key=lambda one: one.device)
            outcomes = dict(zip((one.device for one in mine), await self._judge_and_store(mine, turn), strict=True))
        return [outcomes.get(one.device) for one in deliveries]

    async def _judge_and_store(self, deliveries: Sequence[Delivery], turn: PlayTurn) -> list[_Outcome]:
        if not deliveries:
            return []
        taken = await self._store.stored(deliveries, turn.access)
        judged = await self._judged(deliveries, taken, turn)
        stored = await self._store.store(judged, unix_ms(self._clock.now()), turn, taken)
        return [_Outcome(one.received, each) for one, each in zip(judged, stored, strict=True)]

    async def _judged(self, deliveries: Sequence[Delivery], taken: Container[Place], turn: PlayTurn) -> list[Delivery]:
        """Return the plays with the reason why they are set aside, where there is one.

        Only what will be stored is judged: of each key the first to come. Anything else must take no time from it.
        """
        news = [_new(one, taken) for one in deliveries]
        cases = [
            Case(one.device, [play.right or play.play for play in compress(one.received, new)])
            for one, new in zip(deliveries, news, strict=True)
        ]
        has_new = any(case.plays for case in cases)
        reasons = await self._judge.judged(cases, turn.access) if has_new else [[] for _ in cases]
        return [_with_reasons(one, new, whys) for one, new, whys in zip(deliveries, news, reasons, strict=True)]

    async def _tell(self, device: str, receipts: Sequence[Receipt]) -> None:
        statuses = {receipt.status for receipt in receipts}
        if "conflict" in statuses:
            twice = "two different plays have one place in its log: it was restored from a backup, or its card copied"
            if await self._doubts.raise_doubt(device, DoubtKind.CONFLICT, twice, unix_ms(self._clock.now())):
                self._changed("devices", device)
        if "accepted" in statuses:
            self._changed("plays", device)


def _new(delivery: Delivery, taken: Container[Place]) -> list[bool]:
    """Tell which plays will be stored: of each key the first to come, unless it is taken."""
    found, seen = list[bool](), set[Key]()
    for play in delivery.received:
        key = play.key
        found.append(key not in seen and (delivery.device, *key) not in taken)
        seen.add(key)
    return found


def _with_reasons(delivery: Delivery, new: Iterable[bool], reasons: Sequence[str | None]) -> Delivery:
    """Return a delivery with the reasons of its new plays."""
    if not any(reasons):
        return delivery
    each = iter(reasons)
    whys = [next(each) if is_new else None for is_new in new]
    plays = [play._replace(set_aside=why) if why else play for play, why in zip(delivery.received, whys, strict=True)]
    return replace(delivery, received=plays)


def check_play(sent: Sent, device: str) -> ReceivedPlay | Receipt:
    """Return a play that a device sent, or the receipt that says what is wrong with it."""
    if isinstance(sent, SentPlay) and (text := written(sent, device)):
        return ReceivedPlay(sent, text)
    return _check_document(as_document(sent), device)


def _check_document(document: Mapping[str, Any], device: str) -> ReceivedPlay | Receipt:
    try:
        play = Play.model_validate(document)
    except ValidationError as error:
        return invalid(document, one_line(rejected(error, Play)))
    numbers = [value for value in map(document.get, _NUMBERS) if value is not None]
    if set(map(type, numbers)) != {int}:  # who reads it later takes it as it was sent
        return invalid(document, "a whole number is written as text, or with a point")
    if max(numbers) > LARGEST_NUMBER:
        return invalid(document, "a number is too large")
    if _has_zero_byte(document):  # PostgreSQL keeps it as JSON, and then reads nothing of that any more
        return invalid(document, "a text has a zero byte")
    if play.device != device:
        return invalid(document, f"the play names device {play.device}, but device {device} sent it")
    if play_hash(play.previous_hash, document) != play.hash:
        return invalid(document, "the hash does not match the play")
    return ReceivedPlay(play, {name: value for name, value in document.items() if value is not None})


def _has_zero_byte(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_zero_byte, (*value, *value.values())))
    return any(map(_has_zero_byte, value)) if isinstance(value, list) else isinstance(value, str) and "\0" in value


def _is_number(kind: Any) -> bool:
    return kind is int or any(map(_is_number, get_args(kind)))


_NUMBERS = tuple(name for name, field in Play.model_fields.items() if _is_number(field.annotation))


def _size(delivery: Delivery) -> int:
    return len(delivery.received)


def _receipt(arrival: ReceivedPlay, status: ReceiptStatus) -> Receipt:
    why = arrival.set_aside if status == "accepted" else None
    return Receipt(sequence=arrival.play.sequence, status=status, detail=f"set aside: {why}" if why else "")
