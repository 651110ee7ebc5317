"""What the bookings of a channel cannot get, from its plan: while it is edited, and when it is published. Pure."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sync.origin.planning.channel_plan import ChannelPlan
from sync.programme.bookings.feasibility import (
    MOST_SIMULATIONS,
    MOST_WORK,
    Feasibility,
    booking_feasibility,
    first_sentences,
)
from sync.wire.release import Campaign, Line

OVER_FOR = timedelta(days=31)
"""A campaign that is over for longer is not told any more."""

_MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class BookingReport:
    """What bookings cannot get, with the campaigns by id that are `over`, each with its sentence."""

    feasibility: Feasibility
    over: dict[str, str]

    def texts(self) -> tuple[str, ...]:
        """Return all of it as sentences, the first ones."""
        texts = [*self.over.values(), *(each.text for each in self.feasibility.shortfalls)]
        return first_sentences(texts, _MOST_TOLD)

    def short_lines(self) -> dict[str, str]:
        """Return for each line that is short, by id, why; the first reason."""
        found: dict[str, str] = {}
        for each in self.feasibility.shortfalls:
            for line in each.lines:
                found.setdefault(line.id, each.text)
        return found

    def texts_about(self, campaign: str, lines: Set[str]) -> Iterator[str]:
        """Yield the sentences about a campaign and its lines, by id."""
        if campaign in self.over:
            yield self.over[campaign]
        for each in self.feasibility.shortfalls:
            if any(line.id in lines for line in each.lines):
                yield each.text


def booking_report(plan: ChannelPlan, now: datetime, about: Set[str] | None = None, channels: int = 1) -> BookingReport:
    """Return what the bookings of a plan cannot get from `now` on; media do not matter.

    With `about` only what is on air together with these lines is judged. Where one answer has the reports of several
    `channels`, they share the limits of work, so that it takes no longer.
    """
    over = {
        one.id: f"Campaign {one.name} ({one.advertiser}) ended {one.ends_at:%Y-%m-%d %H:%M} UTC: it is in no release "
        "any more. Give it a later end to show it."
        for one in plan.campaigns
        if now - OVER_FOR < one.ends_at <= now
    }
    campaigns = [
        Campaign.model_construct(
            id=one.id,
            name=one.name,
            advertiser=one.advertiser,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            lines=tuple(Line.model_construct(**{**vars(line), "creatives": ()}) for line in one.lines),
        )
        for one in plan.campaigns
    ]
    feasibility = booking_feasibility(
        campaigns,
        ZoneInfo(plan.schedule.zone or "UTC"),
        now,
        about=about,
        most_work=MOST_WORK // channels,
        most_simulations=MOST_SIMULATIONS // channels,
    )
    return BookingReport(feasibility, over)
