"""Signs checkpoints over the log of plays: when, with which key, and what goes before.

The order of a checkpoint: a row in `plays.db`, then the head beside the key, then delivery. So whatever a crash leaves,
a checkpoint that somebody else has seen is never followed by another one with its number.
"""

import asyncio
import logging
import math
from collections.abc import Callable

from player.evidence.checkpoints import MOST_PLAYS, LogPlace, SigningFacts, counts_changed_lines, further
from player.evidence.ledger import Ledger
from sync.device.store.content_store import ContentStore
from sync.device.store.device_key import CheckpointHead, DeviceKeyFile, StoredKey, head_file
from sync.errors import StorageBroken, StorageFull
from sync.runtime.clock import Clock, boot_id, unix_ms
from sync.runtime.threads import in_thread
from sync.runtime.waiting import first_of

LOOK_EVERY_S = 60.0
SIGN_EVERY_S = 3_600.0 - 2 * LOOK_EVERY_S  # it may be late by one look, and an hour is promised
SIGNED_LATELY_S = 300.0
"""After a start within this time of the last checkpoint the hour goes on: a player that keeps failing signs no more."""

MANY_LINES = 2_000
"""When a log counts more lines than this and no play waits, another log begins: each checkpoint names all of them.

Not if the origin reads checkpoints that name only those that played.
"""

STOP_S = 1.0

_SET_BACK = (
    "The log of plays was set back: what was signed of it is not here any more. It is not signed until the "
    "origin has answered to the plays that wait, and goes on as a new log then."
)
_MANY_LINES = (
    "The log of plays counts too many lines to be signed: a new log begins as soon as the origin has all plays of it."
)

log = logging.getLogger(__name__)


class LogSigner:
    """A service of one session. `report` takes a sentence for a technician, empty when all is well."""

    def __init__(self, ledger: Ledger, store: ContentStore, clock: Clock, report: Callable[[str], None]) -> None:
        self._ledger = ledger
        self._device = ledger.device
        self._keys = DeviceKeyFile(store, ledger.device)
        self._head_file = head_file(store)
        self._clock = clock
        self._report = report
        self._turn = asyncio.Lock()
        self._signed_s = -math.inf  # monotonic
        self._written, self._woken = asyncio.Event(), asyncio.Event()
        self.key_wanted = asyncio.Event()  # set while the file of the key is damaged
        self.head: CheckpointHead | None = None  # the last one whose head is durable: up to it checkpoints are sent

    async def run(self) -> None:
        """Look every minute and when woken, until cancelled."""
        while True:
            self._woken.clear()
            try:
                self._report(await self.sign_if_due())
            except (StorageBroken, StorageFull) as error:
                self._report(f"The log of plays cannot be signed: {error}.")
            await first_of(self._clock.sleep(LOOK_EVERY_S), self._woken.wait())

    def wake(self) -> None:
        """Look now: a key may sign that could not before."""
        self._woken.set()

    async def wait_for_news(self) -> None:
        """Return when another checkpoint was written."""
        await self._written.wait()
        self._written.clear()

    async def close(self) -> None:
        """Sign what was not signed yet: the player stops, and the picture does not wait for long."""
        try:
            async with asyncio.timeout(STOP_S):
                await self.sign_if_due(at_once=True)
        except (StorageBroken, StorageFull, TimeoutError) as error:
            log.warning("the end of the log of plays is signed at the next start: %s", error or "it takes too long")

    async def begin_anew(self) -> None:
        """Begin a new log (`Ledger.begin_anew`): what is settled of the old one is signed before, the new one after.

        Only if the origin has other entries of this log: plays and history may both have met that, and ask.

        Raises:
            StorageFull, StorageBroken: the old log goes on, or the new one is signed later.
        """
        async with self._turn:
            await self._ledger.finish_anew()
            if await self._ledger.outbox.has_conflicts() or await self._ledger.history.has_conflicts():
                await self._begin_anew(await in_thread(self._key))

    async def sign_if_due(self, *, at_once: bool = False) -> str:
        """Sign if an hour is over, many plays are not signed yet, or a log has just begun; `at_once` in any case.

        Return why nothing can be signed now, in a sentence; empty: all is well.

        Raises:
            StorageFull, StorageBroken: it is done later.
        """
        async with self._turn:
            if (key := await in_thread(self._key)) is not None:
                await self._ledger.open_file()
            await self._ledger.finish_anew()
            if key is None:
                if await in_thread(self._keys.is_damaged):
                    self.key_wanted.set()
                return ""
            place, beside = await self._ledger.checkpoints.place(), await in_thread(self._beside)
            beside = await self._catch_up(place, beside)
            if key.signs and place.newest is None and beside is None:
                log.error("key=%s signed before, and where it stopped is lost: another key is made", key.key.id[:16])
                await in_thread(self._keys.forget, key.key.id)
                return ""
            set_back = beside is not None and await self._is_set_back(place, beside)
            too_many = place.lines > MANY_LINES and not counts_changed_lines(key.origin_reads)
            if (set_back or too_many) and place.settled == place.sequence:
                await self._begin_anew(key, set_back=set_back)
            elif set_back:
                return _SET_BACK
            elif at_once or self._is_due(place):
                return "" if await self._sign(key, beside) else _MANY_LINES
            return ""

    def _key(self) -> StoredKey | None:
        stored = self._keys.load()
        return stored if stored is not None and stored.certificate is not None else None

    def _beside(self) -> CheckpointHead | None:
        """Return the head beside the key; one that is damaged counts as lost."""
        found = self._head_file.find()
        if found.value is None and found.fault and found.raw is None:
            raise StorageBroken(found.fault)
        return found.value if found.value is not None and found.value.device == self._device else None

    async def _catch_up(self, place: LogPlace, beside: CheckpointHead | None) -> CheckpointHead | None:
        """Write the head beside the key that a crash left behind; return the one that counts."""
        head = further(beside, place.newest)
        if head is not None and head != beside:
            await self._save(head)
        self.head = head
        return head

    async def _is_set_back(self, place: LogPlace, head: CheckpointHead) -> bool:
        """Tell whether a checkpoint over plays of this log is not in it: its file is from a backup, or a copy."""
        if head.log_epoch != place.epoch or head.last == 0:
            return False
        if place.covered is None or place.covered < head.last:
            return True
        here = await self._ledger.checkpoints.play_hash(head.last)
        return here is not None and here != head.play_hash

    def _is_due(self, place: LogPlace) -> bool:
        if place.covered is None or place.sequence - place.covered >= MOST_PLAYS:
            return True
        if self._signed_s == -math.inf:
            since_s = (unix_ms(self._clock.now()) - place.newest_at_ms) / 1000
            if 0 <= since_s < SIGNED_LATELY_S:
                self._signed_s = self._clock.monotonic() - since_s
                return False
        return self._clock.monotonic() - self._signed_s >= SIGN_EVERY_S

    async def _begin_anew(self, key: StoredKey | None, *, set_back: bool = True) -> None:
        if key is not None:
            place, beside = await self._ledger.checkpoints.place(), await in_thread(self._beside)
            beside = await self._catch_up(place, beside)
            if place.covered is not None and not (beside and await self._is_set_back(place, beside)):
                await self._sign(key, beside, until=place.settled)
        await self._ledger.begin_anew(set_back=set_back)
        if key is not None:
            await self._sign(key, await in_thread(self._beside))

    async def _sign(self, key: StoredKey, head: CheckpointHead | None, until: int | None = None) -> bool:
        """Write checkpoints until all plays are covered, or those up to `until`; return False if one cannot be."""
        await in_thread(self._keys.mark_signing)
        place = await self._ledger.checkpoints.place()
        last = place.sequence if until is None else until
        while until is None or place.covered is None or place.covered < last:
            facts = SigningFacts(key.key, self._clock.now(), self._clock.trust(), boot_id(), key.origin_reads)
            written = await self._ledger.checkpoints.write(facts, head, until)
            if written is None:
                return until is not None
            await self._save(written)
            head = self.head = written
            self._signed_s = self._clock.monotonic()
            self._written.set()
            if written.last >= last:
                return True
        return True

    async def _save(self, head: CheckpointHead) -> None:
        await in_thread(self._head_file.save, head.model_dump_json().encode())
