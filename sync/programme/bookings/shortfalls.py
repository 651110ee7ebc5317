"""What lines that are on air together cannot get of the slots that they bought, why, and what would help.

Shares add up to more than all slots, a line would have to follow itself, or gaps leave too little room. For gaps there
is no exact test that is quick (each key alone is necessary, not sufficient), so where a category or advertiser comes
near its room, the engine itself fills slots.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sync.programme.ad_eligibility import GapKey
from sync.programme.ad_shares import ONE_PLAY, fair_shares, slot_shares
from sync.programme.bookings.slot_simulation import SLOTS, fill_slots
from sync.wire.release import Campaign, Line, WholeShare
from sync.wire.value_types import Identifier, Instant, Wire

_NOISE = 3  # plays: what is missing of the slots that were filled must be more
_HALF = 0.5  # of the slots: a line that would have more would follow itself
_TIGHT = 0.7  # below this part of the room of each key nothing falls short
_NAMED = 4

Booked = tuple[Campaign, Line]


class ShortLine(Wire):
    """A line, and its share of the slots: what it `bought` (for a weight: what is left for it), what it `gets`."""

    id: Identifier
    name: str
    campaign: str
    advertiser: str
    bought: float
    gets: float


class Shortfall(Wire):
    """Lines that get less than they bought while they are on air together, the first time from `at` to `until`.

    `cause`: overbooked, sold_out, follows_itself, category_gap, advertiser_gap, gaps or never_open (it is never shown).
    """

    cause: str
    lines: tuple[ShortLine, ...]
    at: Instant
    until: Instant
    why: str
    help: str

    @property
    def key(self) -> tuple[str, ...]:
        """Return what tells it from others: its cause, and the ids of its lines."""
        return self.cause, *sorted(line.id for line in self.lines)

    @property
    def text(self) -> str:
        """Return it as sentences."""
        return f"{self.why} {self.help}"


class LinesTogether:
    """Lines that are on air together. Without `gaps` these are not judged; `simulated`: slots were filled for it."""

    def __init__(
        self, lines: Sequence[Booked], at: datetime, until: datetime, zone: ZoneInfo, *, gaps: bool = True
    ) -> None:
        self.simulated = False
        self._judges_gaps = gaps
        self._lines = {each[1].id: each for each in lines}  # no pair is made anew: garbage is looked for among all
        self._at, self._until = at, until
        self._when = f"{at.astimezone(zone):%a %d %b %Y %H:%M}"
        wire = [line for _, line in self._lines.values()]
        self._booked = sum(line.share_ppm or 0 for line in wire) / WholeShare
        self._fair = fair_shares(wire)
        self._more_than_half = max(self._fair.values(), default=0.0) > _HALF
        self._shares = {line: share for line, share in self._fair.items() if share}  # but for their rounding
        if self._more_than_half:
            self._round_shares()

    def shortfalls(self) -> Iterator[Shortfall]:
        """Yield what they cannot get."""
        if self._booked >= 1.001:
            yield self._overbooked()
        if self._booked >= 1:
            yield from self._sold_out()
        yield from self._follows_itself()
        if self._judges_gaps:
            yield from self._gaps()

    def _round_shares(self) -> None:
        """Take the shares that the engine gives, which is slow for thousands of lines."""
        shares = slot_shares([line for _, line in self._lines.values()])
        self._shares = {line: share / ONE_PLAY for line, share in shares.items()}

    def _bought(self, line: str) -> float:
        share_ppm = self._lines[line][1].share_ppm
        return self._fair.get(line, 0.0) if share_ppm is None else share_ppm / WholeShare

    def _overbooked(self) -> Shortfall:
        bought = {line: self._bought(line) for line, (_, each) in self._lines.items() if each.share_ppm is not None}
        gets = {line: share / self._booked for line, share in bought.items()}
        why = (
            f"From {self._when} on {len(bought)} lines have bought {_percent(self._booked)} of the slots: "
            f"{self._named(bought, gets)}. Each gets {_percent(1 / self._booked)} of what it bought."
        )
        return self._shortfall(
            "overbooked", bought, gets, why, f"Sell {_percent(self._booked - 1)} less, or at other times."
        )

    def _sold_out(self) -> Iterator[Shortfall]:
        out = {line: 0.0 for line, (_, each) in self._lines.items() if each.share_ppm is None}
        if out:
            names = self._named(out, {})
            why = f"From {self._when} on no slot is left for what has only a weight: {names}."
            yield self._shortfall("sold_out", out, out, why, "Sell less than all slots, or give them a share.")

    def _follows_itself(self) -> Iterator[Shortfall]:
        if not self._more_than_half:
            return
        weighted = sum(line.share_ppm is None for _, line in self._lines.values())
        for line, share in self._shares.items():
            if self._lines[line][1].share_ppm is None and weighted == 1:
                continue  # it takes what the others leave, and nobody bought that
            wanted = min(self._bought(line), self._fair[line])
            if share < wanted - 1e-6:
                why = (
                    f"{_name(*self._lines[line])} bought {_percent(self._bought(line))} of the slots and gets "
                    f"{_percent(share)} from {self._when} on: a line never follows itself."
                )
                help_text = (
                    f"Sell it {_percent(share)} at most beside others, or split it into two lines; their gaps "
                    "(advertiser, category) must be 0 then."
                )
                yield self._shortfall("follows_itself", {line: wanted}, {line: share}, why, help_text)

    def _gaps(self) -> Iterator[Shortfall]:
        keys = _keys(self._lines[line] for line in self._shares)
        widest = {key: max(_gap(key, line) for _, line in each) for key, each in keys.items()}
        loads = {
            key: (widest[key] + 1) * sum(self._shares[line.id] for _, line in each)
            for key, each in keys.items()
            if widest[key]
        }
        tight = {key for key, load in loads.items() if load > _TIGHT}
        if not tight:
            return
        self.simulated = True
        self._round_shares()
        played, broken = fill_slots([(*self._lines[line], share) for line, share in self._shares.items()], tight)
        short: dict[GapKey, dict[str, float]] = defaultdict(dict)
        for line, gets in played.items():
            wanted = min(self._bought(line), self._shares[line])
            if wanted - gets > max(_NOISE / SLOTS, 0.02 * wanted):
                own = [key for key in tight if any(line == member.id for _, member in keys[key])]
                short[max(own, key=lambda key: loads[key], default=("", ""))][line] = gets
        for key in tight - set(short):
            alone = key[0] == "advertiser" and len(keys[key]) == len(self._shares)  # no other ad can come between
            if broken[key] > 0.01 and not alone:
                short[key] = {line.id: played[line.id] for _, line in keys[key]}
        for key, lines in sorted(short.items()):
            yield self._gap_shortfall(key, lines, keys.get(key, []), broken[key])

    def _gap_shortfall(
        self, key: GapKey, gets: Mapping[str, float], members: Sequence[Booked], broken: float
    ) -> Shortfall:
        wanted = {line: min(self._bought(line), self._shares[line]) for line in gets}
        names = self._named(wanted, gets)
        if not members:
            why = f"From {self._when} on gaps keep these lines from their share: {names}."
            return self._shortfall("gaps", wanted, gets, why, "Make gaps smaller, or sell less to them.")
        kind, name = key
        share, gap = sum(self._shares[line.id] for _, line in members), max(_gap(key, line) for _, line in members)
        why = (
            f"From {self._when} on the {kind} {name} has {_percent(share)} of the slots, and its gap of {gap} leaves "
            f"room for {_percent(1 / (gap + 1))}: {names}."
        )
        if broken > 0.01:
            why += f" In {_percent(broken)} of all slots the gap is given up."
        smaller = max(0, min(gap - 1, int(1 / share) - 1))
        help_text = f"Make the {kind} gap {smaller}, or sell them less than {_percent(1 / (gap + 1))} together."
        return self._shortfall(f"{kind}_gap", wanted, gets, why, help_text)

    def _named(self, bought: Mapping[str, float], gets: Mapping[str, float]) -> str:
        ranked = sorted(bought, key=lambda line: -bought[line])
        texts = []
        for line in ranked[:_NAMED]:
            gained = f" gets {_percent(gets[line])}" if line in gets else ""
            part = f" {_percent(bought[line])}" if bought[line] else ""
            texts.append(f"{_name(*self._lines[line])}{part}{gained}")
        more = len(ranked) - _NAMED
        return ", ".join(texts) + (f", and {more} more" if more > 0 else "")

    def _shortfall(
        self, cause: str, bought: Mapping[str, float], gets: Mapping[str, float], why: str, help_text: str
    ) -> Shortfall:
        lines = tuple(_short(*self._lines[line], bought[line], gets[line]) for line in bought)
        return Shortfall(cause=cause, lines=lines, at=self._at, until=self._until, why=why, help=help_text)


def never_open(campaign: Campaign, line: Line, begins: datetime, why: str, help_text: str) -> Shortfall:
    """Return what a line lacks that is never shown in its flight, which `begins` then; `why` goes on after its name."""
    lines = (_short(campaign, line, (line.share_ppm or 0) / WholeShare, 0.0),)
    why = f"{_name(campaign, line)} {why}"
    return Shortfall(cause="never_open", lines=lines, at=begins, until=campaign.ends_at, why=why, help=help_text)


def _short(campaign: Campaign, line: Line, bought: float, gets: float) -> ShortLine:
    return ShortLine(
        id=line.id,
        name=line.name,
        campaign=campaign.name,
        advertiser=campaign.advertiser,
        bought=round(bought, 6),
        gets=round(gets, 6),
    )


def _name(campaign: Campaign, line: Line) -> str:
    own = campaign.name if line.name == campaign.name else f"{line.name} of {campaign.name}"
    return f"{own} ({campaign.advertiser})"


def _percent(share: float) -> str:
    return f"{share * 100:.1f}".removesuffix(".0") + " %"


def _keys(lines: Iterable[Booked]) -> dict[GapKey, list[Booked]]:
    """Return the lines of each category and advertiser."""
    keys: dict[GapKey, list[Booked]] = defaultdict(list)
    for each in lines:
        if each[1].category:
            keys["category", each[1].category].append(each)
        keys["advertiser", each[0].advertiser].append(each)
    return keys


def _gap(key: GapKey, line: Line) -> int:
    return line.category_gap if key[0] == "category" else line.advertiser_gap
