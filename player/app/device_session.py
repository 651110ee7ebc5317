"""What runs for one pairing, as values, and how they are built.

All that lives as long as the daemon is built in `player.app.wiring`; `player.app.session_runner` runs these values.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from player.app.origin_contact import OriginContact
from player.app.shared_resources import SharedResources
from player.director.director import Director
from player.display import Display, Power
from player.evidence.ledger import Ledger, open_ledger, read_owner
from player.evidence.ledger_owner import ad_seed, find_ledger
from player.history.watch import HistoryWatch
from player.programme.bandwidth import bandwidth_at
from player.programme.proof_of_play import ScreenCondition
from player.proof.log_signer import LogSigner
from player.settings.model import Settings
from player.settings.system_zone import system_zone
from player.status.on_air_reporter import OnAirReporter
from player.status.readiness import needs_from
from sync.device.origin_client import OriginClient, open_client
from sync.device.origin_move import OriginMove
from sync.device.pairing import DevicePairing, ReportProblem, ShowCode
from sync.device.proof.checkpoint_uploader import CheckpointUploader
from sync.device.proof.key_certification import KeyCertification
from sync.device.queue_delivery import QueueDelivery, QueueUploader
from sync.device.store.device_key import DeviceKeyFile
from sync.device.store.membership import (
    DeviceMembership,
    change_identity,
    load_membership,
    previous_device,
    repair_membership,
)
from sync.device.syncer import Syncer, SyncOptions
from sync.device.traffic.month_counter import TrafficCounter
from sync.device.traffic.socket_meter import Meter
from sync.device.transfer.connection import ConnectionSettings, Network
from sync.device.transfer.deadlines_and_rates import RateLimiter, RateLimits
from sync.device.transfer.transfer import ContentTransfer
from sync.errors import StorageBroken, StorageFull
from sync.programme.schedule import zone_of_venue
from sync.runtime.clock import Clock, ClockTrust
from sync.runtime.threads import in_thread
from sync.runtime.waiting import first_of
from sync.wire.device_reports import Heartbeat, HeartbeatAnswer, ReleaseLetThrough, ScreenDetail, ScreenState
from sync.wire.release import Release
from sync.wire.value_types import printable

_READ_AGAIN_S = 10.0
_TAKE_OVER_TRIES = 3
_ABSENT_WAIT_S = 3_600.0  # until an origin that takes no history is asked again: it may be updated

log = logging.getLogger(__name__)

_SCREEN_STATES = {Power.ON: ScreenState.ON, Power.OFF: ScreenState.OFF, Power.UNKNOWN: ScreenState.UNKNOWN}


@dataclass(frozen=True, slots=True)
class OriginConnection:
    """What runs while this device is paired with the origin of its settings."""

    membership: DeviceMembership
    syncer: Syncer
    contact: OriginContact
    on_air: OnAirReporter
    history: QueueUploader
    certification: KeyCertification
    checkpoints: CheckpointUploader


@dataclass(frozen=True, slots=True)
class DeviceSession:
    """What runs for one device id, or before any pairing. A change makes a new value."""

    ledger: Ledger
    director: Director
    signer: LogSigner
    history: HistoryWatch
    connection: OriginConnection | None = None  # None: not paired with the origin of the settings
    pairing_code: str | None = None  # on the screen, for a person to enter in the console


def _nobody(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class SessionReports:
    """Who is told of the problems of a session."""

    connection: ReportProblem = _nobody  # why the origin of the settings is not used yet
    signing: ReportProblem = _nobody  # why the log of plays cannot be signed
    move: ReportProblem = _nobody  # why the origin at a new address is not known as ours
    identity: ReportProblem = _nobody  # why two machines may run as this device


@dataclass(frozen=True, slots=True)
class SessionBuilder:
    """Builds sessions from what lives as long as the daemon."""

    shared: SharedResources
    release_activated: Callable[[], None]
    heartbeat: Callable[[], Awaitable[Heartbeat]]
    rng: Random
    traffic: TrafficCounter
    reports: SessionReports = SessionReports()
    identity_changed: Callable[[], None] = lambda: None

    @asynccontextmanager
    async def session(self) -> AsyncIterator[DeviceSession]:
        """Open the session of the device id that the disk holds."""
        shared = self.shared
        try:
            repair_membership(shared.content)
        except (StorageBroken, StorageFull) as error:  # the status names the file
            log.debug("the membership cannot be repaired: %s", error)
        device, path = await find_ledger(shared.content)
        await self._take_over_log(path, device)
        async with self._signed_log(path, device) as (ledger, signer):
            last = await ledger.history.last_sign_of_life()  # before a take of this run begins
            yield DeviceSession(
                ledger,
                Director(
                    shared.stage,
                    ledger,
                    shared.content,
                    shared.clock,
                    lambda: shared.configuration.settings,
                    ad_seed(device),
                    display=lambda since_s: screen_facts(shared.display, since_s),
                    budget_spent=lambda: self.traffic.state().spent,
                ),
                signer,
                HistoryWatch(ledger, shared.display, self.heartbeat, shared.clock, last),
            )

    async def _take_over_log(self, path: Path, device: str) -> None:
        """Make the log that of `device` if this machine has just become it; what waits in it counts for it.

        After some tries without success it is set aside: the screen does not wait for a database.
        """
        shared = self.shared
        for tries_left in reversed(range(_TAKE_OVER_TRIES)):
            try:
                before = await in_thread(previous_device, shared.content)
                if before is not None and before != device and await read_owner(path) == before:
                    async with open_ledger(path, before, shared.clock) as ledger:
                        await ledger.become(device)
                return
            except (StorageBroken, StorageFull) as error:
                log.error("the log of device=%s is not taken over, tries_left=%d: %s", device, tries_left, error)
            if tries_left:
                await shared.clock.sleep(_READ_AGAIN_S)

    @asynccontextmanager
    async def _signed_log(self, path: Path, device: str) -> AsyncIterator[tuple[Ledger, LogSigner]]:
        """Open the log of plays; its end is signed when all that writes to it has stopped."""
        shared = self.shared
        async with open_ledger(path, device, shared.clock) as ledger:
            signer = LogSigner(ledger, shared.content, shared.clock, self.reports.signing)
            try:
                yield ledger, signer
            finally:
                await signer.close()

    async def membership(self, settings: Settings, show_code: ShowCode) -> DeviceMembership:
        """Return the membership at the origin of the settings; pair first when there is none."""
        origin, shared = settings.origin, self.shared
        url = str(origin.url)
        stored = await self._stored_membership()
        if stored is not None and stored.origin.rstrip("/") == url.rstrip("/"):
            return stored
        key = origin.enrolment_key.get_secret_value() if origin.enrolment_key else None
        async with open_client(url, None, self._network(settings)) as client:
            try:
                pairing = DevicePairing(
                    client, shared.content, shared.clock, self.rng, origin.name, key, show_code, self.reports.connection
                )
                if stored is None:
                    return await pairing.run()
                move = OriginMove(client, shared.content, shared.clock, self.rng, stored, self.reports.move)
                moved = await move.first_answer()
                return moved if moved is not None else await first_of(pairing.run(), move.later_answer())
            finally:
                show_code(None)
                self.reports.connection("")
                self.reports.move("")

    async def _stored_membership(self) -> DeviceMembership | None:
        """Return the membership on the disk. While there is one that cannot be read, nothing else is decided."""
        reason = ""
        while True:
            try:
                return await asyncio.to_thread(load_membership, self.shared.content)
            except StorageBroken as error:
                if str(error) != reason:
                    reason = str(error)
                    log.error("the origin is not asked until the membership can be read: %s", error)
            await self.shared.clock.sleep(_READ_AGAIN_S)

    @asynccontextmanager
    async def connection(
        self, settings: Settings, membership: DeviceMembership, session: DeviceSession
    ) -> AsyncIterator[OriginConnection]:
        """Open the connection to the origin of the settings."""
        shared, url, network = self.shared, str(settings.origin.url), self._network(settings)
        async with open_client(url, membership.token, network) as client:
            certification = self._certification(client, session)
            syncer = Syncer(
                client,
                ContentTransfer(
                    url,
                    shared.clock,
                    mirrors=[str(mirror) for mirror in settings.origin.mirrors],
                    network=network,
                    rng=self.rng,
                    limiter=self._limiter(session.director),
                ),
                shared.content,
                shared.clock,
                self.rng,
                self._sync_options(settings, membership),
                activated=self.release_activated,
                mended=self.release_activated,
            )
            contact = self._contact(client, session, syncer)
            yield OriginConnection(
                membership=membership,
                syncer=syncer,
                contact=contact,
                on_air=OnAirReporter(session.director, contact.live.show),
                history=self._history(client, session),
                certification=certification,
                checkpoints=self._checkpoints(client, session, certification.wake),
            )

    def _certification(self, client: OriginClient, session: DeviceSession) -> KeyCertification:
        shared, signer, device = self.shared, session.signer, session.ledger.device
        keys = DeviceKeyFile(shared.content, device)
        return KeyCertification(client, shared.content, keys, device, shared.clock, signer.wake, signer.key_wanted)

    def _sync_options(self, settings: Settings, membership: DeviceMembership) -> SyncOptions:
        reserve = settings.storage.reserve_bytes
        return SyncOptions(membership.channel, settings.origin.poll_s, reserve, self._order)

    def _history(self, client: OriginClient, session: DeviceSession) -> QueueUploader:
        clock, anew = self.shared.clock, session.signer.begin_anew
        delivery = QueueDelivery(session.ledger.history, clock, self.rng, anew, "history", _ABSENT_WAIT_S)
        return QueueUploader(delivery, client.post_history, clock)

    def _contact(self, client: OriginClient, session: DeviceSession, syncer: Syncer) -> OriginContact:
        ledger, answered = session.ledger, partial(self._answered, session, syncer)
        plays = QueueDelivery(ledger.outbox, self.shared.clock, self.rng, session.signer.begin_anew)
        return OriginContact(client, syncer, plays, self.heartbeat, answered, self.shared, ledger.device, self.rng)

    async def _answered(self, session: DeviceSession, syncer: Syncer, answer: HeartbeatAnswer) -> None:
        """Tell why this machine may be one of two, let a release through, or become another device."""
        self.reports.identity(" ".join(f"{doubt[:1].upper()}{doubt[1:]}." for doubt in answer.doubts))
        if (through := answer.let_through) is not None:
            await self._let_through(syncer, through)
        if (new := answer.identity) is None:
            return
        log.warning("device=%s becomes device=%s: its card was copied", session.ledger.device, new.device)
        try:
            await session.ledger.keep_copy()  # now, while it plays
            await in_thread(change_identity, self.shared.content, new.device, new.token, new.channel)
        except (StorageBroken, StorageFull) as error:  # the origin says it again
            log.error("the new identity cannot be stored: %s", error)
            return
        self.identity_changed()

    async def _let_through(self, syncer: Syncer, wanted: ReleaseLetThrough) -> None:
        """Let a release through, unless that was meant for another month than the one that is counted."""
        counted = self.traffic.state().traffic
        if counted.month.name == wanted.month and counted.let_through != wanted.release:
            log.info("release=%s needs no budget this month: a person at the origin says so", wanted.release)
            await in_thread(self.traffic.let_through, wanted.release)
            syncer.limits_changed()

    def _checkpoints(
        self, client: OriginClient, session: DeviceSession, refused: Callable[[], None]
    ) -> CheckpointUploader:
        signer = session.signer

        def durable() -> int:
            return signer.head.number if signer.head else 0

        queue = session.ledger.checkpoints
        return CheckpointUploader(queue, client, self.shared.clock, self.rng, durable, signer.wait_for_news, refused)

    def _limiter(self, director: Director) -> RateLimiter:
        """Return the limits of bandwidth by the settings in force, which change while it is used."""
        configuration, clock = self.shared.configuration, self.shared.clock

        def limits() -> RateLimits:
            settings, known = configuration.settings, director.venue_time()
            machine = zone_of_venue(settings.venue.zone, None, system_zone())[0], clock.trust() is ClockTrust.SYNCED
            zone, timed = known or machine
            found = bandwidth_at(settings.bandwidth, zone, clock.now(), timed=timed)
            return RateLimits(*found.bytes_s(), found.until)

        def plays() -> bool:
            return director.now().showing in ("item", "ad")

        traffic, in_venue = self.traffic, lambda: venue_hosts(configuration.settings)
        return RateLimiter(clock, limits, in_venue, traffic.left_for, plays, ahead=(traffic.reserve, traffic.give_back))

    def _order(self, release: Release) -> list[tuple[str, ...]]:
        """Return the assets of a release by when each is first on air."""
        shared = self.shared
        needs = needs_from(release, shared.configuration.settings, shared.clock.trust(), shared.clock.now())
        return [need.assets for need in needs]

    def _network(self, settings: Settings) -> Network:
        return network_of(settings, self.shared.clock, self.traffic.content)


def venue_hosts(settings: Settings) -> frozenset[str]:
    """Return the hosts that do not use the line of the venue, as urlsplit names them."""
    return frozenset(host.lower().strip("[]") for host in settings.bandwidth.venue_hosts)


def network_of(settings: Settings, clock: Clock, meter: Meter | None = None) -> Network:
    """Return how the origin of the settings is reached; `meter` counts what passes."""
    origin = settings.origin
    proxy = origin.proxy.get_secret_value() if origin.proxy else ""
    certificates = None if origin.ca_certificates == Path() else origin.ca_certificates  # an empty text
    return Network(ConnectionSettings(proxy, origin.no_proxy, certificates, origin.fingerprint), clock, meter)


def screen_facts(display: Display, since_s: float) -> ScreenCondition:
    """Return how the screen was, as plays record it; one that was off or unplugged at any look was off.

    While the X server does not answer nobody knows.
    """
    state, area = display.state(), display.area
    power = _SCREEN_STATES[state.power] if state.answers else ScreenState.UNKNOWN
    return ScreenCondition(
        ScreenState.OFF if display.was_dark_since(since_s) else power,
        ScreenDetail.DISCONNECTED if display.was_unplugged_since(since_s) else None,
        printable(state.output, 64) or None,
        f"{area.width}x{area.height}",
    )
