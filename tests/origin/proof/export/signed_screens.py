"""Screens that sign what they play, and the operator who certifies and exports it: values alone, no database."""

import base64
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from sync.origin.proof.export.records import (
    CertificateRecord,
    CheckpointRecord,
    ExportRecord,
    PlayRecord,
    Record,
    RootRecord,
    ScreenRecord,
)
from sync.origin.proof.export.writer import (
    CoveredRange,
    ExportLines,
    better_ends,
    needed_checkpoints,
    opening_records,
)
from sync.proof.checkpoint import (
    CHECKPOINT_CAP_BYTES,
    NOTHING_BEFORE,
    Certificate,
    Checkpoint,
    SignedRange,
    leaf,
    line_counts,
    payload_hash,
    play_salt,
    sign_certificate,
    sign_checkpoint,
)
from sync.proof.merkle import MerkleTree
from sync.runtime.clock import ClockTrust, unix_ms
from sync.trust.root_changes import add_signature, make_root, propose, public_of
from sync.trust.signing import SigningKey, open_envelope, read_root, root_fingerprint, sign_envelope
from sync.wire.device_reports import GENESIS, Outcome, Play, PlayKind, play_hash
from sync.wire.release import ROOT_DOMAIN, Envelope

OPENING = datetime(2026, 3, 2, 8, tzinfo=UTC)
"""When the screens begin to play."""

BEGINS, ENDS = OPENING + timedelta(hours=1), OPENING + timedelta(hours=3)
"""The period of the exports."""

CAMPAIGNS = {"spring-a": "spring", "spring-b": "spring", "rival-1": "rival"}
"""The campaign of each line."""

PROGRAMME = (None, "spring-a", "rival-1", None, "spring-b", "spring-a", "rival-1")
"""The lines of the takes in turn; None: an item."""


def key_of(name: str) -> SigningKey:
    """Return the same key for the same name."""
    return SigningKey.from_bytes(sha256(name.encode()).digest())


def enveloped(raw: bytes) -> Envelope:
    """Return a signed document."""
    return open_envelope(raw, CHECKPOINT_CAP_BYTES)


@dataclass
class SignedScreen:
    """A screen with its log, its key and the chain of its checkpoints."""

    device: str
    now: datetime = OPENING
    keys: list[SigningKey] = field(default_factory=list)
    epochs: list[str] = field(default_factory=list)
    plays: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by epoch
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    covered: dict[str, int] = field(default_factory=dict)  # the newest play of each epoch that a checkpoint covers
    signed: list[tuple[Checkpoint, Envelope]] = field(default_factory=list)
    previous: str = NOTHING_BEFORE
    number: int = 0
    clock: ClockTrust = ClockTrust.SYNCED
    only_changed: bool = False  # its checkpoints count only the lines that played, but for each fourth one
    says_plays: bool = False  # its counts say how many plays are new

    def __post_init__(self) -> None:
        self.new_key()
        self.new_log()

    @property
    def epoch(self) -> str:
        """Return the log of now."""
        return self.epochs[-1]

    def secret(self, epoch: str) -> bytes:
        """Return the secret of a log."""
        return sha256(f"secret {epoch}".encode()).digest()

    def new_key(self, *, lost: bool = False) -> None:
        """Take another key; `lost`: the old one and the head of the chain are gone."""
        self.keys.append(key_of(f"{self.device} {len(self.keys)}"))
        if lost:
            self.previous, self.number = NOTHING_BEFORE, 0

    def new_log(self) -> None:
        """Begin a log epoch."""
        epoch = sha256(f"{self.device} log {len(self.epochs)}".encode()).hexdigest()[:32]
        self.epochs.append(epoch)
        self.plays[epoch], self.counts[epoch], self.covered[epoch] = [], Counter(), 0

    def play(self, line: str | None, ms: int = 60_000, **changes: Any) -> dict[str, Any]:
        """Show something, and log it as a device does."""
        log, ends = self.plays[self.epoch], self.now + timedelta(milliseconds=ms)
        previous = log[-1]["hash"] if log else GENESIS
        fields: dict[str, Any] = {
            "device": self.device,
            "log_epoch": self.epoch,
            "sequence": len(log) + 1,
            "take": f"{self.device}-{len(self.epochs)}-{len(log) + 1}",
            "kind": PlayKind.AD if line else PlayKind.ITEM,
            "release": "c" * 64,
            "asset": sha256((line or "item").encode()).hexdigest(),
            "title": f"Film of {line or 'the house'}",
            "campaign": CAMPAIGNS.get(line or ""),
            "advertiser": f"Advertiser of {line}" if line else None,
            "line": line,
            "creative": f"creative-{line}" if line else None,
            "started_at": self.now,
            "ended_at": ends,
            "zone": "UTC",
            "rendered_ms": ms,
            "expected_ms": ms,
            "outcome": Outcome.COMPLETE,
            "clock": self.clock,
        }
        play = Play(**fields | changes, previous_hash=previous, hash=GENESIS).model_dump(mode="json")
        play["hash"] = play_hash(previous, play)
        log.append(play)
        self.now = ends
        return play

    def show(self, minutes: int) -> None:
        """Play the programme for so long, and sign every half hour."""
        for minute in range(minutes):
            failed: dict[str, Any] = {"outcome": Outcome.FAILED, "rendered_ms": 500} if minute % 11 == 1 else {}
            self.play(PROGRAMME[minute % len(PROGRAMME)], **failed)
            if minute % 30 == 29:
                self.sign()

    def sign(self, **changes: Any) -> Checkpoint:
        """Sign a checkpoint over the plays since the last one."""
        epoch, log = self.epoch, self.plays[self.epoch]
        first = self.covered[epoch] + 1
        fresh = log[first - 1 :]
        played = Counter(play["line"] for play in fresh if play["line"])
        self.counts[epoch].update(played)
        only_changed = self.only_changed and self.number % 4 > 0
        counted = {line: self.counts[epoch][line] for line in (played if only_changed else self.counts[epoch])}
        self.number += 1
        secret = self.secret(epoch)
        tree = MerkleTree(leaf(play_salt(secret, play["sequence"]), play["hash"]) for play in fresh)
        fields: dict[str, Any] = {
            "device": self.device,
            "number": self.number,
            "previous": self.previous,
            "log_epoch": epoch,
            "first": first,
            "last": len(log),
            "hash": log[-1]["hash"] if log else GENESIS,
            "merkle_root": tree.root.hex(),
            "counts": line_counts(secret, counted, played if self.only_changed or self.says_plays else {}),
            "only_changed": only_changed,
            "at": self.now,
            "clock": self.clock,
        }
        checkpoint = Checkpoint(**fields | changes)
        envelope = enveloped(sign_checkpoint(checkpoint, self.keys[-1]))
        self.previous = payload_hash(base64.b64decode(envelope.payload))
        self.covered[epoch] = len(log)
        self.signed.append((checkpoint, envelope))
        return checkpoint


@dataclass
class Operator:
    """Who has the keys of an origin, certifies screens and exports their plays."""

    name: str = "origin"
    roots: list[Envelope] = field(default_factory=list)
    online: SigningKey = field(init=False)
    root_key: SigningKey = field(init=False)
    revoked: dict[str, datetime] = field(default_factory=dict)  # by the id of a key

    def __post_init__(self) -> None:
        self.root_key, self.online = key_of(f"{self.name} root"), key_of(f"{self.name} online")
        root = make_root(1, OPENING.replace(year=2036), public_of(self.root_key), 1, public_of(self.online))
        self.roots.append(enveloped(sign_envelope(ROOT_DOMAIN, root.model_dump_json().encode(), self.root_key)))

    def rotate(self, *, root_key: bool = False) -> None:
        """Take another online key, and another root key as well."""
        number = len(self.roots)
        before, self.online = self.root_key, key_of(f"{self.name} online {number}")
        if root_key:
            self.root_key = key_of(f"{self.name} root {number}")
        root = make_root(number + 1, OPENING.replace(year=2036), public_of(self.root_key), 1, public_of(self.online))
        proposal = propose(self.roots[-1], root, [before])
        self.roots.append((add_signature(proposal, self.root_key) if root_key else proposal).proposed)

    def fingerprint(self, version: int = 1) -> str:
        """Return what people know a root by."""
        return root_fingerprint(read_root(self.roots[version - 1]))

    def certificates(self, screen: SignedScreen) -> Iterator[CertificateRecord]:
        """Yield the certificates of all keys of a screen."""
        for place, key in enumerate(screen.keys):
            certificate = Certificate(
                device=screen.device,
                key=key.id,
                public_key=base64.b64encode(key.public).decode(),
                serial=place + 1,
                issued_at=OPENING,
                revoked_at=self.revoked.get(key.id),
            )
            yield CertificateRecord(envelope=enveloped(sign_certificate(certificate, self.online)))

    def records(self, *screens: SignedScreen, **of: str) -> Iterator[Record]:
        """Yield the records of an export but the last one; `of` is `campaign=`, `line=` or `device=`."""
        lines = [
            line for line, campaign in CAMPAIGNS.items() if line == of.get("line") or campaign == of.get("campaign")
        ]
        lines = list(CAMPAIGNS) if "device" in of else lines
        yield ExportRecord(
            made_at=ENDS + timedelta(days=1),
            begins_at=BEGINS,
            ends_at=ENDS,
            lines={line: f"Line {line}" for line in lines},
            screens={screen.device: f"Screen {screen.device}" for screen in screens},
            **of,
        )
        yield from (RootRecord(envelope=root) for root in self.roots)
        for screen in sorted(screens, key=lambda one: one.device):
            yield from self._of_screen(screen, lines, whole="device" in of)

    def _of_screen(self, screen: SignedScreen, lines: list[str], *, whole: bool) -> Iterator[Record]:
        yield ScreenRecord(device=screen.device)
        yield from self.certificates(screen)
        signed = exported(screen)
        wanted = [[play for play in screen.plays[epoch] if whole or play["line"] in lines] for epoch in screen.epochs]
        epochs = dict.fromkeys(checkpoint.log_epoch for checkpoint, _ in signed)
        yield from opening_records({epoch: screen.secret(epoch) for epoch in epochs}, lines)
        for place, (checkpoint, envelope) in enumerate(signed):
            yield CheckpointRecord(envelope=envelope)
            if not place and checkpoint.number > 1:
                continue
            epoch, first, last = checkpoint.log_epoch, checkpoint.first, checkpoint.last
            hashes = [play["hash"] for play in screen.plays[epoch][first - 1 : last]]
            covered = CoveredRange(checkpoint, screen.secret(epoch), hashes)
            plays = wanted[screen.epochs.index(epoch)]
            yield from (covered.record(play) for play in plays if first <= play["sequence"] <= last)
        ranges = [(one.log_epoch, one.first, one.last) for one, _ in screen.signed]
        for play in (play for log in wanted for play in log):
            proven = any(play["log_epoch"] == e and a <= play["sequence"] <= b for e, a, b in ranges)
            if not proven and BEGINS <= datetime.fromisoformat(play["started_at"]) < ENDS:
                yield PlayRecord(play=play)

    def export(self, *screens: SignedScreen, **of: str) -> list[bytes]:
        """Return the lines of an export."""
        lines = ExportLines()
        return [*(lines.line(record) for record in self.records(*screens, **of)), lines.end(self.online)]


def exported(screen: SignedScreen) -> list[tuple[Checkpoint, Envelope]]:
    """Return the checkpoints that an export of the period has."""
    chain = [SignedRange(one.number, one.log_epoch, one.first, one.last, unix_ms(one.at)) for one, _ in screen.signed]
    period = unix_ms(BEGINS), unix_ms(ENDS)
    shown = {
        epoch: [play["sequence"] for play in log if BEGINS <= datetime.fromisoformat(play["started_at"]) < ENDS]
        for epoch, log in screen.plays.items()
    }
    places = needed_checkpoints(chain, [(epoch, own[0], own[-1]) for epoch, own in shown.items() if own], *period)
    begins, ends = better_ends(chain, places, *period)

    def is_set(place: int) -> bool:
        return screen.signed[place][0].clock is ClockTrust.SYNCED

    begin, end = next(filter(is_set, begins), places.start), next(filter(is_set, ends), places.stop - 1)
    return screen.signed[begin : end + 1]
