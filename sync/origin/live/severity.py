"""How bad it is what a screen reports, in one word, as a pure function of its heartbeat."""

from enum import StrEnum

from sync.wire.device_reports import Heartbeat

_DARK = frozenset({"display_server", "no_display", "decks", "failed_starts"})
"""Codes of problems with which a screen shows nothing, or soon will (`player.protocol.problems`)."""


class ScreenSeverity(StrEnum):
    """What somebody who is responsible for a screen has to know first."""

    OK = "ok"
    WARNING = "warning"  # it has problems, or refuses what it is sent
    CRITICAL = "critical"  # it shows nothing of its programme, and nobody ordered that


def severity_of(heartbeat: Heartbeat) -> ScreenSeverity:
    """Return how bad it is. A screen that an operator blanked shows what it is to show."""
    shows_nothing = heartbeat.on_air is None or heartbeat.on_air.kind == "fallback"
    if shows_nothing or not _DARK.isdisjoint(heartbeat.problem_codes):
        return ScreenSeverity.CRITICAL
    return ScreenSeverity.WARNING if heartbeat.problems or heartbeat.trust else ScreenSeverity.OK
