"""Media files on the device: whole ones named by their hash and verified, and those still being assembled."""

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
    """`store/assets` and `store/parts`; a file is in the first only after it was verified and made durable."""

    def __init__(self, store: Path) -> None:
        self._assets = store / "assets"
        self._parts = store / "parts"

    def folders(self) -> tuple[Path, ...]:
        """Return the folders media lie in."""
        return (self._assets, self._parts)

    def delete_links(self) -> None:
        """Remove links: nothing of ours makes any, and one would lead reads or writes out of the store."""
        for folder in self.folders():
            for path in folder.iterdir():
                if path.is_symlink():
                    log.error("file=%s is a link and was removed", path)
                    path.unlink()

    def path(self, sha256: str) -> Path:
        """Return the path of a whole, verified media file.

        Raises:
            NotFound: it is not held.
        """
        if not self.has(sha256):
            raise NotFound(f"asset {sha256} is not on this device")
        return self._assets / sha256

    def has(self, sha256: str) -> bool:
        """Tell whether a whole, verified asset is here; a link or folder of that name does not count."""
        path = self._assets / sha256
        try:
            return _NAME.fullmatch(sha256) is not None and stat.S_ISREG(path.lstat().st_mode)
        except OSError:
            return False

    def assets(self) -> frozenset[str]:
        """Return the names of all whole assets."""
        return frozenset(hash_names(self._assets))

    def parts(self) -> frozenset[str]:
        """Return the names of all assets under way."""
        return frozenset(hash_names(self._parts))

    def part_path(self, sha256: str) -> Path:
        """Return where an asset under way is assembled."""
        return self._parts / sha256

    def complete(self, sha256: str) -> None:
        """Make an assembled part an asset: whole hash, fsync, rename, fsync of both folders. Blocks.

        Raises:
            CorruptContent: the whole does not hash to its name; the part stays for its owner to judge.
            StorageBroken: the disk failed.
        """
        part = self._parts / sha256
        with storage_errors(part):
            if hash_uncached(part) != sha256:
                raise CorruptContent(f"asset {sha256}: all chunks are right but the whole is not")
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
        """Hash a held asset again; one that rotted is removed, to be fetched anew. Blocks."""
        path = self._assets / sha256
        try:
            sound = self.has(sha256) and hash_uncached(path) == sha256
        except OSError as error:
            log.error("asset=%s cannot be read: %s", sha256, os_reason(error))
            sound = False
        if not sound:
            self.remove((sha256,))
        return sound

    def remove(self, assets: tuple[str, ...]) -> None:
        """Delete assets and parts; the caller has made sure that nothing needs them."""
        with storage_errors(self._assets):
            for sha256 in assets:
                (self._assets / sha256).unlink(missing_ok=True)
                (self._parts / sha256).unlink(missing_ok=True)
            sync_folder(self._assets)
            sync_folder(self._parts)


def hash_uncached(path: Path) -> str:
    """Return the SHA-256 of a file read from the disk, leaving the page cache to what plays. Blocks."""
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_READ_BYTES))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return digest.hexdigest()


def hash_names(folder: Path) -> list[str]:
    """Return the names of the files in a folder that are hashes; links and whatever else lies there are not ours."""
    try:
        with os.scandir(folder) as entries:
            return [e.name for e in entries if e.is_file(follow_symlinks=False) and _NAME.fullmatch(e.name)]
    except FileNotFoundError:
        return []
