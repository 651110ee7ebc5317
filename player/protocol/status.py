"""The models of `/v1/status`: the state of this player, for the page, the heartbeat and monitoring."""

from typing import Any, Literal, get_args

from pydantic import Field

from sync.errors import trust_text
from sync.wire.device_reports import ComingRelease
from sync.wire.value_types import Instant, Wire


class SourceStatus(Wire):
    """A server that media are fetched from, the preferred one first."""

    name: str  # `mirror-1` … of the settings, `signed-mirror-1` … of the origin, `origin`
    url: str
    received_bytes: int  # since the connection to this origin was set up, also bytes of no use
    bytes_s: float  # what one connection reached lately; 0: not known
    errors: int
    problem: str  # why it is not asked now; empty: it is
    waiting_s: float


class AssetProblemStatus(Wire):
    """A file that failed at its last try; the others are fetched meanwhile."""

    asset: str
    problem: str
    waiting_s: float


class BandwidthStatus(Wire):
    """The limits for fetching media that hold now, in kbit/s; None: no limit, 0: none are fetched."""

    all_kbit_s: float | None = None
    line_kbit_s: float | None = None  # from outside the venue
    until: Instant | None = None  # when other limits hold; None: no change is in sight


ReleaseState = Literal["active", "known", "fetching", "waiting", "refused"]
RELEASE_STATES: tuple[ReleaseState, ...] = get_args(ReleaseState)


class ReleaseStatus(Wire):
    """A release that this device knows: the one that plays, the one that comes, and one that it refuses."""

    state: ReleaseState
    release: str | None = None  # None: it was not read
    sequence: int | None = None
    why: str = ""  # it waits, or is refused


class SyncStatus(Wire):
    """How far the device is with the content the origin wants it to have."""

    state: str = "unpaired"
    release: str | None = None
    sequence: int | None = None
    preparing: str | None = None
    bytes_to_do: int = 0
    bytes_done: int = 0
    age_s: float | None = None  # since the origin last confirmed the release that plays
    confirmed_at: Instant | None = None
    problem: str = ""
    trust: str = ""  # the rule that the last document broke, see docs/reference/problems.md; empty: none
    trust_text: str = trust_text()  # the same in words
    refused: dict[str, int] = Field(default_factory=dict)  # documents by the rule they broke, since start
    waiting_s: float = 0.0
    waiting_for: str = ""  # `budget`: media wait for the next month (see `traffic`); empty: for the next try
    failing_assets: int = 0  # files that failed at their last try
    asset_problems: tuple[AssetProblemStatus, ...] = ()  # of some of them
    releases: tuple[ReleaseStatus, ...] = ()
    coming: ComingRelease | None = None  # None: nothing is being fetched
    bytes_s: float | None = None  # at which media come under the limits of now, measured; None: not known
    reserve_bytes: int = 0  # that stay free on the disk
    spare_bytes: int = 0  # of files that no release names: they go when room is needed
    sources: tuple[SourceStatus, ...] = ()
    limits: BandwidthStatus | None = None  # None: nothing is limited, now or later


class TrafficStatus(Wire):
    """What this screen sent and received in a calendar month of the venue, and the budget of the month."""

    month: str
    since: Instant  # when counting began in it
    sent_bytes: int
    received_bytes: int
    stream_bytes: int  # the part of both that network streams have
    complete: bool  # False: the count was damaged in this month, and nobody knows what it had before
    budget_bytes: int | None = None  # None: there is no budget
    reserve_bytes: int = 0
    left_bytes: int | None = None  # for media
    spent: bool = False
    goes_on_at: Instant | None = None  # when the next month begins; None: the clock is not set
    let_through: str = ""  # the release whose media need no budget
    earlier: dict[str, int] = Field(default_factory=dict)  # all bytes of months before


class KeyStatus(Wire):
    """The key with which this screen signs its log of plays. It signs nothing until the origin has certified it."""

    id: str = ""  # the SHA-256 of its public part; empty: there is none yet
    certified: bool = False
    replacing: bool = False  # another key waits for its certificate; this one signs until then
    waits: str = ""  # why the next step has not happened; empty: nothing is waited for


class OverlayStatus(Wire):
    """An overlay that is due: its text, its place, and whether it is on the display."""

    id: str
    kind: str
    text: str  # empty for a logo
    place: str
    shown: bool


class SoundStatus(Wire):
    """The volume of the screen in percent; `why` it is lower than configured, and until when."""

    volume: int
    why: Literal["", "muted", "quiet hours"]
    until: Instant | None = None


class Status(Wire):
    """The state of this player."""

    at: Instant
    version: str
    name: str
    device: str | None
    channel: str | None
    origin: str
    zone: str
    pairing_code: str | None
    healthy: bool
    problems: tuple[str, ...]
    problem_codes: tuple[str, ...] = ()  # the kind of each of `problems`, see docs/reference/problems.md
    sync: SyncStatus
    traffic: TrafficStatus
    outbox_depth: int
    decks: dict[str, Any]
    display: dict[str, Any]
    service_restarts: dict[str, int]
    restart_needed: tuple[str, ...]
    overlays: tuple[OverlayStatus, ...]
    sound: SoundStatus
    key: KeyStatus | None = None  # None: not paired with the origin of the settings, or an older player
    health: dict[str, float | int | str | bool | None]
