"""The commands `signage-origin devices keys` and `revoke-key`: the keys with which devices sign their logs of plays."""

import argparse

from sync.errors import Rejected
from sync.origin.api.proof.device_keys import DeviceKeyList, DeviceKeyView
from sync.origin.app.trust_commands import Answer
from sync.origin.app.wiring import Origin


async def show_keys(origin: Origin, options: argparse.Namespace) -> Answer:
    """Return the keys that a device ever had."""
    return _told(await origin.device_keys.keys(options.device))


async def revoke_key(origin: Origin, options: argparse.Namespace) -> Answer:
    """Have what a key signs from now on count for nothing; the device makes another one."""
    keys = (await origin.device_keys.keys(options.device)).keys
    found = [one.key for one in keys if one.key.startswith(options.key)]
    if len(found) != 1:
        raise Rejected(f"{len(found)} keys of device {options.device} begin with {options.key}: see `devices keys`")
    return _told(await origin.device_keys.revoke(options.device, found[0], by="command line", note=options.note))


def _told(found: DeviceKeyList) -> Answer:
    return found.model_dump(mode="json"), [_key_line(key) for key in found.keys]


def _key_line(key: DeviceKeyView) -> str:
    state = "signs now" if key.current else "was replaced"
    if key.revoked_at is not None:
        state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M} UTC by {key.revoked_by}: {key.note}"
    doubt = "" if key.replaces is None or key.proven else "; the key before it did not confirm it"
    return f"{key.key[:16]}  since {key.issued_at:%Y-%m-%d %H:%M} UTC  {state}{doubt}"
