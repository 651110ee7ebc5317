"""Campaigns and reports as a person has them: a booking is judged while it is typed, a report says what came of it."""

import re
import secrets
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.origin.console.site import Site
from tests.origin.console.web.desk import Desk
from tests.origin.running_origin import play

pytestmark = pytest.mark.browser

_YEARS = {"starts_at": "2020-01-01T00:00:00Z", "ends_at": "2090-01-01T00:00:00Z"}


@pytest.fixture
def media(site: Site, tmp_path: Path) -> str:
    """A picture that is ready."""
    name = f"Spot {secrets.token_hex(2)}.png"
    red, green, blue = secrets.token_bytes(3)
    Image.new("RGB", (64, 36), (red, green, blue)).save(tmp_path / name)
    found = site.send(tmp_path / name, name)
    while site.ask("GET", f"/v1/media/{found}")["state"] != "ready":
        time.sleep(0.05)
    return found


def _channel(site: Site, media: str) -> str:
    channel = f"mall-{secrets.token_hex(2)}"
    playlist = site.ask("POST", "/v1/playlists", {"name": "Windows", "items": [{"media": media}]})["id"]
    site.ask("PUT", f"/v1/schedule/{channel}", {"zone": "UTC", "default_playlist": playlist})
    return channel


def _booking(media: str, channel: str, share: int) -> dict[str, Any]:
    line = {"name": "Rival line", "creatives": [{"media": media}], "share_ppm": share * 10_000}
    return {"name": "Rival", "advertiser": "Rival Ltd", "channel": channel, **_YEARS, "lines": [line]}


def _region(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def _played(site: Site, campaign: dict[str, Any], channel: str, media: str) -> None:
    """Have a screen show the campaign once whole, and once too short."""
    release = site.ask("POST", "/v1/releases", {"channel": channel})["sha256"]
    visitor = site.wait_to_pair(f"Mall screen {channel}")
    device = site.ask("POST", "/v1/devices", {"code": visitor.code, "channel": channel})["id"]
    (line,) = campaign["lines"]
    asset = site.ask("GET", f"/v1/media/{media}")["asset"]["sha256"]
    what = {"campaign": campaign["id"], "line": line["id"], "creative": line["creatives"][0]["id"], "release": release}
    what |= {"asset": asset, "clock": "synced", "zone": "UTC"}
    at = datetime.now(UTC) - timedelta(minutes=1)

    def times(first: int) -> dict[str, Any]:
        return {
            "started_at": (at + timedelta(seconds=first)).isoformat(),
            "ended_at": (at + timedelta(seconds=first + 10)).isoformat(),
        }

    whole = play(device, 1, **what, **times(0), expected_ms=10_000)
    cut = play(device, 2, **what, **times(20), rendered_ms=4_000, outcome="partial")
    site.ask("POST", "/v1/plays", {"plays": [whole, cut]}, visitor.token)


def test_a_campaign_is_booked_as_far_as_it_is_feasible_and_has_a_report(desk: Desk, media: str) -> None:
    page, site = desk.page, desk.site
    channel = _channel(site, media)
    site.ask("POST", "/v1/campaigns", _booking(media, channel, 80))
    name = f"Milk week {channel}"
    desk.go("Campaigns")
    page.get_by_role("link", name="New campaign").first.click()
    booking = _region(page, "Booking")
    booking.get_by_label("Name", exact=True).fill(name)
    booking.get_by_label("Advertiser").fill("Dairy")
    booking.get_by_label("Channel").select_option(channel)
    booking.get_by_label("First day").fill(f"{datetime.now(UTC):%Y-%m-%d}")
    page.get_by_label("Share in percent").fill("60")
    verdict = _region(page, "Is it feasible?")
    expect(verdict).to_contain_text("Main line (Dairy) gets 43% of 60% booked")
    expect(verdict).to_contain_text("Book 40 % less")
    page.get_by_label("Share in percent").fill("20")
    expect(verdict).to_contain_text("Main line gets all that it books: 20% of the ads.")
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Main line shows nothing yet")
    page.get_by_role("button", name="Choose media").click()
    chooser = page.get_by_role("dialog", name="Choose media")
    chooser.get_by_role("checkbox").first.check()
    desk.clean()
    chooser.get_by_role("button", name="Take 1").click()
    page.get_by_role("button", name="Book", exact=True).click()
    desk.heading(name)
    (stored,) = site.ask("GET", f"/v1/campaigns?search={channel}")["campaigns"]
    assert (stored["advertiser"], stored["channel"], stored["lines"][0]["share_ppm"]) == ("Dairy", channel, 200_000)
    assert stored["starts_at"] == f"{datetime.now(UTC):%Y-%m-%d}T00:00:00.000Z"

    page.get_by_role("button", name="Only at certain times").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Everything is saved.")).to_be_visible()
    changed = site.ask("GET", f"/v1/campaigns/{stored['id']}")
    assert [one["start"] for one in changed["lines"][0]["windows"]] == ["08:00"]
    desk.clean()


def test_a_report_says_what_counts_and_why_not_more_on_a_screen_and_on_paper(desk: Desk, media: str) -> None:
    page, site = desk.page, desk.site
    channel = _channel(site, media)
    campaign = site.ask("POST", "/v1/campaigns", _booking(media, channel, 50))
    _played(site, campaign, channel, media)
    desk.open(f"#/campaigns/{campaign['id']}")
    expect(_region(page, "Pace")).to_contain_text(re.compile("^Pace.* play"))
    page.get_by_role("link", name="Report", exact=True).click()
    desk.heading("Reports")
    expect(_region(page, "In all")).to_contain_text("Counted1")
    page.get_by_label("By", exact=True).select_option("line")
    row = page.get_by_role("table", name="Plays by line").get_by_role("row", name="Rival line")
    expect(row).to_contain_text("too short 1")
    desk.clean()
    address = page.get_by_role("link", name="Save as table (CSV)").get_attribute("href")
    assert address is not None
    answer = page.request.get(address)
    assert answer.headers["content-type"].startswith("text/csv")
    assert "Rival line" in answer.text()
    page.emulate_media(media="print")
    expect(page.get_by_label("By", exact=True)).to_be_hidden()
    expect(row).to_be_visible()
    page.emulate_media(media="screen")
    page.get_by_label("First day").fill("2080-01-01")
    expect(page.get_by_text("The last day lies before the first one.")).to_be_visible()


def test_two_people_change_one_booking_and_both_keep_what_they_typed(desk: Desk, media: str) -> None:
    page, site = desk.page, desk.site
    campaign = site.ask("POST", "/v1/campaigns", _booking(media, _channel(site, media), 50))
    desk.open(f"#/campaigns/{campaign['id']}")
    _region(page, "Booking").get_by_label("Name", exact=True).fill("Mine")
    theirs = {"do": "set", "set": {"advertiser": "Theirs"}}
    site.ask("PATCH", f"/v1/campaigns/{campaign['id']}", {"edits": [theirs]}, **{"If-Match": '"1"'})
    page.reload()
    expect(_region(page, "Booking").get_by_label("Name", exact=True)).to_have_value("Mine")
    expect(page.get_by_text("Somebody else changed this booking meanwhile.")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    desk.heading("Mine")
    now = site.ask("GET", f"/v1/campaigns/{campaign['id']}")
    assert (now["name"], now["advertiser"], now["lines"]) == ("Mine", "Theirs", campaign["lines"])
