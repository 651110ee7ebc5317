"""Wire models, downwards: what an origin signs and a device plays (see `docs/architecture.md`, "Content on the wire").

The bytes as received are what is hashed and verified; a model is never serialised again to check it.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from sync.wire.base import Colour, Identifier, Instant, LocalTime, Name, Sha256, Wire
from sync.wire.lenient_lists import LeftOut, LenientList
from sync.wire.overlay import Overlay
from sync.wire.stream_url import StreamUrl, stream_name

TIMESTAMP_CAP_BYTES = 16 * 1024
ROOT_CAP_BYTES = 512 * 1024
RELEASE_CAP_BYTES = 5 * 1024 * 1024
INDEX_CAP_BYTES = 2 * 1024 * 1024

TIMESTAMP_DOMAIN = b"signage/timestamp/1\0"
ROOT_DOMAIN = b"signage/root/1\0"

Weekday = Annotated[int, Field(ge=1, le=7)]
"""ISO weekday, Monday is 1."""

WholeShare = 1_000_000
"""All of the ad airtime, in parts per million."""


class Signature(Wire):
    """One key's signature over domain tag + payload; `signature` is base64."""

    key: Sha256
    signature: str


class Envelope(Wire):
    """A signed document: `payload` is the base64 of the exact signed bytes."""

    payload: str
    signatures: tuple[Signature, ...]


class Role(Wire):
    """Which keys may sign something, and how many must."""

    keys: tuple[Sha256, ...]
    threshold: Annotated[int, Field(ge=1)] = 1


class Root(Wire):
    """The anchor of trust: key id (SHA-256 of the raw public key) to base64 raw Ed25519 key, and who may sign what.

    `roots/{n+1}.json` is signed by a threshold of root n and of itself.
    """

    version: Annotated[int, Field(ge=1)]
    expires_at: Instant
    keys: dict[Sha256, str]
    root: Role
    timestamp: Role


class Timestamp(Wire):
    """The small signed pointer of a channel; `sequence` only ever grows."""

    channel: Identifier
    sequence: Annotated[int, Field(ge=1)]
    release: Sha256
    release_bytes: Annotated[int, Field(ge=1, le=RELEASE_CAP_BYTES)]
    issued_at: Instant
    expires_at: Instant


class MediaKind(StrEnum):
    """How a deck has to treat an asset."""

    VIDEO = "video"
    PICTURE = "picture"
    STREAM = "stream"  # from the network while it plays; never an asset's kind


class Fit(StrEnum):
    """How media of another shape fills the screen."""

    CONTAIN = "contain"  # all of it, with background beside
    COVER = "cover"  # fill, cutting what stands over
    FILL = "fill"  # fill, distorted


class AtEnd(StrEnum):
    """What a running item does when its daypart ends."""

    CUT = "cut"
    FINISH = "finish"


class Asset(Wire):
    """A media file named by the SHA-256 of its bytes; `index` names its chunk list."""

    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=1)]
    index: Sha256
    kind: MediaKind
    media_type: str
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    duration_ms: Annotated[int, Field(ge=1)] | None = None  # None for pictures
    has_audio: bool = False
    loudness_lufs: float | None = None  # of the whole sound, EBU R128; None: silent, too short, or not measured


class Stream(Wire):
    """A network stream, named by the SHA-256 of its address; `asset` of an item or creative may name one."""

    sha256: Sha256
    url: StreamUrl

    @model_validator(mode="after")
    def _named(self) -> "Stream":
        if self.sha256 != stream_name(self.url):
            raise ValueError("is not named by its address")
        return self


class Item(Wire):
    """One entry of a playlist: an asset or a stream, and how to show it.

    `starts_at <= t < ends_at` bounds when it may start.
    """

    id: Identifier
    title: Name
    asset: Sha256
    duration_ms: Annotated[int, Field(ge=1)] | None = None  # None plays a video or stream to its end
    loop: bool = False  # a video that is shorter than `duration_ms` starts over
    fit: Fit | None = None  # None: as the screen's own settings say
    background: Colour | None = None
    volume: Annotated[int, Field(ge=0, le=100)] = 100
    at_end: AtEnd = AtEnd.CUT
    starts_at: Instant | None = None
    ends_at: Instant | None = None


class Playlist(Wire):
    """Ordered items, played round and round."""

    id: Identifier
    name: Name
    items: LenientList[Item]


class LocalWindow(Wire):
    """A weekly window in the venue's local time, half-open.

    `end` at or before `start` runs over midnight and belongs to the day it starts; `start == end` is 24 hours.
    """

    weekdays: tuple[Weekday, ...] = (1, 2, 3, 4, 5, 6, 7)
    start: LocalTime = "00:00"
    end: LocalTime = "24:00"


class Daypart(LocalWindow):
    """Puts a playlist on air inside its window; the highest priority wins, then the smallest id."""

    id: Identifier
    name: Name
    playlist: Identifier
    priority: int = 0
    first_day: date | None = None  # local dates, both inclusive, of the day the window starts
    last_day: date | None = None


class Creative(Wire):
    """The asset a line shows, and for how long; None plays a video to its end."""

    id: Identifier
    title: Name
    asset: Sha256
    duration_ms: Annotated[int, Field(ge=1)] | None = None
    fit: Fit | None = None  # None: as the screen's own settings say
    background: Colour | None = None
    volume: Annotated[int, Field(ge=0, le=100)] = 100


class Line(Wire):
    """One deliverable of a campaign.

    `share_ppm` is its share of ad slots while in flight and in a window (parts per million); without it the line
    takes part in what shares leave, by `weight`. Gaps count ad slots since the last ad with the same key.
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
    """An advertiser's booking with flight dates, half-open."""

    id: Identifier
    name: Name
    advertiser: Name
    starts_at: Instant
    ends_at: Instant
    lines: LenientList[Line]


class BreakRule(Wire):
    """When a break of ads stands between items: after every `every_items` items, `ads` slots long."""

    every_items: Annotated[int, Field(ge=1, le=1000)] = 1
    ads: Annotated[int, Field(ge=1, le=20)] = 1


class Release(Wire):
    """All that the devices of a channel need, bound by its hash in the timestamp."""

    format: Annotated[int, Field(ge=1, le=1)] = 1
    channel: Identifier
    created_at: Instant
    zone: str = "UTC"  # IANA zone of the venue, unless the device's settings say otherwise
    default_playlist: Identifier | None = None  # on air when no daypart is
    playlists: LenientList[Playlist] = ()
    dayparts: LenientList[Daypart] = ()
    campaigns: LenientList[Campaign] = ()
    break_rule: BreakRule = BreakRule()
    assets: LenientList[Asset] = ()
    streams: LenientList[Stream] = ()
    fallback: Sha256 | None = None  # a picture among the assets, for the root window
    overlays: LenientList[Overlay] = ()  # the last in front
    left_out: Annotated[tuple[LeftOut, ...], Field(exclude=True)] = ()  # never sent: by who read it
