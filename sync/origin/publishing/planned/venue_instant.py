"""Pure: which instant a time by the clock on the wall of a venue is, also where that clock is changed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sync.errors import Rejected

_RESOLUTION = timedelta(seconds=1)


class ClockChange(StrEnum):
    """What the change of a clock does to a local time."""

    SKIPPED = "skipped"  # the clock leaves it out: what is planned for it happens at the jump
    REPEATED = "repeated"  # the clock shows it twice: what is planned for it happens at the first time


@dataclass(frozen=True, slots=True)
class VenueInstant:
    """The instant of a local time, and what a change of the clock does to it."""

    at: datetime
    change: ClockChange | None = None

    def remark(self, local: datetime, zone: ZoneInfo) -> str | None:
        """Return in words what the change does; None where there is none."""
        if self.change is ClockChange.SKIPPED:
            return f"the clock of {zone.key} leaves {local:%H:%M} out that day: it is done at {self._wall(zone)}"
        if self.change is ClockChange.REPEATED:
            return (
                f"the clock of {zone.key} shows {local:%H:%M} twice that day: it is done the first time. "
                "For the second one send the instant as `at`"
            )
        return None

    def _wall(self, zone: ZoneInfo) -> str:
        return f"{self.at.astimezone(zone):%H:%M}"


def venue_instant(local: datetime, zone: ZoneInfo) -> VenueInstant:
    """Return the instant of a local time without an offset, as dayparts have it (`sync.programme.weekly_windows`).

    Raises:
        Rejected: it is at either end of the calendar.
    """
    try:
        first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    except OverflowError as error:
        raise Rejected(f"{local} is not a time that can be planned", fields={"local": "is too far away"}) from error
    if first == second:
        return VenueInstant(first)
    if first < second:
        return VenueInstant(first, ClockChange.REPEATED)
    return VenueInstant(_jump(second, first, zone), ClockChange.SKIPPED)


def _jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return when the offset of a zone changes between two instants."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > _RESOLUTION:
        middle = before + (after - before) // 2
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == offset else (before, middle)
    return after.replace(microsecond=0)
