"""Scans the origin's files for those that nothing needs any more; a scan changes nothing.

An orphan is a file that no row of the database refers to. Its grace period starts with the first scan that finds it,
not when it was written: after a backup of the database is restored, all newer files are orphans, although devices play
them and have yet to report so.
"""

import contextlib
import hashlib
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from sync.errors import CorruptContent, StorageBroken
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.retention.policy import (
    AgeResult,
    KeptReleases,
    PublishedRelease,
    ReferencedFiles,
    RetentionRule,
    StoredAsset,
    releases_to_keep,
    sort_by_age,
)
from sync.origin.store.media.retention import ContentReferences, RetentionStore
from sync.runtime.clock import Clock, unix_ms
from sync.runtime.durable_files import storage_errors
from sync.runtime.threads import in_thread
from sync.wire.content_paths import bookings_path, release_path
from sync.wire.value_types import Sha256, Wire

_CONTENT_NAME = re.compile(r"[0-9a-f]{64}(\.json|\.mp4)?|[A-Za-z0-9_-]+\.jpg")


class _AssetReference(Wire):
    sha256: Sha256
    index: Sha256


class _BookingsReference(Wire):
    sha256: Sha256


class _ReleaseReferences(Wire):
    """The part of a release, or of its bookings, that is needed here; the rest is not parsed."""

    assets: tuple[_AssetReference, ...] = ()
    bookings: tuple[_BookingsReference, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers of files, and their bytes.

    Of all `assets` some are `resting`: unneeded, and deleted when their grace period is over. `over` counts the files
    that may be deleted now.
    """

    at: datetime
    releases: int = 0
    assets: int = 0
    asset_bytes: int = 0
    resting: int = 0
    resting_bytes: int = 0
    over: int = 0
    over_bytes: int = 0


@dataclass(frozen=True, slots=True)
class UnneededFile:
    """A file that nothing kept refers to."""

    path: Path
    size_bytes: int

    @property
    def name(self) -> str:
        """Return its folder and file name."""
        return "/".join(self.path.parts[-2:])


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What one scan found: `releases` and `other_files` may be deleted, and the sent bytes of `failed_media`."""

    figures: Figures
    assets: AgeResult
    orphans: AgeResult
    releases: tuple[UnneededFile, ...]
    other_files: tuple[UnneededFile, ...]
    failed_media: tuple[str, ...]


class ContentScanner:
    """Compares files and database; it remembers what the kept releases refer to, so each is read once."""

    def __init__(self, store: RetentionStore, files: DataFolder, rule: RetentionRule, clock: Clock) -> None:
        self._store = store
        self._files = files
        self._rule = rule
        self._clock = clock
        self._references: Mapping[str, ReferencedFiles] = {}

    async def scan(self) -> ScanResult:
        """Return which files are there, and which of them may be deleted.

        Raises:
            StorageBroken: a release in force cannot be read, so it is unknown what is needed.
        """
        now = self._clock.now()
        rows = await self._store.references()
        now_ms = unix_ms(now)
        published = [PublishedRelease(*row) for row in rows.releases]
        kept = releases_to_keep(published, rows.reported, self._rule, now_ms)
        referenced = await in_thread(self._read_releases, kept)
        stored = [StoredAsset(*row) for row in rows.assets]
        since = {asset.sha256: asset.unneeded_ms for asset in stored}
        aged = sort_by_age(since, rows.media_assets | referenced.assets, self._rule, now_ms)
        remaining = [asset for asset in stored if asset.sha256 not in aged.expired]
        unneeded = await in_thread(self._unneeded_files, kept.all, _with_assets(referenced, remaining), rows.media)
        expired = {release.sha256 for release in published} | _hashes(set(stored).difference(remaining))
        orphans = self._orphans([file.name for file in unneeded if file.path.stem not in expired], rows, now_ms)
        deletable = [file for file in unneeded if file.path.stem in expired or file.name in orphans.expired]
        releases = tuple(file for file in deletable if file.path.suffix == ".json")
        other_files = tuple(file for file in deletable if file.path.suffix != ".json")
        figures = _figures(now, kept, remaining, aged, deletable)
        return ScanResult(figures, aged, orphans, releases, other_files, self._expired_media(rows, now_ms))

    def _read_releases(self, kept: KeptReleases) -> ReferencedFiles:
        """Return what the kept releases refer to; one that cannot be read counts as empty unless it is in force."""
        read = {name: self._references.get(name) or self._read(name, name in kept.in_force) for name in kept.all}
        self._references = {name: files for name, files in read.items() if files is not None}
        empty: frozenset[str] = frozenset()
        return ReferencedFiles(
            empty.union(*(files.assets for files in self._references.values())),
            empty.union(*(files.indexes for files in self._references.values())),
            empty.union(*(files.bookings for files in self._references.values())),
        )

    def _read(self, release: str, in_force: bool) -> ReferencedFiles | None:
        try:
            named = self._named(release_path(release), release)
            parts = [self._named(bookings_path(one.sha256), one.sha256) for one in named.bookings]
        except (OSError, ValidationError, CorruptContent) as error:
            if in_force:
                raise StorageBroken(f"release {release} is in force and cannot be read: publish it again") from error
            return None
        assets = [asset for part in (named, *parts) for asset in part.assets]
        return ReferencedFiles(
            frozenset(asset.sha256 for asset in assets),
            frozenset(asset.index for asset in assets),
            frozenset(one.sha256 for one in named.bookings),
        )

    def _named(self, path: str, sha256: str) -> _ReleaseReferences:
        raw = (self._files.content / path).read_bytes()
        if hashlib.sha256(raw).hexdigest() != sha256:
            raise CorruptContent(f"{path} is damaged")
        return _ReleaseReferences.model_validate_json(raw)

    def _unneeded_files(
        self, releases: Collection[str], referenced: ReferencedFiles, media: Collection[str]
    ) -> tuple[UnneededFile, ...]:
        content = self._files.content
        folders = (
            (content / "releases", releases),
            (content / "assets", referenced.assets),
            (content / "index", referenced.indexes),
            (content / "bookings", referenced.bookings),
            (self._files.thumbnails, media),
            (self._files.previews, referenced.assets),
        )
        return tuple(file for folder, needed in folders for file in _files_except(folder, needed))

    def _orphans(self, found: Collection[str], rows: ContentReferences, now_ms: int) -> AgeResult:
        recorded = dict(rows.orphans)
        since = {**recorded, **{name: recorded.get(name) for name in found}}
        return sort_by_age(since, recorded.keys() - set(found), self._rule, now_ms)

    def _expired_media(self, rows: ContentReferences, now_ms: int) -> tuple[str, ...]:
        old = (media_id for media_id, failed_ms in rows.failed_media if self._rule.is_expired(failed_ms, now_ms))
        return tuple(media_id for media_id in old if self._files.source_path(media_id).exists())


def _files_except(folder: Path, needed: Collection[str]) -> Iterator[UnneededFile]:
    """Yield the files of a folder that are not `needed`. Files with foreign names are left alone."""
    with storage_errors(folder):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.stem in needed or not _CONTENT_NAME.fullmatch(path.name):
                continue
            with contextlib.suppress(FileNotFoundError):  # a media is being deleted
                state = path.lstat()
                if stat.S_ISREG(state.st_mode):
                    yield UnneededFile(path, state.st_size)


def _with_assets(files: ReferencedFiles, assets: Iterable[StoredAsset]) -> ReferencedFiles:
    return ReferencedFiles(
        files.assets.union(asset.sha256 for asset in assets),
        files.indexes.union(asset.index for asset in assets),
        files.bookings,
    )


def _hashes(assets: Iterable[StoredAsset]) -> set[str]:
    return {name for asset in assets for name in (asset.sha256, asset.index)}


def _figures(
    now: datetime,
    kept: KeptReleases,
    assets: Sequence[StoredAsset],
    aged: AgeResult,
    deletable: Sequence[UnneededFile],
) -> Figures:
    resting = [
        asset
        for asset in assets
        if asset.sha256 in aged.newly_unneeded
        or (asset.unneeded_ms is not None and asset.sha256 not in aged.needed_again)
    ]
    return Figures(
        at=now,
        releases=len(kept.all),
        assets=len(assets),
        asset_bytes=sum(asset.size_bytes for asset in assets),
        resting=len(resting),
        resting_bytes=sum(asset.size_bytes for asset in resting),
        over=len(deletable),
        over_bytes=sum(file.size_bytes for file in deletable),
    )
