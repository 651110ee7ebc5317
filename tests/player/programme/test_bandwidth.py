"""The limits of bandwidth: windows by the wall clock of the venue, and what holds while no clock is trusted."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from player.programme.bandwidth import Bandwidth, bandwidth_at
from player.settings.model import BandwidthSettings
from tests.sync.programme.examples import BERLIN, local

NIGHT = {"start": "22:00", "end": "06:00"}
SHOP = {"start": "09:00", "end": "20:00", "line_kbit_s": 1000, "weekdays": [1, 2, 3, 4, 5, 6]}


def of(*windows: dict[str, Any], **limits: Any) -> BandwidthSettings:
    return BandwidthSettings.model_validate({"windows": windows, **limits})


@pytest.mark.parametrize(
    ("settings", "at", "all_kbit_s", "line_kbit_s", "until"),
    [
        (of(), "2026-03-02T12:00", None, None, None),
        (of(all_kbit_s=2000), "2026-03-02T12:00", 2000, None, None),
        (of(NIGHT, all_kbit_s=0), "2026-03-28T21:59", 0, None, "2026-03-28T22:00"),
        (of(NIGHT, all_kbit_s=0), "2026-03-28T22:00", None, None, "2026-03-29T06:00"),  # the clocks go forward
        (of(NIGHT, all_kbit_s=0), "2026-10-25T02:30", None, None, "2026-10-25T06:00"),  # and back
        (of(NIGHT, all_kbit_s=0), "2026-03-29T06:00", 0, None, "2026-03-29T22:00"),
        (of(SHOP, line_kbit_s=9000), "2026-03-07T19:00", None, 1000, "2026-03-07T20:00"),
        (of(SHOP, line_kbit_s=9000), "2026-03-07T20:00", None, 9000, "2026-03-09T09:00"),  # not on a Sunday
        (of(SHOP, NIGHT | {"start": "19:00"}, all_kbit_s=5), "2026-03-07T19:30", None, 1000, "2026-03-07T20:00"),
        (of(SHOP, NIGHT | {"start": "19:00"}, all_kbit_s=5), "2026-03-07T20:30", None, None, "2026-03-08T06:00"),
        (of({"all_kbit_s": 7}), "2026-03-07T20:30", 7, None, None),  # all day, every day
    ],
)  # fmt: skip
def test_the_first_open_window_counts_until_it_or_one_before_it_changes(
    settings: BandwidthSettings, at: str, all_kbit_s: int | None, line_kbit_s: int | None, until: str | None
) -> None:
    end = local(until) if until else None
    assert bandwidth_at(settings, BERLIN, local(at)) == Bandwidth(all_kbit_s, line_kbit_s, end)


def test_until_the_end_nothing_changes() -> None:
    settings = of(SHOP, NIGHT, all_kbit_s=300)
    at = local("2026-03-26T00:00")
    while at < local("2026-04-05T00:00"):
        now = bandwidth_at(settings, BERLIN, at)
        assert now.until is not None
        assert at < now.until
        almost = bandwidth_at(settings, BERLIN, now.until - timedelta(microseconds=1))
        assert almost == now
        at = now.until


@pytest.mark.parametrize(
    ("settings", "all_kbit_s"),
    [
        (of(NIGHT, all_kbit_s=300), 300),
        (of(NIGHT | {"all_kbit_s": 0}, NIGHT | {"all_kbit_s": 70}, all_kbit_s=0), 70),
        (of(NIGHT, all_kbit_s=0), None),
    ],
)
def test_without_a_trusted_clock_no_window_is_open_but_media_come(
    settings: BandwidthSettings, all_kbit_s: int | None
) -> None:
    assert bandwidth_at(settings, BERLIN, local("1970-01-01T23:00"), timed=False) == Bandwidth(all_kbit_s, None, None)


@pytest.mark.parametrize(
    "limits",
    [
        {"all_kbit_s": 0},
        {"line_kbit_s": 0},
        {"all_kbit_s": 0, "windows": [NIGHT | {"line_kbit_s": 0}]},
        {"all_kbit_s": 0, "venue_hosts": ["mirror.shop"]},
        {"all_kbit_s": -1},
        {"windows": [NIGHT | {"weekdays": []}]},
    ],
)
def test_limits_under_which_nothing_would_ever_come_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BandwidthSettings.model_validate(limits)


def test_a_screen_may_fetch_from_its_venue_alone() -> None:
    assert of(line_kbit_s=0, venue_hosts=["mirror.shop"]).line_kbit_s == 0
