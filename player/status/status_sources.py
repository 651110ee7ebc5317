"""Where the player's status comes from: the parts that are read, each by the little that is used of it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from player.display import DisplayState
from player.evidence.ledger import Ledger
from player.protocol.now_playing import Now
from player.protocol.operator_command import Command
from player.protocol.problems import ProblemCode, ToldProblem
from player.settings.configuration import Configuration
from player.stage.stage_facts import StageFacts
from player.status.health import MachineProbe
from sync.device.proof.key_certification import KeyState
from sync.device.store.content_store import ContentStore
from sync.device.store.membership import DeviceMembership
from sync.device.sync_state import SyncFacts
from sync.device.traffic.budget import BudgetState
from sync.runtime.supervisor import Restarts
from sync.wire.overlay import Overlay

log = logging.getLogger(__name__)


class StageSource(Protocol):
    """The stage."""

    def facts(self) -> StageFacts:
        """Return the stage as it is now."""


class DisplaySource(Protocol):
    """The display."""

    def state(self) -> DisplayState:
        """Return the display as it was when it was last polled."""


class OverlaySource(Protocol):
    """The overlays."""

    @property
    def due(self) -> tuple[Overlay, ...]:
        """Those that should be shown."""

    @property
    def shown(self) -> tuple[str, ...]:
        """The ids of those on the display."""


class DirectorControl(Protocol):
    """The director."""

    def now(self) -> Now:
        """Return what the screen shows."""

    async def command(self, command: Command) -> None:
        """Carry out an operator's command; raises NotFound or Conflict when that is not possible."""


class SyncControl(Protocol):
    """The syncer."""

    def facts(self) -> SyncFacts:
        """Return the state of syncing."""

    def wake(self) -> None:
        """Ask the origin now."""

    def limits_changed(self) -> None:
        """Go on, or stop, as the limits say now."""


class TrafficSource(Protocol):
    """The counter of bytes."""

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the count, in sentences."""

    def state(self) -> BudgetState:
        """Return what this month had, and what its budget has left."""


class KeyControl(Protocol):
    """What has the origin certify the key of this device."""

    @property
    def state(self) -> KeyState:
        """The key and its certificate as they are now."""

    async def rotate(self) -> KeyState:
        """Make another key, which replaces this one once it is certified; raises StorageFull or StorageBroken."""


class ConnectionView(Protocol):
    """What runs while this device is paired with the origin of its settings."""

    @property
    def membership(self) -> DeviceMembership:
        """The device id and its channel."""

    @property
    def syncer(self) -> SyncControl:
        """The syncer of this channel."""

    @property
    def certification(self) -> KeyControl:
        """The key with which plays are signed, and its certificate."""


class SessionView(Protocol):
    """What runs for one pairing, as its readers see it: `player.app.device_session.DeviceSession`."""

    @property
    def ledger(self) -> Ledger:
        """The log of plays of this device id."""

    @property
    def director(self) -> DirectorControl:
        """The director that writes to this log."""

    @property
    def connection(self) -> ConnectionView | None:
        """None while the device is not paired with the origin of its settings."""

    @property
    def pairing_code(self) -> str | None:
        """The code on the screen, for a person to enter in the console."""


CurrentSessionView = Callable[[], SessionView | None]
"""Returns the session that runs now; None while the player starts or becomes another device."""


class ProblemReports:
    """What parts of the player report for a technician: one sentence for each code."""

    def __init__(self) -> None:
        self._sentences: dict[ProblemCode, str] = {}

    def reporter(self, code: ProblemCode) -> Callable[[str], None]:
        """Return the function by which a part reports its problem; an empty sentence says that it is solved."""

        def report(sentence: str) -> None:
            self._sentences[code] = sentence

        return report

    def tell(self, code: ProblemCode, sentence: str, solved: str) -> None:
        """Report `sentence`; in the log when a problem begins, and `solved` when it ends."""
        if sentence and not self.tells(code):
            log.warning("%s", sentence)
        elif self.tells(code) and not sentence:
            log.info("%s", solved)
        self._sentences[code] = sentence

    def tells(self, *codes: ProblemCode) -> bool:
        """Return whether there is a problem of one of `codes` now."""
        return any(self._sentences.get(code) for code in codes)

    def found(self) -> tuple[ToldProblem, ...]:
        """Return the problems of now."""
        return tuple(ToldProblem(code, sentence) for code, sentence in self._sentences.items() if sentence)


@dataclass(frozen=True, slots=True)
class StatusSources:
    """All that status is made from."""

    configuration: Configuration
    content: ContentStore
    session: CurrentSessionView
    stage: StageSource
    display: DisplaySource
    overlays: OverlaySource
    machine: MachineProbe
    restarts: Restarts
    problems: ProblemReports
    traffic: TrafficSource
