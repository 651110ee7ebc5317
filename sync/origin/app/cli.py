"""The command `signage-origin`: serve, publish a folder, keys, devices, trust, proof."""

import argparse
import asyncio
import dataclasses
import functools
import getpass
import json
import logging
import os
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from sync.command_output import log_to_stderr, one_line, print_answer
from sync.errors import Rejected, SignageError
from sync.origin import __version__
from sync.origin.app import (
    device_commands,
    origin_commands,
    people_commands,
    proof_commands,
    replay_command,
    report_commands,
    trust_commands,
)
from sync.origin.app.server import serve
from sync.origin.audit.actor import Actor, ActorKind, acting_as
from sync.origin.publishing.folder.folder_publisher import publish_folder
from sync.origin.remote.verbs import REMOTE
from sync.origin.settings.loader import load_settings
from sync.origin.settings.model import OriginConfiguration
from sync.origin.wiring.origin import Origin, has_origin, open_origin
from sync.roles import Role
from sync.runtime.clock import SystemClock
from sync.runtime.supervisor import supervise
from sync.trust.root_changes import public_key
from sync.wire.input.input_messages import argument
from sync.wire.value_types import AskedInstant, Identifier, Name

FAILED = 1
NOISY = ("aiosqlite",)  # at DEBUG it writes down every statement and its parameters

_identifier = argument(Identifier)
_name = argument(Name)
_Count = Annotated[int, Field(ge=1)]

_FILE: dict[str, Any] = {"type": Path, "metavar": "FILE"}

CliCommand = Callable[[Origin, argparse.Namespace], Awaitable[Any]]
TrustCommand = Callable[[Origin, argparse.Namespace], Awaitable[trust_commands.Answer]]


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return its exit code: 0 done, 1 it could not be done, 2 it was called wrongly."""
    options = parser().parse_args(arguments)
    try:
        elsewhere = getattr(options, "elsewhere", False)
        settings = OriginConfiguration() if elsewhere else load_settings(options.config, _overrides(options))
        log_to_stderr(settings.logging.level, "%(levelname)s %(name)s %(message)s")
        for library in NOISY:
            logging.getLogger(library).setLevel(logging.INFO)
        asyncio.run(options.run(settings, options))
    except SignageError as error:
        print(f"signage-origin: {one_line(str(error))}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--config", type=Path, metavar="FILE", help="settings (default: /etc/signage/origin.toml)")
    shared.add_argument("--data-dir", type=Path, metavar="DIR", help="the folder with the origin's data")
    parser = argparse.ArgumentParser(
        prog="signage-origin",
        description="The central server: takes media in, publishes releases, keeps the proof.",
        epilog=f"Over HTTP, with a key and from any machine: {', '.join(sorted(REMOTE))}; "
        "`signage-origin media --help` asks an origin what it can do with media.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    served = commands.add_parser("serve", parents=[shared], help="run the origin until it is told to end")
    served.add_argument("--host", help="address to listen on")
    served.add_argument("--port", type=argument(int), help="port to listen on; 0 takes any that is free")
    served.set_defaults(run=_serve)
    put = _verb(commands, "publish", shared, _publish, "publish a folder of pictures and videos on a channel")
    put.add_argument("folder", type=Path, help="pictures, videos and, optionally, a playlist.toml")
    put.add_argument("--channel", required=True, type=_identifier, metavar="NAME", help="the channel that plays it")
    put.add_argument("--name", type=_name, help="the name of the playlist (default: the name of the folder)")
    text = "what players know this origin by (their origin.fingerprint)"
    _verb(commands, "fingerprint", shared, _answered(origin_commands.fingerprint), text)
    _add_keys(commands, shared)
    _add_people(commands, shared)
    _add_devices(commands, shared)
    _add_trust(commands, shared)
    _add_looks(commands, shared)
    _add_plays(commands, shared)
    text = "what an export of plays proves, on any machine (exit code 0: whole, 1: broken, 3: incomplete)"
    verify = _verb_elsewhere(commands, "verify", proof_commands.verify, text)
    verify.add_argument("file", help="the export; - reads it from standard input", **_FILE)
    text = "what `signage-origin fingerprint` prints at the origin; learn it from the operator, not from the export"
    verify.add_argument("--root", required=True, type=_fingerprint_text, metavar="FINGERPRINT", help=text)
    _verb(commands, "doctor", shared, _answered(origin_commands.doctor), "what this machine lets the origin do")
    return parser


def _add_looks(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add what looks at the whole origin."""
    text = "who booked what on a channel, and what is short"
    booked = _verb(commands, "campaigns", shared, _answered(origin_commands.campaigns), text)
    booked.add_argument("--channel", required=True, type=_identifier, metavar="NAME", help="the channel")
    text = "what was booked, promised and delivered, and why the rest was not"
    report_commands.add_arguments(_verb(commands, "report", shared, report_commands.report, text))
    text = "how full the origin is, and how much of it nobody needs"
    storage = _verb(commands, "storage", shared, _answered(origin_commands.storage), text)
    storage.add_argument("--clear", action="store_true", help="remove now what would be removed within the hour")
    text = "replay the audit log, and compare what it gives with what is stored (exit code 1: they differ)"
    _verb(commands, "replay", shared, _answered(replay_command.check_replay), text)


def _add_keys(commands: Any, shared: argparse.ArgumentParser) -> None:
    keys = commands.add_parser("keys", help="keys of people and programs to the console and the API")
    verbs = keys.add_subparsers(required=True, metavar="VERB")
    _verb(verbs, "list", shared, _answered(people_commands.list_keys), "list all keys, without their secrets")
    add = _verb(verbs, "add", shared, _answered(people_commands.add_key), "make a key and print it, once")
    add.add_argument("name", type=_name, help="the name of its owner")
    may = add.add_mutually_exclusive_group()
    _add_role(may, "what it is for (default: viewer)")
    _add_space(add)
    text = "what there was before roles: read is viewer, write is administrator"
    may.add_argument("--access", choices=people_commands.ROLES_BY_ACCESS, help=text)
    text = "make a key invalid and end its sessions"
    revoke = _verb(verbs, "revoke", shared, _answered(people_commands.revoke_key), text)
    revoke.add_argument("key", help="its name or id")


def _add_people(commands: Any, shared: argparse.ArgumentParser) -> None:
    people = commands.add_parser("people", help="who logs in to the console with a name and a password")
    verbs = people.add_subparsers(required=True, metavar="VERB")
    _verb(verbs, "list", shared, _answered(people_commands.list_people), "list all accounts")
    text = "make an account, and print a one-time code that sets its password"
    add = _verb(verbs, "add", shared, _answered(people_commands.add_person), text)
    add.add_argument("name", type=_name, help="the name to log in with")
    _add_role(add, "what the person is there for (default: viewer)", default="viewer")
    _add_space(add)
    text = "give an account another role, or with --space one more, and end its sessions"
    role = _verb(verbs, "role", shared, _answered(people_commands.change_role), text)
    text = "take password, second factor and sessions from an account, and print a code that sets a new password"
    reset = _verb(verbs, "reset", shared, _answered(people_commands.reset_person), text)
    remove = _verb(verbs, "remove", shared, _answered(people_commands.remove_person), "remove an account")
    for parser in (role, reset, remove):
        parser.add_argument("person", help="the name or id")
    role.add_argument("role", choices=list(map(str, Role)), help="the new role")
    _add_space(role)


def _add_space(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--space", type=_identifier, metavar="ID", help="of the space it is for (default: everything)")


def _add_role(parser: Any, text: str, default: str | None = None) -> None:
    parser.add_argument("--role", choices=list(map(str, Role)), default=default, help=text)


def _add_devices(commands: Any, shared: argparse.ArgumentParser) -> None:
    devices = commands.add_parser("devices", help="the paired screens")
    verbs = devices.add_subparsers(required=True, metavar="VERB")
    listed = _verb(verbs, "list", shared, _answered(device_commands.list_devices), "list devices and what they show")
    listed.add_argument("--channel", type=_identifier, metavar="NAME", help="only those of this channel")
    listed.add_argument("--search", type=_name, metavar="TEXT", help="only those with this in their name or id")
    listed.add_argument("--limit", type=argument(_Count), metavar="N", help="so many at most (default: all)")
    approve = _verb(verbs, "approve", shared, _approve_device, "pair the device that shows a code")
    approve.add_argument("code", help="the code on its screen")
    approve.add_argument("--channel", required=True, type=_identifier, metavar="NAME", help="the channel it plays")
    approve.add_argument("--name", type=_name, help="a name for it (default: the name it gives itself)")
    remove = _verb(verbs, "remove", shared, _remove_device, "remove a device; its plays stay")
    remove.add_argument("device", help="its id")
    text = "the keys with which a device signs its log of plays"
    keys = _verb(verbs, "keys", shared, _answered(device_commands.show_keys), text)
    keys.add_argument("device", help="its id")
    text = "have what a key of a device signs from now on count for nothing; the device makes another one"
    revoke = _verb(verbs, "revoke-key", shared, _answered(device_commands.revoke_key), text)
    revoke.add_argument("device", help="its id")
    revoke.add_argument("key", help="the beginning of the id of the key, see `devices keys`")
    revoke.add_argument("--note", required=True, type=_name, help="why, for those who read the proof")


def _add_plays(commands: Any, shared: argparse.ArgumentParser) -> None:
    plays = commands.add_parser("plays", help="what screens showed")
    verbs = plays.add_subparsers(required=True, metavar="VERB")
    text = "write the plays of a campaign, line or screen with their proof, for `verify`"
    export = verbs.add_parser("export", parents=[shared], help=text, description=text)
    export.add_argument("file", help="the new file; - writes to standard output", **_FILE)
    of = export.add_mutually_exclusive_group(required=True)
    for name in ("campaign", "line", "device"):
        of.add_argument(f"--{name}", type=argument(Identifier), metavar="ID", help=f"the id of a {name}")
    moment = {"required": True, "type": argument(AskedInstant), "metavar": "TIME"}
    export.add_argument("--from", dest="begin", help="such as 2026-03-01T00:00:00Z", **moment)
    export.add_argument("--until", help="not part of the period", **moment)
    export.set_defaults(run=_on_data(proof_commands.export))


def _add_trust(commands: Any, shared: argparse.ArgumentParser) -> None:
    trust = commands.add_parser("trust", help="the root and online keys that devices trust")
    verbs = trust.add_subparsers(required=True, metavar="VERB")
    _verb(verbs, "show", shared, _answered(trust_commands.show), "show the newest root, its keys, and what is amiss")

    def change(name: str, command: TrustCommand, text: str) -> argparse.ArgumentParser:
        parser = _verb(verbs, name, shared, _answered(command), text)
        _add_consent(parser)
        parser.add_argument("--key", action="append", default=[], help="a root key that signs, in this file", **_FILE)
        parser.add_argument("--export", help="write what is to be signed elsewhere; change nothing yet", **_FILE)
        number = "threshold" if name == "threshold" else "--threshold"
        parser.add_argument(number, type=argument(_Count), metavar="N", help="how many root keys must sign")
        return parser

    rotate = change("rotate", trust_commands.rotate, "replace the online key, or root keys")
    rotate.add_argument("role", choices=("online", "root"))
    text = "a new root key, by its public part; all old ones go (default: a new one here for the one here)"
    rotate.add_argument("--with", dest="new", action="append", default=[], type=_public, metavar="PUBLICKEY", help=text)
    add = change("add", trust_commands.add, "add a root key that is kept elsewhere")
    add.add_argument("new", type=_public, metavar="PUBLICKEY", help="what `trust make` printed")
    revoke = change("revoke", trust_commands.revoke, "take a key out of the root")
    revoke.add_argument("key_id", metavar="KEY", help="the beginning of its id, see `trust show`")
    change("threshold", trust_commands.change, "change how many root keys must sign")
    change("renew", trust_commands.change, "give the root ten more years")
    signed = _verb(
        verbs, "import", shared, _answered(trust_commands.import_signed), "publish what was signed elsewhere"
    )
    _add_consent(signed)
    signed.add_argument("file", help="what `--export` wrote, signed", **_FILE)
    _add_trust_elsewhere(verbs)


def _add_trust_elsewhere(verbs: Any) -> None:
    """Add what is done on the machine with a root key, where there is no origin."""
    make = _verb_elsewhere(verbs, "make", trust_commands.make, "make a root key in a file, on any machine")
    make.add_argument("file", help="the file for the private part", **_FILE)
    sign = _verb_elsewhere(verbs, "sign", trust_commands.sign, "sign what was exported, where the root key is")
    _add_consent(sign)
    sign.add_argument("file", help="what `--export` wrote; it is written again", **_FILE)
    sign.add_argument("--key", action="append", required=True, help="the root key", **_FILE)


def _verb_elsewhere(
    verbs: Any, name: str, command: Callable[[argparse.Namespace], Awaitable[trust_commands.Answer | None]], text: str
) -> argparse.ArgumentParser:
    """Add a command for any machine: it reads no settings, and needs no origin."""

    async def run(settings: OriginConfiguration, options: argparse.Namespace) -> None:
        if answer := await command(options):
            _print(options, *answer)

    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run, elsewhere=True)
    return parser


def _add_consent(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do it, without asking")


def _public(text: str) -> dict[str, str]:
    try:
        return public_key(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _fingerprint_text(text: str) -> str:
    found = text.strip().lower()
    if not re.fullmatch("[0-9a-f]{64}", found):
        raise argparse.ArgumentTypeError("is not a fingerprint: 64 digits and letters a to f")
    return found


def _answered(command: TrustCommand) -> CliCommand:
    async def run(origin: Origin, options: argparse.Namespace) -> None:
        _print(options, *await command(origin, options))

    return run


def _verb(
    verbs: Any, name: str, shared: argparse.ArgumentParser, command: CliCommand, text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, parents=[shared], help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_on_data(command))
    return parser


def _on_data(command: CliCommand) -> Callable[[OriginConfiguration, argparse.Namespace], Awaitable[None]]:
    """Return a function that runs `command` on the open data, beside a running origin or without one.

    Only `serve` and `publish` may create an origin. For other commands an empty folder means a wrong `--data-dir`.
    """

    async def run(settings: OriginConfiguration, options: argparse.Namespace) -> None:
        if command is not _publish and not has_origin(settings):
            raise Rejected(f"there is no origin in {settings.storage.data_dir}: check --data-dir and --config")
        async with open_origin(settings, SystemClock()) as origin:
            with acting_as(_who_calls()):
                await command(origin, options)

    return run


def _who_calls() -> Actor:
    """Return the user of the machine who gave the command, before `sudo` if that was used."""
    try:
        user = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        user = str(os.getuid())
    return Actor(ActorKind.COMMAND_LINE, user, user)


def _overrides(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    given = {
        "server": {"host": getattr(options, "host", None), "port": getattr(options, "port", None)},
        "storage": {"data_dir": options.data_dir},
    }
    kept = {section: {k: v for k, v in fields.items() if v is not None} for section, fields in given.items()}
    return {section: fields for section, fields in kept.items() if fields}


async def _serve(settings: OriginConfiguration, options: argparse.Namespace) -> None:
    await serve(settings, lambda line: print(line, flush=True))


async def _publish(origin: Origin, options: argparse.Namespace) -> None:
    """Ingest and publish. The pipeline runs here, beside the pipeline of a running origin if there is one."""
    working = asyncio.create_task(supervise("pipeline", origin.pipeline.run, SystemClock(), origin.restarts))
    try:
        report = functools.partial(print, file=sys.stderr)
        done = await publish_folder(
            options.folder, options.channel, origin.folder_target, SystemClock(), name=options.name, report=report
        )
    finally:
        working.cancel()
        await asyncio.wait([working])
    line = f"{done.channel}: release {done.sequence}, {done.items} items, {done.ads} ads, {done.asset_bytes} bytes"
    lines = [line + (" (unchanged)" if done.unchanged else ""), *(f"warning: {warning}" for warning in done.warnings)]
    _print(options, dataclasses.asdict(done), lines)


async def _approve_device(origin: Origin, options: argparse.Namespace) -> None:
    device = await origin.pairings.approve(options.code, options.channel, options.name)
    _print(options, device.model_dump(mode="json"), [f"{device.name} ({device.id}) plays {device.channel}."])


async def _remove_device(origin: Origin, options: argparse.Namespace) -> None:
    await origin.devices.remove(options.device)
    _print(options, {"removed": options.device}, [f"Device {options.device} is removed; its plays stay."])


def _print(options: argparse.Namespace, document: Any, lines: list[str]) -> None:
    print_answer(json.dumps(document) if options.json else "\n".join(map(one_line, lines)) or "none")
