"""Looks through the origin's files for what nobody needs any more; looking changes nothing.

A file that nothing knows has its grace from the first look that found it, not from when it was written: with a database
restored from a backup, all that came later is unknown, and in force on devices that have yet to say so.
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
from sync.origin.store.retention import ContentReferences, RetentionStore
from sync.runtime.clock import Clock, unix_ms
from sync.runtime.durable_files import storage_errors
from sync.runtime.threads import in_thread
from sync.wire.base import Sha256, Wire
from sync.wire.content_paths import release_path

_OURS = re.compile(r"[0-9a-f]{64}(\.json)?|[A-Za-z0-9_-]+\.jpg")


class _Asset(Wire):
    sha256: Sha256
    index: Sha256


class _Release(Wire):
    """Of a release only what it needs; the rest is not parsed."""

    assets: tuple[_Asset, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """What lies there, in files and bytes: `assets` in all, of them `resting` until their grace ends; `over` may go."""

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
    """A file that nothing knows."""

    path: Path
    size_bytes: int

    @property
    def name(self) -> str:
        """Return what it is called below the data folder."""
        return "/".join(self.path.parts[-2:])


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What one look found: the figures, what becomes of assets, and what goes: releases, other files, old uploads."""

    figures: Figures
    assets: AgeResult
    orphans: AgeResult  # files that nothing knows
    releases: tuple[UnneededFile, ...]
    other_files: tuple[UnneededFile, ...]
    failed_media: tuple[str, ...]  # of media that failed long ago


class ContentScanner:
    """Looks; releases it has read once are remembered while they are kept."""

    def __init__(self, store: RetentionStore, files: DataFolder, rule: RetentionRule, clock: Clock) -> None:
        self._store = store
        self._files = files
        self._rule = rule
        self._clock = clock
        self._named: Mapping[str, ReferencedFiles] = {}

    async def scan(self) -> ScanResult:
        """Return what lies there and what of it may go.

        Raises:
            StorageBroken: a release in force cannot be read, so nobody knows what is needed.
        """
        now = self._clock.now()
        needs = await self._store.references()
        now_ms = unix_ms(now)
        issued = [PublishedRelease(*row) for row in needs.issued]
        kept = releases_to_keep(issued, needs.reported, self._rule, now_ms)
        named = await in_thread(self._read, kept)
        stored = [StoredAsset(*row) for row in needs.stored]
        since = {asset.sha256: asset.unneeded_ms for asset in stored}
        judged = sort_by_age(since, needs.shown | named.assets, self._rule, now_ms)
        left = [asset for asset in stored if asset.sha256 not in judged.expired]
        unknown = await in_thread(self._unknown, kept.all, _known(named, left), needs.media)
        due = {one.sha256 for one in issued} | _files_of(set(stored).difference(left))
        strays = self._judge_strays([one.name for one in unknown if one.path.stem not in due], needs, now_ms)
        goes = [one for one in unknown if one.path.stem in due or one.name in strays.expired]
        releases = tuple(one for one in goes if one.path.suffix == ".json")
        others = tuple(one for one in goes if one.path.suffix != ".json")
        figures = _figures(now, kept, left, judged, goes)
        return ScanResult(figures, judged, strays, releases, others, self._sources(needs, now_ms))

    def _read(self, kept: KeptReleases) -> ReferencedFiles:
        """Return what the kept releases name; one that is gone names nothing, unless devices are told to fetch it."""
        read = {name: self._named.get(name) or self._names(name, name in kept.in_force) for name in kept.all}
        self._named = {name: named for name, named in read.items() if named is not None}
        nothing: frozenset[str] = frozenset()
        return ReferencedFiles(
            nothing.union(*(named.assets for named in self._named.values())),
            nothing.union(*(named.indexes for named in self._named.values())),
        )

    def _names(self, release: str, in_force: bool) -> ReferencedFiles | None:
        try:
            raw = (self._files.content / release_path(release)).read_bytes()
            if hashlib.sha256(raw).hexdigest() != release:
                raise CorruptContent(f"release {release} is damaged")
            assets = _Release.model_validate_json(raw).assets
        except (OSError, ValidationError, CorruptContent) as error:
            if in_force:
                raise StorageBroken(f"release {release} is in force and cannot be read: publish anew") from error
            return None
        return ReferencedFiles(frozenset(one.sha256 for one in assets), frozenset(one.index for one in assets))

    def _unknown(
        self, releases: Collection[str], known: ReferencedFiles, media: Collection[str]
    ) -> tuple[UnneededFile, ...]:
        content = self._files.content
        places = (
            (content / "releases", releases),
            (content / "assets", known.assets),
            (content / "index", known.indexes),
            (self._files.thumbnails, media),
        )
        return tuple(stray for folder, names in places for stray in _others(folder, names))

    def _judge_strays(self, unknown: Collection[str], needs: ContentReferences, now_ms: int) -> AgeResult:
        noted = dict(needs.strays)
        since = {**noted, **{name: noted.get(name) for name in unknown}}
        return sort_by_age(since, noted.keys() - set(unknown), self._rule, now_ms)

    def _sources(self, needs: ContentReferences, now_ms: int) -> tuple[str, ...]:
        old = (media_id for media_id, failed_ms in needs.failed if self._rule.is_expired(failed_ms, now_ms))
        return tuple(media_id for media_id in old if self._files.source_path(media_id).exists())


def _others(folder: Path, known: Collection[str]) -> Iterator[UnneededFile]:
    """Yield the files of a folder that are named as ours are and not `known`; what else lies there is not ours."""
    with storage_errors(folder):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.stem in known or not _OURS.fullmatch(path.name):
                continue
            with contextlib.suppress(FileNotFoundError):  # somebody deletes a media this moment
                state = path.lstat()
                if stat.S_ISREG(state.st_mode):
                    yield UnneededFile(path, state.st_size)


def _known(named: ReferencedFiles, left: Iterable[StoredAsset]) -> ReferencedFiles:
    return ReferencedFiles(
        named.assets.union(asset.sha256 for asset in left), named.indexes.union(asset.index for asset in left)
    )


def _files_of(assets: Iterable[StoredAsset]) -> set[str]:
    return {name for asset in assets for name in (asset.sha256, asset.index)}


def _figures(
    now: datetime, kept: KeptReleases, left: Sequence[StoredAsset], judged: AgeResult, over: Sequence[UnneededFile]
) -> Figures:
    resting = [
        asset
        for asset in left
        if asset.sha256 in judged.newly_unneeded
        or (asset.unneeded_ms is not None and asset.sha256 not in judged.needed_again)
    ]
    return Figures(
        at=now,
        releases=len(kept.all),
        assets=len(left),
        asset_bytes=sum(asset.size_bytes for asset in left),
        resting=len(resting),
        resting_bytes=sum(asset.size_bytes for asset in resting),
        over=len(over),
        over_bytes=sum(stray.size_bytes for stray in over),
    )
