"""Measures how far back an ad of the same category or advertiser lies, in slots.

Between two ads with the same key the larger of both lines' gaps holds, so that a competitor keeps away on either side.
"""

from collections.abc import Sequence

from player.programme.ad_eligibility import EligibleLine
from sync.wire.base import Identifier, Name, Wire
from sync.wire.release import Creative

KEPT = 100
"""How many ads are remembered: the widest gap a line can ask for."""


class Aired(Wire):
    """An ad reserved lately; `before` is the creative its line had shown before."""

    choice: int
    line: Identifier
    creative: Identifier
    before: Identifier | None = None
    advertiser: Name
    category: str
    advertiser_gap: int
    category_gap: int

    @classmethod
    def of(cls, choice: int, entry: EligibleLine, creative: Creative, before: str | None) -> "Aired":
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
    """Looks up how many slots a line has to wait after what aired (oldest first)."""

    def __init__(self, recent: Sequence[Aired]) -> None:
        self._categories: dict[str, tuple[int, int]] = {}
        self._advertisers: dict[str, tuple[int, int]] = {}
        for distance, aired in enumerate(reversed(recent), start=1):
            if aired.category:
                _record_gap(self._categories, aired.category, distance, aired.category_gap)
            _record_gap(self._advertisers, aired.advertiser, distance, aired.advertiser_gap)

    def category(self, entry: EligibleLine) -> int:
        """Return how many more slots lie between now and the end of the category's gap; 0: none."""
        return _wait(self._categories.get(entry.line.category), entry.line.category_gap)

    def advertiser(self, entry: EligibleLine) -> int:
        """Return the same for its advertiser."""
        return _wait(self._advertisers.get(entry.campaign.advertiser), entry.line.advertiser_gap)


def _record_gap(seen: dict[str, tuple[int, int]], key: str, distance: int, gap: int) -> None:
    last, reach = seen.get(key, (distance, 0))
    seen[key] = (last, max(reach, gap - distance + 1))


def _wait(seen: tuple[int, int] | None, gap: int) -> int:
    return 0 if seen is None else max(seen[1], gap - seen[0] + 1)
