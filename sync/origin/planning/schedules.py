"""Schedules, as sent and as stored: dayparts, breaks, and overlays."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, FailFast, Field, StringConstraints, ValidationInfo, field_validator

from sync.origin.planning.plan_fields import MAX_DAYPARTS, Draft, TimeZone, ends_after_start, whole_week
from sync.wire.overlay import MOST_OVERLAYS, Bounded, LogoStyle, TickerStyle
from sync.wire.release import BreakRule, LocalWindow
from sync.wire.value_types import Identifier, Name, is_none
from sync.words.sentences import Told


def not_before_first_day(last_day: date | None, info: ValidationInfo) -> date | None:
    """Refuse a last day before `first_day`."""
    first_day = info.data.get("first_day")
    if last_day is not None and first_day is not None and last_day < first_day:
        raise ValueError("must not be before first_day")
    return last_day


class BreakDraft(BreakRule):
    """How often ads are shown between items, as a person sends it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WindowDraft(LocalWindow):
    """A weekly window as a person sends it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weekdays: Annotated[tuple[Annotated[int, Field(ge=1, le=7)], ...], FailFast(), AfterValidator(whole_week)] = tuple(
        range(1, 8)
    )
    start: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "00:00"


class DaypartDraft(WindowDraft):
    """Shows a playlist inside its window, unless nothing of it can be shown.

    The highest priority wins, then the one that opened last, then the first one in the list. From 1,000 on
    it is an emergency: all screens of the channel fetch at once what changes of it while it is on air.
    """

    id: Identifier | None = None
    name: Name
    playlist: Identifier
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    first_day: date | None = None
    last_day: Annotated[date | None, AfterValidator(not_before_first_day)] = None


class _OverlaySpec(Bounded):
    model_config = ConfigDict(frozen=True, extra="forbid")

    _in_order = field_validator("ends_at")(ends_after_start)


class TickerSpec(TickerStyle, _OverlaySpec):
    """A ticker in the plan of a folder: it has no id."""


class LogoSpec(LogoStyle, _OverlaySpec):
    """A logo without an id and without its picture."""


class TickerDraft(TickerSpec):
    """A line of text at an edge of the screen, as a person sends it; one that is sent with its id keeps it."""

    id: Identifier | None = None


class LogoDraft(LogoSpec):
    """A picture in a corner of the screen, as a person sends it: `media` is a picture."""

    id: Identifier | None = None
    media: Identifier


OverlayDraft = Annotated[TickerDraft | LogoDraft, Field(discriminator="kind")]


class ScheduleDraft(Draft):
    """Everything that decides what a channel plays and when, and what is shown over it.

    `zone` None: nobody named one; each device then uses its system's. `fallback` is a media that is a picture.
    `warnings` say in the answer to a change what ads cannot get; what is sent of them is ignored.
    `warnings_told` has their codes and values, in the same order.
    """

    zone: TimeZone | None = None
    default_playlist: Identifier | None = None
    break_rule: BreakDraft = BreakDraft()
    fallback: Identifier | None = None
    dayparts: Annotated[tuple[DaypartDraft, ...], FailFast(), Field(max_length=MAX_DAYPARTS)] = ()
    overlays: Annotated[tuple[OverlayDraft, ...], FailFast(), Field(max_length=MOST_OVERLAYS)] = ()
    warnings: tuple[str, ...] = ()
    warnings_told: tuple[Told, ...] = ()


class StoredSchedule(ScheduleDraft):
    """A channel's schedule as it is stored; `sequence` is that of its newest release, 0 before the first.

    `ready_version` is the one that releases are made of; a newer one is a draft. Without it none was ever ready.
    `space` is where it lies; it is left out if that is the default one.
    """

    channel: Identifier
    version: int
    ready_version: int | None = None
    sequence: int
    space: Identifier | None = Field(None, exclude_if=is_none)
