"""`signage-player`: runs the player on this device, and asks a running one how it is."""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from player import __version__
from player.app.daemon import run
from player.settings.configuration import Configuration, load_configuration
from player.stage.escalation import EscalationStep
from sync.errors import Conflict, ScreenFailed, SignageError

Found = TypeVar("Found", bound=BaseModel)

CONFIG = Path("/etc/signage/player.toml")

FAILED, LOCKED, NO_DISPLAY = 1, 3, 4
STEPS = {EscalationStep.RESTART: 5, EscalationStep.REBOOT: 6}
_EXITS = (
    "exit codes: 0 ended as asked, 1 failed, 2 wrong usage, 3 the state folder is in use, 4 no display, "
    "5 to be started anew, 6 to have the device rebooted"
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, do it, and exit with its code."""
    given = parser().parse_args(arguments)
    file = given.config or (CONFIG if CONFIG.exists() else None)
    configuration = load_configuration(file)
    commands = {"run": _run, "status": _status, "doctor": _doctor, "explain": _explain, "forecast": _forecast}
    sys.exit(commands[given.command](configuration, given))


def _status(configuration: Configuration, given: argparse.Namespace) -> int:
    from player.endpoint.client import (
        ask_player,
        status_text,  # a screen starts sooner without an HTTP client
    )

    try:
        document = asyncio.run(ask_player(configuration, given.url))
    except SignageError as error:
        print(f"signage-player: {error}", file=sys.stderr)
        return FAILED
    _say(json.dumps(document) if given.json else "\n".join(status_text(document["status"], document["now"])))
    return 0


def _explain(configuration: Configuration, given: argparse.Namespace) -> int:
    from player.diagnostics.cli_report import explanation_text, read_view_for
    from player.diagnostics.explanation import explain

    return _told(given, lambda: explain(asyncio.run(read_view_for(configuration, given.at))), explanation_text)


def _forecast(configuration: Configuration, given: argparse.Namespace) -> int:
    from player.diagnostics.cli_report import forecast_text, read_view_for
    from player.diagnostics.forecast import forecast

    return _told(
        given, lambda: forecast(asyncio.run(read_view_for(configuration)), given.hours, given.most), forecast_text
    )


def _told(given: argparse.Namespace, find: Callable[[], Found], tell: Callable[[Found], Iterable[str]]) -> int:
    try:
        found = find()
    except SignageError as error:
        print(f"signage-player: {error}", file=sys.stderr)
        return FAILED
    _say(found.model_dump_json() if given.json else "\n".join(tell(found)))
    return 0


def _say(text: str) -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # who reads, such as `head`, may have seen enough: no traceback
    print(text)


def _doctor(configuration: Configuration, given: argparse.Namespace) -> int:
    from player.diagnostics.doctor import Severity, doctor_document, doctor_text, find_faults
    from player.diagnostics.doctor_probes import probe_machine

    facts = probe_machine(configuration, os.environ.get("DISPLAY", ""))
    _say(json.dumps(doctor_document(facts)) if given.json else "\n".join(doctor_text(facts)))
    return FAILED if any(finding.weight is Severity.BROKEN for finding in find_faults(facts)) else 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="signage-player", description=__doc__, epilog=_EXITS)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", type=Path, metavar="FILE", help=f"settings (default: {CONFIG} if it is there)")
    commands.add_parser("run", parents=[common], help="show what is scheduled, until told to stop", epilog=_EXITS)
    status = commands.add_parser("status", parents=[common], help="tell how the running player is")
    status.add_argument("--json", action="store_true", help="print one JSON object")
    status.add_argument("--url", metavar="URL", help="where its endpoint is (default: as the settings say)")
    doctor = commands.add_parser(
        "doctor", parents=[common], help="tell what this device can do, and what will hurt (exit code 1: will not play)"
    )
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    _add_outlooks(commands, common)
    return parser


def _add_outlooks(commands: Any, common: argparse.ArgumentParser) -> None:
    explain = commands.add_parser(
        "explain", parents=[common], help="tell what is on air and why, and why nothing else is; reads only"
    )
    explain.add_argument("--at", metavar="TIME", help="another moment, such as 2026-11-23T18:00 by the venue's clock")
    forecast = commands.add_parser("forecast", parents=[common], help="list what will be on air; reads only")
    forecast.add_argument("--hours", type=float, default=1.0, help="how far to look ahead (default: %(default)s)")
    forecast.add_argument("--most", type=int, default=1_000, help="the most to list (default: %(default)s)")
    for outlook in (explain, forecast):
        outlook.add_argument("--json", action="store_true", help="print one JSON object")


def _run(configuration: Configuration, _given: argparse.Namespace) -> int:
    _log_to_stderr(configuration.settings.logging.level)
    display = os.environ.get("DISPLAY", "")
    if not display:
        print("signage-player: DISPLAY is not set: start an X server and name it, such as DISPLAY=:0", file=sys.stderr)
        return NO_DISPLAY
    try:
        step = asyncio.run(run(configuration, display))
    except Conflict as error:
        print(f"signage-player: {error}", file=sys.stderr)
        return LOCKED
    except ScreenFailed as error:
        print(f"signage-player: {error}", file=sys.stderr)
        return NO_DISPLAY
    return STEPS[step] if step else 0


def _log_to_stderr(level: str) -> None:
    """Log lines for the journal, which has its own clock; with the time for everybody else."""
    moment = "" if "JOURNAL_STREAM" in os.environ else "%(asctime)s "
    logging.basicConfig(level=level, format=f"{moment}%(levelname)s %(name)s %(message)s", stream=sys.stderr)
