"""The overlay process: its limits, its input and output, its exit code; run as `python -m player.overlay`."""

import argparse
import logging
import os
import sys
from pathlib import Path

from Xlib import error

from player.overlay.renderer import OverlayRenderer
from player.overlay.windows import open_overlay_stack
from player.platform.become_child import become_child
from player.protocol.overlay_messages import OverlayEvent
from sync.command_output import log_to_stderr
from sync.errors import ScreenFailed
from sync.runtime.clock import SystemClock

_ADDRESS_SPACE_BYTES = 1024**3
_NO_DISPLAY = 3

log = logging.getLogger(__name__)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="player.overlay", description=__doc__)
    parser.add_argument("--parent", type=int, default=os.getppid(), help="process id of the daemon")
    parser.add_argument("--state-dir", type=Path, help="see nothing below it but its verified media")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Show overlays until the input, the X server or the daemon ends; return the exit code."""
    log_to_stderr(logging.INFO, "overlay[%(process)d] %(levelname)s %(message)s")
    options = _parse(argv)
    become_child(options.parent, address_space_bytes=_ADDRESS_SPACE_BYTES, state_dir=options.state_dir)

    def send(event: OverlayEvent) -> None:
        sys.stdout.buffer.write(event.model_dump_json().encode() + b"\n")
        sys.stdout.buffer.flush()

    try:
        stack = open_overlay_stack(os.environ.get("DISPLAY", ""))
        OverlayRenderer(stack, SystemClock(), sys.stdin.fileno(), send).run()
    except BrokenPipeError:
        return 0
    except (ScreenFailed, error.ConnectionClosedError, error.XError, OSError) as problem:
        log.error("the overlay process ends: %s", problem)
        return _NO_DISPLAY
    return 0


if __name__ == "__main__":
    sys.exit(main())
