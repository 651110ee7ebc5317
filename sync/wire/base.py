"""The base of everything on the wire, and the value types its fields are made of.

Documents we receive ignore fields they do not know (old player, new origin); what people and settings send refuses
them (a typo is an error). Integers carry their unit as a suffix; instants are RFC 3339 UTC; local times are `HH:MM`.
"""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
)


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies before year 1 or after year 9999 in UTC") from error


def _rfc3339(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""Lower-case hex SHA-256: the name of an asset, an index, a release."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""An id we made or a channel name: safe in a URL and as a file name."""

Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]+$")
]
"""What people call a thing; never becomes a path, and holds nothing a terminal or a log would obey."""

Instant = Annotated[
    AwareDatetime, AfterValidator(_in_utc), PlainSerializer(_rfc3339, return_type=str, when_used="json")
]
"""A moment, kept and written in UTC with milliseconds."""

LocalTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]
"""Wall-clock time in the venue's zone; `24:00` is the end of the day."""

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
"""A colour as `#rrggbb`."""


class Wire(BaseModel):
    """A document between device and origin: frozen, and unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Request(BaseModel):
    """What a person or a page sends: frozen, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
