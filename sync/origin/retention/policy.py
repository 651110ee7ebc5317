"""Pure: which published content is still needed, by whom, and what of the rest may go.

Needed are the newest releases of each channel and those that devices said they play or prepare, with all they name,
and what media show. What is not may go once it was not needed for the whole grace: a device may have been told of it
a moment before, a cache in between may still hand out an older timestamp, a person may want it back.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """What is kept: `previous` releases before the one in force, and everything for `grace_ms`."""

    previous: int
    grace_ms: int

    def is_expired(self, since_ms: int, now_ms: int) -> bool:
        """Tell whether the grace of what was needed last at `since_ms` (Unix) is over."""
        return since_ms + self.grace_ms <= now_ms


@dataclass(frozen=True, slots=True)
class PublishedRelease:
    """A release that was published; `in_force` is the sequence its channel's timestamp is at, 0 before the first."""

    channel: str
    sequence: int
    sha256: str
    created_ms: int
    in_force: int


@dataclass(frozen=True, slots=True)
class StoredAsset:
    """An asset as the database knows it; `unneeded_ms`: since when nothing needs it, None while something does."""

    sha256: str
    index: str
    size_bytes: int
    unneeded_ms: int | None


@dataclass(frozen=True, slots=True)
class ReferencedFiles:
    """The files something names: assets and chunk lists."""

    assets: frozenset[str] = frozenset()
    indexes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class KeptReleases:
    """Which releases stay: those `needed` and those that rest; what devices are told to fetch now is `in_force`."""

    in_force: frozenset[str]
    needed: frozenset[str]
    in_grace: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        """Return those whose files stay."""
        return self.needed | self.in_grace


@dataclass(frozen=True, slots=True)
class AgeResult:
    """What becomes of assets the database knows, or of files it does not, by name."""

    needed_again: frozenset[str]  # needed again
    newly_unneeded: frozenset[str]  # needed no more, as of now
    expired: frozenset[str]  # not needed for the whole grace: they go


def releases_to_keep(
    issued: Iterable[PublishedRelease], reported: Collection[str], rule: RetentionRule, now_ms: int
) -> KeptReleases:
    """Return which releases stay: the newest of each channel, those `reported` by devices, and others for a while.

    A release begins to rest when the next one of its channel is made, not when it was made itself.
    """
    in_force: set[str] = set()
    needed = set(reported)
    resting: set[str] = set()
    for _, group in groupby(sorted(issued, key=attrgetter("channel", "sequence")), key=attrgetter("channel")):
        line = list(group)
        newest = [one.sha256 for one in line if one.sequence >= min(one.in_force, line[-1].sequence)]
        in_force.update(newest)
        needed.update(one.sha256 for one in line[-len(newest) - rule.previous :])
        resting.update(one.sha256 for one, after in pairwise(line) if not rule.is_expired(after.created_ms, now_ms))
    return KeptReleases(frozenset(in_force), frozenset(needed), frozenset(resting - needed))


def sort_by_age(
    since: Mapping[str, int | None], needed: Collection[str], rule: RetentionRule, now_ms: int
) -> AgeResult:
    """Return what becomes of each thing not needed `since` then (Unix), now that these are `needed`.

    What a clock that was ahead wrote down is written down anew, else it would rest until then.
    """
    back: set[str] = set()
    unneeded: set[str] = set()
    over: set[str] = set()
    for name, since_ms in since.items():
        if name in needed:
            if since_ms is not None:
                back.add(name)
        elif since_ms is None or since_ms > now_ms:
            unneeded.add(name)
        elif rule.is_expired(since_ms, now_ms):
            over.add(name)
    return AgeResult(frozenset(back), frozenset(unneeded), frozenset(over))
