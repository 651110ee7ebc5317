"""A small file that is kept twice, so that one damaged block, one deleted name or one wrong owner loses nothing."""

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from sync.errors import SignageError, StorageBroken
from sync.runtime.durable_files import READABLE, read_file, set_aside, storage_errors, sync_folder, write_durably

COPIES = "copies"
"""The folder of the copies, beside the files."""

Value = TypeVar("Value")

_CHANGING = threading.Lock()  # a repair that runs beside a change would write the old content into the copy

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found(Generic[Value]):
    """What a file says, from itself or its copy; None: nothing. `fault` says what is wrong with it; empty: nothing."""

    value: Value | None
    raw: bytes | None = None  # None: it is missing or cannot be read
    fault: str = ""


@dataclass(frozen=True, slots=True)
class FileWithCopy(Generic[Value]):
    """A small file and its copy, `copies/NAME` beside it. Either can be lost; `repair` makes both good again.

    `parse` raises ValueError or an error of this project for content that is damaged. With `can_be_deleted` a missing
    file means that somebody has deleted it: the copy does not count then. A file that cannot be read never means that.
    """

    path: Path
    parse: Callable[[bytes], Value]
    cap_bytes: int
    mode: int = READABLE
    can_be_deleted: bool = False

    @property
    def copy(self) -> Path:
        """The path of the copy."""
        return self.path.parent / COPIES / self.path.name

    def find(self) -> Found[Value]:
        """Return what the file says; writes nothing."""
        main = self._read(self.path)
        if main.value is not None or (self.can_be_deleted and not main.fault):
            return main
        copy = self._read(self.copy)
        if copy.value is None:
            return main if main.fault or not copy.fault else copy
        return Found(copy.value, copy.raw, main.fault or f"{self.path} is missing")

    def find_copy(self) -> Found[Value]:
        """Return what the copy says, whatever the file says."""
        return self._read(self.copy)

    def load(self) -> Value | None:
        """Return what the file says; None if there is none.

        Raises:
            StorageBroken: there is one, but neither it nor its copy can be read.
        """
        found = self.find()
        if found.value is None and found.fault:
            raise StorageBroken(found.fault)
        return found.value

    def save(self, raw: bytes) -> None:
        """Replace the content. The copy comes first: it is never older than the file. A copy that fails stops nothing.

        Content that is damaged or cannot be read goes to `NAME.aside`.

        Raises:
            StorageFull, StorageBroken: the file has its old content.
        """
        with _CHANGING:
            self._save(raw)

    def _save(self, raw: bytes) -> None:
        main = self._read(self.path)
        if main.raw == self._read(self.copy).raw == raw:
            return
        try:
            self._save_copy(raw)
        except StorageBroken as error:
            log.error("file=%s has no copy: %s", self.path, error)
        if main.fault:
            with storage_errors(self.path):
                self._move_aside()
        write_durably(self.path, raw, mode=self.mode)

    def _save_copy(self, raw: bytes) -> None:
        folder = self.copy.parent
        with storage_errors(folder):
            if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                set_aside(folder)
                folder.mkdir()
                sync_folder(folder.parent)
        write_durably(self.copy, raw, mode=self.mode)

    def _move_aside(self) -> None:
        aside = self.path.with_name(f"{self.path.name}.aside")
        if self.path.is_file() and (aside.is_file() or not os.path.lexists(aside)):
            self.path.replace(aside)  # only the last one is kept
        else:
            set_aside(self.path)

    def repair(self) -> None:
        """Make the file and its copy the same, from the one that is good. Damaged content goes to `NAME.aside`.

        A file that somebody may have changed (`can_be_deleted`) and that this user cannot read stays as it is.

        Raises:
            StorageFull, StorageBroken: one of them cannot be written.
        """
        with _CHANGING:
            self._repair()

    def _repair(self) -> None:
        main, copy = self._read(self.path), self._read(self.copy)
        if main.value is not None:
            if main.raw is not None and copy.raw != main.raw:
                self._save_copy(main.raw)
        elif self.can_be_deleted and not main.fault:
            with storage_errors(self.copy):
                self.copy.unlink(missing_ok=True)
        elif copy.raw is not None and copy.value is not None and (main.raw is not None or self._may_replace()):
            if main.raw:
                write_durably(self.path.with_name(f"{self.path.name}.aside"), main.raw, mode=self.mode)
            write_durably(self.path, copy.raw, mode=self.mode)
            log.warning("file=%s was repaired from its copy: %s", self.path, main.fault or "it was missing")

    def _may_replace(self) -> bool:
        """Tell whether a file that is missing or cannot be read may be replaced."""
        return not self.can_be_deleted or not self.path.is_file()

    def _read(self, path: Path) -> Found[Value]:
        try:
            raw = read_file(path, self.cap_bytes)
        except StorageBroken as error:
            return Found(None, fault=str(error))
        if raw is None:
            return Found(None)
        try:
            return Found(self.parse(raw), raw)
        except (ValueError, RecursionError, SignageError) as error:
            log.debug("file=%s: %s", path, error)
            why = f"damaged: {error}" if isinstance(error, SignageError) else "damaged"
            return Found(None, raw, f"{path} is {why if raw else 'empty'}")
