"""Watches heartbeats for signs that two machines run with one identity, and answers what they have to know."""

import logging
from dataclasses import dataclass

from sync.origin.live.live_hints import LiveHints
from sync.origin.store.groups import Groups
from sync.origin.store.proof.identity_doubts import DoubtKind, IdentityDoubtStore
from sync.origin.store.proof.machines import GivenIdentity, KnownMachine, MachineChange, MachineReport, MachineStore
from sync.runtime.clock import Clock, unix_ms
from sync.trust.signing import new_token, token_hash
from sync.wire.device_reports import Heartbeat, HeartbeatAnswer, NewIdentity

LOOK_EVERY_S = 60.0
"""How long a machine about which there is no doubt is not looked at, when it reports again."""

_LONGEST_WAIT_S = 5.0  # for a look; then no more heartbeats are taken

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Known:
    """The machine that reported last, when it was looked at (monotonic), and whether there was no doubt."""

    boot: str | None
    looked_s: float
    quiet: bool


class HeartbeatWatch:
    """Looks at heartbeats; at those of one machine about which there is no doubt once a minute."""

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

    async def heard(self, device: str, heartbeat: Heartbeat) -> HeartbeatAnswer | None:
        """Return what to answer; None: nothing."""
        boot, known, now_s = heartbeat.boot_id, self._known.get(device), self._clock.monotonic()
        if known is not None and known.quiet and known.boot == boot and now_s - known.looked_s < LOOK_EVERY_S:
            return None
        machine = await self._looks.submit(MachineReport(device, boot, heartbeat.log_epoch))
        if boot is not None and machine.becomes is not None:
            return HeartbeatAnswer(identity=await self._new_identity(device, boot, machine.becomes))
        doubts = (*machine.doubts, *await self._new_doubts(device, heartbeat, machine))
        self._known[device] = _Known(boot, now_s, quiet=not doubts)
        return HeartbeatAnswer(doubts=doubts) if doubts else None

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
