"""The base models of the documents between device and origin, and the value types of their fields.

Received documents ignore unknown fields (an old player, a new origin). Requests of people and settings refuse them (a
typo is an error). Names of integers end with the unit; instants are RFC 3339 in UTC; local times are `HH:MM`.
"""

import json
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is before year 1 or after year 9999 in UTC") from error


def _rfc3339(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""Lower-case hex SHA-256: the name of an asset, an index, a release."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""An id, or the name of a channel: safe in a URL and as a file name."""

Token = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,512}$")]
"""A bearer token: what a header can hold."""

Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]+$")
]
"""A name given by people. It never becomes a path, and has no control characters."""


def _as_text(value: object) -> object:
    if isinstance(value, str):
        is_number = ":" not in value and _NUMBER.fullmatch(value) is not None
    else:
        is_number = isinstance(value, int | float)
    if is_number:
        raise ValueError("must be a time such as 2026-11-23T18:00:00Z, not a number")
    return value


_NUMBER = re.compile(r"\s*[-+]?[\d._]+(e[-+]?\d+)?\s*", re.IGNORECASE)  # pydantic would count seconds since 1970

Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_as_text),
    AfterValidator(_in_utc),
    PlainSerializer(_rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment, written in UTC with milliseconds."""


def _in_living_memory(value: datetime) -> datetime:
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise ValueError(f"must be in the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return value


_FIRST_YEAR, _LAST_YEAR = 1970, 2999

AskedInstant = Annotated[Instant, AfterValidator(_in_living_memory)]
"""A moment that somebody asks about. Weeks before and after it are dates too, so that it can be reckoned with."""

LocalTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]
"""Wall-clock time in the venue's zone; `24:00` is the end of the day."""

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
"""A colour as `#rrggbb`."""


class MediaKind(StrEnum):
    """The kind of content of an asset."""

    VIDEO = "video"
    PICTURE = "picture"
    STREAM = "stream"  # received while it plays; never the kind of an asset


class Fit(StrEnum):
    """How media with another aspect ratio fills the screen."""

    CONTAIN = "contain"  # complete, with background beside it
    COVER = "cover"  # fill the screen; the rest is cut off
    FILL = "fill"  # fill the screen, distorted


def is_none(value: object) -> bool:
    """Return whether a field has no value, and is left out of an answer."""
    return value is None


class Wire(BaseModel):
    """A document between device and origin: immutable; unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Request(BaseModel):
    """A document from a person or a page: immutable; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def printable(text: str, longest: int) -> str:
    """Return a foreign text for people: shortened, and without characters that a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:longest])


Model = TypeVar("Model", bound=BaseModel)


class RepeatedName(ValueError):
    """An object of JSON gives a name twice. One reader takes the first value, another the last (RFC 8259, 4)."""

    def __init__(self) -> None:
        super().__init__("it gives a field twice, and readers would not agree on what it says")


def unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these names and values; an `object_pairs_hook`.

    Raises:
        RepeatedName: a name is there twice.
    """
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise RepeatedName
    return fields


_NAMES = json.JSONDecoder(object_pairs_hook=unique_names, parse_int=len, parse_float=len, parse_constant=len)


def refuse_repeated_names(raw: bytes) -> None:
    """Refuse a document that gives a name of an object twice.

    Raises:
        RepeatedName: it does.
        ValueError: it is no JSON.
    """
    try:
        _NAMES.decode(raw.decode())
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def count_values(raw: bytes) -> int:
    """Return how many values a document of JSON has at most, without parsing it. Commas within texts count too."""
    return sum(map(raw.count, (b",", b"[", b"{")))


def read_strictly(model: type[Model], raw: bytes, *, most_values: int = 2_000) -> Model:
    """Return a short document of which no two readers may disagree. Its size is checked before.

    One with more than `most_values` is not parsed: 20,000 would hold the interpreter for 50 ms.

    Raises:
        ValueError: it has too many values, gives a field twice, or does not fit the model.
    """
    if count_values(raw) > most_values:
        raise ValueError(f"it has more than {most_values} values")
    found = model.model_validate_json(raw)
    refuse_repeated_names(raw)
    return found
