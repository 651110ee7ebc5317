"""Which lines may be shown, until when, and which warnings a planner gets."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from sync.programme.ad_eligibility import eligible_ads
from sync.programme.ad_selection import select_ad
from sync.programme.ad_shares import ONE_PLAY
from sync.wire.release import LocalWindow
from tests.sync.programme.examples import BERLIN, NOON, YEAR, campaign, covers, creative, eligible_of, fresh, windows

DAY = timedelta(days=1)


def test_flights_are_half_open_and_until_is_the_next_change() -> None:
    soon, later = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
    campaigns = [campaign("a", flight=(YEAR[0], later)), campaign("b", flight=(soon, YEAR[1]))]
    for at, names, until in (
        (NOON, "a", soon),
        (soon, "ab", later),
        (later, "b", later + 8 * DAY),
    ):
        on = eligible_of(campaigns, at)
        assert ("".join(entry.line.id for entry in on.lines), on.until) == (names, until)
    assert eligible_of(campaigns, later - timedelta(milliseconds=1)).until == later


def test_nothing_to_show_fills_no_slot() -> None:
    state = fresh()
    for empty in (eligible_of([]), eligible_of([campaign("a")], broken=["a-1"]), eligible_of([campaign("a")], YEAR[1])):
        assert empty.lines == ()
        assert select_ad(state, empty) == (None, state)


def test_without_a_trusted_clock_lines_with_windows_are_not_shown() -> None:
    always = LocalWindow()
    campaigns = [campaign("a", windows=(always,)), campaign("b"), campaign("c", flight=(YEAR[0], NOON))]
    unsure = eligible_ads(campaigns, BERLIN, NOON, playable=lambda _: True, timed=False, length_ms=lambda _: 1)
    assert [entry.line.id for entry in unsure.lines] == ["b"]


def test_of_two_lines_with_one_id_the_first_is_shown_and_it_is_said() -> None:
    eligible = eligible_of([campaign("a"), campaign("a").model_copy(update={"id": "a-1", "name": "Other"})])
    assert [entry.campaign.id for entry in eligible.lines] == ["campaign-a"]
    assert eligible.warnings == ("a of Other is not shown: a line of a has the same id a",)


bookings = st.lists(
    st.tuples(
        st.integers(-40, 40), st.integers(1, 60), st.lists(windows, max_size=2), st.lists(st.booleans(), min_size=1)
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=120, deadline=None)
@given(bookings, st.integers(-40 * 24, 40 * 24), st.floats(0, 0.999999))
def test_eligible_lines_match_the_definition_and_do_not_change_before_until(
    booked: list[tuple[int, int, list[LocalWindow], list[bool]]], hours: int, fraction: float
) -> None:
    at = datetime(2026, 3, 29, 0, 30, tzinfo=UTC) + timedelta(hours=hours)  # around the night of the skipped hour
    campaigns, sound = [], {}
    for number, (starts, days, open_in, creatives) in enumerate(booked):
        begins = datetime(2026, 3, 29, tzinfo=UTC) + starts * DAY
        sound[f"l{number}"] = [f"l{number}-{n}" for n, good in enumerate(creatives) if good]
        shown = [creative(f"l{number}-{n}") for n in range(len(creatives))]
        flight = (begins, begins + days * DAY)
        campaigns.append(campaign(f"l{number}", windows=tuple(open_in), creatives=shown, flight=flight))
    broken = {each.id for one in campaigns for each in one.lines[0].creatives} - {
        n for ids in sound.values() for n in ids
    }

    def expected(at: datetime) -> dict[str, list[str]]:
        return {
            one.name: sound[one.name]
            for one in campaigns
            if one.starts_at <= at < one.ends_at
            and (not one.lines[0].windows or any(covers(window, at, BERLIN) for window in one.lines[0].windows))
            and sound[one.name]
        }

    now = eligible_of(campaigns, at, broken=broken)
    assert {entry.line.id: [each.id for each, _ in entry.creatives] for entry in now.lines} == expected(at)
    assert sum(entry.share for entry in now.lines) == (ONE_PLAY if now.lines else 0)
    assert at < now.until <= at + 8 * DAY
    assert expected(at + (now.until - at) * fraction) == expected(at)
