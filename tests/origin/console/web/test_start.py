"""The start: what is wrong now and what is on air, live; and the first steps of who is new."""

import re

import pytest
from playwright.sync_api import expect

from tests.origin.console.web.desk import Desk

pytestmark = pytest.mark.browser


def test_a_screen_with_a_problem_is_told_and_leads_to_its_page_and_what_it_shows_changes(desk: Desk) -> None:
    site, page = desk.site, desk.page
    if not site.ask("GET", "/v1/channels?channel=start")["channels"]:
        site.ask("PUT", "/v1/schedule/start", {"zone": "Europe/Berlin"})
    visitor = site.wait_to_pair("Window of the start")
    device = site.ask("POST", "/v1/devices", {"code": visitor.code, "channel": "start", "name": "Window of the start"})[
        "id"
    ]
    visitor.beat("Breakfast", problems=["the clock is not synchronised"], problem_codes=["clock"])
    wrong = page.get_by_role("region", name="What is wrong now")
    link = wrong.get_by_role("link", name="Window of the start")
    expect(link).to_contain_text("Its clock")  # in the words of the page, not of the player
    assert link.get_attribute("href") == f"#/screens/{device}"
    on_air = page.get_by_role("region", name="On air")
    expect(on_air.get_by_role("link", name="Window of the start")).to_contain_text("Breakfast")
    visitor.show("Lunch")
    expect(on_air.get_by_role("link", name="Window of the start")).to_contain_text("Lunch")
    desk.clean()
    site.ask("DELETE", f"/v1/devices/{device}")
    expect(on_air.get_by_text("Window of the start")).to_have_count(0)


def test_who_is_new_has_three_steps_of_which_one_is_next(desk: Desk) -> None:
    def steps(media: int, devices: int, published: bool) -> object:
        told = {"media": media, "devices": devices, "published": published}
        return desk.evaluate(
            "views/start/first_steps.js", "it.stepsOf(argument)?.map((one) => [one.isDone, one.isNext])", told
        )

    assert steps(0, 0, False) == [[False, True], [False, False], [False, False]]
    assert steps(2, 0, False) == [[True, False], [False, True], [False, False]]
    assert steps(2, 1, False) == [[True, False], [True, False], [False, True]]
    assert steps(2, 1, True) is None


def test_one_part_that_fails_leaves_the_others(desk: Desk) -> None:
    page = desk.page
    desk.expected.add("500")
    page.route("**/v1/campaigns*", lambda route: route.fulfill(status=500, body="no"))
    page.reload()
    soon = page.get_by_role("region", name="What comes soon")
    expect(soon.get_by_role("alert")).to_contain_text("status 500")
    expect(page.get_by_role("region", name="On air")).not_to_contain_text("status 500")
    page.unroute("**/v1/campaigns*")
    soon.get_by_role("button", name="Try again").click()
    expect(soon.get_by_role("alert")).to_have_count(0)
    expect(soon).to_contain_text(re.compile("Nothing needs you|ends|published|review"))
