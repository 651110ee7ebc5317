"""What a hostile device may deliver and what a verifier may be given, and all that reads it (as `hostile_documents`).

Where a hash or a signature comes first, the damaged bytes are hashed and signed rightly: a device may sign anything.
"""

import base64
import io
import json
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any

from sync.errors import Rejected, Untrusted
from sync.http.bodies import MOST_VALUES, Model, _parse, refuse_many_values
from sync.origin.api.devices import HEARTBEAT_CAP_BYTES
from sync.origin.api.proof import checkpoint_delivery, history, play_delivery
from sync.origin.intake import play_intake
from sync.origin.proof.export.records import LINE_CAP_BYTES
from sync.origin.proof.export.verification_text import verification_document, verification_lines
from sync.origin.proof.export.verifier import verify_export
from sync.proof.checkpoint import (
    CERTIFICATE_CAP_BYTES,
    CHANGED_COUNTS_DOMAIN,
    CHECKPOINT_DOMAIN,
    Certificate,
    open_checkpoint,
)
from sync.proof.delivery import CheckpointBatch, SentCheckpoint
from sync.proof.key_request import KEY_REQUEST_DOMAIN, check_key_request, request_key
from sync.trust.signing import SigningKey, sign_envelope
from sync.wire.device_reports import Heartbeat, HistoryBatch, PlayBatch, Receipt, play_hash, record_hash
from sync.wire.release import Envelope
from tests.origin.proof.export.signed_screens import BEGINS, OPENING, Operator, SignedScreen, enveloped
from tests.sync.trust.hostile_documents import Target

_DEVICE = "lobby"
_OPERATOR = Operator()


def deliveries() -> Mapping[str, Target]:
    """Return every kind of document about proof that a device sends or a verifier reads, by name."""
    screen = SignedScreen(_DEVICE, now=BEGINS)
    for line in ("spring-a", "rival-1", None, "spring-a"):
        screen.play(line)
    screen.sign()
    key, keys, (_, envelope) = screen.keys[0], _certified(screen), screen.signed[0]
    batch = CheckpointBatch(checkpoints=(SentCheckpoint(envelope=envelope, secret="a" * 64),))
    request = request_key(_DEVICE, key, OPENING)
    return {
        "plays": Target(_json({"plays": screen.plays[screen.epoch]}), _read_plays, play_delivery.BATCH_CAP_BYTES),
        "history": Target(_json({"records": [_record(screen.epoch)]}), _read_history, history.BATCH_CAP_BYTES),
        "heartbeat": Target(
            Heartbeat(at=OPENING, version="1").model_dump_json().encode(),
            partial(_body, Heartbeat),
            HEARTBEAT_CAP_BYTES,
        ),
        "checkpoints": Target(
            batch.model_dump_json().encode(), partial(_read_checkpoints, keys), checkpoint_delivery.BATCH_CAP_BYTES
        ),
        "signed checkpoint": Target(_payload(envelope), partial(_read_signed_checkpoint, keys, key), 1_000_000),
        "key request": Target(request.model_dump_json().encode(), _read_request, CERTIFICATE_CAP_BYTES),
        "signed key request": Target(_payload(request), partial(_read_signed_request, key), 12_000),
        "export": Target(b"".join(_OPERATOR.export(screen, campaign="spring")), _read_export, LINE_CAP_BYTES),
    }


def _json(document: Any) -> bytes:
    return json.dumps(document).encode()


def _payload(envelope: Envelope) -> bytes:
    return base64.b64decode(envelope.payload)


def _record(epoch: str) -> dict[str, Any]:
    fields = {
        "device": _DEVICE,
        "log_epoch": epoch,
        "sequence": 1,
        "plays": 0,
        "kind": "screen",
        "state": "off",
        "at": "2026-03-02T09:00:00.000Z",
        "clock": "synced",
    }
    return {**fields, "hash": record_hash(fields)}


def _certified(screen: SignedScreen) -> dict[str, Certificate]:
    found = (Certificate.model_validate_json(_payload(one.envelope)) for one in _OPERATOR.certificates(screen))
    return {one.key: one for one in found}


def _body(model: type[Model], raw: bytes, most_values: int = MOST_VALUES) -> Model:
    refuse_many_values(raw, most_values)
    return _parse(model, raw)


def _read_plays(raw: bytes) -> None:
    for play in _body(PlayBatch, raw, play_delivery.BATCH_MOST_VALUES).plays:
        found = play_intake.check_play(play, _DEVICE)
        if isinstance(found, Receipt) and "does not match" in found.detail:
            right = play | {"hash": play_hash(play["previous_hash"], play)}
            found = play_intake.check_play(right, _DEVICE)
        _accept(found)


def _read_history(raw: bytes) -> None:
    for record in _body(HistoryBatch, raw, history.BATCH_MOST_VALUES).records:
        found = history._check(record, _DEVICE)
        if isinstance(found, Receipt) and "does not match" in found.detail:
            found = history._check(record | {"hash": record_hash(record)}, _DEVICE)
        _accept(found)


def _accept(found: object) -> None:
    if isinstance(found, Receipt):
        raise Rejected(found.detail)


def _read_checkpoints(keys: Mapping[str, Certificate], raw: bytes) -> None:
    for sent in _body(CheckpointBatch, raw).checkpoints:
        open_checkpoint(sent.envelope, keys)


def _read_signed_checkpoint(keys: Mapping[str, Certificate], key: SigningKey, payload: bytes) -> None:
    for domain in (CHANGED_COUNTS_DOMAIN, CHECKPOINT_DOMAIN):
        with suppress(Untrusted) if domain is CHANGED_COUNTS_DOMAIN else nullcontext():
            open_checkpoint(enveloped(sign_envelope(domain, payload, key)), keys)


def _read_request(raw: bytes) -> None:
    check_key_request(_body(Envelope, raw), _DEVICE, {})


def _read_signed_request(key: SigningKey, payload: bytes) -> None:
    _read_request(sign_envelope(KEY_REQUEST_DOMAIN, payload, key))


def _read_export(raw: bytes) -> None:
    """Verify a file as the command reads it, and print the result."""
    lines = iter(partial(io.BytesIO(raw).readline, LINE_CAP_BYTES + 1), b"")
    found = verify_export(lines, _OPERATOR.fingerprint())
    told = [*verification_lines(found), json.dumps(verification_document(found))]
    if unclear := [line for line in told if not line.isprintable()]:
        raise AssertionError(f"this cannot be printed: {unclear[0]!r}")
    if found.broken:
        raise Rejected("the export is broken")
