"""`signage-player`: runs the player on this device, and reports on it."""

import argparse
import asyncio
import json
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from player import __version__
from player.app.daemon import run
from player.app.failed_starts import read_failed_starts, record_path
from player.platform.x11 import find_authority
from player.settings.configuration import Configuration, load_configuration
from player.stage.escalation import EscalationStep
from sync.command_output import log_to_stderr, print_answer
from sync.errors import Conflict, ScreenFailed, SignageError
from sync.runtime.clock import SystemClock
from sync.wire.input.input_messages import argument

CONFIG = Path("/etc/signage/player.toml")

FAILED, LOCKED, NO_DISPLAY = 1, 3, 4
STEPS = {EscalationStep.RESTART: 5, EscalationStep.REBOOT: 6}
_EXITS = (
    "exit codes: 0 stopped as asked, 1 failed, 2 wrong usage, 3 another player uses the state folder, 4 no display, "
    "5 the player has to be started again, 6 the device has to be rebooted"
)

_DISPLAY_HELP = """\
The player fills an X server that shows nothing else. This starts one, and the player on it:
  on this machine's screen, from a text console:  startx {command} -- -noreset -nocursor -s 0 -dpms
  in a window on a desktop:                       xinit {command} -- /usr/bin/Xephyr :9 -noreset -screen 1280x720
  on a machine without a screen:                  xinit {command} -- /usr/bin/Xvfb :9 -noreset -screen 0 1280x720x24
Debian's packages for them: xinit, and xserver-xorg, xserver-xephyr or xvfb. On a device use signage-display.service."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Carry out one command line and exit with its code."""
    options = parser().parse_args(arguments)
    configuration = load_configuration(options.config or (CONFIG if CONFIG.exists() else None))
    for problem in configuration.problems():
        print(f"signage-player: {problem}", file=sys.stderr)
    failed = read_failed_starts(record_path(configuration))
    if failed and options.command in ("status", "doctor"):
        print(f"signage-player: the player {failed}", file=sys.stderr)
    commands = {
        "run": _run,
        "status": _status,
        "let-through": _let_through,
        "rotate-key": _rotate_key,
        "doctor": _doctor,
        "explain": _explain,
        "forecast": _forecast,
    }
    try:
        sys.exit(commands[options.command](configuration, options))
    except SignageError as error:
        print(f"signage-player: {error}", file=sys.stderr)
        sys.exit(FAILED)


def _status(configuration: Configuration, options: argparse.Namespace) -> int:
    from player.endpoint.client import ask_player  # not at the top: a screen starts sooner without it
    from player.endpoint.status_text import status_text

    document = asyncio.run(ask_player(configuration, options.url))
    print_answer(json.dumps(document) if options.json else "\n".join(status_text(document["status"], document["now"])))
    return 0


def _let_through(configuration: Configuration, options: argparse.Namespace) -> int:
    from player.endpoint.client import let_through
    from player.endpoint.status_text import month_text

    print_answer(month_text(asyncio.run(let_through(configuration, options.url, options.release))))
    return 0


def _rotate_key(configuration: Configuration, options: argparse.Namespace) -> int:
    from player.endpoint.client import rotate_key
    from player.endpoint.status_text import key_text

    print_answer(key_text(asyncio.run(rotate_key(configuration, options.url))))
    return 0


def _explain(configuration: Configuration, options: argparse.Namespace) -> int:
    from player.diagnostics.cli_report import explanation_text, read_view_for
    from sync.programme.preview.explanation import explain

    explanation = explain(asyncio.run(read_view_for(configuration, options.at)))
    print_answer(explanation.model_dump_json() if options.json else "\n".join(explanation_text(explanation)))
    return 0


def _forecast(configuration: Configuration, options: argparse.Namespace) -> int:
    from player.diagnostics.cli_report import forecast_text, read_view_for
    from sync.programme.preview.forecast import forecast

    ahead = forecast(asyncio.run(read_view_for(configuration)), options.hours, options.most)
    print_answer(ahead.model_dump_json() if options.json else "\n".join(forecast_text(ahead)))
    return 0


def _doctor(configuration: Configuration, options: argparse.Namespace) -> int:
    from player.app.device_session import network_of  # not at the top: a screen starts sooner without all of these
    from player.diagnostics.doctor import Severity, doctor_document, doctor_text, find_faults
    from player.diagnostics.doctor_probes import probe_machine
    from player.diagnostics.origin_walk import walk_to_origin
    from sync.device.store.content_store import ContentStore

    settings, clock = configuration.settings, SystemClock()
    content = ContentStore(settings.storage.state_dir)
    way = walk_to_origin(str(settings.origin.url), network_of(settings, clock), content, clock)
    display = os.environ.get("DISPLAY", "")
    find_authority(display)
    facts = replace(probe_machine(configuration, display), origin=asyncio.run(way))
    print_answer(json.dumps(doctor_document(facts)) if options.json else "\n".join(doctor_text(facts)))
    return FAILED if any(finding.weight is Severity.BROKEN for finding in find_faults(facts)) else 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="signage-player", description=__doc__, epilog=_EXITS)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", type=Path, metavar="FILE", help=f"settings file (default: {CONFIG} if it exists)")
    run_help = "show what is scheduled until the process is stopped"
    commands.add_parser("run", parents=[common], help=run_help, epilog=_EXITS)
    status = commands.add_parser("status", parents=[common], help="print how the running player is")
    status.add_argument("--json", action="store_true", help="print one JSON object")
    through_help = "have one release fetched though the budget of bytes of the month is spent"
    through = commands.add_parser("let-through", parents=[common], help=through_help)
    through.add_argument("release", nargs="?", metavar="RELEASE", help="its SHA-256 (default: the one that waits)")
    rotate_help = "replace the key with which plays are signed, such as after somebody had this device in hand"
    rotate = commands.add_parser("rotate-key", parents=[common], help=rotate_help)
    for command in (status, through, rotate):
        command.add_argument("--url", metavar="URL", help="address of its endpoint (default: from the settings)")
    doctor = commands.add_parser(
        "doctor",
        parents=[common],
        help="check this device and print what to repair (exit code 1: it cannot play)",
    )
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    _add_decision_commands(commands, common)
    return parser


def _add_decision_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    explain = commands.add_parser(
        "explain", parents=[common], help="print what is on air and why, and why nothing else is; changes nothing"
    )
    explain.add_argument("--at", metavar="TIME", help="another time, such as 2026-11-23T18:00 (time zone of the venue)")
    forecast = commands.add_parser("forecast", parents=[common], help="print what will be on air; changes nothing")
    forecast.add_argument("--hours", type=argument(float), default=1.0, help="how many hours ahead (default: 1)")
    forecast.add_argument("--most", type=argument(int), default=1_000, help="most entries (default: %(default)s)")
    for command in (explain, forecast):
        command.add_argument("--json", action="store_true", help="print one JSON object")


def _run(configuration: Configuration, _options: argparse.Namespace) -> int:
    _log(configuration.settings.logging.level)
    display = os.environ.get("DISPLAY", "")
    try:
        if not display:
            raise ScreenFailed("no display: DISPLAY is not set")
        find_authority(display)
        step = asyncio.run(run(configuration, display))
    except Conflict as error:
        print(f"signage-player: {error}", file=sys.stderr)
        return LOCKED
    except ScreenFailed as error:
        print(f"signage-player: {error}", file=sys.stderr)
        if "JOURNAL_STREAM" not in os.environ:  # a person reads this
            command = shlex.join([str(Path(sys.argv[0]).absolute()), *sys.argv[1:]])
            print(_DISPLAY_HELP.format(command=command), file=sys.stderr)
        return NO_DISPLAY
    return STEPS[step] if step else 0


def _log(level: str) -> None:
    """Log without the time to the journal, which adds its own; with the time to everything else."""
    time = "" if "JOURNAL_STREAM" in os.environ else "%(asctime)s "
    log_to_stderr(level, f"{time}%(levelname)s %(name)s %(message)s")
