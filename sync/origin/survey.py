"""Looks through the origin's files for what nobody needs any more; looking changes nothing."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from sync import StorageBroken
from sync.clock import Clock, unix_ms
from sync.durable import storage_errors
from sync.origin.files import Files
from sync.origin.retention import Issued, Judged, Kept, Named, Rule, Stored, judge, keep
from sync.origin.store.retention import Needs, RetentionStore
from sync.threads import in_thread
from sync.tree import release_path
from sync.wire import Sha256, Wire


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
class Stray:
    """A file that nothing knows."""

    path: Path
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Found:
    """What one look found: the figures, what becomes of assets, and what goes: releases, other files, old uploads."""

    figures: Figures
    judged: Judged
    releases: tuple[Stray, ...]
    others: tuple[Stray, ...]
    sources: tuple[str, ...]  # of media that failed long ago


class Survey:
    """Looks; releases it has read once are remembered while they are kept."""

    def __init__(self, store: RetentionStore, files: Files, rule: Rule, clock: Clock) -> None:
        self._store = store
        self._files = files
        self._rule = rule
        self._clock = clock
        self._named: Mapping[str, Named] = {}

    async def look(self) -> Found:
        """Return what lies there and what of it may go.

        Raises:
            StorageBroken: a release in force cannot be read, so nobody knows what is needed.
        """
        now = self._clock.now()
        needs = await self._store.needs()
        kept = keep((Issued(*row) for row in needs.issued), needs.reported, self._rule, unix_ms(now))
        named = await in_thread(self._read, kept)
        stored = [Stored(*row) for row in needs.stored]
        judged = judge(stored, needs.shown | named.assets, self._rule, unix_ms(now))
        left = [asset for asset in stored if asset.sha256 not in judged.over]
        known = Named(named.assets | {asset.sha256 for asset in left}, named.indexes | {asset.index for asset in left})
        releases, others = await in_thread(self._strays, kept.all, known, needs.media, unix_ms(now))
        figures = _figures(now, kept, left, judged, (*releases, *others))
        return Found(figures, judged, releases, others, self._sources(needs, unix_ms(now)))

    def _read(self, kept: Kept) -> Named:
        """Return what the kept releases name; one that is gone names nothing, unless devices are told to fetch it."""
        read = {name: self._named.get(name) or self._names(name, name in kept.in_force) for name in kept.all}
        self._named = {name: named for name, named in read.items() if named is not None}
        nothing: frozenset[str] = frozenset()
        return Named(
            nothing.union(*(named.assets for named in self._named.values())),
            nothing.union(*(named.indexes for named in self._named.values())),
        )

    def _names(self, release: str, in_force: bool) -> Named | None:
        try:
            raw = (self._files.content / release_path(release)).read_bytes()
            assets = _Release.model_validate_json(raw).assets
        except (OSError, ValidationError) as error:
            if in_force:
                raise StorageBroken(f"release {release} is in force and cannot be read: publish anew") from error
            return None
        return Named(frozenset(one.sha256 for one in assets), frozenset(one.index for one in assets))

    def _strays(
        self, releases: Collection[str], known: Named, media: Collection[str], now_ms: int
    ) -> tuple[tuple[Stray, ...], tuple[Stray, ...]]:
        content = self._files.content
        places = (
            (content / "assets", known.assets, ""),
            (content / "index", known.indexes, ""),
            (self._files.thumbnails, media, ".jpg"),
        )
        others = tuple(stray for place in places for stray in self._unknown(*place, now_ms))
        return tuple(self._unknown(content / "releases", releases, ".json", now_ms)), others

    def _unknown(self, folder: Path, known: Collection[str], suffix: str, now_ms: int) -> Iterator[Stray]:
        """Yield the files of a folder nothing knows, but what was written within the grace: its row may be to come."""
        with storage_errors(folder):
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                if path.name.startswith(".") or path.name.removesuffix(suffix) in known:
                    continue
                state = path.stat()
                if self._rule.over(int(state.st_mtime * 1000), now_ms):
                    yield Stray(path, state.st_size)

    def _sources(self, needs: Needs, now_ms: int) -> tuple[str, ...]:
        old = (media_id for media_id, failed_ms in needs.failed if self._rule.over(failed_ms, now_ms))
        return tuple(media_id for media_id in old if self._files.source(media_id).exists())


def _figures(now: datetime, kept: Kept, left: Sequence[Stored], judged: Judged, over: Sequence[Stray]) -> Figures:
    resting = [
        asset
        for asset in left
        if asset.sha256 in judged.unneeded or (asset.unneeded_ms is not None and asset.sha256 not in judged.back)
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
