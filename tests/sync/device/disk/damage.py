"""Ways in which a file on a device gets damaged, and a device whose files can be damaged."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from sync.device.store.content_store import ContentStore, open_content_store
from sync.device.store.membership import DeviceMembership, save_membership
from sync.trust.signing import open_envelope
from sync.wire.release import ROOT_CAP_BYTES
from tests.sync.conftest import running
from tests.sync.file_tree_origin import CHANNEL, CHUNK, Origin, Publisher, noise


def empty(path: Path) -> None:
    _writable(path).write_bytes(b"")


def truncated(path: Path) -> None:
    _writable(path).write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def garbage(path: Path) -> None:
    _writable(path).write_bytes(Random(5).randbytes(path.stat().st_size))


def deleted(path: Path) -> None:
    path.unlink()


def folder(path: Path) -> None:
    """Put a folder with a file in it where the file was."""
    path.unlink()
    path.mkdir()
    (path / "what").write_bytes(b"is this")


def link(path: Path) -> None:
    """Put a link to nowhere where the file was."""
    path.unlink()
    path.symlink_to(path.parent / "nowhere" / "at-all")


def pipe(path: Path) -> None:
    """Put a pipe where the file was: opening it the simple way waits for ever."""
    path.unlink()
    os.mkfifo(path)


def newer(path: Path) -> None:
    """Write what a newer version may write."""
    _writable(path).write_bytes(b'{"format": 99, "everything": {"is": "elsewhere"}}')


def _writable(path: Path) -> Path:
    path.chmod(0o644)
    return path


Damage = Callable[[Path], None]
ALL: tuple[Damage, ...] = (empty, truncated, garbage, deleted, folder, link, pipe, newer)


@dataclass(frozen=True)
class Original:
    """A device that plays its second release, as it is on the disk, and the origin's tree."""

    state_dir: Path
    publisher: Publisher
    assets: frozenset[str]
    releases: tuple[str, str]  # the previous and the active one

    def copy_to(self, state_dir: Path) -> Path:
        """Copy the device without its ballast, which is large."""
        shutil.copytree(self.state_dir, state_dir, ignore=shutil.ignore_patterns("ballast"))
        return state_dir

    def paths(self, state_dir: Path) -> dict[str, Path]:
        """Return the files of a device by what they are."""
        store = ContentStore(state_dir)
        active = store.release(self.releases[1])
        assert active is not None
        first = active.assets[0]
        names = ("active", "root.json", "floor", "membership.json", "index.db", "ballast", "lock")
        return {name: store.state / name for name in names} | {
            "release": store.store / "releases" / f"{self.releases[1]}.json",
            "index": store.store / "index" / first.index,
            "asset": store.store / "assets" / first.sha256,
        }


async def synced(top: Path) -> Original:
    """Pair a device and sync two releases that have one asset in common."""
    origin = Origin(Publisher(top / "tree"))
    await origin.start()
    try:
        with open_content_store(top / "device") as store:
            root = open_envelope(origin.publisher.root, ROOT_CAP_BYTES)
            save_membership(store, root, DeviceMembership(device="d1", token="t", channel=CHANNEL, origin=origin.url))
            async with running(origin, store) as device:
                origin.publisher.publish(noise(1, 5000), noise(2, CHUNK + 1))
                first = origin.publisher.release
                device.syncer.wake()
                await device.plays(first)
                assets = origin.publisher.publish(noise(3, 2 * CHUNK + 7), noise(2, CHUNK + 1))
                device.syncer.wake()
                await device.plays(origin.publisher.release)
    finally:
        await origin.stop()
    names = frozenset(asset.sha256 for asset in assets)
    return Original(top / "device", origin.publisher, names, (first, origin.publisher.release))
