"""Keeps small files in memory, each for as long as the disk has that very file.

Each read asks the file system for the file's number, size and times, which costs two microseconds where opening it in a
thread costs a hundred. So a file that was replaced or removed, by whichever process, is never served from memory.
"""

import asyncio
import hashlib
import os
import stat
from collections import OrderedDict
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sync.errors import NotFound, StorageBroken
from sync.runtime.os_messages import os_reason

LARGEST_BYTES = 64 * 1024
"""A larger file is not kept: sent from memory to a slow client, all of it would wait in a buffer of its own."""

_MOST_BYTES = 8 * 1024 * 1024
_BYTES_OF_AN_ENTRY = 1_024  # its path, its facts and its place, generously


_Facts = tuple[int, int, int, int]
"""Inode, bytes, times of change in nanoseconds: what tells two files of the same name apart."""


class SmallFile(NamedTuple):
    """The content of a file and its strong ETag, its SHA-256: the same at every mirror and after every start."""

    content: bytes
    etag: str


class SmallFiles:
    """Reads files of at most `LARGEST_BYTES`; keeps `most_bytes` of those that were read last."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._held: OrderedDict[str, tuple[_Facts, SmallFile]] = OrderedDict()  # what was read last is at the end
        self._held_bytes = 0

    async def read(self, path: str) -> SmallFile | None:
        """Return a file, None if it is too large to be kept.

        Raises:
            NotFound: there is no such file.
            StorageBroken: it is not a file, or it cannot be read.
        """
        try:
            found = os.stat(path, follow_symlinks=False)  # noqa: PTH116  # a `Path` costs as much as the rest of this
        except OSError as error:
            self._forget(path)
            raise _refused(error, path) from error
        facts, held = _facts(found), self._held.get(path)
        if held is not None and held[0] == facts:
            self._held.move_to_end(path)
            return held[1]
        self._forget(path)
        _check_regular(found, path)
        if found.st_size > LARGEST_BYTES:
            return None
        read = await asyncio.to_thread(_read, path)
        if read is not None:
            self._keep(path, *read)
        return None if read is None else read[1]

    def _keep(self, path: str, facts: _Facts, file: SmallFile) -> None:
        self._forget(path)  # another request may have read it meanwhile
        self._held[path] = facts, file
        self._held_bytes += len(file.content) + _BYTES_OF_AN_ENTRY
        while self._held_bytes > self._most_bytes:
            self._forget(next(iter(self._held)))

    def _forget(self, path: str) -> None:
        if (held := self._held.pop(path, None)) is not None:
            self._held_bytes -= len(held[1].content) + _BYTES_OF_AN_ENTRY


def open_regular(path: str) -> BinaryIO:
    """Open a file to read; never a symlink, and nothing that blocks.

    Raises:
        NotFound: there is no such file.
        StorageBroken: it is not a file, or it cannot be read.
    """
    try:
        file = open(path, "rb", opener=_without_links)  # noqa: SIM115  # Path.open takes no opener
    except OSError as error:  # also for a symlink
        raise _refused(error, path) from error
    try:
        _check_regular(os.fstat(file.fileno()), path)
    except StorageBroken:
        file.close()
        raise
    return file


def _read(path: str) -> tuple[_Facts, SmallFile] | None:
    with open_regular(path) as file:
        found = os.fstat(file.fileno())
        if found.st_size > LARGEST_BYTES:
            return None
        content = file.read(found.st_size)
        return _facts(found), SmallFile(content, f'"{hashlib.sha256(content).hexdigest()}"')


def _facts(found: os.stat_result) -> _Facts:
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _check_regular(found: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise StorageBroken(f"{Path(path).name} is not a file")


def _refused(error: OSError, path: str) -> Exception:
    if isinstance(error, FileNotFoundError):
        return NotFound("there is no such file")
    return StorageBroken(f"{Path(path).name} cannot be read: {os_reason(error)}")


def _without_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
