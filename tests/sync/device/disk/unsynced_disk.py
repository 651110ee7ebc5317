"""A disk of which a power cut takes what was not flushed: records each step of a program, and says what can be left.

Steps are changes of bytes, changes of names, flushes and commits of the catalogue. The rules are those that all file
systems with a journal keep: bytes are safe after a flush of their file, a name after a flush of its folder, a rename is
done as a whole or not at all. Nothing else is promised, so a name may be there without its bytes (Pillai et al., All
File Systems Are Not Created Equal, OSDI 2014). SQLite is trusted: what it has committed stays.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import aiosqlite
import pytest

from sync.runtime import durable_files

SECTOR = 512


@dataclass(frozen=True)
class Bytes:
    """A write; without content a change of the length."""

    inode: int
    offset: int
    content: bytes = b""

    def apply(self, content: bytearray) -> None:
        if len(content) < self.offset:
            content.extend(bytes(self.offset - len(content)))
        if self.content:
            content[self.offset : self.offset + len(self.content)] = self.content

    def torn(self, rng: Random) -> "Bytes":
        return Bytes(self.inode, self.offset, self.content[: rng.randrange(0, len(self.content) + 1, SECTOR)])


@dataclass(frozen=True)
class Name:
    """A name that a file gets or loses (then `inode` is None); `before` is the one that it loses by a rename."""

    path: Path
    inode: int | None
    before: Path | None = None

    def paths(self) -> set[Path]:
        return {self.path} | ({self.before} if self.before else set())

    def apply(self, names: dict[Path, int]) -> None:
        if self.before is not None:
            names.pop(self.before, None)
        if self.inode is None:
            names.pop(self.path, None)
        else:
            names[self.path] = self.inode


@dataclass(frozen=True)
class Flush:
    """A flush of a file, of the names in a folder, or of all."""

    of: int | Path | None


@dataclass(frozen=True)
class Commit:
    """The files of the catalogue after a commit; None: it has begun."""

    files: dict[str, bytes] | None


@dataclass(frozen=True)
class Told:
    """This sequence was reported as active."""

    sequence: int


Step = Bytes | Name | Flush | Commit | Told


class Recorder:
    """Records the steps of this process below `root`. No real flush is made."""

    def __init__(self, root: Path, catalog: Path) -> None:
        self.root = root
        self.catalog = catalog
        self.steps: list[Step] = []
        self._inodes: dict[int, int] = {}  # by number of the real file system, which uses numbers again
        self._open: dict[int, int | Path] = {}
        self._lock = threading.RLock()
        for path in root.rglob("*"):
            if self._is_ours(path) and path.is_file():
                self.steps += [Name(path, self._new(path.stat().st_ino)), Bytes(self._last, 0, path.read_bytes())]
        self.steps += [Flush(None), Commit(self._catalog_files())]
        self.begun = len(self.steps)

    def _new(self, number: int) -> int:
        self._last = len(self.steps)
        self._inodes[number] = self._last
        return self._last

    def _is_ours(self, path: object) -> bool:
        return (
            isinstance(path, str | Path)
            and Path(path).is_relative_to(self.root)
            and not Path(path).name.startswith(self.catalog.name)
        )

    def no_change(self) -> AbstractContextManager[object]:
        """Hold back the changes of other threads."""
        return self._lock

    @contextmanager
    def recording(self, patch: pytest.MonkeyPatch) -> Iterator[None]:
        with patch.context() as patched:
            for name in ("pwrite", "ftruncate", "posix_fallocate", "fsync", "fdatasync", "close"):
                patched.setattr(os, name, self._of_descriptor(getattr(os, name), getattr(self, f"_{name}")))
            patched.setattr(os, "open", self._opening(os.open))
            for name in ("replace", "rename"):
                patched.setattr(os, name, self._renaming(getattr(os, name)))
            for name in ("unlink", "remove"):
                patched.setattr(os, name, self._deleting(getattr(os, name)))
            patched.setattr(durable_files, "_syncfs", lambda folder: self.steps.append(Flush(None)))
            patched.setattr(aiosqlite.Connection, "commit", self._committing(aiosqlite.Connection.commit))
            yield

    def _of_descriptor(self, real: Callable[..., Any], note: Callable[..., Any]) -> Callable[..., Any]:
        def call(descriptor: int, *given: Any) -> Any:
            with self._lock:
                found = self._open.get(descriptor)
                return real(descriptor, *given) if found is None else note(real, found, descriptor, *given)

        return call

    def _pwrite(self, real: Callable[..., Any], inode: int, descriptor: int, content: bytes, offset: int) -> int:
        written: int = real(descriptor, content, offset)
        self.steps.append(Bytes(inode, offset, bytes(content[:written])))
        return written

    def _ftruncate(self, real: Callable[..., Any], inode: int, descriptor: int, length: int) -> None:
        assert os.fstat(descriptor).st_size <= length, "a file that becomes shorter is not modelled"
        real(descriptor, length)
        self.steps.append(Bytes(inode, length))

    def _posix_fallocate(self, real: Callable[..., Any], inode: int, descriptor: int, offset: int, length: int) -> None:
        real(descriptor, offset, length)
        self.steps.append(Bytes(inode, offset + length))

    def _fsync(self, real: Callable[..., Any], of: int | Path, descriptor: int) -> None:
        self.steps.append(Flush(of))

    _fdatasync = _fsync

    def _close(self, real: Callable[..., Any], of: int | Path, descriptor: int) -> None:
        del self._open[descriptor]  # first: another thread gets the number
        real(descriptor)

    def _opening(self, real: Callable[..., int]) -> Callable[..., int]:
        def call(path: Any, flags: int, *given: Any, **named: Any) -> int:
            with self._lock:
                if not self._is_ours(path):
                    return real(path, flags, *given, **named)
                path, is_new = Path(path), not os.path.lexists(path)
                descriptor = real(path, flags, *given, **named)
                number = os.fstat(descriptor).st_ino
                if path.is_dir():
                    self._open[descriptor] = path
                elif is_new:
                    self._open[descriptor] = self._new(number)
                    self.steps.append(Name(path, self._last))
                elif number in self._inodes:
                    self._open[descriptor] = self._inodes[number]
                return descriptor

        return call

    def _renaming(self, real: Callable[..., None]) -> Callable[..., None]:
        def call(source: Any, target: Any) -> None:
            with self._lock:
                number = os.lstat(source).st_ino
                real(source, target)
                if self._is_ours(target):
                    self.steps.append(Name(Path(target), self._inodes[number], Path(source)))

        return call

    def _deleting(self, real: Callable[..., None]) -> Callable[..., None]:
        def call(path: Any, **named: Any) -> None:
            with self._lock:
                real(path, **named)
                if self._is_ours(path):
                    self.steps.append(Name(Path(path), None))

        return call

    def _committing(self, real: Callable[..., Any]) -> Callable[..., Any]:
        async def call(connection: aiosqlite.Connection) -> None:
            self.steps.append(Commit(None))
            await real(connection)
            self.steps.append(Commit(self._catalog_files()))

        return call

    def _catalog_files(self) -> dict[str, bytes]:
        files = (self.catalog, self.catalog.with_name(f"{self.catalog.name}-wal"))
        return {file.name: file.read_bytes() for file in files if file.exists()}


@dataclass
class Disk:
    """The disk after some steps: what is safe, what is not yet, and what the program sees."""

    names: dict[Path, int] = field(default_factory=dict)
    content: dict[int, bytearray] = field(default_factory=dict)
    loose_names: list[Name] = field(default_factory=list)
    loose_bytes: list[Bytes] = field(default_factory=list)
    catalog: dict[str, bytes] = field(default_factory=dict)
    told: int = 0
    seen: dict[Path, int] = field(default_factory=dict)
    seen_content: dict[int, bytearray] = field(default_factory=dict)

    def take(self, step: Step) -> None:
        match step:
            case Bytes():
                self.loose_bytes.append(step)
                step.apply(self.seen_content.setdefault(step.inode, bytearray()))
            case Name():
                self.loose_names.append(step)
                step.apply(self.seen)
            case Flush(of):
                self._flush(of)
            case Commit(files):
                self.catalog = self.catalog if files is None else files
            case Told(sequence):
                self.told = sequence

    def _flush(self, of: int | Path | None) -> None:
        for change in self.loose_bytes:
            if of in (None, change.inode):
                change.apply(self.content.setdefault(change.inode, bytearray()))
        self.loose_bytes = [change for change in self.loose_bytes if of not in (None, change.inode)]
        chosen = [of is None or any(path.parent == of for path in name.paths()) for name in self.loose_names]
        safe = with_earlier(self.loose_names, chosen)
        for name in safe:
            name.apply(self.names)
        done = {id(name) for name in safe}
        self.loose_names = [name for name in self.loose_names if id(name) not in done]

    def left(self, rng: Random) -> dict[Path, bytes]:
        """Return the files after a cut: what is safe, and of the rest nothing, the names only, or anything."""
        names, content = dict(self.names), {inode: bytearray(held) for inode, held in self.content.items()}
        share_of_names, share_of_bytes = rng.choice([(0.0, 0.0), (1.0, 0.0), (1.0, 0.0), (0.5, 0.5), (0.9, 0.5)])
        for name in with_earlier(self.loose_names, [rng.random() < share_of_names for _ in self.loose_names]):
            name.apply(names)
        for change in self.loose_bytes:
            held = content.setdefault(change.inode, bytearray())
            if rng.random() < share_of_bytes:
                (change if rng.random() < 0.7 else change.torn(rng)).apply(held)
            elif share_of_names and rng.random() < 0.5:  # the length is there, and zeros
                Bytes(change.inode, change.offset + len(change.content)).apply(held)
        return {path: bytes(content.get(inode, b"")) for path, inode in names.items()}


def with_earlier(names: list[Name], chosen: Iterable[bool]) -> list[Name]:
    """Return the chosen changes and those before them of the same names, in order."""
    found: list[Name] = []
    paths: set[Path] = set()
    for name, wanted in reversed(list(zip(names, chosen, strict=True))):
        if wanted or name.paths() & paths:
            found.insert(0, name)
            paths |= name.paths()
    return found


def cuts(steps: list[Step]) -> Iterator[tuple[Step, Disk]]:
    """Return the disk after each step; the next one changes it."""
    disk = Disk()
    for step in steps:
        disk.take(step)
        yield step, disk


def write_out(files: dict[Path, bytes], catalog: dict[str, bytes], root: Path, folder: Path) -> None:
    """Write the files that were below `root` into another folder, in the folders of a store."""
    for name in ("state", "store/index", "store/releases", "store/assets", "store/parts"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        target = folder / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    for name, content in catalog.items():
        (folder / "state" / name).write_bytes(content)
