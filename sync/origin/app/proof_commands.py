"""The command `signage-origin verify`: what an export of plays proves, on any machine, without an origin."""

import argparse
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from sync.command_output import print_answer
from sync.errors import Rejected
from sync.origin.proof.export.records import LINE_CAP_BYTES
from sync.origin.proof.export.verification_text import verification_document, verification_lines
from sync.origin.proof.export.verifier import verify_export
from sync.runtime.os_messages import os_reason

EXIT_CODES = {"whole": 0, "broken": 1, "incomplete": 3}
"""The exit code of `verify` for each result."""


async def verify(options: argparse.Namespace) -> None:
    """Verify a file and print the result.

    Raises:
        Rejected: the file cannot be read.
        SystemExit: with the code of the result, if it is not whole.
    """
    try:
        with _opened(options.file) as file:
            found = verify_export(_lines(file), options.root)
    except OSError as error:
        raise Rejected(f"{options.file} cannot be read: {os_reason(error)}") from error
    document = json.dumps(verification_document(found)) if options.json else "\n".join(verification_lines(found))
    print_answer(document)
    if code := EXIT_CODES[found.verdict]:
        raise SystemExit(code)


def _opened(path: Path) -> BinaryIO:
    return open(sys.stdin.fileno(), "rb", closefd=False) if path == Path("-") else path.open("rb")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file; one that is too long in parts, of which the first is too long as well."""
    return iter(partial(file.readline, LINE_CAP_BYTES + 1), b"")
