"""Short ways to write releases, lines and eligible lines for the tests of this room."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from sync.programme.ad_eligibility import EligibleAds, eligible_ads
from sync.programme.ad_selection import AdHead, AdState, Choice, select_ad
from sync.programme.ad_shares import Account
from sync.wire.release import Campaign, Creative, Daypart, Item, Line, LocalWindow, Playlist, Release

ASSET = "a" * 64
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
BERLIN = ZoneInfo("Europe/Berlin")

clock_times = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.sampled_from([0, 15, 30]))
some_weekdays = st.sets(st.integers(1, 7), min_size=1).map(lambda days: tuple(sorted(days)))
windows = st.builds(
    LocalWindow, weekdays=some_weekdays, start=clock_times, end=st.one_of(clock_times, st.just("24:00"))
)


def local(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


def item(name: str, *, starts_at: datetime | None = None, ends_at: datetime | None = None) -> Item:
    return Item(id=name, title=name, asset=ASSET, starts_at=starts_at, ends_at=ends_at)


def playlist(items: str, name: str = "list") -> Playlist:
    """One item for each letter."""
    return Playlist(id=name, name=name, items=tuple(item(letter) for letter in items))


def release(dayparts: Sequence[Daypart], default: str | None = "rest") -> Release:
    names = {daypart.playlist for daypart in dayparts} | ({default} if default else set())
    playlists = tuple(playlist("a", name) for name in sorted(names))
    return Release(
        channel="shop", created_at=YEAR[0], default_playlist=default, playlists=playlists, dayparts=tuple(dayparts)
    )


def creative(name: str, duration_ms: int | None = 10_000) -> Creative:
    return Creative(id=name, title=name, asset=ASSET, duration_ms=duration_ms)


def campaign(
    name: str,
    *,
    share_ppm: int | None = None,
    weight: int = 1,
    advertiser: str = "",
    category: str = "",
    gaps: tuple[int, int] = (0, 0),
    windows: tuple[LocalWindow, ...] = (),
    creatives: Iterable[Creative] = (),
    flight: tuple[datetime, datetime] = YEAR,
) -> Campaign:
    """A campaign of one line with the same id; `gaps` are those of category and advertiser."""
    line = Line(
        id=name,
        name=name,
        creatives=tuple(creatives) or (creative(f"{name}-1"),),
        category=category,
        share_ppm=share_ppm,
        weight=weight,
        windows=windows,
        category_gap=gaps[0],
        advertiser_gap=gaps[1],
    )
    return Campaign(
        id=f"campaign-{name}",
        name=name,
        advertiser=advertiser or f"advertiser {name}",
        starts_at=flight[0],
        ends_at=flight[1],
        lines=(line,),
    )


def eligible_of(campaigns: Sequence[Campaign], at: datetime = NOON, *, broken: Iterable[str] = ()) -> EligibleAds:
    """The lines that may be shown at noon in Berlin; the creatives named in `broken` cannot be played."""
    out = frozenset(broken)
    return eligible_ads(
        campaigns, BERLIN, at, playable=lambda each: each.id not in out, length_ms=lambda each: each.duration_ms
    )


def run(state: AdState, on: EligibleAds, slots: int) -> tuple[list[Choice], AdState]:
    """Fill `slots` slots; each of them must find an ad."""
    choices = []
    for _ in range(slots):
        choice, state = select_ad(state, on)
        assert choice is not None
        choices.append(choice)
    return choices, state


def lines(choices: Iterable[Choice]) -> str:
    """The ids of the chosen lines in a row: readable where each is one letter."""
    return "".join(choice.line.id for choice in choices)


def fresh(seed: int = 1) -> AdState:
    return AdState(AdHead(seed=seed), {})


def stored(state: AdState) -> AdState:
    """What a restart leaves of a state: the head and a row for each line, as JSON."""
    rows = [account.model_dump_json() for account in state.accounts.values()]
    accounts = (Account.model_validate_json(row) for row in rows)
    head = AdHead.model_validate_json(state.head.model_dump_json())
    return AdState(head, {account.line: account for account in accounts})


def busy_day() -> list[Campaign]:
    """Thirty lines and six categories, each with room for its gap of 1 or 2."""
    return [
        campaign(
            f"l{number:02}",
            share_ppm=40_000 - 1_000 * number if number < 20 else None,
            weight=number + 1,
            advertiser=f"advertiser {number % 15}",
            category=f"category {number % 6}",
            gaps=(1 + number % 2, 2),
        )
        for number in range(30)
    ]


def covers(window: LocalWindow, at: datetime, zone: ZoneInfo) -> bool:
    """The definition of a window: look the local time up on the day and on the day before."""
    wall = at.astimezone(zone).replace(tzinfo=None)
    minute = wall.hour * 60 + wall.minute
    start, end = (int(text[:2]) * 60 + int(text[3:]) for text in (window.start, window.end))
    today, yesterday = wall.date(), wall.date() - timedelta(days=1)
    if end > start:
        return starts_on(window, today) and start <= minute < end
    return (starts_on(window, today) and minute >= start) or (starts_on(window, yesterday) and minute < end)


def starts_on(window: LocalWindow, day: date) -> bool:
    if isinstance(window, Daypart):
        if window.first_day and day < window.first_day:
            return False
        if window.last_day and day > window.last_day:
            return False
    return day.isoweekday() in window.weekdays
