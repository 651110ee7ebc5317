"""`signage-player`: runs the player on this device, and asks a running one how it is."""

import argparse
import asyncio
import json
import logging
import os
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp

from player import __version__
from player.access import TOKEN_FILE, local
from player.configure import Configuration, load
from player.daemon import run
from player.inputs import STATE
from sync import Conflict, ScreenFailed, SignageError

CONFIG = Path("/etc/signage/player.toml")

FAILED, LOCKED, NO_DISPLAY = 1, 3, 4
_EXITS = "exit codes: 0 ended as asked, 1 failed, 2 wrong usage, 3 the state folder is in use, 4 no display"
_TIMEOUT = aiohttp.ClientTimeout(total=10)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, do it, and exit with its code."""
    given = _parser().parse_args(arguments)
    file = given.config or (CONFIG if CONFIG.exists() else None)
    configuration = load(file)
    sys.exit(_run(configuration) if given.command == "run" else _status(configuration, given))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="signage-player", description=__doc__, epilog=_EXITS)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", type=Path, metavar="FILE", help=f"settings (default: {CONFIG} if it is there)")
    commands.add_parser("run", parents=[common], help="show what is scheduled, until told to stop", epilog=_EXITS)
    status = commands.add_parser("status", parents=[common], help="tell how the running player is")
    status.add_argument("--json", action="store_true", help="print one JSON object")
    status.add_argument("--url", metavar="URL", help="where its endpoint is (default: as the settings say)")
    return parser


def _run(configuration: Configuration) -> int:
    _log_to_stderr(configuration.settings.logging.level)
    display = os.environ.get("DISPLAY", "")
    if not display:
        print("signage-player: DISPLAY is not set: start an X server and name it, such as DISPLAY=:0", file=sys.stderr)
        return NO_DISPLAY
    try:
        asyncio.run(run(configuration, display))
    except Conflict as error:
        print(f"signage-player: {error}", file=sys.stderr)
        return LOCKED
    except ScreenFailed as error:
        print(f"signage-player: {error}", file=sys.stderr)
        return NO_DISPLAY
    return 0


def _log_to_stderr(level: str) -> None:
    """Log lines for the journal, which has its own clock; with the time for everybody else."""
    moment = "" if "JOURNAL_STREAM" in os.environ else "%(asctime)s "
    logging.basicConfig(level=level, format=f"{moment}%(levelname)s %(name)s %(message)s", stream=sys.stderr)


def _status(configuration: Configuration, given: argparse.Namespace) -> int:
    try:
        document = asyncio.run(_ask(configuration, given.url))
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        reason = str(error) or type(error).__name__
        print(
            f"signage-player: no answer from the player: {reason}; is signage-player.service running?", file=sys.stderr
        )
        return FAILED
    except SignageError as error:
        print(f"signage-player: {error}", file=sys.stderr)
        return FAILED
    print(json.dumps(document) if given.json else "\n".join(_lines(document["status"], document["now"])))
    return 0


async def _ask(configuration: Configuration, url: str | None) -> dict[str, Any]:
    settings = configuration.settings
    endpoint = settings.endpoint
    host = "127.0.0.1" if endpoint.host in ("0.0.0.0", "::") else endpoint.host
    base = url or f"{'https' if endpoint.tls_key else 'http'}://{host}:{endpoint.port}"
    headers = {} if local(endpoint.host) else _bearer(settings.storage.state_dir)
    trust: ssl.SSLContext | bool = True
    if endpoint.tls_certificate is not None:  # its own certificate need not name 127.0.0.1
        trust = ssl.create_default_context(cafile=endpoint.tls_certificate)
        trust.check_hostname = False
    async with aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers, connector=aiohttp.TCPConnector(ssl=trust)) as s:
        return {name: await _document(s, f"{base.rstrip('/')}/v1/{name}") for name in ("status", "now")}


async def _document(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url) as answer:
        document = await answer.json(content_type=None)
        if answer.status != 200:
            raise SignageError(f"{url} answered {answer.status}: {document.get('detail', '')}")
        return document


def _bearer(state_dir: Path) -> dict[str, str]:
    try:
        return {"Authorization": f"Bearer {(state_dir / STATE / TOKEN_FILE).read_text().strip()}"}
    except OSError as error:
        raise SignageError(f"the endpoint's token cannot be read: {error}; try as root") from error


def _lines(status: dict[str, Any], now: dict[str, Any]) -> list[str]:
    sync = status["sync"]
    age = "never" if sync["age_s"] is None else f"{sync['age_s']:.0f} s ago"
    lines = [
        f"{status['name']} ({status['device'] or 'not paired'}), version {status['version']}",
        f"on air    {now['title'] or now['showing']}: {now['why']}",
        f"next      {now['next_title'] or 'nothing planned'}",
        f"release   {sync['sequence'] or 'none'} of channel {status['channel'] or 'none'}, confirmed {age}",
        f"plays     {status['outbox_depth']} wait for delivery",
    ]
    if status["pairing_code"]:
        lines.append(f"pairing   {status['pairing_code']} (enter it in the console at {status['origin']})")
    return [*lines, *(f"problem   {sentence}" for sentence in status["problems"] or ["none"])]
