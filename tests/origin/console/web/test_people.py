"""Letting somebody in: an account by a link, a role in one space only, keys, one's own account, and who did what."""

import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.origin.console.web.desk import Desk

pytestmark = pytest.mark.browser
PASSWORD = "blue tram under snow"


def test_an_assistant_is_let_into_one_space_by_a_link_and_sees_no_more(visit: Callable[..., Desk]) -> None:
    desk, name = visit(), f"Mia {secrets.token_hex(2)}"
    page, shop = desk.page, f"Shop {secrets.token_hex(2)}"
    desk.log_in("#/spaces")
    page.get_by_role("button", name="New space").click()
    page.get_by_role("dialog").get_by_label("Name").fill(shop)
    page.get_by_role("dialog").get_by_role("button", name="Make the space").click()
    expect(page.get_by_role("region", name=shop)).to_be_visible()
    desk.go("People")
    page.get_by_role("button", name="New person").first.click()
    window = page.get_by_role("dialog", name="A new person")
    window.get_by_label("Name").fill(name)
    window.get_by_label("May do everywhere").select_option("Nothing")
    window.get_by_label(shop).select_option(label="Edit: media, playlists, schedules, campaigns")
    desk.clean()
    window.get_by_role("button", name="Make the account").click()
    link = page.get_by_role("textbox", name=f"A link for {name}").input_value()
    page.get_by_role("button", name="I have it").click()
    row = page.get_by_role("row").filter(has_text=name)
    expect(row).to_contain_text(f"Edits ({shop})")
    expect(row).to_contain_text("Has not set a password yet")

    hers = visit()
    hers.expected.add("403")  # what is for everything only
    hers.page.goto(link)
    hers.page.get_by_label("New password").fill(PASSWORD)
    hers.page.get_by_label("The same again").fill("something else")
    hers.page.get_by_role("button", name="Set the password").click()
    expect(hers.page.get_by_text("This is not the same as above.").first).to_be_visible()
    hers.page.get_by_label("The same again").fill(PASSWORD)
    hers.page.get_by_role("button", name="Set the password").click()
    hers.page.get_by_label("Name").fill(name)
    hers.page.get_by_label("Password", exact=True).fill(PASSWORD)
    hers.page.get_by_role("button", name="Log in", exact=True).click()
    hers.heading("Start")
    sections = hers.page.get_by_role("navigation", name="Sections")
    expect(sections.get_by_role("link", name="Playlists")).to_be_visible()
    expect(sections.get_by_role("link", name="People")).to_have_count(0)
    hers.open("#/people")
    expect(hers.page.get_by_role("heading", name="This part is not open to you")).to_be_visible()
    hers.go("My account")
    expect(hers.page.get_by_role("region", name="Where you are logged in")).to_contain_text("Chrome, Linux")
    hers.clean()


def test_a_key_is_made_shown_once_and_removed_and_the_log_says_so(desk: Desk) -> None:
    page, name = desk.page, f"Till {secrets.token_hex(2)}"
    desk.go("Keys")
    page.get_by_role("button", name="New key").click()
    page.get_by_role("dialog").get_by_label("Name").fill(name)
    page.get_by_role("dialog").get_by_label("May do everywhere").select_option(value="viewer")
    page.get_by_role("dialog").get_by_role("button", name="Make the key").click()
    token = page.get_by_role("textbox", name=f"The key {name}").input_value()
    assert desk.site.ask("GET", "/v1/session", token=token)["everything"] == "viewer"
    desk.clean()
    page.get_by_role("button", name="I have it").click()
    page.get_by_role("button", name=f"Remove the key {name}").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("row").filter(has_text=name)).to_have_count(0)
    desk.go("Who did what")
    page.get_by_role("searchbox", name="Search").fill(name)
    expect(page.get_by_role("row").filter(has_text=name)).to_have_count(2)
    desk.clean()


def test_browsers_are_called_what_people_call_them(desk: Desk) -> None:
    def called(agent: str) -> object:
        return desk.evaluate("views/account/view.js", "it.browserOf(argument)", agent)

    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604.1"
    assert called(phone) == "Safari, iPhone"
    assert (
        called("Mozilla/5.0 (Windows NT 10.0; Win64) AppleWebKit/537 Chrome/140.0 Safari/537 Edg/140.0")
        == "Edge, Windows"
    )
    assert called("curl/8.0") == "curl/8.0"
