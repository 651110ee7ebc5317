"""Checkpoints of several devices in one transaction: each is judged by those of its own device."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.proof.signed_logs import NewCheckpoint, SignedCheckpoint, SignedLogStore
from sync.proof.chain import misfit
from sync.proof.checkpoint import NOTHING_BEFORE, Certificate, Checkpoint, payload_hash
from sync.wire.release import Envelope

AT = datetime(2026, 3, 2, tzinfo=UTC)


def checkpoint(device: str, number: int, previous: str = NOTHING_BEFORE, **changes: Any) -> NewCheckpoint:
    fields: dict[str, Any] = {
        "device": device, "number": number, "previous": previous, "log_epoch": "e" * 32, "first": 10 * number - 9,
        "last": 10 * number, "hash": "a" * 64, "merkle_root": "b" * 64, "at": AT,
    }  # fmt: skip
    serial = changes.pop("serial", 1)
    one = Checkpoint.model_validate(fields | changes)
    own_hash = payload_hash(one.model_dump_json().encode())
    key = Certificate(device=device, key="c" * 64, public_key="", serial=serial, issued_at=AT)
    signed = SignedCheckpoint(one, own_hash, Envelope(payload="", signatures=()), serial, "d" * 64)
    return NewCheckpoint(signed, lambda known: misfit(one, own_hash, key, known, received_at=AT))


async def check_groups(database: OriginDatabase) -> None:
    """`d`, `e` and `f` must be devices."""
    store = SignedLogStore(database)
    first = {device: checkpoint(device, 1) for device in "def"}
    follow = partial(checkpoint, number=2)
    second = {device: follow(device, previous=first[device].signed.hash) for device in "de"}
    fork = follow("f", previous="0" * 63 + "1")
    taken = await store.add(
        {"d": [first["d"], second["d"], first["d"]], "e": [second["e"]], "f": [first["f"], fork]}, 1
    )
    assert [new for new, _ in taken["d"].outcomes] == [True, True, False]
    assert [wrong for _, wrong in taken["d"].outcomes] == [None] * 3
    assert (taken["d"].behind, taken["e"].behind, taken["f"].behind) == (False, True, False)
    assert await store.missing("e", 9) == [(1, 1)]
    [_, (_, wrong)] = taken["f"].outcomes
    assert wrong is not None and "follows another checkpoint 1" in wrong[1]
    again = checkpoint("d", 3, second["d"].signed.hash, first=15)  # plays that the one before covers
    anew = checkpoint("f", 1, log_epoch="f" * 32, serial=2)  # a new key, and a chain of its own
    taken = await store.add({"d": [again], "e": [first["e"]], "f": [anew, fork]}, 2)
    assert "from 15 on again" in str(taken["d"].outcomes[0][1])
    assert (taken["e"].outcomes, taken["e"].behind) == ([(True, None)], False)
    assert taken["f"].outcomes == [(True, None), (False, wrong)]
    assert [one.number for one in await store.chain("f")] == [1, 1]
    assert (await store.secrets("f")).keys() == {"e" * 32, "f" * 32}
    assert await store.add({"d": []}, 3)
