"""Certificates and checkpoints: what is signed, by whom, and what their parts are derived from."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from sync.errors import Untrusted
from sync.proof.checkpoint import (
    CHECKPOINT_CAP_BYTES,
    CHECKPOINT_DOMAIN,
    MOST_LINES,
    NOTHING_BEFORE,
    Certificate,
    Checkpoint,
    blinded_name,
    leaf,
    line_counts,
    line_key,
    open_certificate,
    open_checkpoint,
    payload_hash,
    play_salt,
    sign_certificate,
    sign_checkpoint,
)
from sync.proof.merkle import EMPTY_ROOT
from sync.trust.root_changes import make_root, public_of
from sync.trust.signing import SigningKey, open_envelope, sign_envelope
from sync.wire.device_reports import GENESIS
from sync.wire.release import Envelope

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = bytes(range(32))
KEYS = [SigningKey.from_bytes(bytes([number]) * 32) for number in range(4)]
ROOT = make_root(1, AT.replace(year=2036), public_of(KEYS[0]), 1, public_of(KEYS[1]))


def certificate(of: SigningKey = KEYS[2], **changes: Any) -> Certificate:
    public = base64.b64encode(of.public).decode()
    given = Certificate(device="screen", key=of.id, public_key=public, serial=1, issued_at=AT)
    return given.model_copy(update=changes)


def checkpoint(**changes: Any) -> Checkpoint:
    fields = {
        "device": "screen",
        "number": 1,
        "previous": NOTHING_BEFORE,
        "log_epoch": "0" * 32,
        "first": 1,
        "last": 0,
        "hash": GENESIS,
        "merkle_root": EMPTY_ROOT.hex(),
        "at": AT,
    }
    return Checkpoint.model_validate(fields | changes)


def enveloped(raw: bytes) -> Envelope:
    return open_envelope(raw, CHECKPOINT_CAP_BYTES)


def test_what_is_derived_from_the_secret_of_an_epoch() -> None:
    """The values are from `openssl dgst -mac HMAC` and `sha256sum`, for who writes a verifier of their own."""
    assert play_salt(SECRET, 7).hex() == "1043f841f006db29b9f60654e6d6e3cded222831539a40b3067e755bfde2c6c9"
    assert leaf(b"\1" * 32, "ab" * 32) == b"\1" * 32 + b"\xab" * 32
    assert line_key(SECRET, "spring").hex() == "505788b2b95bc4dcc8e8beef58702c2ddf85f19e882813838a7decd3645796f2"
    assert blinded_name(b"\2" * 32, "spring") == "64adb5b2a22378a0d67851f23cfa46371f4bcacb455395f34c2ca75449629f84"


def test_a_checkpoint_comes_back_as_it_was_signed() -> None:
    given = checkpoint(counts=line_counts(SECRET, {"spring": 3, "autumn": 1}, {"spring": 2}), last=5)
    envelope = enveloped(sign_checkpoint(given, KEYS[2]))
    found, payload, signer = open_checkpoint(envelope, {KEYS[3].id: certificate(KEYS[3]), KEYS[2].id: certificate()})
    assert (found, signer) == (given, certificate())
    assert payload_hash(payload) == payload_hash(base64.b64decode(envelope.payload))
    names = {each.name: each.count for each in found.counts}
    assert names[blinded_name(line_key(SECRET, "spring"), "spring")] == 3


@pytest.mark.parametrize(
    "raw",
    [
        sign_checkpoint(checkpoint(), KEYS[3]),
        sign_envelope(CHECKPOINT_DOMAIN, b"{}", KEYS[2]),
        sign_envelope(CHECKPOINT_DOMAIN, b"\xff", KEYS[2]),
        sign_envelope(b"signage/timestamp/1\0", checkpoint().model_dump_json().encode(), KEYS[2]),
        sign_envelope(CHECKPOINT_DOMAIN, checkpoint().model_dump_json().encode()),
        sign_envelope(CHECKPOINT_DOMAIN, checkpoint().model_dump_json().encode(), KEYS[3], KEYS[2]),
        sign_envelope(
            CHECKPOINT_DOMAIN, checkpoint().model_dump_json().replace("{", '{"number":2,', 1).encode(), KEYS[2]
        ),
    ],
    ids=["foreign key", "another document", "no text", "another domain", "unsigned", "two signatures", "number twice"],
)
def test_a_checkpoint_that_is_not_one_is_refused(raw: bytes) -> None:
    with pytest.raises(Untrusted):
        open_checkpoint(enveloped(raw), {KEYS[2].id: certificate()})


def test_a_certificate_of_a_key_with_another_name_is_of_no_use() -> None:
    wrong = certificate(KEYS[3], key=KEYS[2].id)
    with pytest.raises(Untrusted):
        open_checkpoint(enveloped(sign_checkpoint(checkpoint(), KEYS[3])), {KEYS[2].id: wrong})
    with pytest.raises(Untrusted):
        open_checkpoint(enveloped(sign_checkpoint(checkpoint(), KEYS[2])), {KEYS[2].id: wrong})


def test_a_certificate_is_signed_by_the_online_key_alone() -> None:
    assert open_certificate(ROOT, enveloped(sign_certificate(certificate(), KEYS[1]))) == certificate()
    for wrong in (sign_certificate(certificate(), KEYS[0]), sign_certificate(certificate(), KEYS[2])):
        with pytest.raises(Untrusted):
            open_certificate(ROOT, enveloped(wrong))


@pytest.mark.parametrize(
    "changes",
    [
        {"last": -1},
        {"first": 5, "last": 3},
        {"first": 2**53},
        {"counts": [{"name": "b" * 64, "count": 1}, {"name": "a" * 64, "count": 1}]},
        {"counts": [{"name": "a" * 64, "count": 1}, {"name": "a" * 64, "count": 2}]},
        {"counts": [{"name": "a" * 64, "count": 0}]},
    ],
    ids=["negative", "ends before it begins", "huge", "unsorted", "a line twice", "counts nothing"],
)
def test_a_checkpoint_says_nothing_impossible(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        checkpoint(**changes)


def test_the_largest_checkpoint_fits() -> None:
    counts = [{"name": f"{number:064x}", "count": 10**6} for number in range(MOST_LINES)]
    raw = sign_checkpoint(checkpoint(counts=counts), KEYS[2])
    assert len(open_checkpoint(enveloped(raw), {KEYS[2].id: certificate()})[0].counts) == MOST_LINES
