"""What this origin holds in memory of its database: which device has which token, and where each channel is.

It is filled by those who call, and follows the log of changes: at once after a change of this process, and every
second, for the command line and other origins write too. Only what changed is read again. A token that is not in
memory is looked up, many in one query, before it is refused: another origin may just have let its device in. So are
the keys and sessions of people each time: they are few, and end at once.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sync.errors import StorageBroken, StorageFull
from sync.origin.store.changes.change_log import ChangeLog, NotedChange, Subject
from sync.origin.store.devices import DeviceStore, KnownDevice
from sync.origin.store.groups import Groups
from sync.origin.store.people.sessions import SessionStore
from sync.recurring_problem import RecurringProblem
from sync.roles import NONE, Rights
from sync.runtime.clock import Clock, unix_ms

FOLLOW_S = 1.0

BELIEVED_S = 600.0
"""How long memory counts while the database cannot be read; after that each caller is looked up again."""

_AT_ONCE = 500  # tokens of one query
_LONGEST_WAIT_S = 5.0  # for tokens to be looked up; then no more are taken

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: a person or program with rights, or a device of a channel.

    `proof` is the hash of what identified it. `is_person`: it has an account; a key has none.
    """

    id: str
    name: str
    proof: str
    rights: Rights = NONE
    channel: str | None = None
    is_person: bool = False

    @property
    def is_device(self) -> bool:
        """Whether it is a device."""
        return self.channel is not None


@dataclass(frozen=True, slots=True)
class Changed:
    """What changed of what was in memory.

    `locked_out` are devices whose token is valid no more, `moved` those that are in another channel now, by it.
    `released` are channels with another sequence, by it; `machines` are devices of whose machines more is known.
    """

    locked_out: tuple[str, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()
    released: tuple[tuple[str, int], ...] = ()
    machines: tuple[str, ...] = ()


class OriginMemory:
    """Answers who calls, from memory if it can; a service follows the database. `tell` is told what changed."""

    def __init__(self, changes: ChangeLog, devices: DeviceStore, sessions: SessionStore, clock: Clock) -> None:
        self._changes = changes
        self._devices = devices
        self._sessions = sessions
        self._clock = clock
        self.tell: Callable[[Changed], None] = lambda _: None
        self._callers: dict[str, Caller] = {}  # devices, by their proof
        self._known: dict[str, KnownDevice] = {}  # the same, by id
        self.sequences: Mapping[str, int] = {}  # by channel
        self._number: int | None = None  # of the last change that is in memory; None: nothing is
        self._read_s = clock.monotonic()
        self._lock = asyncio.Lock()  # what is looked up is in memory before later changes are read
        self._lookups = Groups(self._look_up, clock, most=_AT_ONCE, longest_wait_s=_LONGEST_WAIT_S)
        starts = f"changes are not read, tokens count as before for {BELIEVED_S:.0f} s"
        self._problem = RecurringProblem(clock, log, starts, "changes are read again", logging.ERROR)

    async def caller(self, proof: str) -> Caller | None:
        """Return the caller with this token or session hash, or None if it is not (or no longer) valid.

        Raises:
            StorageBroken: it has to be looked up, and that cannot be done; also if too many have to.
        """
        return self._known_caller(proof) or await self._lookups.submit(proof)

    async def callers(self, proofs: Sequence[str]) -> list[Caller | None]:
        """Return for each of these hashes who has it, as `caller` does."""
        found = {proof: caller for proof in proofs if (caller := self._known_caller(proof))}
        others = [proof for proof in proofs if proof not in found]
        looked_up = dict(zip(others, await self._look_up(others) if others else (), strict=True))
        return [found.get(proof) or looked_up[proof] for proof in proofs]

    def _known_caller(self, proof: str) -> Caller | None:
        if self._clock.monotonic() - self._read_s > BELIEVED_S:
            return None
        return self._callers.get(proof)

    def let_through(self, device: str) -> dict[str, Any] | None:
        """Return the `ReleaseLetThrough` that a person wanted last of a device that is in memory."""
        known = self._known.get(device)
        return None if known is None else known.let_through

    async def run(self) -> None:
        """Follow the database until cancelled."""
        async with self._lock:
            if self._number is None:
                await self._begin()
        while True:
            await self.follow()
            await self._clock.sleep(FOLLOW_S)

    async def follow(self) -> None:
        """Take what changed into memory."""
        try:
            async with self._lock:
                changed = await self._take_changes()
        except (StorageBroken, StorageFull) as error:
            self._problem.occurred(str(error))
            return
        self._problem.cleared()
        if changed != Changed():
            self.tell(changed)

    async def _take_changes(self) -> Changed:
        if self._number is None:
            return Changed()
        found = await self._changes.since(self._number)
        if found is None:
            log.warning("the database was restored: all is read anew")
            await self._begin()
            return Changed()
        changed = await self._read_again(found)
        if found:
            self._number = found[-1].number
        self._read_s = self._clock.monotonic()
        return changed

    async def _begin(self) -> None:
        """Forget all, and note from where on changes count."""
        number, sequences = await self._changes.newest(), await self._devices.channel_sequences()
        self._callers, self._known, self.sequences = {}, {}, sequences
        self._number, self._read_s = number, self._clock.monotonic()

    async def _read_again(self, changes: Iterable[NotedChange]) -> Changed:
        ids: dict[Subject, list[str]] = {subject: [] for subject in Subject}
        for one in changes:
            ids[one.subject].append(one.id)
        known = [id for id in ids[Subject.DEVICE] if id in self._known]
        devices = await self._devices.by_ids(known) if known else []
        channels = ids[Subject.CHANNEL]
        sequences = await self._devices.channel_sequences(channels) if channels else {}
        if sequences:
            self.sequences = {**self.sequences, **sequences}
        locked_out, moved = self._replace(known, {one.id: one for one in devices})
        return Changed(locked_out, moved, tuple(sequences.items()), tuple(ids[Subject.MACHINE]))

    def _replace(
        self, ids: Sequence[str], devices: Mapping[str, KnownDevice]
    ) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
        locked_out, moved = list[str](), list[tuple[str, str]]()
        for id in ids:
            before, after = self._known[id], devices.get(id)
            self._forget(id)
            if after is None or after.token_hash != before.token_hash:
                locked_out.append(id)
                continue
            self._remember(after)
            if after.channel != before.channel:
                moved.append((id, after.channel))
        return tuple(locked_out), tuple(moved)

    async def _look_up(self, proofs: Sequence[str]) -> list[Caller | None]:
        async with self._lock:
            if self._number is None:
                await self._begin()
            found = {one.token_hash: self._remember(one) for one in await self._devices.by_tokens(proofs)}
        others = [proof for proof in proofs if proof not in found]
        people = await self._sessions.by_proofs(others, unix_ms(self._clock.now())) if others else {}
        found |= {
            proof: Caller(one.id, one.name, proof, one.rights, is_person=one.is_person) for proof, one in people.items()
        }
        return [found.get(proof) for proof in proofs]

    def _remember(self, device: KnownDevice) -> Caller:
        self._forget(device.id)
        caller = Caller(device.id, device.name, device.token_hash, channel=device.channel)
        self._known[device.id], self._callers[device.token_hash] = device, caller
        return caller

    def _forget(self, device: str) -> None:
        if (known := self._known.pop(device, None)) is not None:
            del self._callers[known.token_hash]
