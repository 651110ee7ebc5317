"""Wire models, upwards: what a device tells its origin (pairing, plays, heartbeats) and what it is answered."""

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from sync.runtime.clock import ClockTrust
from sync.wire.base import Identifier, Instant, Name, Sha256, Wire
from sync.wire.release import Envelope

BATCH_LIMIT = 500
"""Most plays in one batch."""

LogEpoch = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""Random name of one life of a plays database: a re-flashed card never re-uses a sequence."""


GENESIS = "0" * 64
"""What the first play of a log names as the hash before it."""


class PlayKind(StrEnum):
    """What a take showed."""

    ITEM = "item"
    AD = "ad"


class Outcome(StrEnum):
    """How a take that reached the screen ended."""

    COMPLETE = "complete"  # all of its expected time, within the tolerance
    PARTIAL = "partial"  # cut short by schedule or operator
    FAILED = "failed"  # stopped by an error
    INTERRUPTED = "interrupted"  # the device stopped: power, kill, crash


class ScreenState(StrEnum):
    """What is known of the display while the take was on air."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


class Play(Wire):
    """The proof: one take that was on the screen. Facts only; what is billable is decided at the origin.

    `hash` is `play_hash` of it: the SHA-256 over `previous_hash` and the canonical JSON of all other fields.
    """

    device: Identifier
    log_epoch: LogEpoch
    sequence: Annotated[int, Field(ge=1)]
    take: Identifier
    kind: PlayKind
    release: Sha256
    asset: Sha256
    title: Name
    playlist: Identifier | None = None
    item: Identifier | None = None
    campaign: Identifier | None = None
    advertiser: Name | None = None
    line: Identifier | None = None
    creative: Identifier | None = None
    started_at: Instant
    ended_at: Instant
    zone: str
    rendered_ms: Annotated[int, Field(ge=0)]
    expected_ms: Annotated[int, Field(ge=0)] | None = None  # None: the media's own end, unknown before
    outcome: Outcome
    reason: str = ""  # why it ended, in a word or two: `eof`, `duration`, `daypart`, `operator`, an error
    frames_lost: Annotated[int, Field(ge=0)] | None = None
    screen: ScreenState = ScreenState.UNKNOWN
    clock: ClockTrust = ClockTrust.UNSYNCED
    relaxed: tuple[str, ...] = ()  # soft ad rules given up for this slot
    previous_hash: Sha256
    hash: Sha256


def play_hash(previous_hash: str, document: Mapping[str, Any]) -> str:
    """Return the hash of a play as sent: its JSON object, fields we do not know included.

    Canonical JSON is ASCII with sorted keys and no spaces; `hash`, `previous_hash` and fields that are null stay out of
    it, so that a field added later does not change older plays.
    """
    left_out = ("hash", "previous_hash")
    fields = {key: value for key, value in document.items() if value is not None and key not in left_out}
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{previous_hash}{canonical}".encode()).hexdigest()


class PlayBatch(Wire):
    """Plays as raw objects, so that one that does not parse does not spoil its batch."""

    plays: Annotated[tuple[dict[str, Any], ...], Field(max_length=BATCH_LIMIT)]


class Receipt(Wire):
    """What became of one play: `conflict` is the same key with another content, kept for inspection."""

    sequence: int | None
    status: Literal["accepted", "duplicate", "conflict", "invalid"]
    detail: str = ""


class BatchAnswer(Wire):
    """One receipt per play in the order sent; `high_water` is the highest sequence with no gap below it."""

    receipts: tuple[Receipt, ...]
    log_epoch: str | None = None
    high_water: int = 0


class OnAir(Wire):
    """What the screen shows, for people."""

    title: str
    kind: PlayKind | Literal["fallback", "blank"]
    asset: Sha256 | None = None
    since: Instant | None = None


class Heartbeat(Wire):
    """A device's pulse: what it plays, what it holds, how it feels."""

    at: Instant
    version: str
    release: Sha256 | None = None
    preparing: Sha256 | None = None  # the release being fetched: the origin keeps its content for us
    sequence: int | None = None
    zone: str = "UTC"
    on_air: OnAir | None = None
    next_title: str = ""
    outbox_depth: int = 0
    sync_age_s: float | None = None  # since the origin last confirmed what we play
    problems: tuple[str, ...] = ()  # what a technician should know, one sentence each
    health: dict[str, float | int | str | bool | None] = Field(default_factory=dict)


class PairingRequest(Wire):
    """A device asks to belong. With the origin's enrolment key it is let in at once; else a person types the code."""

    name: Name
    secret: Sha256  # random, made by the device: proves later polls come from it
    enrolment_key: str | None = None


class PairingAnswer(Wire):
    """The device checks that `root` hashes into the code it shows: see `sync.trust.signing.pairing_code`."""

    pairing: Identifier
    root: Envelope
    expires_at: Instant


class PairingState(Wire):
    """Answer to a poll; the token comes exactly once."""

    status: Literal["waiting", "paired", "expired"]
    device: Identifier | None = None
    token: str | None = None
    channel: Identifier | None = None
