"""The deck's process: its limits, its input and output, its exit code; run as `python -m player.deck`."""

import argparse
import gc
import logging
import os
import re
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

gc.disable()  # while code is loaded: a deck starts sooner

from pydantic import ValidationError
from Xlib.error import ConnectionClosedError, XError

from player.deck.context import DeckContext
from player.deck.deck import Deck, DeckInput
from player.deck.vlc.vlc_player import VlcPlayer
from player.deck.window import DeckWindow, open_deck_window
from player.platform.become_child import become_child
from player.platform.geometry import Area
from player.protocol.deck_messages import COMMAND, DeckEvent, Quit
from sync.command_output import log_to_stderr
from sync.errors import ScreenFailed
from sync.runtime.clock import SystemClock

_ADDRESS_SPACE_BYTES = 3 * 1024**3  # libVLC uses 0.8-1.4 GiB of address space for 100-270 MiB of memory
_NO_DISPLAY = 3

log = logging.getLogger(__name__)


def _area(text: str) -> Area:
    match = re.fullmatch(r"(\d+)x(\d+)([+-]\d+)([+-]\d+)(?:@(90|180|270))?", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} must look like 1280x720+0+0, or 1280x720+0+0@90 if turned")
    width, height, x, y, turn = (int(group or 0) for group in match.groups())
    return Area.model_validate({"width": width, "height": height, "x": x, "y": y, "turn": turn})


def _take_over_stdout() -> BinaryIO:
    """Return the pipe to the stage; what a library prints to stdout goes to stderr from now on."""
    pipe = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return pipe


def _read_commands(inbox: "SimpleQueue[DeckInput]") -> None:
    """Turn lines into commands. The end of input means that the daemon ended, so the deck ends."""
    for line in sys.stdin.buffer:
        try:
            inbox.put(COMMAND.validate_json(line))
        except ValidationError as error:
            log.error(
                "the deck ignores a command it cannot read: %s", error.errors(include_url=False, include_input=False)
            )
    inbox.put(Quit())


def _end_with_display(window: DeckWindow) -> None:
    """End at the instant the X server goes: the picture went with it. Else that is found at the next pulse only."""
    window.wait_for_loss()
    log.error("the X server is gone")
    sys.stderr.flush()
    os._exit(_NO_DISPLAY)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="player.deck", description=__doc__)
    parser.add_argument("--area", type=_area, required=True, help="where on the display, like 1280x720+0+0")
    parser.add_argument("--hardware", action="store_true", help="let libVLC decode in hardware")
    parser.add_argument("--parent", type=int, default=os.getppid(), help="process id of the daemon")
    parser.add_argument("--state-dir", type=Path, help="see nothing below it but its verified media")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run one deck until `quit`, the end of input or the daemon's death; return the exit code."""
    gc.freeze()  # what is loaded stays: no later collection looks at it
    gc.enable()
    log_to_stderr(logging.INFO, "deck[%(process)d] %(levelname)s %(message)s")
    options = _parse(argv)
    become_child(options.parent, address_space_bytes=_ADDRESS_SPACE_BYTES, state_dir=options.state_dir)
    pipe = _take_over_stdout()

    def send(event: DeckEvent) -> None:
        pipe.write(event.model_dump_json().encode() + b"\n")

    inbox: SimpleQueue[DeckInput] = SimpleQueue()
    threading.Thread(target=_read_commands, args=(inbox,), name="commands", daemon=True).start()
    try:
        window = open_deck_window(os.environ.get("DISPLAY", ""), options.area)
        threading.Thread(target=_end_with_display, args=(window,), name="display", daemon=True).start()
        player = VlcPlayer(window.canvas, turn=options.area.turn, hardware=options.hardware, post=inbox.put)
        Deck(DeckContext(window, player, SystemClock(), send), inbox).run()
    except (ScreenFailed, ConnectionClosedError, XError) as error:  # another program may even destroy the window
        log.error("%s", error)
        return _NO_DISPLAY
    except BrokenPipeError:
        return 0
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # without waiting for libVLC's threads: the kernel frees everything
