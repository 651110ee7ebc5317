"""When content is first on air: tables of odd schedules, and the same answer as going through the programme."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.programme.first_need import first_needs, new_starts
from sync.programme.schedule import programme_at
from sync.programme.weekly_windows import HORIZON
from sync.wire.overlay import Logo
from sync.wire.release import Campaign, Creative, Daypart, Item, Line, LocalWindow, Playlist, Release
from tests.sync.programme.examples import BERLIN, clock_times, some_weekdays

AT = "03-02T12:00"  # a Monday
DEFAULT = "playlist rest"
QUARTER = timedelta(minutes=15)


def local(text: str) -> datetime:
    """Return a time in Berlin, of 2026 if no year is given."""
    whole = text if text[4] == "-" else f"2026-{text}"
    return datetime.fromisoformat(whole).replace(tzinfo=BERLIN).astimezone(UTC)


def named(what: str) -> str:
    """Return the name of a need, of a playlist of one letter in the daypart of the same name by that letter."""
    return f"playlist {what} in daypart {what}" if len(what) == 1 else DEFAULT if what == "rest" else what


def name(letter: str) -> str:
    return f"{ord(letter):064x}"


def playlist(id: str, letters: str = "", **items: dict[str, str]) -> Playlist:
    """An item for each letter; those in `items` with a start or end of their own."""
    whole = [Item(id=letter, title=letter, asset=name(letter)) for letter in letters]
    for letter, bounds in items.items():
        moments = {field: local(text) for field, text in bounds.items()}
        whole.append(Item.model_validate({"id": letter, "title": letter, "asset": name(letter), **moments}))
    return Playlist(id=id, name=id, items=tuple(whole))


def part(id: str, start: str, end: str, **fields: Any) -> Daypart:
    return Daypart.model_validate({"id": id, "name": id, "playlist": id, "start": start, "end": end, **fields})


def of(
    *dayparts: Daypart, playlists: tuple[Playlist, ...] = (), default: str | None = "rest", **fields: Any
) -> Release:
    named = {one.id: one for one in playlists}
    ids = [daypart.playlist for daypart in dayparts] + ([default] if default else [])
    return Release(
        channel="shop",
        created_at=local("2026-01-01T00:00"),
        default_playlist=default,
        playlists=tuple(named.get(id) or playlist(id, id[0]) for id in dict.fromkeys(ids)),
        dayparts=dayparts,
        **fields,
    )


def flight(starts: str, ends: str, *windows: LocalWindow) -> dict[str, Any]:
    line = Line(id="l", name="l", creatives=(Creative(id="c", title="c", asset=name("c")),), windows=windows)
    booked = Campaign(id="b", name="b", advertiser="a", starts_at=local(starts), ends_at=local(ends), lines=(line,))
    return {"campaigns": (booked,)}


MORNING = LocalWindow(start="07:00", end="09:00")
LOGO = Logo(id="g", asset=name("g"), starts_at=local("03-04T00:00"))
OLD_LOGO = Logo(id="o", asset=name("o"), ends_at=local(AT))
SUNDAY_NIGHT = part("n", "02:30", "03:00", weekdays=(7,))
MAY, FAR = "05-01T00:00", "9998-08-01T00:00"
TUESDAY = {"starts_at": "03-03T09:00"}


@pytest.mark.parametrize(
    ("release", "at", "needs"),
    [
        (of(), AT, {"rest": AT}),
        (of(part("m", "07:00", "09:00")), AT, {"rest": AT, "m": "03-03T07:00"}),
        (of(part("m", "11:00", "13:00")), AT, {"rest": "03-02T13:00", "m": AT}),
        # two dayparts show one playlist: a need of each
        (
            of(part("m", "14:00", "15:00"), part("e", "18:00", "20:00", playlist="m")),
            AT,
            {"rest": AT, "m": "03-02T14:00", "playlist m in daypart e": "03-02T18:00"},
        ),
        # another daypart is on top until 15:00, and of the whole of the third one
        (
            of(part("a", "11:00", "15:00", priority=2), part("b", "12:00", "16:00"), part("c", "13:00", "14:00")),
            AT,
            {
                "a": AT,
                "b": "03-02T15:00",
                "rest": "03-02T16:00",
                "c": None,
            },
        ),
        (of(part("a", "00:00", "24:00")), AT, {"a": AT, "rest": None}),
        # equal in priority: the one that opened last is on top
        (
            of(part("b", "12:00", "13:00"), part("a", "12:30", "14:00"), default=None),
            AT,
            {"b": AT, "a": "03-02T12:30"},
        ),
        # over midnight; by weekday; from a first day on, soon and behind the horizon; over
        (of(part("n", "22:00", "06:00")), "03-03T01:00", {"n": "03-03T01:00", "rest": "03-03T06:00"}),
        (of(part("s", "09:00", "10:00", weekdays=(1,))), AT, {"rest": AT, "s": "03-09T09:00"}),
        (of(part("f", "09:00", "10:00", first_day=date(2026, 3, 9))), AT, {"rest": AT, "f": "03-09T09:00"}),
        (of(part("f", "09:00", "10:00", first_day="2026-05-01", weekdays=(7,))), AT, {"rest": AT, "f": "05-03T09:00"}),
        (of(part("f", "09:00", "10:00", last_day=date(2026, 3, 1))), AT, {"rest": AT, "f": None}),
        (of(part("f", "09:00", "10:00", first_day=date(9999, 12, 31))), AT, {"rest": AT, "f": None}),
        # the clocks go forward at 02:00 on 29 March, back at 03:00 on 25 October
        (of(SUNDAY_NIGHT), "03-28T12:00", {"rest": "03-28T12:00", "n": "04-05T02:30"}),
        (of(part("n", "02:30", "04:00")), "03-29T00:00", {"rest": "03-29T00:00", "n": "03-29T03:00"}),
        (of(part("n", "02:30", "04:00")), "10-25T00:00", {"rest": "10-25T00:00", "n": "10-25T02:30"}),
        # items with times of their own
        (
            of(playlists=(playlist("rest", "r", s=TUESDAY, t=TUESDAY),)),
            AT,
            {"rest": AT, "s and 1 more of playlist rest": "03-03T09:00"},
        ),
        (
            of(part("m", "07:00", "09:00"), playlists=(playlist("m", "m", s=TUESDAY),)),
            AT,
            {"rest": AT, "m": "03-03T07:00", "s of playlist m in daypart m": "03-04T07:00"},
        ),
        (of(playlists=(playlist("rest", "r", o={"ends_at": AT}),)), AT, {"rest": AT, "o of playlist rest": None}),
        (of(playlists=(playlist("rest", "r", s={"starts_at": MAY}),)), AT, {"rest": AT, "s of playlist rest": MAY}),
        (of(playlists=(playlist("rest", "r", s={"starts_at": FAR}),)), AT, {"rest": AT, "s of playlist rest": None}),
        # ads: in flight, from tomorrow, in a window, in none before the end, over
        (of(**flight("01-01T00:00", "12-31T00:00")), AT, {"rest": AT, "ad line l of b": AT}),
        (of(**flight("03-03T00:00", "12-31T00:00")), AT, {"rest": AT, "ad line l of b": "03-03T00:00"}),
        (of(**flight("03-03T10:00", "12-31T00:00", MORNING)), AT, {"rest": AT, "ad line l of b": "03-04T07:00"}),
        (of(**flight("03-03T10:00", "03-04T07:00", MORNING)), AT, {"rest": AT, "ad line l of b": None}),
        (of(**flight("01-01T00:00", AT)), AT, {"rest": AT, "ad line l of b": None}),
        (of(**flight("9999-01-01T00:00", "9999-12-30T00:00", MORNING)), AT, {"rest": AT, "ad line l of b": None}),
        (
            of(fallback=name("f"), overlays=(LOGO, OLD_LOGO)),
            AT,
            {"the fallback picture": AT, "rest": AT, "logo g": "03-04T00:00", "logo o": None},
        ),
        (of(default=None), AT, {}),
    ],
)  # fmt: skip
def test_what_is_needed_when(release: Release, at: str, needs: dict[str, str | None]) -> None:
    found = first_needs(release, BERLIN, local(at))
    assert {need.what: need.at for need in found} == {named(what): when and local(when) for what, when in needs.items()}
    order = [need.at or datetime.max.replace(tzinfo=UTC) for need in found]
    assert order == sorted(order)


def test_without_a_trusted_clock_nothing_follows_local_time() -> None:
    release = of(part("m", "07:00", "24:00"), **flight("2026-01-01T00:00", "2026-12-31T00:00", MORNING))
    needs = {need.what: need.at for need in first_needs(release, BERLIN, local(AT), timed=False)}
    assert needs == {DEFAULT: local(AT), "playlist m in daypart m": None, "ad line l of b": None}


@st.composite
def schedules(draw: st.DrawFn) -> Release:
    days = st.dates(date(2026, 10, 10), date(2026, 11, 10))
    dayparts = [
        Daypart(
            id=id,
            name=id,
            playlist=draw(st.sampled_from("abc")),
            priority=draw(st.integers(0, 2)),
            weekdays=draw(some_weekdays),
            start=draw(clock_times),
            end=draw(clock_times),
            first_day=draw(st.none() | days),
            last_day=draw(st.none() | days),
        )
        for id in draw(st.lists(st.sampled_from("stuvw"), unique=True))
    ]
    moments = st.none() | st.integers(0, 30 * 24 * 4).map(lambda n: local("10-13T00:00") + n * QUARTER)
    items = [
        [Item(id=i, title=i, asset=name(i), starts_at=draw(moments), ends_at=draw(moments)) for i in (one, one.upper())]
        for one in "abc"
    ]
    return of(*dayparts, playlists=tuple(Playlist(id=two[0].id, name="p", items=tuple(two)) for two in items))


@settings(max_examples=40, deadline=None)
@given(schedules(), st.integers(0, 14 * 24 * 4))
def test_each_item_is_needed_when_the_programme_first_shows_it(release: Release, quarters: int) -> None:
    at = start = local("10-14T00:00") + quarters * QUARTER  # daylight saving ends on the 25th
    expected: dict[str, datetime] = {}
    while at < start + HORIZON:
        programme = programme_at(release, BERLIN, at)
        for item in programme.playlist.items if programme.playlist else ():
            first = max(at, item.starts_at or at)
            if first < programme.until and (item.ends_at is None or first < item.ends_at):
                expected.setdefault(item.asset, first)
        at = programme.until
    found: dict[str, datetime] = {}
    for need in first_needs(release, BERLIN, start):
        if need.at is not None and need.at < start + HORIZON:
            found = {**dict.fromkeys(need.assets, need.at), **found}
    assert found == {asset: when for asset, when in expected.items() if when < start + HORIZON}


def test_only_what_the_active_release_does_not_show_anyway_is_new() -> None:
    active = of(part("m", "14:00", "15:00"), part("e", "18:00", "20:00"), part("n", "22:00", "23:00"))
    coming = of(
        part("m", "14:00", "15:00", name="renamed"),
        part("e", "18:00", "20:00"),  # with another film
        part("n", "21:00", "23:00"),  # earlier
        part("x", "11:00", "13:00", playlist="m"),  # on air now: nobody waits for it
        playlists=(playlist("e", "ez"),),
    )
    needs = [first_needs(release, BERLIN, local(AT)) for release in (coming, active)]
    starts = {need.what: need.at for need in new_starts(needs[0], needs[1], local(AT))}
    assert starts == {
        "playlist e in daypart e": local("2026-03-02T18:00"),
        "playlist n in daypart n": local("2026-03-02T21:00"),
    }
