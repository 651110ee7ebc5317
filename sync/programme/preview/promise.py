"""Pure: which ads a release gives one screen in a time, by the decisions that the player makes; what it promised.

What a screen would show may differ from one to another, but by no more than a play or two of each line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sync.programme.ad_eligibility import EligibleAds
from sync.programme.next_take import Planned
from sync.programme.preview.steady_screen import steps
from sync.programme.take import Take
from sync.wire.release import Release, WholeShare


@dataclass(frozen=True, slots=True)
class PromisedAd:
    """An ad that begins at `at`, and which part of its slot each line had bought that could have been shown."""

    at: datetime
    take: Take
    bought: dict[str, float]


def promised_ads(release: Release, sha256: str, zone: ZoneInfo, at: datetime, until: datetime) -> Iterator[PromisedAd]:
    """Yield the ads that begin from `at` to before `until`; what has no length and is never cut ends them."""
    eligible: EligibleAds | None = None
    bought: dict[str, float] = {}
    for step in steps(release, sha256, zone, at, until):
        if step.eligible is not eligible:
            eligible, bought = step.eligible, _bought(step.eligible)
        if isinstance(step.decision, Planned) and step.decision.take.line is not None:
            yield PromisedAd(step.at, step.decision.take, bought)


def _bought(eligible: EligibleAds) -> dict[str, float]:
    shares = ((entry.line.id, entry.line.share_ppm) for entry in eligible.lines)
    return {line: share / WholeShare for line, share in shares if share is not None}
