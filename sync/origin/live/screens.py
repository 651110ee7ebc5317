"""What each screen shows, how bad it is, and whether it is heard: state in memory, fed by what devices say.

It is lost with this process, and known again with the next heartbeats. It holds what came to this origin only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sync.origin.live.severity import ScreenSeverity, trouble_of, with_picture
from sync.runtime.clock import Clock
from sync.wire.device_reports import Heartbeat, OnAir
from sync.wire.live_messages import OnAirMessage

_ONE_HEARTBEAT_S = 2.0  # the difference of two clocks of one origin for it


@dataclass(slots=True)
class KnownScreen:
    """The state of one; `heard_s` is when its last heartbeat came (monotonic), `trouble` what that said."""

    trouble: ScreenSeverity
    on_air: OnAir | None
    next_title: str
    heard_s: float
    is_online: bool = True

    @property
    def severity(self) -> ScreenSeverity:
        """How bad it is with what it shows now."""
        return with_picture(self.trouble, self.on_air)


class Screens:
    """Knows the state of all, and which ones changed since somebody took that."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._screens: dict[str, KnownScreen] = {}
        self._changes: dict[str, bool] = {}

    def reported(self, device: str, heartbeat: Heartbeat) -> None:
        """Take a heartbeat."""
        trouble, now_s = trouble_of(heartbeat), self._clock.monotonic()
        self._screens[device] = KnownScreen(trouble, heartbeat.on_air, heartbeat.next_title, now_s)
        self._changes[device] = True

    def showed(self, device: str, message: OnAirMessage) -> None:
        """Take what a device shows from now on; one that has sent no heartbeat is not known yet."""
        screen = self._screens.get(device)
        if screen is not None and (screen.on_air, screen.next_title) != (message.on_air, message.next_title):
            screen.on_air, screen.next_title = message.on_air, message.next_title
            self._changes.setdefault(device, False)

    def lost(self, device: str) -> None:
        """Note that a device is not heard any more."""
        screen = self._screens.get(device)
        if screen is not None and screen.is_online:
            screen.is_online = False
            self._changes.setdefault(device, False)

    def forget(self, device: str) -> None:
        """Forget a device."""
        self._screens.pop(device, None)

    def latest(self, device: str, heartbeat: Heartbeat, age_s: float) -> Heartbeat:
        """Return a heartbeat that came so many seconds ago with what its device shows since, as far as that is known.

        Another origin may have heard it later; then what is known here is older.
        """
        screen = self._screens.get(device)
        if screen is None or self._clock.monotonic() - screen.heard_s > age_s + _ONE_HEARTBEAT_S:
            return heartbeat
        return heartbeat.model_copy(update={"on_air": screen.on_air, "next_title": screen.next_title})

    def take_changes(self) -> Mapping[str, bool]:
        """Return those that changed since the last call, and of each whether a heartbeat came."""
        changes, self._changes = self._changes, {}
        return changes

    def told(self, device: str, *, reported: bool = False) -> dict[str, Any] | None:
        """Return what pages are told of a screen; None: nothing is known. `reported`: a heartbeat has come."""
        screen = self._screens.get(device)
        if screen is None:
            return None
        return {
            "id": device,
            "online": screen.is_online,
            "severity": screen.severity.value,
            "on_air": None if screen.on_air is None else screen.on_air.model_dump(mode="json"),
            "next_title": screen.next_title,
            "seen_age_s": round(self._clock.monotonic() - screen.heard_s, 1),
            "reported": reported,
        }
