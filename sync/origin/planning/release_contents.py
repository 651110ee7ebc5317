"""Pure: what releases name, so that a play of something that none of them named is noticed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from sync.wire.release import Asset, Creative, Item, MediaKind, Release


@dataclass(frozen=True, slots=True)
class ReleaseContent:
    """One thing that a release shows, as an item or as an ad; what does not apply is empty.

    `longest_ms` 0: only the device knows when it ends, as of a picture without a duration or a stream.
    """

    asset: str
    item: str
    campaign: str
    line: str
    creative: str
    longest_ms: int


ShownAssets = Mapping[str, Sequence[ReleaseContent]]
"""What was shown of each asset."""


@dataclass(frozen=True, slots=True)
class KnownRelease:
    """A published release. `contents`: what its channel ever showed of each asset asked for; None: unknown."""

    channel: str
    created_ms: int
    contents: ShownAssets | None


Runs = Sequence[tuple[int, int | None]]
"""Sequences of releases, each run from its first to its last; None: up to the newest one."""


def runs_at(runs: Runs, sequence: int, *, named: bool) -> Runs:
    """Return the runs of a content after release `sequence`, the newest one, which names it or not."""
    is_open = bool(runs) and runs[-1][1] is None
    if named is is_open:
        return runs
    return (*runs, (sequence, None)) if named else (*runs[:-1], (runs[-1][0], sequence - 1))


def runs_with(runs: Runs, sequence: int) -> Runs:
    """Return the runs with an older release, too."""
    return runs if in_runs(runs, sequence) else tuple(sorted((*runs, (sequence, sequence)), key=itemgetter(0)))


def in_runs(runs: Runs, sequence: int) -> bool:
    """Tell whether a release is in one of the runs."""
    return any(first <= sequence and (last is None or sequence <= last) for first, last in runs)


def contents_of(release: Release) -> frozenset[ReleaseContent]:
    """Return all that a release shows."""
    return frozenset((*_items(release), *_ads(release)))


def _items(release: Release) -> Iterator[ReleaseContent]:
    assets = {asset.sha256: asset for asset in release.assets}
    for playlist in release.playlists:
        for item in playlist.items:
            yield ReleaseContent(item.asset, item.id, "", "", "", _longest_ms(assets, item))


def _ads(release: Release) -> Iterator[ReleaseContent]:
    assets = {asset.sha256: asset for asset in release.assets}
    for campaign in release.campaigns:
        for line in campaign.lines:
            for one in line.creatives:
                yield ReleaseContent(one.asset, "", campaign.id, line.id, one.id, _longest_ms(assets, one))


def _longest_ms(assets: Mapping[str, Asset], content: Item | Creative) -> int:
    """Return how long it is shown at most, as `sync.programme.next_take.Scene.length_ms` plans it."""
    asset, loops = assets.get(content.asset), isinstance(content, Item) and content.loop
    ends_itself = asset is not None and asset.kind is MediaKind.VIDEO and not loops
    length_ms = asset.duration_ms if asset and ends_itself else None
    return min((ms for ms in (content.duration_ms, length_ms) if ms is not None), default=0)
