"""How bad it is what a screen reports, in one word, as pure functions."""

from enum import StrEnum

from sync.wire.device_reports import Heartbeat, OnAir

_DARK = frozenset({"display_server", "no_display", "decks", "failed_starts"})
"""Codes of problems with which a screen shows nothing, or soon will (`player.protocol.problems`)."""


class ScreenSeverity(StrEnum):
    """What somebody who is responsible for a screen has to know first."""

    OK = "ok"
    WARNING = "warning"  # it has problems, or refuses what it is sent
    CRITICAL = "critical"  # it shows nothing of its programme, and nobody ordered that


def severity_of(heartbeat: Heartbeat) -> ScreenSeverity:
    """Return how bad it is."""
    return with_picture(trouble_of(heartbeat), heartbeat.on_air)


def trouble_of(heartbeat: Heartbeat) -> ScreenSeverity:
    """Return how bad it is, apart from what is on air."""
    if not _DARK.isdisjoint(heartbeat.problem_codes):
        return ScreenSeverity.CRITICAL
    return ScreenSeverity.WARNING if heartbeat.problems or heartbeat.trust else ScreenSeverity.OK


def with_picture(trouble: ScreenSeverity, on_air: OnAir | None) -> ScreenSeverity:
    """Return how bad it is with this on air. A screen that an operator blanked shows what it is to show."""
    return ScreenSeverity.CRITICAL if on_air is None or on_air.kind == "fallback" else trouble
