"""Pure decisions about published content: what is still needed, and what may be deleted.

Needed are the newest releases of each channel, those that a person pinned or planned to bring back, those that devices
reported to play or prepare, everything these refer to, and the assets of media. Anything else is deleted after a grace
period: a device may have been told about it a moment ago, a cache may still serve an older timestamp, and a person may
want it back.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """What is kept: `previous` releases before the one in force, and unneeded content for `grace_ms`."""

    previous: int
    grace_ms: int

    def is_expired(self, since_ms: int, now_ms: int) -> bool:
        """Tell whether the grace period of content unneeded since `since_ms` (Unix) is over."""
        return since_ms + self.grace_ms <= now_ms


@dataclass(frozen=True, slots=True)
class PublishedRelease:
    """A release; `in_force` is the sequence that its channel's timestamp names, 0 before the first.

    `kept`: a person wants its files, now or when it is to come back.
    """

    channel: str
    sequence: int
    sha256: str
    created_ms: int
    in_force: int
    kept: bool = False


@dataclass(frozen=True, slots=True)
class StoredAsset:
    """An asset in the database; `unneeded_ms` says since when nothing needs it, None while something does."""

    sha256: str
    index: str
    size_bytes: int
    unneeded_ms: int | None


@dataclass(frozen=True, slots=True)
class ReferencedFiles:
    """The hashes of the assets, chunk lists and files of bookings that something refers to."""

    assets: frozenset[str] = frozenset()
    indexes: frozenset[str] = frozenset()
    bookings: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class KeptReleases:
    """The hashes of the releases that stay: `needed`, or `in_grace`. Devices are told to download those `in_force`."""

    in_force: frozenset[str]
    needed: frozenset[str]
    in_grace: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        """Return the releases whose files stay."""
        return self.needed | self.in_grace


@dataclass(frozen=True, slots=True)
class AgeResult:
    """What happens to assets or orphaned files, by name."""

    needed_again: frozenset[str]
    newly_unneeded: frozenset[str]  # their grace period starts now
    expired: frozenset[str]  # their grace period is over: they are deleted


def releases_to_keep(
    published: Iterable[PublishedRelease], reported: Collection[str], rule: RetentionRule, now_ms: int
) -> KeptReleases:
    """Return which releases stay: the newest of each channel, `kept` ones, those `reported` by devices, and in grace.

    The grace period of a release starts when the next release of its channel is made.
    """
    in_force: set[str] = set()
    needed = set(reported)
    in_grace: set[str] = set()
    ordered = sorted(published, key=attrgetter("channel", "sequence"))
    for _, group in groupby(ordered, key=attrgetter("channel")):
        releases = list(group)
        oldest_in_force = min(releases[-1].in_force, releases[-1].sequence)
        newest = [release.sha256 for release in releases if release.sequence >= oldest_in_force]
        in_force.update(newest)
        needed.update(release.sha256 for release in releases[-len(newest) - rule.previous :])
        needed.update(release.sha256 for release in releases if release.kept)
        in_grace.update(
            release.sha256
            for release, following in pairwise(releases)
            if not rule.is_expired(following.created_ms, now_ms)
        )
    return KeptReleases(frozenset(in_force), frozenset(needed), frozenset(in_grace - needed))


def sort_by_age(
    since: Mapping[str, int | None], needed: Collection[str], rule: RetentionRule, now_ms: int
) -> AgeResult:
    """Return what happens to each thing that is unneeded `since` a time (Unix ms), now that these are `needed`.

    A time in the future was recorded while the clock was ahead. It is recorded anew; otherwise the thing would stay
    until that time.
    """
    needed_again: set[str] = set()
    newly_unneeded: set[str] = set()
    expired: set[str] = set()
    for name, since_ms in since.items():
        if name in needed:
            if since_ms is not None:
                needed_again.add(name)
        elif since_ms is None or since_ms > now_ms:
            newly_unneeded.add(name)
        elif rule.is_expired(since_ms, now_ms):
            expired.add(name)
    return AgeResult(frozenset(needed_again), frozenset(newly_unneeded), frozenset(expired))
