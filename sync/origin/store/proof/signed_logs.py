"""What screens signed: the certificates of their keys, and their checkpoints."""

from collections.abc import Mapping, Sequence

from sync.origin.store.proof.device_keys import DeviceKeyStore, newest
from sync.proof.checkpoint import Certificate, Checkpoint, SignedRange
from sync.runtime.clock import instant
from sync.wire.release import Envelope


class SignedLogStore:
    """Reads what exports of plays show."""

    def __init__(self, keys: DeviceKeyStore) -> None:
        self._keys = keys

    async def certificates(self, device: str) -> Sequence[Certificate]:
        """Return the newest certificate of each key that a device had."""
        found = newest(await self._keys.certificates(device))
        return [
            Certificate(
                device=device,
                key=one.key,
                public_key=one.public_key,
                serial=one.serial,
                issued_at=instant(one.issued_ms),
                revoked_at=None if one.revoked_ms is None else instant(one.revoked_ms),
            )
            for one in found.values()
        ]

    async def chain(self, device: str) -> Sequence[SignedRange]:
        """Return what the checkpoints of a device cover, in the order in which it signed them."""
        return ()

    async def checkpoints(self, device: str, places: range) -> Sequence[tuple[Checkpoint, Envelope]]:
        """Return the checkpoints at these places of the chain."""
        return ()

    async def secrets(self, device: str) -> Mapping[str, bytes]:
        """Return the secret of each log epoch of a device."""
        return {}
