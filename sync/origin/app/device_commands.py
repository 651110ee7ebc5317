"""The commands `signage-origin devices list`, `keys` and `revoke-key`: devices, and the keys with which they sign."""

import argparse
from typing import Any

from sync.errors import Rejected
from sync.origin.api.devices import DeviceView
from sync.origin.api.proof.device_keys import DeviceKeyList, DeviceKeyView
from sync.origin.app.trust_commands import Answer
from sync.origin.persistence.pages import MOST_ROWS, PageRequest
from sync.origin.wiring.origin import Origin


async def list_devices(origin: Origin, options: argparse.Namespace) -> Answer:
    """Return devices by name; they are read page by page."""
    filters = {name: value for name in ("channel", "search") if (value := getattr(options, name)) is not None}
    shown, lines, cursor = list[dict[str, Any]](), list[str](), None
    while (left := MOST_ROWS if options.limit is None else min(MOST_ROWS, options.limit - len(shown))) > 0:
        page = await origin.devices.page(PageRequest(left, None, cursor, filters))
        shown += [device.model_dump(mode="json") for device in page.items]
        lines += map(_device_line, page.items)
        if (cursor := page.next) is None:
            break
    return shown, lines


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


def _device_line(device: DeviceView) -> str:
    beat = device.heartbeat
    shows = beat.on_air.title if beat and beat.on_air else "nothing known"
    seen = "never seen" if device.seen_age_s is None else f"seen {device.seen_age_s:.0f} s ago"
    state = f"release {device.sequence or 0} of {device.channel_sequence}"
    if beat and beat.coming:
        ready = f"{beat.coming.ready_at:%Y-%m-%d %H:%M}Z" if beat.coming.ready_at else "at a time not known yet"
        state += f" (ready {ready}{', late' if beat.coming.late else ''})"
    return f"{device.id}  {device.name}  {device.channel}  {state}  {seen}  shows {shows}"


def _told(found: DeviceKeyList) -> Answer:
    return found.model_dump(mode="json"), [_key_line(key) for key in found.keys]


def _key_line(key: DeviceKeyView) -> str:
    state = "signs now" if key.current else "was replaced"
    if key.revoked_at is not None:
        state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M} UTC by {key.revoked_by}: {key.note}"
    doubt = "" if key.replaces is None or key.proven else "; the key before it did not confirm it"
    return f"{key.key[:16]}  since {key.issued_at:%Y-%m-%d %H:%M} UTC  {state}{doubt}"
