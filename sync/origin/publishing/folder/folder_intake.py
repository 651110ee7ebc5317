"""Takes the files of a folder in: reads each one, gives the pipeline those whose bytes are new, and waits for all.

A file that changes or goes while it is read stops the publication by its name. What was taken in before stays in the
library, and the next publication finds it there.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sync.errors import Rejected, StorageBroken
from sync.origin.ingest.upload_intake import CHANGED_MEANWHILE, Intake
from sync.origin.persistence.upload_file import hash_file
from sync.origin.planning.file_names import shown_name
from sync.origin.planning.folder_plan import name_reasons
from sync.origin.store.media.media import MediaStore
from sync.origin.store.media.media_rows import MediaRow, MediaState
from sync.runtime.clock import Clock
from sync.runtime.os_messages import os_reason

_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of the folder: its name in the plan, and its path without links."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class _ReadFile:
    file: LocalFile
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class TakenIn:
    """The media of each file by its name, ready or failed; `new` files had to be taken in."""

    rows: Mapping[str, MediaRow]
    new: int


class FolderIntake:
    """Brings files to the pipeline, which `wake` wakes and which has to run meanwhile; `report` gets a line a step.

    New media lie in `space`; those of known bytes are taken that may be used there.
    """

    def __init__(
        self,
        intake: Intake,
        media: MediaStore,
        wake: Callable[[], None],
        clock: Clock,
        report: Callable[[str], None],
        space: str,
    ) -> None:
        self._intake = intake
        self._media = media
        self._wake = wake
        self._clock = clock
        self._report = report
        self._space = space

    async def take_in(self, files: Iterable[LocalFile]) -> TakenIn:
        """Return the media of all files once they are ready or have failed.

        Raises:
            Rejected: files cannot be read, are empty or too large; each is named.
            StorageFull: no room for all of them; nothing was taken in.
            NotFound: somebody deleted a media meanwhile.
        """
        found = tuple(files)
        self._intake.check_sizes(_sizes(found))  # before their bytes are read: a sparse file may pretend to have a TiB
        read = await asyncio.to_thread(_read_all, found)
        known = await self._known({one.sha256 for one in read})
        new = {one.sha256: one for one in reversed(read) if one.sha256 not in known}
        await self._intake.check_room(sum(one.size_bytes for one in new.values()))
        ids = {sha256: row.id for sha256, row in known.items()}
        for one in read:
            if one.sha256 not in ids:
                ids[one.sha256] = await self._take_in(one)
            elif one.sha256 in known and known[one.sha256].state is MediaState.FAILED:
                await self._try_again(one, known.pop(one.sha256))
        self._wake()
        return TakenIn(await self._wait({one.file.name: ids[one.sha256] for one in read}), len(new))

    async def _known(self, hashes: Iterable[str]) -> dict[str, MediaRow]:
        """Return the media of known bytes: a ready one whose file is there, else one at work, else a failed one."""
        rows = await self._media.of_bytes(hashes, self._space)
        usable = [row for row in rows if row.state is not MediaState.READY or self._intake.has_asset(row)]
        rank = {MediaState.FAILED: 0, MediaState.QUEUED: 1, MediaState.PROCESSING: 1, MediaState.READY: 2}
        return {row.source_sha256: row for row in sorted(usable, key=lambda row: rank[row.state])}

    async def _take_in(self, one: _ReadFile) -> str:
        self._report(f"{shown_name(one.file.name)}: ingesting")
        with _named(one.file):
            return await self._intake.ingest_file(one.file.path, one.file.name, sha256=one.sha256, space=self._space)

    async def _try_again(self, one: _ReadFile, row: MediaRow) -> None:
        with _named(one.file):
            await self._intake.retry_file(row.id, one.file.path, sha256=one.sha256)

    async def _wait(self, media: Mapping[str, str]) -> dict[str, MediaRow]:
        rows: dict[str, MediaRow] = {}
        while True:
            busy = {row.id for row in await self._media.in_states(MediaState.QUEUED, MediaState.PROCESSING)}
            for name, media_id in media.items():
                if name in rows or media_id in busy:
                    continue
                row = await self._media.get(media_id)
                if row.state in (MediaState.READY, MediaState.FAILED):
                    rows[name] = row
                    self._report(f"{shown_name(name)}: {row.problem or 'ready'}")
            if len(rows) == len(media):
                return rows
            await self._clock.sleep(_POLL_S)


def _sizes(files: tuple[LocalFile, ...]) -> dict[str, int]:
    """Return the size of each file that is still there; the others are named when they are read."""
    sizes = {}
    for file in files:
        with suppress(OSError):
            sizes[file.name] = file.path.stat().st_size
    return sizes


def _read_all(files: tuple[LocalFile, ...]) -> list[_ReadFile]:
    read, wrong = [], {}
    for file in files:
        try:
            read.append(_read(file))
        except Rejected as error:
            wrong[file.name] = str(error)
    if wrong:
        raise _refused(wrong)
    return read


def _read(file: LocalFile) -> _ReadFile:
    try:
        before = file.path.stat()
        sha256 = hash_file(file.path)
        after = file.path.stat()
    except OSError as error:
        raise Rejected(f"it cannot be read: {os_reason(error)}") from error
    except StorageBroken as error:
        reason = os_reason(error.__cause__) if isinstance(error.__cause__, OSError) else str(error)
        raise Rejected(f"it cannot be read: {reason}") from error
    if (before.st_size, before.st_mtime_ns, before.st_ino) != (after.st_size, after.st_mtime_ns, after.st_ino):
        raise Rejected(CHANGED_MEANWHILE)
    return _ReadFile(file, sha256, after.st_size)


@contextmanager
def _named(file: LocalFile) -> Iterator[None]:
    """Name the file in the error if it changes or goes while it is copied."""
    try:
        yield
    except (Rejected, StorageBroken) as error:
        if isinstance(error, StorageBroken) and file.path.is_file():
            raise  # the disk of the origin is at fault
        raise _refused({file.name: str(error) if isinstance(error, Rejected) else CHANGED_MEANWHILE}) from error


def _refused(wrong: Mapping[str, str]) -> Rejected:
    return Rejected(f"not published, these files cannot be read: {name_reasons(wrong)}", fields=wrong)
