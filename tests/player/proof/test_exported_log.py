"""What a device signs proves its plays in an export: the real log and its signer, and the verifier of a buyer."""

import base64
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from player.evidence.ledger import Ledger
from sync.origin.proof.export.findings import Kind, Verification
from sync.origin.proof.export.records import (
    CertificateRecord,
    CheckpointRecord,
    ExportRecord,
    Record,
    RootRecord,
    ScreenRecord,
)
from sync.origin.proof.export.verifier import verify_export
from sync.origin.proof.export.writer import CoveredRange, ExportLines, opening_records
from sync.proof.checkpoint import READS_CHANGED_COUNTS, Certificate, Checkpoint, sign_certificate
from sync.proof.key_request import public_key
from sync.wire.release import Envelope
from tests.fakes import FakeClock
from tests.origin.proof.export.signed_screens import Operator, enveloped
from tests.player.director.venue import NOON
from tests.player.evidence.plays import log_plays
from tests.player.proof.signed_log import DEVICE, certified, opened

Plays = dict[tuple[str, int], Mapping[str, Any]]


async def collect(ledger: Ledger, plays: Plays) -> None:
    """Note all plays, and have them delivered."""
    found = await ledger.outbox.plays()
    plays.update({(one["log_epoch"], one["sequence"]): one for one in found})
    await ledger.outbox.acknowledge([one["sequence"] for one in found])


async def exported(ledger: Ledger, plays: Plays, key: Certificate) -> list[bytes]:
    """Return the lines of an export of all that the log signed."""
    operator, lines = Operator(), ExportLines()
    queued = await ledger.checkpoints.batch(10_000, 10**6)
    secrets = {_read(one.envelope).log_epoch: bytes.fromhex(one.secret) for one in queued}
    records: list[Record] = [
        ExportRecord(
            made_at=NOON,
            begins_at=NOON,
            ends_at=NOON + timedelta(hours=1),
            device=DEVICE,
            lines={"spring": "", "autumn": ""},
            screens={DEVICE: ""},
        ),
        *(RootRecord(envelope=root) for root in operator.roots),
        ScreenRecord(device=DEVICE),
        CertificateRecord(envelope=enveloped(sign_certificate(key, operator.online))),
        *opening_records(secrets, ("spring", "autumn")),
    ]
    for one in queued:
        checkpoint = _read(one.envelope)
        records.append(CheckpointRecord(envelope=Envelope.model_validate_json(one.envelope)))
        own = [plays[checkpoint.log_epoch, each] for each in range(checkpoint.first, checkpoint.last + 1)]
        covered = CoveredRange(checkpoint, bytes.fromhex(one.secret), [play["hash"] for play in own])
        records += map(covered.record, own)
    return [*map(lines.line, records), lines.end(operator.online)]


def _read(envelope: str) -> Checkpoint:
    return Checkpoint.model_validate_json(base64.b64decode(Envelope.model_validate_json(envelope).payload))


@pytest.mark.parametrize("reads", [(), (READS_CHANGED_COUNTS,)], ids=["all lines", "only changed"])
async def test_all_that_a_device_signed_verifies_over_logs_and_restarts(
    tmp_path: Path, clock: FakeClock, reads: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("player.evidence.checkpoints.ALL_LINES_EVERY", 3)
    key, plays = certified(tmp_path, *reads), Plays()
    async with opened(tmp_path, clock) as (ledger, signer):
        await log_plays(ledger, 3, line="spring")
        await collect(ledger, plays)
        await signer.sign_if_due()
        await log_plays(ledger, 7, after=3, line="spring")
        await signer.sign_if_due(at_once=True)
        await log_plays(ledger, 4, after=10, line="autumn")
        await collect(ledger, plays)
        await signer.close()
    async with opened(tmp_path, clock) as (ledger, signer):
        await log_plays(ledger, 2, after=14, line="autumn")
        await signer.begin_anew()  # the two that wait come again in the new log
        await collect(ledger, plays)
        await log_plays(ledger, 5, after=16, line="spring")
        await collect(ledger, plays)
        await signer.sign_if_due(at_once=True)
        certificate = Certificate(
            device=DEVICE, key=key.key.id, public_key=public_key(key.key), serial=1, issued_at=NOON - timedelta(hours=1)
        )
        found = verify_export(await exported(ledger, plays, certificate), Operator().fingerprint())
    _check(found)


def _check(found: Verification) -> None:
    assert found.first_fault is None, found.findings
    assert {each.kind for each in found.findings} <= {
        Kind.UNSIGNED,
        Kind.INCOMPLETE,
        Kind.LOG_BEGAN,
        Kind.CLOCK_UNSET,
        Kind.CLOCK_SET_BACK,
    }
    assert {line: sums.plays for line, sums in found.totals.items()} == {"spring": 12, "autumn": 6}
