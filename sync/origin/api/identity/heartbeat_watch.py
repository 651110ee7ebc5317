"""Watches heartbeats for signs that two machines run with one identity, and answers what they have to know."""

import logging
from dataclasses import dataclass

from sync.origin.http.live_hints import LiveHints
from sync.origin.store.proof.identity_doubts import DoubtKind, IdentityDoubtStore
from sync.origin.store.proof.machines import MachineStore
from sync.origin.store.proof.signed_logs import SignedLogStore
from sync.runtime.clock import Clock, unix_ms
from sync.trust.signing import new_token, token_hash
from sync.wire.device_reports import Heartbeat, HeartbeatAnswer, NewIdentity

LOOK_EVERY_S = 60.0
"""How long a machine about which there is no doubt is not looked at, when it reports again."""

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
        signed: SignedLogStore,
        live: LiveHints,
        clock: Clock,
    ) -> None:
        self._machines = machines
        self._doubts = doubts
        self._signed = signed
        self._live = live
        self._clock = clock
        self._known: dict[str, _Known] = {}  # by device

    async def heard(self, device: str, heartbeat: Heartbeat) -> HeartbeatAnswer | None:
        """Return what to answer; None: nothing."""
        boot, known, now_s = heartbeat.boot_id, self._known.get(device), self._clock.monotonic()
        if known is not None and known.quiet and known.boot == boot and now_s - known.looked_s < LOOK_EVERY_S:
            return None
        if boot is not None and (identity := await self._new_identity(device, boot)) is not None:
            return HeartbeatAnswer(identity=identity)
        if boot is not None and await self._is_second(device, boot):
            detail = "two machines report as this screen in turn: its card was copied"
            await self._doubt(device, DoubtKind.TWO_BOOTS, detail)
        await self._compare_log(device, heartbeat)
        doubts = await self._doubts.open_doubts(device)
        self._known[device] = _Known(boot, now_s, quiet=not doubts)
        return HeartbeatAnswer(doubts=tuple(one.detail for one in doubts)) if doubts else None

    async def _is_second(self, device: str, boot: str) -> bool:
        machines = await self._machines.machines(device)
        if machines and machines[0].boot_id == boot:
            return False
        return await self._machines.reports(device, boot, unix_ms(self._clock.now()))

    async def _compare_log(self, device: str, heartbeat: Heartbeat) -> None:
        """Doubt a log that ends before what was signed of it, unless a person has dealt with that."""
        epoch, last = heartbeat.log_epoch, heartbeat.log_sequence
        if epoch is None or last is None:
            return
        covered = await self._signed.covered(device, epoch, await self._doubts.dealt_with_ms(device))
        if last < covered:
            behind = f"its log ends at play {last}, and it signed play {covered} before"
            await self._doubt(device, DoubtKind.SET_BACK, f"{behind}: its log was set back, or its card was copied")

    async def _new_identity(self, device: str, boot: str) -> NewIdentity | None:
        given = await self._machines.identity_of(device, boot)
        if given is None:
            return None
        token = new_token()
        await self._machines.told(device, boot, given.device, token_hash(token), unix_ms(self._clock.now()))
        log.info("device=%s: the machine that started as %s is told to be device=%s", device, boot[:8], given.device)
        return NewIdentity(device=given.device, token=token, channel=given.channel)

    async def _doubt(self, device: str, kind: DoubtKind, detail: str) -> None:
        if await self._doubts.raise_doubt(device, kind, detail, unix_ms(self._clock.now())):
            log.warning("device=%s: %s", device, detail)
            self._live.changed("devices", device)
