"""What plans have in common: limits, types of fields, the use of a media, and the head of a stored document.

A draft is what a person sends; an unknown field is an error. What is stored is the draft with all its ids, a version,
and facts about the media it shows. Its parts can be edited and sent again as they are.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Literal, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from sync.wire.release import Asset, Fit
from sync.wire.stream_url import ShownUrl
from sync.wire.value_types import Colour, Identifier, Instant, Name, Request, Wire, is_none

MAX_ITEMS = 10_000
MOST_VALUES = 12 * MAX_ITEMS
"""The most values in one document of a plan: all items of the longest playlist with all their fields."""
MAX_DAYPARTS = 1_000
MAX_LINES = 200
MAX_WINDOWS = 100
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


def whole_week(days: tuple[int, ...]) -> tuple[int, ...]:
    """Refuse a list of weekdays that is empty or names a day twice."""
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


def ends_after_start(ends_at: datetime | None, info: ValidationInfo) -> datetime | None:
    """Refuse an end that is not after `starts_at`."""
    starts_at = info.data.get("starts_at")
    if ends_at is not None and starts_at is not None and ends_at <= starts_at:
        raise ValueError("must be after starts_at")
    return ends_at


TimeZone = Annotated[str, AfterValidator(_known_zone)]
"""An IANA time zone that every device knows."""

End = Annotated[Instant, AfterValidator(ends_after_start)]

Duration = Annotated[int, Field(ge=MIN_DURATION_MS, le=MAX_DURATION_MS)]
"""How long something is shown, in milliseconds."""


_TOLD = {"ready_version", "space"}


class Draft(Request):
    """A plan as a person sends it.

    Which version is ready and in which space it lies is ignored: earlier clients send back what they do not know.
    """

    @model_validator(mode="before")
    @classmethod
    def _without_what_is_told(cls, document: object) -> object:
        told = _TOLD - cls.model_fields.keys()
        if isinstance(document, dict) and not told.isdisjoint(document):
            return {name: value for name, value in document.items() if name not in told}
        return document


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
    """What is stored of every document beside its draft; `media` has the facts about each media it shows, by id.

    `ready_version` is the one that releases are made of; a newer one is a draft. Without it none was ever ready.
    `space` is where it lies; it is left out if that is the default one, or one may not see it.
    """

    id: Identifier
    version: int  # the number of its changes, used as ETag
    ready_version: int | None = None
    updated_at: Instant
    media: Mapping[str, MediaFact]
    space: Identifier | None = Field(None, exclude_if=is_none)


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
