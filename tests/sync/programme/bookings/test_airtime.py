"""Lines that cannot come on beside what a channel shows; the forecast of the engine is the judge of each case."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from sync.programme.bookings.airtime import Airtime
from sync.programme.bookings.feasibility import booking_feasibility
from sync.programme.preview.promise import promised_ads
from sync.wire.release import Asset, Campaign, Daypart, LocalWindow, MediaKind, Playlist
from tests.sync.programme.examples import ASSET, BERLIN, NOON, campaign, creative, item, local, release

DAY = timedelta(days=1)
PICTURE = Asset(
    sha256=ASSET, size_bytes=1, index=ASSET, kind=MediaKind.PICTURE, media_type="image/png", width=1, height=1
)
EVENING = (LocalWindow(start="21:00", end="22:00"),)
SUNDAY = (local("2026-03-08T00:00"), local("2026-03-08T22:00"))


def daypart(start: str = "08:00", end: str = "20:00", **fields: object) -> Daypart:
    return Daypart.model_validate(
        {"id": "day", "name": "day", "playlist": "shop", "start": start, "end": end, **fields}
    )


def line(seconds: int = 10, **fields: object) -> Campaign:
    return campaign("x", creatives=[creative("x-1", seconds * 1000)], **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("booked", "dayparts", "default", "why"),
    [
        (line(), [daypart()], None, ""),
        (
            line(windows=EVENING, flight=(NOON, NOON + DAY)),
            [daypart()],
            None,
            "nothing is on air while its windows are open",
        ),
        (line(windows=EVENING), [daypart()], "rest", ""),
        (line(windows=EVENING), [daypart("21:30", "02:00")], None, ""),
        (line(flight=SUNDAY), [daypart(weekdays=(1, 2, 3, 4, 5))], None, "nothing is on air during its flight"),
        (line(flight=SUNDAY), [daypart(weekdays=(6,), start="20:00", end="01:00")], None, ""),
        (line(flight=(NOON, NOON + 30 * DAY)), [daypart(first_day="2026-05-01")], None, "nothing is on air"),
        (line(flight=(NOON, NOON + 30 * DAY)), [daypart(first_day="2026-03-20")], None, ""),
        (line(600), [daypart("08:00", "08:05")], None, "its ads take 600 s or more, and what is on air then ends"),
        (line(200), [daypart("08:00", "08:05")], None, ""),
        (line(600, windows=EVENING), [daypart("21:00", "21:05"), daypart("21:05", "22:00")], None, ""),
        (
            line(flight=(NOON + timedelta(seconds=5), NOON + timedelta(seconds=6))),
            [],
            "rest",
            "it has 1 s in all, and a break comes every",
        ),
        (line(flight=(NOON, NOON + timedelta(minutes=1))), [], "rest", ""),
    ],
)
def test_a_line_that_is_never_on_air_is_told_as_the_forecast_says(
    booked: Campaign, dayparts: Sequence[Daypart], default: str | None, why: str
) -> None:
    beside = release(dayparts, default)
    lengths = {playlist.id: 10_000 for playlist in beside.playlists}
    shortest = {"x": booked.lines[0].creatives[0].duration_ms or 0}
    found = booking_feasibility([booked], BERLIN, NOON, airtime=Airtime(beside, BERLIN, NOON, lengths, shortest))
    texts = [each.text for each in found.shortfalls]
    assert (len(texts), why in "".join(texts)) == (1 if why else 0, True), texts
    shown = beside.model_copy(update={"campaigns": (booked,), "assets": (PICTURE,)})
    begins = max(NOON, booked.starts_at)
    ads = promised_ads(shown, ASSET, BERLIN, NOON - timedelta(hours=1), min(booked.ends_at, begins + 31 * DAY))
    assert (next(iter(ads), None) is None) == bool(why)


@pytest.mark.parametrize(("day", "told"), [(15, 0), (40, 1)])
def test_items_with_dates_are_looked_at_for_all_of_a_flight(day: int, told: int) -> None:
    later = Playlist(id="shop", name="shop", items=(item("a", starts_at=NOON + day * DAY),))
    beside = release([daypart()], None).model_copy(update={"playlists": (later,)})
    booked = line(flight=(NOON, NOON + 30 * DAY))
    found = booking_feasibility([booked], BERLIN, NOON, airtime=Airtime(beside, BERLIN, NOON, {}, {}))
    assert len(found.shortfalls) == told


def test_a_booking_of_thousands_of_flights_asks_the_schedule_a_limited_number_of_times() -> None:
    days = range(3_000)
    many = [campaign(f"l{n}", flight=(NOON + n * DAY, NOON + (n + 1) * DAY), windows=EVENING) for n in days]
    beside = release([daypart()], None)
    found = booking_feasibility(many, BERLIN, NOON, airtime=Airtime(beside, BERLIN, NOON, {}, {}), most_work=1)
    causes = Counter(each.cause for each in found.shortfalls)
    assert 100 < causes["never_open"] < 1_000
