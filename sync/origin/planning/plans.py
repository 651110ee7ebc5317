"""The documents people plan with, as sent and as stored: playlists, schedules with overlays, and campaigns.

A draft is what a person sends; an unknown field is an error. What is stored is the draft with all its ids, a version,
and facts about the media it shows. Its parts can be edited and sent again as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Annotated, Literal, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from sync.wire.base import Colour, Identifier, Instant, Name, Request, Wire
from sync.wire.overlay import MOST_OVERLAYS, Bounded, LogoStyle, TickerStyle
from sync.wire.release import Asset, AtEnd, BreakRule, Fit, LocalWindow, WholeShare
from sync.wire.stream_url import ShownUrl

MAX_ITEMS = 10_000
MAX_DAYPARTS = 1_000
MAX_LINES = 200
MAX_CREATIVES = 100
MAX_DURATION_MS = 24 * 3_600_000
MIN_DURATION_MS = 100  # anything shorter is only a flicker

Entries = TypeVar("Entries", bound=tuple[object, ...])

_MACHINE_ZONES = ("localtime", "Factory")  # they differ from machine to machine


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - set(_MACHINE_ZONES) | {"UTC"}


def _known_zone(zone: str) -> str:
    if zone not in _zones():
        raise ValueError("not an IANA time zone such as Europe/Berlin")
    return zone


def _whole_week(days: tuple[int, ...]) -> tuple[int, ...]:
    if not days or len(set(days)) != len(days):
        raise ValueError("name each weekday once, 1 (Monday) to 7 (Sunday), and at least one")
    return tuple(sorted(days))


def not_empty(entries: Entries) -> Entries:
    """Refuse an empty list; `min_length` would also refuse a list whose only entry is wrong.

    Raises:
        ValueError: it is empty.
    """
    if not entries:
        raise ValueError("at least one is needed")
    return entries


def _after_start(ends_at: datetime | None, info: ValidationInfo) -> datetime | None:
    starts_at = info.data.get("starts_at")
    if ends_at is not None and starts_at is not None and ends_at <= starts_at:
        raise ValueError("must be after starts_at")
    return ends_at


TimeZone = Annotated[str, AfterValidator(_known_zone)]
"""An IANA time zone that every device knows."""

_End = Annotated[Instant, AfterValidator(_after_start)]

Duration = Annotated[int, Field(ge=MIN_DURATION_MS, le=MAX_DURATION_MS)]
"""How long something is shown, in milliseconds."""


class MediaFact(Wire):
    """What a plan needs to know about a media it shows; `asset` is set once `state` is ready.

    A stream is ready from the start, and has a `url` instead of an asset.
    """

    name: str
    state: Literal["queued", "processing", "ready", "failed"]
    problem: str | None = None
    asset: Asset | None = None
    url: ShownUrl | None = None  # of a stream


class Document(Request):
    """What is stored of every document beside its draft; `media` has the facts about each media it shows, by id."""

    id: Identifier
    version: int  # the number of its changes, used as ETag
    updated_at: Instant
    media: Mapping[str, MediaFact]


class MediaUse(Request):
    """A media and how to show it. Without a title it has the name of the media.

    Without `duration_ms` a video plays to its end and a picture is shown for ten seconds. Without `fit` or `background`
    each screen's own settings count.
    """

    id: Identifier | None = None
    media: Identifier
    title: Name | None = None
    duration_ms: Duration | None = None
    fit: Fit | None = None
    background: Colour | None = None
    volume: Annotated[int, Field(ge=0, le=100)] = 100


class PlaylistItem(MediaUse):
    """One entry of a playlist; sent with its id, it keeps its position in the rotation of the devices.

    With `loop` a video that is shorter than `duration_ms` starts again.
    """

    loop: bool = False
    at_end: AtEnd = AtEnd.CUT
    starts_at: Instant | None = None
    ends_at: _End | None = None


class PlaylistDraft(Request):
    """A playlist as a person sends it."""

    name: Name
    items: Annotated[tuple[PlaylistItem, ...], Field(max_length=MAX_ITEMS)] = ()


class StoredPlaylist(PlaylistDraft, Document):
    """A playlist as it is stored."""


class BreakDraft(BreakRule):
    """How often ads are shown between items, as a person sends it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WindowDraft(LocalWindow):
    """A weekly window as a person sends it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weekdays: Annotated[tuple[Annotated[int, Field(ge=1, le=7)], ...], AfterValidator(_whole_week)] = tuple(range(1, 8))
    start: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "00:00"


class DaypartDraft(WindowDraft):
    """Shows a playlist inside its window; the highest priority wins."""

    id: Identifier | None = None
    name: Name
    playlist: Identifier
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    first_day: date | None = None
    last_day: date | None = None

    @field_validator("last_day")
    @classmethod
    def _in_order(cls, last_day: date | None, info: ValidationInfo) -> date | None:
        first_day = info.data.get("first_day")
        if last_day is not None and first_day is not None and last_day < first_day:
            raise ValueError("must not be before first_day")
        return last_day


class _OverlaySpec(Bounded):
    model_config = ConfigDict(frozen=True, extra="forbid")

    _in_order = field_validator("ends_at")(_after_start)


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


class ScheduleDraft(Request):
    """Everything that decides what a channel plays and when, and what is shown over it.

    `fallback` is a media that is a picture.
    """

    zone: TimeZone = "UTC"
    default_playlist: Identifier | None = None
    break_rule: BreakDraft = BreakDraft()
    fallback: Identifier | None = None
    dayparts: Annotated[tuple[DaypartDraft, ...], Field(max_length=MAX_DAYPARTS)] = ()
    overlays: Annotated[tuple[OverlayDraft, ...], Field(max_length=MOST_OVERLAYS)] = ()


class StoredSchedule(ScheduleDraft):
    """A channel's schedule as it is stored; `sequence` is that of its newest release, 0 before the first."""

    channel: Identifier
    version: int
    sequence: int


class CreativeDraft(MediaUse):
    """What a line shows."""


class LineDraft(Request):
    """One deliverable of a campaign; for `share_ppm` and the gaps see `sync.wire.release.Line`."""

    id: Identifier | None = None
    name: Name
    creatives: Annotated[tuple[CreativeDraft, ...], AfterValidator(not_empty), Field(max_length=MAX_CREATIVES)]
    category: Annotated[str, StringConstraints(max_length=64)] = ""
    share_ppm: Annotated[int, Field(ge=1, le=WholeShare)] | None = None
    weight: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    windows: tuple[WindowDraft, ...] = ()
    category_gap: Annotated[int, Field(ge=0, le=100)] = 1
    advertiser_gap: Annotated[int, Field(ge=0, le=100)] = 1


class CampaignDraft(Request):
    """An advertiser's booking as a person sends it; without a channel it runs on all of them."""

    name: Name
    advertiser: Name
    channel: Identifier | None = None
    starts_at: Instant
    ends_at: _End
    lines: Annotated[tuple[LineDraft, ...], AfterValidator(not_empty), Field(max_length=MAX_LINES)]

    @field_validator("lines")
    @classmethod
    def _within_all_slots(cls, lines: tuple[LineDraft, ...]) -> tuple[LineDraft, ...]:
        if sum(line.share_ppm or 0 for line in lines) > WholeShare:
            raise ValueError(f"all shares together are more than all ad slots ({WholeShare} ppm)")
        return lines


class StoredCampaign(CampaignDraft, Document):
    """A campaign as it is stored."""


@dataclass(frozen=True, slots=True)
class ChannelPlan:
    """Everything a release of one channel is made from, read at one moment.

    `fallback` has the facts about the fallback media, `logos` about the media of logos, by id.
    """

    schedule: StoredSchedule
    playlists: tuple[StoredPlaylist, ...]
    campaigns: tuple[StoredCampaign, ...]
    fallback: MediaFact | None
    logos: Mapping[str, MediaFact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """One release that was published; `asset_bytes` is what a device without any content downloads for it."""

    channel: str
    sequence: int
    sha256: str
    size_bytes: int
    created_ms: int
    items: int
    ads: int
    asset_bytes: int
    note: str | None
