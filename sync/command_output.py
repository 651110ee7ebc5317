"""What a command prints and logs. Its reader may stop reading at any time, and strangers wrote some of the text."""

import logging
import os
import re
import sys
from typing import NoReturn

READER_GONE = 141
"""The exit code of a command whose reader has closed the pipe: what shells report for a death by SIGPIPE (128 + 13)."""

_OBEYED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")  # by terminals, or by readers of a log


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
        end_without_reader()


def end_without_reader() -> NoReturn:
    """End the process, because nobody reads its answer any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes again at its end
    sys.exit(READER_GONE)


def one_line(text: str) -> str:
    """Return text with a question mark for each line break, control character, and mark that turns its direction."""
    return _OBEYED.sub("?", text)


def log_to_stderr(level: int | str, line_format: str) -> None:
    """Log each message as one line, whatever strangers wrote into it; tracebacks follow as they are."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine(line_format))
    logging.basicConfig(level=level, handlers=[handler])


class _OneLine(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:
        return one_line(super().formatMessage(record))
