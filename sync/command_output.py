"""What a command prints for its reader, which may stop reading at any time."""

import os
import sys

READER_GONE = 141
"""The exit code of a command whose reader has closed the pipe: what shells report for a death by SIGPIPE (128 + 13)."""


def print_answer(text: str) -> None:
    """Print all of a command's answer. If its reader is gone (`| head`), the process exits without a traceback.

    Signals stay as they are: with SIGPIPE at its default, each socket that a peer closes would end the process.

    Raises:
        SystemExit: the reader is gone.
    """
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes again at its end
        sys.exit(READER_GONE)
