"""Watches heartbeats for signs that two machines run with one identity, and answers what they have to know.

A machine about which there is no doubt is not looked at again while it reports, its log grows, and nobody notes a
change of what is known of it: so its heartbeats are answered from memory.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from sync.origin.live.live_hints import LiveHints
from sync.origin.store.groups import Groups
from sync.origin.store.proof.identity_doubts import DoubtKind, IdentityDoubtStore
from sync.origin.store.proof.machines import GivenIdentity, KnownMachine, MachineChange, MachineReport, MachineStore
from sync.runtime.clock import Clock, unix_ms
from sync.trust.signing import new_token, token_hash
from sync.wire.device_reports import Heartbeat, HeartbeatAnswer, NewIdentity

LOOK_EVERY_S = 3_600.0
"""After this time it is looked at all the same: another one without a name for its start may use its identity."""

_LONGEST_WAIT_S = 5.0  # for a look; then no more heartbeats are taken

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Known:
    """The machine about which there is no doubt, when it was looked at (monotonic), and how long its log is."""

    boot: str | None
    epoch: str | None
    sequence: int | None
    looked_s: float

    def is_still(self, heartbeat: Heartbeat) -> bool:
        """Tell whether a heartbeat comes from this machine, as far as it says, and its log was not set back."""
        if (heartbeat.boot_id, heartbeat.log_epoch) != (self.boot, self.epoch):
            return False
        return (heartbeat.log_sequence or 0) >= (self.sequence or 0)


class HeartbeatWatch:
    """Looks at heartbeats."""

    def __init__(
        self,
        machines: MachineStore,
        doubts: IdentityDoubtStore,
        live: LiveHints,
        clock: Clock,
    ) -> None:
        self._machines = machines
        self._doubts = doubts
        self._live = live
        self._clock = clock
        self._looks = Groups(machines.known, clock, most=200, longest_wait_s=_LONGEST_WAIT_S)
        self._changes = Groups(machines.change, clock, most=200, longest_wait_s=_LONGEST_WAIT_S)
        self._known: dict[str, _Known] = {}  # by device
        self._looking = set[str]()  # devices of which nothing has changed since their machine was looked at

    async def heard(self, device: str, heartbeat: Heartbeat) -> HeartbeatAnswer | None:
        """Return what to answer; None: nothing."""
        boot, known, now_s = heartbeat.boot_id, self._known.pop(device, None), self._clock.monotonic()
        if known is not None and known.is_still(heartbeat) and now_s - known.looked_s < LOOK_EVERY_S:
            self._known[device] = _Known(boot, known.epoch, heartbeat.log_sequence, known.looked_s)
            return None
        self._looking.add(device)
        machine = await self._looks.submit(MachineReport(device, boot, heartbeat.log_epoch))
        if boot is not None and machine.becomes is not None:
            return HeartbeatAnswer(identity=await self._new_identity(device, boot, machine.becomes))
        doubts = (*machine.doubts, *await self._new_doubts(device, heartbeat, machine))
        if doubts:
            return HeartbeatAnswer(doubts=doubts)
        if device in self._looking:
            self._known[device] = _Known(boot, heartbeat.log_epoch, heartbeat.log_sequence, now_s)
        return None

    def forget(self, devices: Iterable[str]) -> None:
        """Have the machines of these devices looked at again: what is known of them has changed."""
        for device in devices:
            self._known.pop(device, None)
            self._looking.discard(device)

    async def _new_doubts(self, device: str, heartbeat: Heartbeat, machine: KnownMachine) -> list[str]:
        """Raise what this heartbeat is a sign of; return what was not known. A log that ends too early is one.

        It is none below what was signed before a person dealt with doubts.
        """
        boot, last, signs = heartbeat.boot_id, heartbeat.log_sequence, dict[DoubtKind, str]()
        if boot is not None and boot != machine.current and await self._is_second(device, boot):
            signs[DoubtKind.TWO_BOOTS] = "two machines report as this screen in turn: its card was copied"
        if last is not None and last < machine.covered:
            behind = f"its log ends at play {last}, and it signed play {machine.covered} before"
            signs[DoubtKind.SET_BACK] = f"{behind}: its log was set back, or its card was copied"
        return [detail for kind, detail in signs.items() if await self._doubt(device, kind, detail)]

    async def _is_second(self, device: str, boot: str) -> bool:
        return await self._changes.submit(MachineChange(device, boot, unix_ms(self._clock.now())))

    async def _new_identity(self, device: str, boot: str, given: GivenIdentity) -> NewIdentity:
        token = new_token()
        await self._machines.told(device, boot, given.device, token_hash(token), unix_ms(self._clock.now()))
        log.info("device=%s: the machine that started as %s is told to be device=%s", device, boot[:8], given.device)
        return NewIdentity(device=given.device, token=token, channel=given.channel)

    async def _doubt(self, device: str, kind: DoubtKind, detail: str) -> bool:
        is_new = await self._doubts.raise_doubt(device, kind, detail, unix_ms(self._clock.now()))
        if is_new:
            log.warning("device=%s: %s", device, detail)
            self._live.changed("devices", device)
        return is_new
