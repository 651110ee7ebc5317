"""Which ad lines cannot get the share of slots that they bought, why, and what would help.

For each set of lines that is on air together: shares add up to more than all slots, a line would have to follow itself,
or gaps leave too little room. For gaps there is no exact test that is quick (each key alone is necessary, not
sufficient), so where a category or advertiser comes near its room, the engine itself fills `SLOTS` slots.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sync.programme.ad_eligibility import EligibleAds, EligibleLine
from sync.programme.ad_selection import AdHead, AdState, select_ad
from sync.programme.ad_shares import ONE_PLAY, fair_shares, slot_shares
from sync.programme.windows import HORIZON, window_state
from sync.wire.release import Campaign, Creative, Line, WholeShare
from sync.wire.value_types import Identifier, Instant, Wire

SLOTS = 1_500
"""So many slots are filled to see what gaps cost; what is missing there must be more than `_NOISE` plays."""

MOST_WORK = 200_000
"""So many lines are looked at in all, in all sets together: then the answer ends earlier."""

MOST_SIMULATIONS = 20
"""In so many sets, the first ones, slots are filled; in later ones gaps are not judged, for each takes 0.1 s."""

_YEARS = timedelta(days=3650)  # nobody reckons with weeks around the last dates there are
_NOISE = 3
_TIGHT = 0.7  # below this part of the room of each key nothing falls short
_MOST_SIMULATED = 40  # lines; more are put together by their gaps
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

    `cause`: overbooked, sold_out, follows_itself, category_gap, advertiser_gap, gaps or never_open.
    """

    cause: str
    lines: tuple[ShortLine, ...]
    at: Instant
    until: Instant
    why: str
    help: str

    @property
    def text(self) -> str:
        """Return it as sentences."""
        return f"{self.why} {self.help}"


@dataclass(frozen=True, slots=True)
class Feasibility:
    """What bookings cannot get; looked at until `until` (weekly windows: for the first 8 days between two flights)."""

    shortfalls: tuple[Shortfall, ...]
    until: datetime


def booking_feasibility(
    campaigns: Sequence[Campaign], zone: ZoneInfo, at: datetime, *, most_work: int = MOST_WORK
) -> Feasibility:
    """Return what these bookings cannot get from `at` on, each once, as if all creatives could be shown."""
    at = at.astimezone(UTC)
    flights = (one for one in campaigns if one.ends_at > at and one.starts_at < at + _YEARS)
    booked = [(campaign, line) for campaign in flights for line in campaign.lines]
    found = {(each.cause, _ids(each)): each for each in _never_open(booked, zone, at)}
    seen: set[frozenset[str]] = set()
    work, simulations, now = 0, 0, at
    for begins, ends, lines, windows in _together(booked, zone, at):
        now, key = ends, frozenset(line.id for _, line in lines)
        if key not in seen and len(lines) > 1:
            seen.add(key)
            together = _LinesTogether(lines, begins, ends, zone, gaps=simulations < MOST_SIMULATIONS)
            for each in together.shortfalls():
                found.setdefault((each.cause, _ids(each)), each)
            simulations += together.simulated
        work += len(lines) + windows
        if work > most_work:
            break
    return Feasibility(tuple(found.values()), now)


def short_now(ads: EligibleAds, at: datetime, zone: ZoneInfo) -> tuple[Shortfall, ...]:
    """Return what the lines cannot get that may be shown at `at` on this device."""
    lines = [(entry.campaign, entry.line) for entry in ads.lines]
    return tuple(_LinesTogether(lines, at, ads.until, zone).shortfalls()) if len(lines) > 1 else ()


def first_sentences(texts: Sequence[str], most: int) -> tuple[str, ...]:
    """Return the first of many sentences about bookings, and one that says how many more there are."""
    more = len(texts) - most
    return (*texts[:most], *([f"Bookings have {more} more shortfalls."] if more > 0 else []))


def _ids(shortfall: Shortfall) -> tuple[str, ...]:
    return tuple(sorted(line.id for line in shortfall.lines))


def _never_open(booked: Iterable[Booked], zone: ZoneInfo, at: datetime) -> Iterator[Shortfall]:
    for campaign, line in booked:
        begins = max(at, campaign.starts_at)
        is_open, changes = window_state(line.windows, zone, begins)
        if not is_open and changes >= campaign.ends_at and changes < begins + HORIZON:
            lines = (_short(campaign, line, (line.share_ppm or 0) / WholeShare, 0.0),)
            why = f"{_name(campaign, line)} is never shown: its windows do not open before its flight ends."
            help_text = "Change its windows or its flight."
            yield Shortfall(cause="never_open", lines=lines, at=begins, until=campaign.ends_at, why=why, help=help_text)


def _together(
    booked: Sequence[Booked], zone: ZoneInfo, at: datetime
) -> Iterator[tuple[datetime, datetime, list[Booked], int]]:
    """Yield which lines are on air together, and when: all changes of flights, 8 days of windows after each.

    The last value is how many windows were looked at.
    """
    edges = sorted({edge for one, _ in booked for edge in (one.starts_at, one.ends_at) if at < edge < at + _YEARS})
    for begins, ends in zip([at, *edges], [*edges, at + _YEARS], strict=True):
        flying = [(campaign, line) for campaign, line in booked if campaign.starts_at <= begins < campaign.ends_at]
        windows = {line.windows for _, line in flying}
        end = min(ends, begins + HORIZON)
        while flying and begins < end:
            states = {each: window_state(each, zone, begins) for each in windows}
            changes = min(end, *(until for _, until in states.values()))
            lines = [(campaign, line) for campaign, line in flying if states[line.windows][0]]
            yield begins, changes, lines, sum(map(len, windows))
            begins = changes


class _LinesTogether:
    """Lines that are on air together. Without `gaps` these are not judged; `simulated`: slots were filled for it."""

    def __init__(
        self, lines: Sequence[Booked], at: datetime, until: datetime, zone: ZoneInfo, *, gaps: bool = True
    ) -> None:
        self.simulated = False
        self._judges_gaps = gaps
        self._lines = {line.id: (campaign, line) for campaign, line in lines}
        self._at, self._until = at, until
        self._when = f"{at.astimezone(zone):%a %d %b %Y %H:%M}"
        wire = [line for _, line in self._lines.values()]
        self._booked = sum(line.share_ppm or 0 for line in wire) / WholeShare
        self._fair = fair_shares(wire)
        self._shares = {line: share / ONE_PLAY for line, share in slot_shares(wire).items()}

    def shortfalls(self) -> Iterator[Shortfall]:
        """Yield what they cannot get."""
        if self._booked >= 1.001:
            yield self._overbooked()
        if self._booked >= 1:
            yield from self._sold_out()
        yield from self._follows_itself()
        if self._judges_gaps:
            yield from self._gaps()

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
        keys = _keys((*self._lines[line], share) for line, share in self._shares.items())
        loads = {key: (max(gap for _, gap in each) + 1) * sum(self._shares[line] for line, _ in each)
                 for key, each in keys.items()}  # fmt: skip
        tight = {key for key, load in loads.items() if load > _TIGHT and any(gap for _, gap in keys[key])}
        if not tight:
            return
        self.simulated = True
        played, broken = _simulate([(*self._lines[line], share) for line, share in self._shares.items()], tight)
        short: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
        for line, gets in played.items():
            wanted = min(self._bought(line), self._shares[line])
            if wanted - gets > max(_NOISE / SLOTS, 0.02 * wanted):
                own = [key for key in tight if any(line == member for member, _ in keys[key])]
                short[max(own, key=lambda key: loads[key], default=("", ""))][line] = gets
        for key in tight - set(short):
            alone = key[0] == "advertiser" and len(keys[key]) == len(self._shares)  # no other ad can come between
            if broken[key] > 0.01 and not alone:
                short[key] = {line: played[line] for line, _ in keys[key]}
        for key, lines in sorted(short.items()):
            yield self._gap_shortfall(key, lines, keys.get(key, []), broken[key])

    def _gap_shortfall(
        self, key: tuple[str, str], gets: Mapping[str, float], members: Sequence[tuple[str, int]], broken: float
    ) -> Shortfall:
        wanted = {line: min(self._bought(line), self._shares[line]) for line in gets}
        names = self._named(wanted, gets)
        if not members:
            why = f"From {self._when} on gaps keep these lines from their share: {names}."
            return self._shortfall("gaps", wanted, gets, why, "Make gaps smaller, or sell less to them.")
        kind, name = key
        share, gap = sum(self._shares[line] for line, _ in members), max(gap for _, gap in members)
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


def _keys(lines: Iterable[tuple[Campaign, Line, float]]) -> dict[tuple[str, str], list[tuple[str, int]]]:
    """Return the lines of each category and advertiser with their gaps."""
    keys: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for campaign, line, _ in lines:
        if line.category:
            keys["category", line.category].append((line.id, line.category_gap))
        keys["advertiser", campaign.advertiser].append((line.id, line.advertiser_gap))
    return keys


_SPOT = Creative(id="spot", title="spot", asset="0" * 64)


def _simulate(
    lines: Sequence[tuple[Campaign, Line, float]], tight: set[tuple[str, str]]
) -> tuple[dict[str, float], dict[tuple[str, str], float]]:
    """Return the share of `SLOTS` slots that each line gets, and in which the gap of each key is given up.

    Lines outside the keys in `tight` may be put together.
    """
    groups = _grouped(lines, tight) if len(lines) > _MOST_SIMULATED else [[each] for each in lines]
    total = sum(share for _, _, share in lines)
    entries, left = [], ONE_PLAY
    for number, group in enumerate(groups):
        share = left if number == len(groups) - 1 else round(sum(share for *_, share in group) / total * ONE_PLAY)
        left -= share
        campaign, line, _ = group[0]
        spot = line.model_copy(update={"id": f"line-{number:04}", "creatives": (_SPOT,)})
        entries.append(EligibleLine(campaign, spot, ((_SPOT, None),), share))
    shown = tuple(entry for entry in entries if entry.share > 0)
    widest = max(max(entry.line.category_gap, entry.line.advertiser_gap) for entry in shown)
    known = frozenset(entry.line.id for entry in shown)
    ads = EligibleAds(shown, datetime.max.replace(tzinfo=UTC), known_lines=known, widest_gap=widest)
    broken: dict[tuple[str, str], float] = defaultdict(float)
    state, plays = AdState(AdHead(seed=1), {}), dict.fromkeys((entry.line.id for entry in entries), 0)
    for _ in range(SLOTS):
        choice, state = select_ad(state, ads)
        if choice is not None:
            plays[choice.line.id] += 1
            for rule in choice.relaxed:
                broken[rule, choice.line.category if rule == "category" else choice.advertiser] += 1 / SLOTS
    got = {
        line.id: min(1.0, plays[f"line-{number:04}"] / SLOTS * share / max(1e-12, sum(each for *_, each in group)))
        for number, group in enumerate(groups)
        for _, line, share in group
    }
    return got, broken


def _grouped(
    lines: Sequence[tuple[Campaign, Line, float]], tight: set[tuple[str, str]]
) -> list[list[tuple[Campaign, Line, float]]]:
    """Return the lines in groups that the engine treats alike; each group counts as one line.

    Lines outside the tight keys are dealt out to eight groups as if they had no gaps at all.
    """
    groups: dict[object, list[tuple[Campaign, Line, float]]] = defaultdict(list)
    alike: dict[object, int] = defaultdict(int)
    for number, (campaign, line, share) in enumerate(sorted(lines, key=lambda each: -each[2])):
        category, advertiser = ("category", line.category), ("advertiser", campaign.advertiser)
        if category not in tight and advertiser not in tight:
            free = line.model_copy(update={"category": "", "advertiser_gap": 0, "category_gap": 0})
            other = campaign.model_copy(update={"advertiser": f"\0{number % 8}"})
            groups["free", number % 8].append((other, free, share))
            continue
        own = (
            line.category if category in tight else "",
            campaign.advertiser if advertiser in tight else "",
            line.category_gap,
            line.advertiser_gap,
        )
        alike[own] += 1
        groups[own, alike[own] % 4].append((campaign, line, share))
    return list(groups.values())
