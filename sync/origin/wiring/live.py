"""Builds what follows the database in memory, and the live connections of pages and screens."""

from collections.abc import Mapping
from dataclasses import dataclass

from sync.origin.http.origin_memory import Changed, OriginMemory
from sync.origin.intake.contact_watch import ContactWatch
from sync.origin.intake.heartbeat_intake import HeartbeatIntake
from sync.origin.intake.heartbeat_watch import HeartbeatWatch
from sync.origin.live.live_hints import LiveHints
from sync.origin.live.pings import Pings
from sync.origin.live.screen_counts import ScreenCounts
from sync.origin.live.token_check import TokenCheck
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.database import OriginDatabase
from sync.origin.publishing.urgency import UrgentReleases
from sync.origin.store.changes.change_log import ChangeLog
from sync.origin.store.counts import CountStore
from sync.origin.store.devices import DeviceStore
from sync.origin.store.heartbeats.heartbeats import HeartbeatStore
from sync.origin.store.people.sessions import SessionStore
from sync.origin.store.proof.identity_doubts import IdentityDoubtStore
from sync.origin.store.proof.machines import MachineStore
from sync.origin.store.releases import ReleaseStore
from sync.origin.store.spaces.seeing_spaces import SeeingSpaces
from sync.origin.wiring.parts import Run
from sync.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class LiveParts:
    """What memory holds, who is connected, and what screens say of themselves."""

    memory: OriginMemory
    hints: LiveHints
    heartbeats: HeartbeatIntake
    services: Mapping[str, Run]


def live_parts(database: OriginDatabase, files: DataFolder, clock: Clock) -> LiveParts:
    """Build them; what others change, also by this process itself, is told to pages and screens."""
    memory = OriginMemory(ChangeLog(database), DeviceStore(database), SessionStore(database), clock)
    urgent = UrgentReleases(ReleaseStore(database), files, clock)
    hints = LiveHints(memory, urgent.is_urgent, SeeingSpaces(database), clock)
    watch = HeartbeatWatch(MachineStore(database), IdentityDoubtStore(database), hints, clock)

    def tell(changed: Changed) -> None:
        hints.follow(changed)
        watch.forget(changed.machines)

    memory.tell, database.after_changes = tell, memory.follow
    heartbeats = HeartbeatIntake(HeartbeatStore(database), watch, hints.screens, memory.let_through, clock)
    services = {
        "memory": memory.run,
        "live": hints.run,
        "pings": Pings(hints.listeners, clock).run,
        "page_hints": hints.pages.run,
        "screen_counts": ScreenCounts(hints, CountStore(database), clock).run,
        "token_check": TokenCheck(hints, memory, clock).run,
        "contact": ContactWatch(HeartbeatStore(database), hints, clock).run,
        "heartbeats": heartbeats.run,
    }
    return LiveParts(memory, hints, heartbeats, services)
