"""The command `signage-origin`: serve, publish a folder, keys, devices."""

import argparse
import asyncio
import dataclasses
import functools
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sync.errors import Rejected, SignageError
from sync.origin.api.devices import DeviceView
from sync.origin.app.server import serve
from sync.origin.app.wiring import Origin, has_origin, open_origin
from sync.origin.http.auth import make_key
from sync.origin.publishing.folder_publisher import publish_folder
from sync.origin.settings.loader import load_settings
from sync.origin.settings.model import OriginConfiguration
from sync.runtime.clock import SystemClock, instant, unix_ms
from sync.runtime.supervisor import supervise
from sync.wire.base import Identifier, Name

FAILED = 1
NOISY = ("aiosqlite",)  # at DEBUG it writes down every statement and its parameters

CliCommand = Callable[[Origin, argparse.Namespace], Awaitable[Any]]


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return its exit code: 0 done, 1 it could not be done, 2 it was called wrongly."""
    asked = parser().parse_args(arguments)
    try:
        settings = load_settings(asked.config, _overrides(asked))
        logging.basicConfig(
            level=settings.logging.level, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr
        )
        for library in NOISY:
            logging.getLogger(library).setLevel(logging.INFO)
        asyncio.run(asked.run(settings, asked))
    except SignageError as error:
        print(f"signage-origin: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--config", type=Path, metavar="FILE", help="settings (default: /etc/signage/origin.toml)")
    shared.add_argument("--data-dir", type=Path, metavar="DIR", help="where everything lies")
    parser = argparse.ArgumentParser(
        prog="signage-origin", description="The central server: takes media in, publishes releases, keeps the proof."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    served = commands.add_parser("serve", parents=[shared], help="run the origin until it is told to end")
    served.add_argument("--host", help="address to listen on")
    served.add_argument("--port", type=int, help="port to listen on; 0 takes any that is free")
    served.set_defaults(run=_serve)
    put = _verb(commands, "publish", shared, _publish, "put a folder of pictures and videos on a channel")
    put.add_argument("folder", type=Path, help="pictures, videos and, if you like, a playlist.toml")
    put.add_argument("--channel", required=True, type=_channel, metavar="NAME", help="the channel it is to play on")
    put.add_argument("--name", type=_name, help="what to call the playlist (default: like the folder)")
    _add_keys(commands, shared)
    _add_devices(commands, shared)
    storage = _verb(commands, "storage", shared, _storage, "how full the origin is, and what of it nobody needs")
    storage.add_argument("--clear", action="store_true", help="take away what may go now, not within the hour")
    return parser


def _add_keys(commands: Any, shared: argparse.ArgumentParser) -> None:
    keys = commands.add_parser("keys", help="people's keys to the console and the API")
    verbs = keys.add_subparsers(required=True, metavar="VERB")
    _verb(verbs, "list", shared, _list_keys, "all keys, without their secrets")
    add = _verb(verbs, "add", shared, _add_key, "make a key and print it this once")
    add.add_argument("name", type=_name, help="whose it is")
    add.add_argument("--access", choices=("read", "write"), default="read", help="default: %(default)s")
    revoke = _verb(verbs, "revoke", shared, _revoke_key, "make a key worth nothing, and end its sessions")
    revoke.add_argument("key", help="its name or id")


def _add_devices(commands: Any, shared: argparse.ArgumentParser) -> None:
    devices = commands.add_parser("devices", help="the screens that belong here")
    verbs = devices.add_subparsers(required=True, metavar="VERB")
    _verb(verbs, "list", shared, _list_devices, "all devices and what they show")
    approve = _verb(verbs, "approve", shared, _approve_device, "let the device in that shows a code")
    approve.add_argument("code", help="the code on its screen")
    approve.add_argument("--channel", required=True, type=_channel, metavar="NAME", help="the channel it is to play")
    approve.add_argument("--name", type=_name, help="another name than the one it gives itself")
    remove = _verb(verbs, "remove", shared, _remove_device, "lock a device out; its plays stay")
    remove.add_argument("device", help="its id")


def _verb(
    verbs: Any, name: str, shared: argparse.ArgumentParser, command: CliCommand, text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, parents=[shared], help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_on_data(command))
    return parser


def _on_data(command: CliCommand) -> Callable[[OriginConfiguration, argparse.Namespace], Awaitable[None]]:
    """Return a runner of `command` on the open data, beside a serving origin or without one.

    Only serving and publishing may begin an origin: elsewhere an empty one is a `--data-dir` mistyped.
    """

    async def run(settings: OriginConfiguration, asked: argparse.Namespace) -> None:
        if command is not _publish and not has_origin(settings):
            raise Rejected(f"there is no origin in {settings.storage.data_dir}: check --data-dir and --config")
        async with open_origin(settings, SystemClock()) as origin:
            await command(origin, asked)

    return run


def _typed(kind: Any, wanted: str) -> Callable[[str], str]:
    adapter: TypeAdapter[str] = TypeAdapter(kind)

    def check(said: str) -> str:
        try:
            return adapter.validate_python(said)
        except ValidationError as error:
            raise argparse.ArgumentTypeError(f"{said!r} is not {wanted}") from error

    return check


_channel = _typed(Identifier, "a name of letters, digits, dots, dashes and underscores")
_name = _typed(Name, "a name of 1 to 200 printable characters")


def _overrides(asked: argparse.Namespace) -> dict[str, dict[str, Any]]:
    given = {
        "server": {"host": getattr(asked, "host", None), "port": getattr(asked, "port", None)},
        "storage": {"data_dir": asked.data_dir},
    }
    kept = {section: {k: v for k, v in fields.items() if v is not None} for section, fields in given.items()}
    return {section: fields for section, fields in kept.items() if fields}


async def _serve(settings: OriginConfiguration, asked: argparse.Namespace) -> None:
    await serve(settings, lambda line: print(line, flush=True))


async def _publish(origin: Origin, asked: argparse.Namespace) -> None:
    """Take in and publish; the pipeline runs here, beside that of a serving origin if there is one."""
    working = asyncio.create_task(supervise("pipeline", origin.pipeline.run, SystemClock(), origin.restarts))
    try:
        told = functools.partial(print, file=sys.stderr)
        done = await publish_folder(
            asked.folder, asked.channel, origin.folder_target, SystemClock(), name=asked.name, report=told
        )
    finally:
        working.cancel()
        await asyncio.wait([working])
    line = f"{done.channel}: release {done.sequence}, {done.items} items, {done.ads} ads, {done.asset_bytes} bytes"
    _print(asked, dataclasses.asdict(done), [line + (" (unchanged)" if done.unchanged else "")])


async def _list_keys(origin: Origin, asked: argparse.Namespace) -> None:
    keys = [
        {"id": key.id, "name": key.name, "access": key.access, "created_at": _utc(key.created_ms)}
        for key in await origin.keys.list_all()
    ]
    _print(asked, keys, [f"{key['name']}  {key['access']}  since {key['created_at']}" for key in keys])


async def _add_key(origin: Origin, asked: argparse.Namespace) -> None:
    key, token = await make_key(origin.keys, SystemClock(), asked.name, asked.access)
    shown = {"id": key.id, "name": key.name, "access": key.access, "token": token}
    _print(asked, shown, [f"{token}", f"This is {key.name}'s {key.access} key; it is shown only this once."])


async def _revoke_key(origin: Origin, asked: argparse.Namespace) -> None:
    key = await origin.keys.remove(asked.key)
    _print(asked, {"revoked": key.id}, [f"{key.name}'s key is worth nothing any more."])


async def _list_devices(origin: Origin, asked: argparse.Namespace) -> None:
    devices = await origin.devices.all()
    shown = [device.model_dump(mode="json") for device in devices]
    _print(asked, shown, [_device_line(device) for device in devices])


async def _approve_device(origin: Origin, asked: argparse.Namespace) -> None:
    device = await origin.pairings.approve(asked.code, asked.channel, asked.name)
    _print(asked, device.model_dump(mode="json"), [f"{device.name} ({device.id}) plays {device.channel}."])


async def _remove_device(origin: Origin, asked: argparse.Namespace) -> None:
    await origin.devices.remove(asked.device)
    _print(asked, {"removed": asked.device}, [f"Device {asked.device} is locked out; its plays stay."])


async def _storage(origin: Origin, asked: argparse.Namespace) -> None:
    figures = await (origin.cleaner.clear() if asked.clear else origin.cleaner.report())
    shown = dataclasses.asdict(figures) | {"at": _utc(unix_ms(figures.at))}
    lines = [
        f"kept      {figures.releases} releases, {figures.assets} assets of {figures.asset_bytes} bytes",
        f"resting   {figures.resting} of these assets, {figures.resting_bytes} bytes, until their grace is over",
        f"may go    {figures.over} files, {figures.over_bytes} bytes",
    ]
    _print(asked, shown, lines)


def _device_line(device: DeviceView) -> str:
    beat = device.heartbeat
    shows = beat.on_air.title if beat and beat.on_air else "nothing we know of"
    seen = "never seen" if device.seen_age_s is None else f"seen {device.seen_age_s:.0f} s ago"
    state = f"release {device.sequence or 0} of {device.channel_sequence}"
    return f"{device.id}  {device.name}  {device.channel}  {state}  {seen}  shows {shows}"


def _print(asked: argparse.Namespace, document: Any, lines: list[str]) -> None:
    print(json.dumps(document) if asked.json else "\n".join(lines) or "none")


def _utc(ms: int) -> str:
    return instant(ms).astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


if __name__ == "__main__":
    raise SystemExit(main())
