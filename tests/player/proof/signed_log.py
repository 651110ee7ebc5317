"""A log of plays in a folder that is signed with a certified key, and what its checkpoints say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from player.evidence.ledger import Ledger, open_ledger
from player.proof.log_signer import LogSigner
from sync.device.store.content_store import ContentStore
from sync.device.store.device_key import DeviceKeyFile, StoredKey
from sync.proof.checkpoint import Certificate, Checkpoint, open_checkpoint, payload_hash
from sync.proof.key_request import public_key, request_key
from sync.wire.release import Envelope
from tests.fakes import FakeClock

DEVICE = "screen-1"


def certified(folder: Path, *reads: str) -> StoredKey:
    """Return the key of the device in `folder`; one is made and certified if there is none.

    `reads` is what the origin says that it reads.
    """
    content = ContentStore(folder)
    content.make_folders()
    keys = DeviceKeyFile(content, DEVICE)
    stored = keys.load_or_make()
    if stored.certificate is None or stored.origin_reads != reads:
        certificate = stored.certificate or request_key(DEVICE, stored.key, FakeClock().now())
        stored = keys.certified(stored.key.id, certificate, reads) or stored
    return stored


@asynccontextmanager
async def opened(
    folder: Path, clock: FakeClock, told: list[str] | None = None
) -> AsyncIterator[tuple[Ledger, LogSigner]]:
    """Open the log and its signer, which runs only when it is called."""
    content = ContentStore(folder)
    async with open_ledger(content.state / "plays.db", DEVICE, clock) as ledger:
        yield ledger, LogSigner(ledger, content, clock, (told if told is not None else []).append)


async def sent(ledger: Ledger, *keys: StoredKey, up_to: int = 10**6) -> list[Checkpoint]:
    """Return the checkpoints that wait for delivery; one of the keys signed each."""
    queued = await ledger.checkpoints.batch(10_000, up_to)
    return [opened_checkpoint(one.envelope, *keys)[0] for one in queued]


def opened_checkpoint(envelope: str, *keys: StoredKey) -> tuple[Checkpoint, str]:
    """Return a checkpoint and the hash of its signed bytes."""
    certificates = {
        one.key.id: Certificate(
            device=DEVICE, key=one.key.id, public_key=public_key(one.key), serial=1, issued_at=FakeClock().now()
        )
        for one in keys
    }
    checkpoint, payload, _ = open_checkpoint(Envelope.model_validate_json(envelope), certificates)
    return checkpoint, payload_hash(payload)
