"""The documents from device to origin (pairing, plays, history, heartbeats) and the answers to them."""

import hashlib
import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import FailFast, Field, StringConstraints

from sync.runtime.clock import ClockTrust
from sync.wire.canonical_json import canonical_json
from sync.wire.release import Envelope
from sync.wire.value_types import Identifier, Instant, Name, Sha256, Token, Wire

MOST_MISSING = 100
"""Gaps of a log that one answer names at most."""

BATCH_LIMIT = 500
"""Most plays in one batch."""

READS_BOOKINGS = "bookings"
"""In `Heartbeat.reads`: this device reads releases whose bookings are in files of their own."""

LogEpoch = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""The random id of one database of plays, so that a new database does not repeat the sequences of an old one."""


_LONGEST_S = 10 * 366 * 86_400.0  # what takes longer is never there

GENESIS = "0" * 64
"""The `previous_hash` of the first play of a log."""


class PlayKind(StrEnum):
    """The kind of content of a take."""

    ITEM = "item"
    AD = "ad"


class Outcome(StrEnum):
    """How a take that reached the screen ended."""

    COMPLETE = "complete"  # for all of its expected time, within the tolerance
    PARTIAL = "partial"  # cut short by schedule or operator
    FAILED = "failed"  # stopped by an error
    INTERRUPTED = "interrupted"  # the device stopped: power, kill, crash


class ScreenState(StrEnum):
    """The state of the display during a take."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


BootId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""One start of a machine (`sync.runtime.clock.boot_id`)."""


class ScreenDetail(StrEnum):
    """What is known of the display during a take beyond its `ScreenState`."""

    DISCONNECTED = "disconnected"  # it was unplugged at some look; its state is `off`
    COVERED = "covered"  # its window was covered, moved or hidden for some of the time, which `rendered_ms` leaves out


class EndReason(StrEnum):
    """Why a take ended, as one word, where `reason` is a sentence or does not tell causes apart."""

    PICTURE_STOOD = "picture_stood"  # to its end, but its picture stood still for too long
    MEDIA_FAILED = "media_failed"  # its file, its stream or its picture failed
    DECK_LOST = "deck_lost"  # the process that showed it died or hung, or the display went
    STAGE_CLOSED = "stage_closed"  # all that shows anything ended, and the player with it or not
    PLAYER_ENDED = "player_ended"  # the player was killed or crashed; the machine ran on
    MACHINE_ENDED = "machine_ended"  # power cut, reset or crash of the machine: it has started anew since


Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""A word of a list that later versions may make longer: a reader takes one that it does not know as it is."""

Resolution = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}x[0-9]{1,6}$")]
"""Width and height in pixels, such as `1920x1080`."""


class Play(Wire):
    """The proof of one take on the screen. It has only facts; the origin decides what is billed.

    It lasts until its picture leaves the display. Its last picture may have stayed after the end of its item, which is
    not in `rendered_ms`.
    `hash` is its `play_hash`: the SHA-256 over `previous_hash` and the canonical JSON of all other fields. From
    `decision` to `player` are facts that older players do not send; each is None where it is not known, or as usual.
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
    expected_ms: Annotated[int, Field(ge=0)] | None = None  # None: the media ends by itself, and its length is unknown
    outcome: Outcome
    reason: str = ""  # why it ended: `eof`, `duration`, `daypart`, `operator`, an error
    frames_lost: Annotated[int, Field(ge=0)] | None = None
    screen: ScreenState = ScreenState.UNKNOWN
    clock: ClockTrust = ClockTrust.UNSYNCED
    relaxed: tuple[str, ...] = ()  # soft ad rules that were not kept in this slot
    clock_back_ms: Annotated[int, Field(ge=0)] | None = None  # of `rendered_ms`: its clock was set back into used time
    decision: Annotated[int, Field(ge=0)] | None = None  # of an ad: which choice of this device it was, from 0
    break_slot: Annotated[int, Field(ge=1)] | None = None  # of an ad: its place in its break, from 1
    output: Annotated[str, StringConstraints(max_length=64)] | None = None  # of the display, such as `HDMI-1`
    resolution: Resolution | None = None  # of what the player fills there
    offset_min: Annotated[int, Field(ge=-1440, le=1440)] | None = None  # of local time in `zone`, ahead of UTC
    boot_id: BootId | None = None  # `mono_start_ms` and `mono_end_ms` count from this start of the machine
    mono_start_ms: Annotated[int, Field(ge=0)] | None = None  # by a clock that nobody sets (CLOCK_BOOTTIME)
    mono_end_ms: Annotated[int, Field(ge=0)] | None = None
    frames_shown: Annotated[int, Field(ge=0)] | None = None  # pictures of a video painted on the display
    screen_detail: Word | None = None  # a `ScreenDetail`; None: as `screen` says
    clock_state: Word | None = None  # a `ClockState`; None: `synced` is synchronised, `unsynced` is never set
    clock_age_s: Annotated[int, Field(ge=0)] | None = None  # since a time service set the clock, at its start
    end_reason: Word | None = None  # an `EndReason`; None: as `reason` says
    player: Annotated[str, StringConstraints(max_length=64)] | None = None  # its version
    previous_hash: Sha256
    hash: Sha256


def play_hash(previous_hash: str, document: Mapping[str, Any]) -> str:
    """Return the hash of a play as it was sent, with its unknown fields.

    Canonical JSON is ASCII with sorted keys and no spaces. It does not include `hash`, `previous_hash` and null fields,
    so that a field added later does not change the hash of older plays.
    """
    fields = {name: value for name in sorted(document) if (value := document[name]) is not None}
    for left_out in ("hash", "previous_hash"):
        fields.pop(left_out, None)
    return hashlib.sha256(previous_hash.encode() + canonical_json(fields)).hexdigest()


class PlayBatch(Wire):
    """Plays as raw objects, so that an invalid one does not affect the others.

    A device lets them gather for up to a minute, or until there are 100, and waits for another time each time. It sends
    them at once where somebody waits for them: after a start or a pairing, after an operator's order. An answer of 503
    names in `Retry-After` when to come again.
    """

    plays: Annotated[tuple[dict[str, Any], ...], FailFast(), Field(max_length=BATCH_LIMIT)]


class Receipt(Wire):
    """The result for one play; `conflict` means another play with the same key, stored for inspection."""

    sequence: int | None
    status: Literal["accepted", "duplicate", "conflict", "invalid"]
    detail: str = ""


class SequenceRange(Wire):
    """Plays of one log, from the first to the last, both included."""

    first: Annotated[int, Field(ge=1)]
    last: Annotated[int, Field(ge=1)]


class BatchAnswer(Wire):
    """One receipt for each play, in the order sent; `high_water` is the highest sequence without a gap below it.

    `missing` are plays below the newest one that the origin does not have, such as after a backup was restored: the
    device sends again what it still has of them. Now and then it is empty though some are missing.
    """

    receipts: Annotated[tuple[Receipt, ...], FailFast(), Field(max_length=BATCH_LIMIT)]
    log_epoch: str | None = None
    high_water: int = 0
    missing: Annotated[tuple[SequenceRange, ...], FailFast(), Field(max_length=MOST_MISSING)] = ()


Number = Annotated[int, Field(ge=0, le=2**53)]

LONGEST_TEXT = 500
_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"


class HistoryKind(StrEnum):
    """What changed, and which words `state` has for it."""

    SCREEN = "screen"  # `on`, `off`, `disconnected`, `unknown`
    RELEASE = "release"  # `activated`
    PROBLEM = "problem"  # `began`, `ended`
    PLAYER = "player"  # `started`; `stopped`, with the cause as its code: `clean`, `killed`, `power`
    CLOCK = "clock"  # `stepped`; `synchronised`, the first time after a start of the machine
    CONTACT = "contact"  # `lost`, `back`; by the origin alone
    DEVICE = "device"  # `paired`, `removed`, `moved`, `renamed`, `let_through`; by the origin alone


class HistoryRecord(Wire):
    """One change on a device; `kind` is a `HistoryKind`.

    `at` is by the clock of the device as it was then, `mono_ms` by one that nobody sets (CLOCK_BOOTTIME). Without
    `mono_ms` nobody saw the moment, and `at` is the last before it that is known. `hash` is its `record_hash`.
    """

    device: Identifier
    log_epoch: LogEpoch  # that of its plays
    sequence: Annotated[int, Field(ge=1, le=2**53)]  # of the history of this log, from 1, without gaps
    plays: Number  # the sequence of the newest play of this log, 0 before the first
    kind: Word
    state: Word
    at: Instant
    boot_id: BootId | None = None
    mono_ms: Number | None = None
    clock: ClockTrust = ClockTrust.UNSYNCED
    code: Annotated[str, StringConstraints(max_length=64, pattern=_PRINTABLE)] = ""
    text: Annotated[str, StringConstraints(max_length=LONGEST_TEXT, pattern=_PRINTABLE)] = ""  # a problem, a version
    release: Sha256 | None = None
    number: Number | None = None  # of the release in its channel
    utc_before: Instant | None = None  # of a step of the clock, at one moment: `at` is what it was set to
    unrecorded: Number = 0  # changes of the same before this one, too many for a record each
    hash: Sha256


def record_hash(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record as it was sent: of its canonical JSON, as that of a play, without `hash`."""
    return play_hash("", document)


class HistoryBatch(Wire):
    """Records as raw objects, so that an invalid one does not affect the others; the answer is a `BatchAnswer`."""

    records: Annotated[tuple[dict[str, Any], ...], FailFast(), Field(max_length=BATCH_LIMIT)]


class OnAir(Wire):
    """The content on the screen, for people."""

    title: str
    kind: PlayKind | Literal["fallback", "blank"]
    asset: Sha256 | None = None
    since: Instant | None = None


class RateStep(Wire):
    """How many bytes of media a second come until `until`; None: for good. A rate of None is not known."""

    bytes_s: Annotated[float, Field(ge=0)] | None
    until: Instant | None = None


def when_fetched(size_bytes: float, steps: Iterable[RateStep], at: datetime) -> datetime | None:
    """Return when so many bytes are here, from `at` on; None if that is not known, or years away."""
    for step in steps:
        if step.until is not None and step.until <= at:
            continue
        if step.bytes_s is None:
            return None
        took_s = size_bytes / step.bytes_s if step.bytes_s else math.inf
        left_s = math.inf if step.until is None else (step.until - at).total_seconds()
        if took_s <= min(left_s, _LONGEST_S):
            return at + timedelta(seconds=took_s)
        if step.until is None:
            return None
        at, size_bytes = step.until, size_bytes - step.bytes_s * left_s
    return None


class LateStart(Wire):
    """Something that the coming release shows from `at` on, and that will not be here by then, or was not."""

    at: Instant
    what: str


class ComingRelease(Wire):
    """The release that is being fetched: how far it is, and when it will be ready."""

    release: Sha256
    sequence: Annotated[int, Field(ge=1)] | None = None
    bytes_done: Annotated[int, Field(ge=0)] = 0
    bytes_to_do: Annotated[int, Field(ge=0)] = 0
    ready_at: Instant | None = None  # None: not known
    late: Annotated[tuple[LateStart, ...], FailFast()] = ()  # the first ones; `more_late` follow
    more_late: Annotated[int, Field(ge=0)] = 0


class Heartbeat(Wire):
    """The regular report of a device: what it plays, its content, its health."""

    at: Instant
    version: str
    period_s: Annotated[float, Field(gt=0, le=86_400)] | None = None  # until the next one
    release: Sha256 | None = None
    preparing: Sha256 | None = None  # the release that is being downloaded: the origin must not delete its content
    sequence: int | None = None
    zone: str = "UTC"
    on_air: OnAir | None = None
    next_title: str = ""
    outbox_depth: int = 0
    sync_age_s: float | None = None  # since the origin last confirmed the active release
    trust: str = ""  # the rule that the last document from the origin broke (`sync.errors.Distrust`); empty: none
    problems: Annotated[tuple[str, ...], FailFast()] = ()  # for technicians, one sentence each
    problem_codes: Annotated[tuple[str, ...], FailFast()] = ()  # the kind of each of them; empty: an older player
    coming: ComingRelease | None = None  # None: nothing is being fetched
    rates: Annotated[tuple[RateStep, ...], FailFast()] = ()  # at which media will come; empty: an older player
    reads: tuple[str, ...] = ()  # what it reads beside releases of format 1: `READS_BOOKINGS`; empty: an older player
    health: dict[str, float | int | str | bool | None] = Field(default_factory=dict)
    boot_id: BootId | None = None  # this start of the machine
    log_epoch: LogEpoch | None = None  # of its plays; None: the log cannot be read now, or an older player
    log_sequence: Number | None = None  # of the newest play of this log, 0 before the first


class NewIdentity(Wire):
    """What a machine is from now on, because two ran with one identity."""

    device: Identifier
    token: Annotated[Token, Field(repr=False)]
    channel: Identifier


class ReleaseLetThrough(Wire):
    """A person lets the media of a release come in a month of the venue (`2026-11`), whatever its budget of bytes."""

    release: Sha256
    month: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}$")]


class HeartbeatAnswer(Wire):
    """What the origin has to say to a heartbeat; without a body there is nothing."""

    doubts: Annotated[tuple[str, ...], FailFast(), Field(max_length=100)] = ()  # that two machines are one device
    identity: NewIdentity | None = None  # for the machine that sent the heartbeat
    let_through: ReleaseLetThrough | None = None  # until a heartbeat says that it is


class IdentityChallenge(Wire):
    """A device asks the origin at a new address whether it is the one that it belongs to.

    The answer is an envelope of the domain `IDENTITY_DOMAIN`: its payload is this challenge, signed by the timestamp
    keys of the origin's root.
    """

    nonce: Sha256  # random, made by the device for this question
    url: Annotated[str, StringConstraints(max_length=2048)]  # the address that it asks


class PairingRequest(Wire):
    """A device asks to be paired: a person enters the code on its screen, or it proves to know the enrolment key."""

    name: Name
    secret: Sha256  # random, made by the device; it proves that later polls come from the same device
    enrolment_key: str | None = None  # of older players; newer ones send an `EnrolmentProof`


class PairingAnswer(Wire):
    """The device computes the code on its screen from `root`, see `sync.trust.signing.pairing_code`."""

    pairing: Identifier
    root: Envelope
    expires_at: Instant
    takes_proof: bool = False  # whether this origin has an enrolment key and takes an `EnrolmentProof`


class EnrolmentProof(Wire):
    """A device proves that it knows the enrolment key, without sending it; one try for each pairing."""

    url: Annotated[str, StringConstraints(max_length=2048)]  # the address that it asks
    proof: Sha256  # `sync.trust.signing.enrolment_proof`


class PairingState(Wire):
    """The answer to a poll; the token is in exactly one answer."""

    status: Literal["waiting", "paired", "expired"]
    device: Identifier | None = None
    token: Token | None = None
    channel: Identifier | None = None
