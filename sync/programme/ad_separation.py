"""How far back the last ad of the same category or advertiser is, in slots.

Between two ads with the same key the larger of both lines' gaps applies, so that competitors are apart on both sides.
"""

from collections.abc import Sequence

from sync.programme.ad_eligibility import EligibleLine
from sync.wire.release import Creative
from sync.wire.value_types import Identifier, Name, Wire

REMEMBERED_ADS = 100
"""How many ads are remembered: the widest gap a line can ask for."""


class RecentAd(Wire):
    """An ad that was reserved; `before` is the creative its line had shown before."""

    choice: int
    line: Identifier
    creative: Identifier
    before: Identifier | None = None
    advertiser: Name
    category: str
    advertiser_gap: int
    category_gap: int

    @classmethod
    def of(cls, choice: int, entry: EligibleLine, creative: Creative, before: str | None) -> "RecentAd":
        """Make the record of a choice."""
        return cls.model_construct(
            choice=choice,
            line=entry.line.id,
            creative=creative.id,
            before=before,
            advertiser=entry.campaign.advertiser,
            category=entry.line.category,
            advertiser_gap=entry.line.advertiser_gap,
            category_gap=entry.line.category_gap,
        )


class AdSeparation:
    """Says how many slots a line has to wait after recent ads (oldest first); no line has a gap above `widest`."""

    def __init__(self, recent: Sequence[RecentAd], widest: int = REMEMBERED_ADS) -> None:
        self._categories: dict[str, tuple[int, int]] = {}
        self._advertisers: dict[str, tuple[int, int]] = {}
        for distance, recent_ad in enumerate(reversed(recent), start=1):
            if distance > widest and recent_ad.category_gap < distance and recent_ad.advertiser_gap < distance:
                continue  # its gap has ended, and so has that of every line
            if recent_ad.category:
                _record_gap(self._categories, recent_ad.category, distance, recent_ad.category_gap)
            _record_gap(self._advertisers, recent_ad.advertiser, distance, recent_ad.advertiser_gap)

    def category(self, entry: EligibleLine) -> int:
        """Return how many slots the gap of its category still lasts; 0: it has ended."""
        return _slots_to_wait(self._categories.get(entry.line.category), entry.line.category_gap)

    def advertiser(self, entry: EligibleLine) -> int:
        """Return the same for the gap of its advertiser."""
        return _slots_to_wait(self._advertisers.get(entry.campaign.advertiser), entry.line.advertiser_gap)

    def wait(self, entry: EligibleLine) -> int:
        """Return how many slots both last."""
        return max(self.category(entry), self.advertiser(entry))


def _record_gap(seen: dict[str, tuple[int, int]], key: str, distance: int, gap: int) -> None:
    last, reach = seen.get(key, (distance, 0))
    seen[key] = (last, max(reach, gap - distance + 1))


def _slots_to_wait(seen: tuple[int, int] | None, gap: int) -> int:
    return 0 if seen is None else max(seen[1], gap - seen[0] + 1)
