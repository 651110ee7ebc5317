"""What a release would mean for the screens of its channel: what they fetch, when each is ready, what comes too late.

Pure, but for the chunk lists that `bytes_to_fetch` reads.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from heapq import nlargest
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sync.errors import CorruptContent
from sync.programme.first_need import Need, first_needs, new_starts
from sync.wire.chunk_index import find_chunks, load_index, one_chunk_index
from sync.wire.device_reports import RateStep, when_fetched
from sync.wire.release import Asset, Release

MOST_LATE = 8
MOST_SLOW = 8


@dataclass(frozen=True, slots=True)
class ScreenReport:
    """What is known of a screen: `missing_bytes` of the release it is to have now, None: nobody knows."""

    name: str
    zone: str
    rates: Sequence[RateStep]
    missing_bytes: int | None


@dataclass(frozen=True, slots=True)
class LateScreens:
    """Something that starts at `at`, before the release is on so many screens; `first` is the name of one of them."""

    at: datetime
    what: str
    screens: int
    first: str


@dataclass(frozen=True, slots=True)
class Rollout:
    """When the `slowest` screens have a release, the last in front; of how many it is `unknown`; and what is late."""

    screens: int
    unknown: int
    slowest: tuple[tuple[datetime, str], ...]
    late: tuple[LateScreens, ...]


def bytes_to_fetch(new: Iterable[Asset], held: Iterable[Asset], read: Callable[[str], bytes]) -> int:
    """Return how many bytes of `new` assets a screen fetches that holds others: chunks that these have are copied.

    `read` returns the chunk list of this name, empty if it cannot be read. Blocks.
    """
    chunks: list[tuple[bytes, int]] = []
    for asset in new:
        try:
            index = one_chunk_index(asset) or load_index(read(asset.index))
        except CorruptContent:  # nothing is known of it
            chunks.append((bytes.fromhex(asset.sha256), asset.size_bytes))
        else:
            chunks += [(bytes.fromhex(chunk.sha256), chunk.length) for chunk in index.chunks]
    wanted = {digest for digest, _ in chunks}
    copied: set[bytes] = set()
    for asset in held if chunks else ():
        whole = one_chunk_index(asset) is not None
        found = ((bytes.fromhex(asset.sha256), 0),) if whole else find_chunks(read(asset.index), wanted)
        copied.update(digest for digest, _ in found)
    return sum(length for digest, length in chunks if digest not in copied)


def rollout(
    release: Release, before: Release | None, new_bytes: int, screens: Sequence[ScreenReport], now: datetime
) -> Rollout:
    """Return when the screens of a channel have a release that is published now."""

    @cache
    def starts(zone: str) -> tuple[Need, ...]:
        try:
            local = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):  # of a screen with other time zones
            return ()
        known = first_needs(before, local, now) if before else ()
        return new_starts(first_needs(release, local, now), known, now)

    ready: list[tuple[datetime, str]] = []
    late: dict[tuple[datetime, str], list[str]] = defaultdict(list)
    for screen in screens:
        if screen.missing_bytes is None:
            continue
        at = when_fetched(new_bytes + screen.missing_bytes, screen.rates, now)
        if at is not None:
            ready.append((at, screen.name))
            for start in starts(release.zone or screen.zone):
                if start.at is not None and start.at < at:
                    late[start.at, start.what].append(screen.name)
    found = tuple(LateScreens(*start, len(names), names[0]) for start, names in sorted(late.items())[:MOST_LATE])
    return Rollout(len(screens), len(screens) - len(ready), tuple(nlargest(MOST_SLOW, ready)), found)
