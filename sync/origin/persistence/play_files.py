"""Plays of past days as Parquet files, one or more for each day of the venue. DuckDB reads and writes them.

A file is named by its SHA-256 and never written again. It counts once the manifest of its day names it, which is the
last to be written. DuckDB is an extra: it is imported when a file is written or read.
"""

import importlib.util
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sync.errors import StorageBroken
from sync.runtime.durable_files import (
    hash_file,
    make_folder,
    move_durably,
    read_file,
    storage_errors,
    sync_data,
    write_durably,
)
from sync.wire.value_types import Sha256, Wire

INSTALL = "install the extra `archive` (DuckDB, script/locks/archive.lock)"
_MANIFEST_CAP_BYTES = 1024 * 1024
_ROWS_AT_ONCE = 1_000
_GROUP_ROWS = 8_192  # of one or few devices: what is read for a play of one of them
_NUMBERS = ("sequence", "started_ms", "ended_ms", "rendered_ms", "received_ms", "clock_offset_ms")
_TEXTS = (
    "device_id", "log_epoch", "hash", "kind", "item_id", "campaign_id", "line_id", "creative_id", "outcome",
    "set_aside", "accepted", "clock", "document",
)  # fmt: skip
Log = tuple[str, str]
"""A device, and the epoch of one of its logs."""

COLUMNS = (*_NUMBERS, *_TEXTS)
"""Those of the table of plays; `accepted` and `document` are JSON. Judgements are those of the day of archiving."""


class PlayFile(Wire):
    """A file of a day, as the manifest names it."""

    sha256: Sha256
    size_bytes: int
    plays: int


class _Manifest(Wire):
    day: date
    files: tuple[PlayFile, ...]


@dataclass(frozen=True, slots=True)
class FileOfDay:
    """A file, and its day."""

    day: date
    sha256: str


def can_archive() -> bool:
    """Tell whether DuckDB is installed."""
    return importlib.util.find_spec("duckdb") is not None


class PlayFiles:
    """The files below `folder`. All methods block: call them in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._whole = set[str]()  # files that were found to be whole since the start

    def days(self) -> list[date]:
        """Return the days that have a manifest, the first one first; folders without a name of ours are left alone."""
        if not self._folder.exists():
            return []
        with storage_errors(self._folder):
            names = [path.parent.name for path in self._folder.glob("????-??-??/manifest.json")]
        days = list[date]()
        for name in names:
            with suppress(ValueError):
                days.append(date.fromisoformat(name))
        return sorted(days)

    def manifest(self, day: date) -> tuple[PlayFile, ...]:
        """Return the files of a day, the first one first.

        Raises:
            StorageBroken: the manifest cannot be read.
        """
        path = self._manifest_path(day)
        raw = read_file(path, _MANIFEST_CAP_BYTES)
        try:
            return () if raw is None else _Manifest.model_validate_json(raw).files
        except ValidationError as error:
            raise StorageBroken(f"{path} is damaged: restore it, and the files beside it, from a backup") from error

    def begin(self, day: date) -> None:
        """Begin a further file of a day; what an earlier writer left that was killed goes.

        Raises:
            StorageFull: no room.
            StorageBroken: the disk refuses.
        """
        folder, named = self._folder / day.isoformat(), {one.sha256 for one in self.manifest(day)}
        with storage_errors(folder):
            for path in (*folder.glob("*.parquet"), *folder.glob(".plays.*")):
                if path.stem not in named:
                    path.unlink(missing_ok=True)

    def append(self, day: date, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows to the file that was begun; they come in the order of device, log and sequence."""
        make_folder(self._folder / day.isoformat())
        with storage_errors(self._lines(day)), self._lines(day).open("a") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)

    def finish(self, day: date) -> FileOfDay | None:
        """Make the file, and have the manifest of its day name it; None: it has no rows.

        Raises:
            StorageFull: no room; nothing was added.
            StorageBroken: the disk refuses, or DuckDB is not there; nothing was added.
        """
        lines, finished = self._lines(day), self._folder / day.isoformat() / ".plays.parquet"
        try:
            if not lines.exists():
                return None
            plays = _convert(lines, finished)
            sync_data(finished)
            made = PlayFile(sha256=hash_file(finished), size_bytes=finished.stat().st_size, plays=plays)
            move_durably(finished, self._path(FileOfDay(day, made.sha256)))
        finally:
            lines.unlink(missing_ok=True)
            finished.unlink(missing_ok=True)
        others = (one for one in self.manifest(day) if one.sha256 != made.sha256)
        manifest = _Manifest(day=day, files=(*others, made))
        write_durably(self._manifest_path(day), manifest.model_dump_json(indent=1).encode())
        return FileOfDay(day, made.sha256)

    def rows(self, file: FileOfDay) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows of a file, in parts.

        Raises:
            StorageBroken: the file is gone or damaged, or DuckDB is not there.
        """
        path = self._checked(file)
        with _duckdb(path) as connection:
            found = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM read_parquet($path)", {"path": str(path)})
            while part := found.fetchmany(_ROWS_AT_ONCE):
                yield [dict(zip(COLUMNS, row, strict=True)) for row in part]

    def documents(self, file: FileOfDay, wanted: Mapping[Log, Sequence[int]]) -> dict[tuple[str, str, int], Any]:
        """Return the documents of plays, by device, log and sequence; those that the file does not have are left out.

        Raises:
            StorageBroken: the file is gone or damaged, or DuckDB is not there.
        """
        query = (
            "SELECT sequence, document FROM read_parquet($path) "
            "WHERE device_id = $device AND log_epoch = $epoch AND sequence BETWEEN $first AND $last"
        )
        path, found = self._checked(file), dict[tuple[str, str, int], Any]()
        with _duckdb(path) as connection:
            for (device, epoch), sequences in wanted.items():
                values = {"path": str(path), "device": device, "epoch": epoch}
                span = {"first": min(sequences), "last": max(sequences)}
                rows, own = connection.execute(query, values | span).fetchall(), set(sequences)
                found.update({(device, epoch, number): json.loads(text) for number, text in rows if number in own})
        return found

    def _checked(self, file: FileOfDay) -> Path:
        path = self._path(file)
        if file.sha256 not in self._whole:
            if not path.exists() or hash_file(path) != file.sha256:
                raise StorageBroken(f"{path}, which has plays, is gone or damaged: restore it from a backup")
            self._whole.add(file.sha256)
        return path

    def _path(self, file: FileOfDay) -> Path:
        return self._folder / file.day.isoformat() / f"{file.sha256}.parquet"

    def _lines(self, day: date) -> Path:
        return self._folder / day.isoformat() / ".plays.ndjson"

    def _manifest_path(self, day: date) -> Path:
        return self._folder / day.isoformat() / "manifest.json"


def _convert(lines: Path, finished: Path) -> int:
    """Write lines of JSON as Parquet; return how many there are."""
    types = {**dict.fromkeys(_NUMBERS, "BIGINT"), **dict.fromkeys(_TEXTS, "VARCHAR")}
    columns = "{" + ", ".join(f"{name}: '{kind}'" for name, kind in types.items()) + "}"
    read = f"read_json($lines, format = 'newline_delimited', columns = {columns})"
    target = str(finished).replace("'", "''")  # it cannot be a parameter
    options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_GROUP_ROWS}"
    with _duckdb(lines) as connection:
        copied = connection.execute(f"COPY (SELECT * FROM {read}) TO '{target}' ({options})", {"lines": str(lines)})
        return int(copied.fetchone()[0])


@contextmanager
def _duckdb(path: Path) -> Iterator[Any]:
    """Open an empty database in memory that reads and writes files; one processor, and no network."""
    try:
        import duckdb
    except ImportError as error:
        raise StorageBroken(f"{path} cannot be used without DuckDB: {INSTALL}") from error
    settings: dict[str, Any] = {
        "threads": 1, "memory_limit": "256MB", "temp_directory": str(path.parent),
        "autoinstall_known_extensions": False, "autoload_known_extensions": False,
    }  # fmt: skip
    try:
        with duckdb.connect(":memory:", config=settings) as connection:
            yield connection
    except duckdb.Error as error:
        raise StorageBroken(f"{path} cannot be used: {error}") from error
