"""Media files on the device: complete ones, verified and named by their hash, and partial ones."""

import errno
import logging
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from sync.errors import CorruptContent, NotFound
from sync.runtime.durable_files import hash_file, set_aside, storage_errors, sync_folder
from sync.runtime.os_messages import os_reason
from sync.wire.release import Asset

_NAME = re.compile(r"[0-9a-f]{64}")

log = logging.getLogger(__name__)


class MediaFiles:
    """The folders `store/assets` and `store/parts`. A file in `store/assets` is verified and durable.

    A file that this user cannot read, or that the disk cannot read, does not count as being here. It is not deleted
    either: another file replaces it once that was fetched.
    """

    def __init__(self, store: Path) -> None:
        self._assets = store / "assets"
        self._parts = store / "parts"
        self._unreadable: set[str] = set()  # the disk reported an error

    def folders(self) -> tuple[Path, ...]:
        """Return both folders."""
        return (self._assets, self._parts)

    def delete_links(self) -> None:
        """Delete symbolic links: this program makes none, and one could lead out of the store."""
        for folder in self.folders():
            for path in folder.iterdir():
                if path.is_symlink():
                    log.error("file=%s is a symbolic link and was deleted", path)
                    path.unlink()

    def path(self, sha256: str) -> Path:
        """Return the path of a complete, verified media file; raise NotFound if it is not on this device."""
        if not self.has(sha256):
            raise NotFound(f"asset {sha256} is not on this device")
        return self._assets / sha256

    def has(self, sha256: str) -> bool:
        """Tell whether a complete, verified asset is here; a link or folder of that name does not count."""
        return _NAME.fullmatch(sha256) is not None and self._stat(sha256) is not None

    def _stat(self, sha256: str) -> os.stat_result | None:
        path = self._assets / sha256
        try:
            found = path.lstat()
        except OSError:
            return None
        readable = sha256 not in self._unreadable and os.access(path, os.R_OK)
        return found if readable and stat.S_ISREG(found.st_mode) else None

    def assets(self) -> frozenset[str]:
        """Return the names of all complete assets."""
        return frozenset(name for name in self.names() if self.has(name))

    def whole(self, assets: Iterable[Asset]) -> frozenset[str]:
        """Return the names of those assets that are here with all their bytes."""
        found = ((asset, self._stat(asset.sha256)) for asset in assets)
        return frozenset(asset.sha256 for asset, at in found if at is not None and at.st_size == asset.size_bytes)

    def names(self) -> list[str]:
        """Return the names of all asset files, also of those that cannot be read."""
        return hash_names(self._assets)

    def file(self, sha256: str) -> Path:
        """Return where the file of an asset is, or would be."""
        return self._assets / sha256

    def stamp(self, sha256: str) -> str:
        """Return what changes when somebody writes to an asset: size and time of the last change; empty: not here."""
        found = self._stat(sha256)
        return f"{found.st_size}:{found.st_mtime_ns}" if found else ""

    def parts(self) -> frozenset[str]:
        """Return the names of all partial assets."""
        return frozenset(hash_names(self._parts))

    def part_path(self, sha256: str) -> Path:
        """Return the path of a partial asset."""
        return self._parts / sha256

    def complete(self, sha256: str) -> None:
        """Make a partial file a complete asset: hash of the file, fsync, rename, fsync of both folders. Blocks.

        Raises:
            CorruptContent: the file does not match its hash; it stays a partial file.
            StorageBroken: the disk failed.
        """
        part = self._parts / sha256
        with storage_errors(part):
            self._check_part(part, sha256)
            part.chmod(0o444)
            descriptor = os.open(part, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            path = self._assets / sha256
            if path.is_dir():
                set_aside(path)
            part.replace(path)
            sync_folder(self._parts)
            sync_folder(self._assets)
        self._unreadable.discard(sha256)

    def _check_part(self, part: Path, sha256: str) -> None:
        try:
            if hash_file(part) == sha256:
                return
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            raise CorruptContent(f"asset {sha256}: the disk cannot read what was written to it") from error
        raise CorruptContent(f"asset {sha256}: all chunks match their hashes, but the file does not")

    def recheck(self, sha256: str) -> bool:
        """Hash an asset again; return False if it has to be downloaded again. Blocks.

        A damaged one is deleted. One that cannot be read no longer counts as being here; its content is not known.
        """
        path = self._assets / sha256
        try:
            intact = self.has(sha256) and hash_file(path) == sha256
        except OSError as error:
            log.error("asset=%s cannot be read: %s", sha256, os_reason(error))
            self._unreadable.add(sha256)
            return False
        if not intact and self.has(sha256):
            self.remove((sha256,))
        return intact

    def remove(self, assets: tuple[str, ...]) -> None:
        """Delete complete and partial files; the caller makes sure that no release needs them."""
        with storage_errors(self._assets):
            for sha256 in assets:
                (self._assets / sha256).unlink(missing_ok=True)
                (self._parts / sha256).unlink(missing_ok=True)
            sync_folder(self._assets)
            sync_folder(self._parts)


def hash_names(folder: Path) -> list[str]:
    """Return the file names in a folder that are hashes. Links and other files are ignored."""
    try:
        with os.scandir(folder) as entries:
            return [e.name for e in entries if e.is_file(follow_symlinks=False) and _NAME.fullmatch(e.name)]
    except OSError:  # the status names a folder that cannot be read
        return []
