"""Getting into the console, its frame, and what every view has in common."""

import os
import signal
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.origin.console.web.desk import PHONE, Desk

pytestmark = pytest.mark.browser

_IN_BACKGROUND = """(asked) => {
    import("/console/lib/api.js").then(({ api }) => {
        const storage = () => api.get("/v1/storage");
        const playlist = () => api.post("/v1/playlists", { name: "Typed offline", items: [] });
        ({ storage, playlist })[asked]().then((answer) => { window.answered = answer; });
    });
}"""


def test_a_person_logs_in_and_each_view_opens_accessible(visit: Callable[..., Desk]) -> None:
    desk = visit()
    desk.expected.add("422")  # a channel of another test may have nothing to show
    desk.open()
    desk.page.get_by_text("Log in with a key").click()
    desk.clean()
    desk.page.get_by_label("Key", exact=True).fill("wrong")
    desk.page.get_by_role("button", name="Log in with the key").click()
    expect(desk.page.get_by_role("alert")).to_contain_text("not valid")
    desk.page.get_by_label("Key", exact=True).fill(desk.site.token)
    desk.page.get_by_role("button", name="Log in with the key").click()
    desk.heading("Start")
    links = desk.page.get_by_role("navigation", name="Sections").get_by_role("link")
    for name in links.all_inner_texts():
        desk.go(name)
        desk.shown()
        desk.clean()


def test_dark_on_a_phone_in_german_every_view_fits_and_is_clean(visit: Callable[..., Desk]) -> None:
    desk = visit(**PHONE, locale="de-DE", color_scheme="dark")
    desk.expected.add("422")  # a channel of another test may have nothing to show
    desk.log_in()
    desk.page.get_by_role("button", name="Mehr").click()
    views = desk.page.get_by_role("dialog").get_by_role("link")
    expect(views.first).to_be_visible()
    addresses = [view.get_attribute("href") or "" for view in views.all()]
    assert "#/start" in addresses
    desk.clean()
    for address in addresses:
        desk.open(address)
        desk.shown()
        assert desk.page.evaluate("document.documentElement.scrollWidth") <= 390, f"{address} is wider than a phone"
        desk.clean()


def test_a_session_that_ends_asks_above_the_page_and_the_view_goes_on(desk: Desk) -> None:
    page = desk.page
    desk.line_breaks = True  # the socket ends with the session
    assert page.request.delete(f"{desk.site.url}/v1/session").ok
    page.evaluate(_IN_BACKGROUND, "storage")
    dialog = page.get_by_role("dialog", name="Log in again")
    dialog.get_by_text("Log in with a key").click()
    dialog.get_by_label("Key", exact=True).fill(desk.site.token)
    dialog.get_by_role("button", name="Log in with the key").click()
    expect(dialog).to_have_count(0)
    desk.until("window.answered !== undefined")


def test_an_origin_that_hangs_is_noticed_within_five_seconds_and_a_change_waits_for_it(
    visit: Callable[..., Desk],
) -> None:
    desk = visit()
    desk.page.clock.install()
    desk.log_in()
    expect(desk.page.get_by_role("status", name="Live: changes show at once")).to_be_visible()
    process = desk.site.process
    desk.line_breaks = True
    os.kill(process, signal.SIGSTOP)
    time.sleep(0.3)  # what it has said already is heard
    try:
        desk.page.clock.run_for(5000)
        expect(desk.page.get_by_role("alert")).to_contain_text("has not answered since")
    finally:
        os.kill(process, signal.SIGCONT)
    live = desk.page.get_by_role("status", name="Live: changes show at once")
    for _ in range(100):  # it looks again after longer and longer pauses
        desk.page.clock.run_for(1000)
        time.sleep(0.2)  # an answer takes its own time
        if live.is_visible():
            return
    raise AssertionError("the page does not come back")


def test_a_change_that_the_line_swallowed_is_sent_once_it_is_back(desk: Desk) -> None:
    page = desk.page
    expect(page.get_by_role("status", name="Live: changes show at once")).to_be_visible()
    desk.line_breaks = True
    page.context.set_offline(True)
    page.evaluate(_IN_BACKGROUND, "playlist")
    expect(page.get_by_role("alert").filter(has_text="One change waits")).to_be_visible()
    page.context.set_offline(False)
    desk.until("window.answered !== undefined")
    found = desk.site.ask("GET", "/v1/playlists?search=Typed%20offline")["playlists"]
    assert [one["id"] for one in found] == [page.evaluate("window.answered.body.id")]
    expect(page.get_by_text("One change waits")).to_have_count(0)


def test_the_keyboard_goes_everywhere_and_lists_its_shortcuts(desk: Desk) -> None:
    page = desk.page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("go to Start")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_address_of_no_view_leads_back(desk: Desk) -> None:
    desk.open("#/nothing")
    expect(desk.page.get_by_role("heading", name="There is no such page")).to_be_visible()
    desk.page.get_by_role("main").get_by_role("link", name="To the start").click()
    desk.heading("Start")
