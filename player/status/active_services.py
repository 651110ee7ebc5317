"""Who is at work: the parts that come and go while the daemon runs, and what parts have to tell a technician."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from player.evidence.ledger import Ledger
from player.protocol.operator import Command, Now
from sync.device.store.membership import DeviceMembership
from sync.device.syncer import SyncFacts
from sync.wire.overlay import Overlay


class DirectorControl(Protocol):
    """What is asked of the director."""

    def now(self) -> Now:
        """Return what the screen shows."""

    async def command(self, command: Command) -> None:
        """Carry out an operator's order; raises Rejected when it cannot be."""


class SyncControl(Protocol):
    """What is asked of the syncer."""

    def facts(self) -> SyncFacts:
        """Return how things stand."""

    def wake(self) -> None:
        """Ask the origin now."""


class OverlaySource(Protocol):
    """What is asked of the overlays."""

    @property
    def due(self) -> tuple[Overlay, ...]:
        """Those that should be."""

    @property
    def shown(self) -> tuple[str, ...]:
        """The ids of those on the display."""


@dataclass(slots=True)
class ActiveServices:
    """Who is at work now: these come and go with membership; the root alone writes it."""

    membership: DeviceMembership | None = None
    ledger: Ledger | None = None
    director: DirectorControl | None = None
    syncer: SyncControl | None = None
    overlays: OverlaySource | None = None
    pairing_code: str | None = None  # on the screen, for a person to type
    notes: dict[str, str] = field(default_factory=dict)  # what a part has to tell a technician

    def problem_reporter(self, part: str) -> Callable[[str], None]:
        """Return how `part` tells what is wrong with it, in a sentence; an empty one takes it back."""

        def note(sentence: str) -> None:
            self.notes[part] = sentence

        return note
