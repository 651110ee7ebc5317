"""The deck's process: its limits, its lines in and out, and its end; run as `python -m player.deck`."""

import argparse
import logging
import os
import re
import resource
import signal
import sys
import threading
from queue import SimpleQueue
from typing import BinaryIO

from pydantic import ValidationError
from Xlib.error import ConnectionClosedError

from player.deck.context import DeckContext
from player.deck.deck import Deck, DeckInput
from player.deck.vlc.vlc_player import VlcPlayer
from player.deck.window import open_deck_window
from player.platform.child_process import die_with_parent
from player.platform.geometry import Area
from player.protocol.deck_messages import COMMAND, DeckEvent, Quit
from sync.errors import ScreenFailed
from sync.runtime.clock import SystemClock

_ADDRESS_SPACE_BYTES = 3 * 1024**3  # libVLC takes 0.8-1.4 GiB of address space for 100-270 MiB of memory
_NO_DISPLAY = 3

log = logging.getLogger(__name__)


def _area(text: str) -> Area:
    match = re.fullmatch(r"(\d+)x(\d+)([+-]\d+)([+-]\d+)(?:@(90|180|270))?", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 1280x720+0+0, turned 1280x720+0+0@90")
    width, height, x, y, turn = (int(group or 0) for group in match.groups())
    return Area.model_validate({"width": width, "height": height, "x": x, "y": y, "turn": turn})


def _claim_stdout() -> BinaryIO:
    """Keep the pipe to the stage for ourselves; whatever a library prints goes to stderr."""
    pipe = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return pipe


def _read_commands(inbox: "SimpleQueue[DeckInput]") -> None:
    """Turn lines into commands; the end of input is the daemon's end and ours."""
    for line in sys.stdin.buffer:
        try:
            inbox.put(COMMAND.validate_json(line))
        except ValidationError as error:
            log.error("deck cannot read a command: %s", error.errors(include_url=False, include_input=False))
    inbox.put(Quit())


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="player.deck", description=__doc__)
    parser.add_argument("--area", type=_area, required=True, help="where on the display, like 1280x720+0+0")
    parser.add_argument("--hardware", action="store_true", help="let libVLC decode in hardware")
    parser.add_argument("--parent", type=int, default=os.getppid(), help="process id of the daemon")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run one deck until `quit`, the end of input or the daemon's death; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="deck[%(process)d] %(levelname)s %(message)s")
    options = _parse(argv)
    die_with_parent(options.parent)
    for unwanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(unwanted, signal.SIG_IGN)  # the daemon ends us in its own order
    pipe = _claim_stdout()
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, _ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def tell(event: DeckEvent) -> None:
        pipe.write(event.model_dump_json().encode() + b"\n")

    inbox: SimpleQueue[DeckInput] = SimpleQueue()
    threading.Thread(target=_read_commands, args=(inbox,), name="commands", daemon=True).start()
    try:
        window = open_deck_window(os.environ.get("DISPLAY", ""), options.area)
        projector = VlcPlayer(window.canvas, turn=options.area.turn, hardware=options.hardware, post=inbox.put)
        Deck(DeckContext(window, projector, SystemClock(), tell), inbox).run()
    except (ScreenFailed, ConnectionClosedError) as error:
        log.error("%s", error)
        return _NO_DISPLAY
    except BrokenPipeError:
        return 0
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # no waiting for libVLC's threads: the kernel frees everything a deck holds
