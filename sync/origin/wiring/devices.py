"""Builds what is about devices: who they are, how they are let in, and which keys they sign with."""

from dataclasses import dataclass

from sync.origin.api.devices import DeviceRoutes
from sync.origin.api.identity.routes import IdentityRoutes
from sync.origin.api.pairings import Enrolment, OriginKeys, PairingRoutes
from sync.origin.api.proof.device_keys import DeviceKeyRoutes
from sync.origin.http.host_header_check import allowed_names
from sync.origin.persistence.database import OriginDatabase
from sync.origin.publishing.keyring import Keyring
from sync.origin.settings.model import OriginConfiguration
from sync.origin.store.devices import DeviceStore
from sync.origin.store.pairings import PairingStore
from sync.origin.store.proof.device_keys import DeviceKeyStore
from sync.origin.store.proof.identity_doubts import IdentityDoubtStore
from sync.origin.store.proof.machines import MachineStore
from sync.origin.wiring.live import LiveParts
from sync.origin.wiring.parts import Routes
from sync.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class DeviceParts:
    """What serves devices, and what serves people about them."""

    devices: DeviceRoutes
    keys: DeviceKeyRoutes
    pairings: PairingRoutes
    routes: tuple[Routes, ...]


def device_parts(
    settings: OriginConfiguration, database: OriginDatabase, keyring: Keyring, live: LiveParts, clock: Clock
) -> DeviceParts:
    """Build them."""
    store, doubts, hints = DeviceStore(database), IdentityDoubtStore(database), live.hints
    devices = DeviceRoutes(store, doubts, live.heartbeats, hints, clock)
    keys = DeviceKeyRoutes(DeviceKeyStore(database), keyring, hints, clock)
    enrolment = Enrolment(settings.publish.usable_enrolment_key, settings.publish.enrolment_channel)
    names = allowed_names(settings.server.host, settings.server.allowed_hosts)
    origin_keys = OriginKeys(keyring.root_envelope, keyring.prove_identity, names)
    pairings = PairingRoutes(PairingStore(database), devices, hints, enrolment, origin_keys, clock)
    identity = IdentityRoutes(store, MachineStore(database), doubts, keys, hints, clock)
    return DeviceParts(devices, keys, pairings, (pairings, devices, keys, identity))
