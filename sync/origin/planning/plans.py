"""What people plan with: playlists, schedules and campaigns as they are sent, kept and given back.

A draft is what somebody sends (unknown fields are errors). What is kept of it is the draft with its ids filled in, its
version, and facts on the media it shows, so that an answer can be edited and sent again part by part.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Annotated, Literal, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from sync.origin.planning.overlay_plans import OverlayDraft
from sync.wire.base import Colour, Identifier, Instant, Name, Request, Wire
from sync.wire.overlay import MOST_OVERLAYS
from sync.wire.release import Asset, AtEnd, BreakRule, Fit, LocalWindow, WholeShare
from sync.wire.stream_url import ShownUrl

MAX_ITEMS = 10_000
MAX_DAYPARTS = 1_000
MAX_LINES = 200
MAX_CREATIVES = 100
MAX_DURATION_MS = 24 * 3_600_000
MIN_DURATION_MS = 100  # below, a screen only flickers

Entries = TypeVar("Entries", bound=tuple[object, ...])

_NO_ZONES = ("localtime", "Factory")  # they mean another zone on another machine


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - set(_NO_ZONES) | {"UTC"}


def _known_zone(zone: str) -> str:
    if zone not in _zones():
        raise ValueError("not an IANA time zone such as Europe/Berlin")
    return zone


def _whole_week(days: tuple[int, ...]) -> tuple[int, ...]:
    if not days or len(set(days)) != len(days):
        raise ValueError("name each weekday once, 1 (Monday) to 7 (Sunday), and at least one")
    return tuple(sorted(days))


def not_empty(entries: Entries) -> Entries:
    """Refuse an empty list; `min_length` would also call a list too short whose only entry is wrong.

    Raises:
        ValueError: it is empty.
    """
    if not entries:
        raise ValueError("at least one is needed")
    return entries


def _after(ends_at: datetime | None, starts_at: datetime | None) -> datetime | None:
    if ends_at is not None and starts_at is not None and ends_at <= starts_at:
        raise ValueError("must be after starts_at")
    return ends_at


TimeZone = Annotated[str, AfterValidator(_known_zone)]
"""An IANA time zone every device knows."""

Duration = Annotated[int, Field(ge=MIN_DURATION_MS, le=MAX_DURATION_MS)]
"""How long something shows, in milliseconds."""


class MediaFact(Wire):
    """What a plan needs to know of a media it shows; `asset` is there once `state` is ready.

    A stream is ready from the start, and has an `url` instead.
    """

    name: str
    state: Literal["queued", "processing", "ready", "failed"]
    problem: str | None = None
    asset: Asset | None = None
    url: ShownUrl | None = None  # of a stream


class Document(Request):
    """What is kept of every document beside its draft; `media` tells of each media it shows, by id."""

    id: Identifier
    version: int  # counts its changes: the ETag
    updated_at: Instant
    media: Mapping[str, MediaFact]


class MediaUse(Request):
    """A media and how to show it. Without a title it goes by the media's name.

    Without `duration_ms` a video plays to its end and a picture stands for ten seconds. Without `fit` or `background`
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
    """One entry of a playlist; an id that comes back keeps its place in the rotation of the devices.

    `loop` has a video that is shorter than `duration_ms` start over.
    """

    loop: bool = False
    at_end: AtEnd = AtEnd.CUT
    starts_at: Instant | None = None
    ends_at: Instant | None = None

    @field_validator("ends_at")
    @classmethod
    def _in_order(cls, ends_at: datetime | None, info: ValidationInfo) -> datetime | None:
        return _after(ends_at, info.data.get("starts_at"))


class PlaylistDraft(Request):
    """A playlist as a person sends it."""

    name: Name
    items: Annotated[tuple[PlaylistItem, ...], Field(max_length=MAX_ITEMS)] = ()


class StoredPlaylist(PlaylistDraft, Document):
    """A playlist as it is kept."""


class BreakDraft(BreakRule):
    """When ads stand between items, as a person sends it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WindowDraft(LocalWindow):
    """A weekly window as a person sends it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weekdays: Annotated[tuple[Annotated[int, Field(ge=1, le=7)], ...], AfterValidator(_whole_week)] = tuple(range(1, 8))
    start: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "00:00"


class DaypartDraft(WindowDraft):
    """Puts a playlist on air inside its window; the highest priority wins."""

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


class ScheduleDraft(Request):
    """All of what decides when something plays on a channel, and what stands over it.

    `fallback` is a media that is a picture.
    """

    zone: TimeZone = "UTC"
    default_playlist: Identifier | None = None
    break_rule: BreakDraft = BreakDraft()
    fallback: Identifier | None = None
    dayparts: Annotated[tuple[DaypartDraft, ...], Field(max_length=MAX_DAYPARTS)] = ()
    overlays: Annotated[tuple[OverlayDraft, ...], Field(max_length=MOST_OVERLAYS)] = ()


class StoredSchedule(ScheduleDraft):
    """A channel's schedule as it is kept; `sequence` is that of its newest release, 0 before the first."""

    channel: Identifier
    version: int
    sequence: int


class CreativeDraft(MediaUse):
    """What a line shows."""


class LineDraft(Request):
    """One deliverable of a campaign; `share_ppm` and gaps as in `sync.wire.release.Line`."""

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
    ends_at: Instant
    lines: Annotated[tuple[LineDraft, ...], AfterValidator(not_empty), Field(max_length=MAX_LINES)]

    @field_validator("ends_at")
    @classmethod
    def _in_order(cls, ends_at: datetime | None, info: ValidationInfo) -> datetime | None:
        return _after(ends_at, info.data.get("starts_at"))

    @field_validator("lines")
    @classmethod
    def _possible(cls, lines: tuple[LineDraft, ...]) -> tuple[LineDraft, ...]:
        if sum(line.share_ppm or 0 for line in lines) > WholeShare:
            raise ValueError(f"together they share more than all of the ad slots ({WholeShare} ppm)")
        return lines


class StoredCampaign(CampaignDraft, Document):
    """A campaign as it is kept."""


@dataclass(frozen=True, slots=True)
class ChannelPlan:
    """All that a release of one channel is made from, read at one moment.

    `fallback` tells of the fallback media, `logos` of those of overlays, by id.
    """

    schedule: StoredSchedule
    playlists: tuple[StoredPlaylist, ...]
    campaigns: tuple[StoredCampaign, ...]
    fallback: MediaFact | None
    logos: Mapping[str, MediaFact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """One release that was published; `asset_bytes` is what a fresh device downloads for it."""

    channel: str
    sequence: int
    sha256: str
    size_bytes: int
    created_ms: int
    items: int
    ads: int
    asset_bytes: int
    note: str | None
