"""The documents from origin to device: what an origin signs and a device plays (see `docs/architecture.md`).

Hashes and signatures cover the received bytes. A model is never serialized again to check it.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import FailFast, Field, StringConstraints, model_validator

from sync.wire.lenient_lists import LeftOut, LenientList
from sync.wire.overlay import Overlay
from sync.wire.stream_url import StreamUrl, stream_name
from sync.wire.value_types import Colour, Identifier, Instant, LocalTime, Name, Sha256, Wire
from sync.wire.value_types import Fit as Fit
from sync.wire.value_types import MediaKind as MediaKind

TIMESTAMP_CAP_BYTES = 16 * 1024
ROOT_CAP_BYTES = 512 * 1024
RELEASE_CAP_BYTES = 5 * 1024 * 1024
INDEX_CAP_BYTES = 2 * 1024 * 1024

MOST_BOOKINGS_FILES = 1_000
"""Files of bookings of one release."""

TIMESTAMP_DOMAIN = b"signage/timestamp/1\0"
ROOT_DOMAIN = b"signage/root/1\0"
IDENTITY_DOMAIN = b"signage/identity/1\0"
ENROLMENT_DOMAIN = b"signage/enrolment/1\0"

MOST_KEYS = 256
"""Most keys of a role, and most signatures of a document."""

MOST_NUMBER = 2**53 - 1
"""The largest whole number that every JSON reader and database keeps exactly (RFC 8259, section 6)."""

Duration = Annotated[int, Field(ge=1, le=10 * 366 * 86_400_000)]
"""Milliseconds, at most ten years: an end can be computed from every start."""

Weekday = Annotated[int, Field(ge=1, le=7)]
"""ISO weekday, Monday is 1."""

WholeShare = 1_000_000
"""The total of the ad airtime, in parts per million."""


class Signature(Wire):
    """The signature of one key over domain tag and payload; `signature` is base64."""

    key: Sha256
    signature: str


class Envelope(Wire):
    """A signed document; `payload` is the base64 of the exact signed bytes."""

    payload: str
    signatures: Annotated[tuple[Signature, ...], FailFast(), Field(max_length=MOST_KEYS)]


class SigningRole(Wire):
    """Which keys can sign a document, and how many of them must."""

    keys: Annotated[tuple[Sha256, ...], FailFast(), Field(max_length=MOST_KEYS)]
    threshold: Annotated[int, Field(ge=1, le=MOST_KEYS)] = 1


class Root(Wire):
    """The root of trust: the keys, and which of them sign what.

    `keys` maps the SHA-256 of a raw public key to the base64 of this Ed25519 key.

    `roots/{n+1}.json` is signed by a threshold of root n and of itself.
    """

    version: Annotated[int, Field(ge=1, le=MOST_NUMBER)]
    expires_at: Instant
    keys: dict[Sha256, str]
    root: SigningRole
    timestamp: SigningRole


class Timestamp(Wire):
    """The signed pointer to the release of a channel; `sequence` only increases."""

    channel: Identifier
    sequence: Annotated[int, Field(ge=1, le=MOST_NUMBER)]
    release: Sha256
    release_bytes: Annotated[int, Field(ge=1, le=RELEASE_CAP_BYTES)]
    issued_at: Instant
    expires_at: Instant
    mirrors: tuple[str, ...] = ()
    """Other servers of the same content tree, at `{url}/content/`, which devices ask before the origin."""


class AtEnd(StrEnum):
    """What happens to an item on the screen when its daypart or its own time ends."""

    CUT = "cut"
    FINISH = "finish"


class Asset(Wire):
    """A media file named by the SHA-256 of its bytes; `index` names its chunk list."""

    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=1, le=MOST_NUMBER)]
    index: Sha256
    kind: MediaKind
    media_type: str
    width: Annotated[int, Field(ge=1, le=MOST_NUMBER)]
    height: Annotated[int, Field(ge=1, le=MOST_NUMBER)]
    duration_ms: Duration | None = None  # None for pictures
    has_audio: bool = False
    loudness_lufs: float | None = None  # EBU R128, of all of its sound; None: silent, too short, or not measured


class Stream(Wire):
    """A network stream, named by the SHA-256 of its address. The `asset` of an item or creative can be a stream."""

    sha256: Sha256
    url: StreamUrl

    @model_validator(mode="after")
    def _named(self) -> "Stream":
        if self.sha256 != stream_name(self.url):
            raise ValueError("the name is not the SHA-256 of the address")
        return self


class Item(Wire):
    """One entry of a playlist: an asset or a stream, and how to show it.

    `starts_at <= t < ends_at` bounds when it may start. At `ends_at` it leaves the screen as `at_end` says.
    """

    id: Identifier
    title: Name
    asset: Sha256
    duration_ms: Duration | None = None  # None plays a video or stream to its end
    loop: bool = False  # a video that is shorter than `duration_ms` is repeated
    fit: Fit | None = None  # None: by the settings of the device
    background: Colour | None = None
    volume: Annotated[int, Field(ge=0, le=100)] = 100
    at_end: AtEnd = AtEnd.CUT
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    ends_with_budget: bool = False  # a stream that is not shown while the device's budget of bytes is spent


class Playlist(Wire):
    """Items in their order, repeated without end."""

    id: Identifier
    name: Name
    items: LenientList[Item]


class LocalWindow(Wire):
    """A weekly window in the local time of the venue; `end` is not part of it.

    If `end` is at or before `start`, the window ends on the next day. `start == end` is 24 hours.
    """

    weekdays: tuple[Weekday, ...] = (1, 2, 3, 4, 5, 6, 7)
    start: LocalTime = "00:00"
    end: LocalTime = "24:00"


class Daypart(LocalWindow):
    """Plays a playlist in its window, unless nothing of it can be shown.

    The highest priority wins, then the one that opened last, then the first one in the release.
    """

    id: Identifier
    name: Name
    playlist: Identifier
    priority: int = 0
    first_day: date | None = None  # local dates of the day when the window starts; both are included
    last_day: date | None = None


class Creative(Wire):
    """The asset of an ad, and how long it is shown; None plays a video to its end."""

    id: Identifier
    title: Name
    asset: Sha256
    duration_ms: Duration | None = None
    fit: Fit | None = None  # None: by the settings of the device
    background: Colour | None = None
    volume: Annotated[int, Field(ge=0, le=100)] = 100


class Line(Wire):
    """One part of a campaign with its own rules.

    `share_ppm` is its share of the ad slots in its windows, in parts per million. Lines without a share divide the
    remaining slots by `weight`. A gap is the least number of ad slots between two ads with the same key.
    """

    id: Identifier
    name: Name
    creatives: Annotated[LenientList[Creative], Field(min_length=1)]
    category: Annotated[str, StringConstraints(max_length=64)] = ""
    share_ppm: Annotated[int, Field(ge=1, le=WholeShare)] | None = None
    weight: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    windows: tuple[LocalWindow, ...] = ()  # empty: always
    category_gap: Annotated[int, Field(ge=0, le=100)] = 1
    advertiser_gap: Annotated[int, Field(ge=0, le=100)] = 1


class Campaign(Wire):
    """The booking of an advertiser, from `starts_at` until before `ends_at`."""

    id: Identifier
    name: Name
    advertiser: Name
    starts_at: Instant
    ends_at: Instant
    lines: LenientList[Line]


class BreakRule(Wire):
    """When ads are shown: after every `every_items` items, a break of `ads` slots."""

    every_items: Annotated[int, Field(ge=1, le=1000)] = 1
    ads: Annotated[int, Field(ge=1, le=20)] = 1


class BookingsFile(Wire):
    """A file of bookings that belongs to a release; the first flight in it begins at `starts_at`."""

    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=1, le=RELEASE_CAP_BYTES)]
    starts_at: Instant
    ends_at: Instant  # of the last flight


class Bookings(Wire):
    """Campaigns whose flights begin in one month, or some of them, with all the media that they show."""

    campaigns: LenientList[Campaign]
    assets: LenientList[Asset] = ()
    streams: LenientList[Stream] = ()


class Release(Wire):
    """All that the devices of a channel need; the timestamp names it by its hash.

    Bookings that are too large for it are in files of their own (format 2): a device fetches those whose flights come
    soon, and adds what is in them to the release. `booked` names the ones that it has added.
    """

    format: Annotated[int, Field(ge=1, le=2)] = 1
    channel: Identifier
    created_at: Instant
    zone: str | None = None  # IANA zone of the venue; None: nobody named one, and each device uses its system's
    default_playlist: Identifier | None = None  # plays when no daypart does
    playlists: LenientList[Playlist] = ()
    dayparts: LenientList[Daypart] = ()
    campaigns: LenientList[Campaign] = ()
    break_rule: BreakRule = BreakRule()
    assets: LenientList[Asset] = ()
    streams: LenientList[Stream] = ()
    fallback: Sha256 | None = None  # a picture of `assets`, shown when nothing plays
    overlays: LenientList[Overlay] = ()  # the last in front
    bookings: Annotated[tuple[BookingsFile, ...] | None, Field(max_length=MOST_BOOKINGS_FILES)] = None
    booked: Annotated[frozenset[Sha256], Field(exclude=True)] = frozenset()  # not on the wire
    left_out: Annotated[
        tuple[LeftOut, ...], Field(exclude=True)
    ] = ()  # not on the wire: entries that the reader left out
