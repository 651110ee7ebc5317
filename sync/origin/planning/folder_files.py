"""What is in a folder that is published: the files that play, and why all others are left out.

The bytes decide, not the ending: a film of any name plays. Where the ending says picture, film or sound, the file is
meant to play, and `must_play` has the reason if it cannot be read. Nothing is opened but regular files of the folder
itself, and opening never waits, so that pipes, devices and links do no harm.
"""

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from sync.origin.planning.file_names import is_text, natural_key, same_name
from sync.origin.planning.folder_file_kinds import has_media_ending, is_media, made_by_a_system, unusable_kind
from sync.runtime.os_messages import os_reason

PLAN_FILE = "playlist.toml"
_HEAD_BYTES = 4096
_SPECIAL = (
    (stat.S_ISDIR, "it is a folder: publish it by itself, or move its files up"),
    (stat.S_ISFIFO, "it is a pipe, not a file"),
    (stat.S_ISSOCK, "it is a socket, not a file"),
    (stat.S_ISCHR, "it is a device, not a file"),
    (stat.S_ISBLK, "it is a device, not a file"),
)


class _NotUsable(Exception):
    """An entry of a folder cannot be opened as a file; the message completes "it is left out: "."""


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """The entries of a folder. Names are text, in their natural order; no two are equal.

    `paths` has every regular file that is not hidden. `playing` are those that play without a plan; of these only the
    bytes of the `guessed` ones say so. `must_play` has the reasons why files cannot be read that by their ending are to
    play, `left_out` the reasons for all other entries.
    """

    paths: Mapping[str, Path]
    playing: tuple[str, ...]
    guessed: frozenset[str]
    must_play: Mapping[str, str]
    left_out: Mapping[str, str]

    def find(self, name: str) -> str | None:
        """Return the name of the file that a plan means: the same one, or the same in another form of Unicode."""
        return next((form for form in (name, same_name(name)) if form in self.paths), None)

    def why_not(self, name: str) -> str:
        """Return why `name`, which `find` does not find, is no file of this folder that can be read."""
        for form in (name, same_name(name)):
            if form in self.must_play or form in self.left_out:
                return self.must_play.get(form) or self.left_out[form]
        return "it is not in the folder"


def read_folder(folder: Path) -> FolderFiles:
    """Look at all entries of a folder; this blocks.

    Raises:
        OSError: the folder cannot be read.
    """
    top = Path(os.path.realpath(folder))
    paths: dict[str, Path] = {}
    playing: list[str] = []
    must_play: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for name, path in _named_entries(top):
        why = made_by_a_system(path.name)
        if why is not None:
            left_out[name] = why
            continue
        try:
            paths[name], head = _open(path, top)
        except _NotUsable as error:
            (must_play if has_media_ending(name) and not path.is_dir() else left_out)[name] = str(error)
            continue
        if has_media_ending(name) or is_media(name, head):
            playing.append(name)
        elif name != PLAN_FILE:
            left_out[name] = unusable_kind(name, head)
    guessed = frozenset(name for name in playing if not has_media_ending(name))
    return FolderFiles(paths, tuple(playing), guessed, must_play, left_out)


def _named_entries(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield all entries in natural order, each with a name of its own that is text."""
    taken: set[str] = set()
    for path in sorted(folder.iterdir(), key=_order):
        name = next(name for name in _spellings(path.name) if name not in taken)
        taken.add(name)
        yield name, path


def _order(path: Path) -> tuple[object, ...]:
    return natural_key(path.name), path.name != same_name(path.name), os.fsencode(path.name)


def _spellings(name: str) -> Iterator[str]:
    """Yield the name as composed text, as it is, and with a number, since two names may be the same text."""
    text = same_name(name)
    yield text
    if is_text(name):
        yield name
    yield from (f"{text} ({number})" for number in count(2))


def _open(path: Path, top: Path) -> tuple[Path, bytes]:
    """Return the path without links and the start of a regular file of the folder `top`.

    Raises:
        _NotUsable: it is something else, is outside, is empty, or cannot be read.
    """
    try:
        target = Path(os.path.realpath(path, strict=True)) if path.is_symlink() else path
        if target.parent != top:
            raise _NotUsable("it is a link out of this folder: copy the file itself into the folder")
        _check_regular(target.lstat().st_mode)
        descriptor = os.open(target, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            _check_regular(os.fstat(descriptor).st_mode)
            head = os.read(descriptor, _HEAD_BYTES)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _NotUsable(_reason(error, path)) from error
    if not head and path.name != PLAN_FILE:
        raise _NotUsable("it is empty: copy it here again")
    return target, head


def _check_regular(mode: int) -> None:
    for matches, words in _SPECIAL:
        if matches(mode):
            raise _NotUsable(words)


def _reason(error: OSError, path: Path) -> str:
    if error.errno == errno.ENOENT and path.is_symlink():
        return "it is a link to a file that is not there: copy the file itself into the folder"
    return f"it cannot be read: {os_reason(error)}"
