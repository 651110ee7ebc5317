"""The commands `plays export`, at an origin, and `verify`, on any machine: what an export of plays proves."""

import argparse
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from sync.command_output import end_without_reader, print_answer
from sync.errors import Rejected
from sync.origin.api.proof.play_export import ExportQuery
from sync.origin.proof.export.records import LINE_CAP_BYTES
from sync.origin.proof.export.verification_text import verification_document, verification_lines
from sync.origin.proof.export.verifier import verify_export
from sync.origin.wiring.origin import Origin
from sync.runtime.os_messages import os_reason
from sync.wire.input.input_messages import rejected

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


async def export(origin: Origin, options: argparse.Namespace) -> None:
    """Write an export of plays to a new file, or to standard output.

    Raises:
        Rejected: the file is there already or cannot be written, or the times do not fit.
        NotFound: no screen showed it in this time.
    """
    asked = {"campaign": options.campaign, "line": options.line, "device": options.device}
    try:
        query = ExportQuery.model_validate({**asked, "from": options.begin, "until": options.until})
    except ValidationError as error:
        raise rejected(error) from error
    lines = await origin.exporter.export(query)
    try:
        if options.file == Path("-"):
            async for line in lines:
                sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            return
        with options.file.open("xb") as file:
            await _write(file, options.file, lines)
    except BrokenPipeError:
        end_without_reader()
    except FileExistsError as error:
        raise Rejected(f"{options.file} exists already: name another file") from error
    except OSError as error:
        raise Rejected(f"{options.file} cannot be written: {os_reason(error)}") from error


async def _write(file: BinaryIO, path: Path, lines: AsyncIterator[bytes]) -> None:
    """Write all lines; a file that does not get them all is removed."""
    with ExitStack() as unless_whole:
        unless_whole.callback(path.unlink)
        async for line in lines:
            file.write(line)
        file.flush()
        os.fsync(file.fileno())
        unless_whole.pop_all()
