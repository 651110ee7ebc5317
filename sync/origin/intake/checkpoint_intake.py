"""Takes checkpoints in: each is verified and kept; all that come meanwhile share the next transaction."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sync.errors import Untrusted
from sync.origin.intake.receipts import GapSearch
from sync.origin.store.groups import Groups
from sync.origin.store.proof.identity_doubts import DoubtKind, IdentityDoubtStore
from sync.origin.store.proof.signed_logs import (
    AddedCheckpoints,
    NewCheckpoint,
    Outcome,
    SignedCheckpoint,
    SignedLogStore,
)
from sync.proof.chain import Misfit, misfit
from sync.proof.checkpoint import Certificate, open_checkpoint, payload_hash
from sync.proof.delivery import CheckpointAnswer, CheckpointReceipt, SentCheckpoint
from sync.runtime.clock import Clock, unix_ms
from sync.runtime.threads import in_thread

MOST_TOGETHER = 200
LONGEST_WAIT_S = 2.0

_LONG_ENVELOPE = 32 * 1024
"""A longer one is opened in a thread: it counts hundreds of lines."""

_DOUBTS = {Misfit.FORK: DoubtKind.FORK, Misfit.SET_BACK: DoubtKind.SET_BACK}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Delivery:
    device: str
    sent: Sequence[SentCheckpoint]


@dataclass(frozen=True, slots=True)
class _Taken:
    """What came of a delivery: the checkpoints that were verified with their outcomes, and the receipts of others."""

    results: Sequence[Outcome | CheckpointReceipt]
    behind: bool


class CheckpointIntake:
    """Checks and stores checkpoints. `changed` is told of which topic and device something changed."""

    def __init__(
        self, store: SignedLogStore, doubts: IdentityDoubtStore, changed: Callable[[str, str], None], clock: Clock
    ) -> None:
        self._store = store
        self._doubts = doubts
        self._changed = changed
        self._clock = clock
        self._search = GapSearch(clock)
        self._groups = Groups[_Delivery, _Taken](
            self._take_group, clock, most=MOST_TOGETHER, longest_wait_s=LONGEST_WAIT_S, size=lambda one: len(one.sent)
        )

    async def submit(self, device: str, sent: Sequence[SentCheckpoint]) -> CheckpointAnswer:
        """Store the checkpoints that are new; return a receipt for each once they are durable.

        Raises:
            Overloaded: more comes than can be written.
            StorageFull, StorageBroken: nothing is stored.
        """
        async with self._store.turn_here(device):
            taken = await self._groups.submit(_Delivery(device, sent))
        receipts = tuple([
            one if isinstance(one, CheckpointReceipt) else await self._receipt(device, *one) for one in taken.results
        ])  # fmt: skip
        missing = await self._search.missing(device, partial(self._store.missing, device)) if taken.behind else ()
        return CheckpointAnswer(receipts=receipts, missing=missing)

    async def _take_group(self, deliveries: Sequence[_Delivery]) -> list[_Taken]:
        certified = await self._store.certificates_of([one.device for one in deliveries])
        opened = [await self._open_all(one, certified[one.device]) for one in deliveries]
        new = {
            one.device: [each for each in found if isinstance(each, NewCheckpoint)]
            for one, found in zip(deliveries, opened, strict=True)
        }
        added = await self._store.add(new, unix_ms(self._clock.now()))
        return [_taken(found, added[one.device]) for one, found in zip(deliveries, opened, strict=True)]

    async def _open_all(
        self, delivery: _Delivery, certificates: Sequence[Certificate]
    ) -> list[NewCheckpoint | CheckpointReceipt]:
        keys = {one.key: one for one in certificates}
        return [await self._open(delivery.device, one, keys) for one in delivery.sent]

    async def _open(
        self, device: str, sent: SentCheckpoint, keys: Mapping[str, Certificate]
    ) -> NewCheckpoint | CheckpointReceipt:
        try:
            if len(sent.envelope.payload) > _LONG_ENVELOPE:
                checkpoint, payload, key = await in_thread(open_checkpoint, sent.envelope, keys)
            else:
                checkpoint, payload, key = open_checkpoint(sent.envelope, keys)
            if checkpoint.device != device:
                raise Untrusted(f"it is of device {checkpoint.device}, but device {device} sent it")
        except Untrusted as error:
            log.warning("device=%s: a checkpoint is refused: %s", device, error)
            return CheckpointReceipt(status="refused", detail=str(error))
        signed = SignedCheckpoint(checkpoint, payload_hash(payload), sent.envelope, key.serial, sent.secret)
        judge = partial(misfit, checkpoint, signed.hash, key, received_at=self._clock.now())
        return NewCheckpoint(signed, lambda known: judge(known=known))

    async def _receipt(self, device: str, new: bool, wrong: tuple[Misfit, str] | None) -> CheckpointReceipt:
        if new and wrong is not None:
            log.warning("device=%s: %s", device, wrong[1])
        doubt = None if wrong is None else _DOUBTS.get(wrong[0])
        # A duplicate may be here without its doubt: this origin ended in between.
        now_ms = unix_ms(self._clock.now())
        if wrong and doubt and await self._doubts.raise_doubt(device, doubt, wrong[1], now_ms):
            self._changed("devices", device)
        return CheckpointReceipt(status="stored" if new else "duplicate", detail=wrong[1] if wrong else "")


def _taken(opened: Sequence[NewCheckpoint | CheckpointReceipt], added: AddedCheckpoints) -> _Taken:
    outcomes = iter(added.outcomes)
    results = [next(outcomes) if isinstance(one, NewCheckpoint) else one for one in opened]
    return _Taken(results, added.behind)
