"""Media files on the device: complete ones, verified and named by their hash, and partial ones."""

import hashlib
import logging
import os
import re
import stat
from pathlib import Path

from sync.errors import CorruptContent, NotFound
from sync.runtime.durable_files import storage_errors, sync_folder
from sync.runtime.os_messages import os_reason

_READ_BYTES = 4 * 1024 * 1024
_NAME = re.compile(r"[0-9a-f]{64}")

log = logging.getLogger(__name__)


class MediaFiles:
    """The folders `store/assets` and `store/parts`. A file in `store/assets` is verified and durable."""

    def __init__(self, store: Path) -> None:
        self._assets = store / "assets"
        self._parts = store / "parts"

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
        """Return the path of a complete, verified media file.

        Raises:
            NotFound: it is not on this device.
        """
        if not self.has(sha256):
            raise NotFound(f"asset {sha256} is not on this device")
        return self._assets / sha256

    def has(self, sha256: str) -> bool:
        """Tell whether a complete, verified asset is here; a link or folder of that name does not count."""
        path = self._assets / sha256
        try:
            return _NAME.fullmatch(sha256) is not None and stat.S_ISREG(path.lstat().st_mode)
        except OSError:
            return False

    def assets(self) -> frozenset[str]:
        """Return the names of all complete assets."""
        return frozenset(hash_names(self._assets))

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
            if hash_uncached(part) != sha256:
                raise CorruptContent(f"asset {sha256}: all chunks match their hashes, but the file does not")
            part.chmod(0o444)
            descriptor = os.open(part, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            part.replace(self._assets / sha256)
            sync_folder(self._parts)
            sync_folder(self._assets)

    def recheck(self, sha256: str) -> bool:
        """Hash an asset again; delete it if it is damaged, so that it is downloaded again. Blocks."""
        path = self._assets / sha256
        try:
            intact = self.has(sha256) and hash_uncached(path) == sha256
        except OSError as error:
            log.error("asset=%s cannot be read: %s", sha256, os_reason(error))
            intact = False
        if not intact:
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


def hash_uncached(path: Path) -> str:
    """Return the SHA-256 of a file without filling the page cache, which playback needs. Blocks."""
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_READ_BYTES))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return digest.hexdigest()


def hash_names(folder: Path) -> list[str]:
    """Return the file names in a folder that are hashes. Links and other files are ignored."""
    try:
        with os.scandir(folder) as entries:
            return [e.name for e in entries if e.is_file(follow_symlinks=False) and _NAME.fullmatch(e.name)]
    except FileNotFoundError:
        return []
