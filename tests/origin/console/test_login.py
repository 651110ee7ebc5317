"""Getting into the console, staying in, and what a key that may only look is spared."""

import pytest

from tests.origin.console.page import Page

pytestmark = pytest.mark.browser

_END_SESSION_AND_CONFIRM = """
const press = () => document.querySelector("dialog [data-do=go]")?.click();  // the page may know by then
fetch("/v1/session", { method: "DELETE" }).then(press).then(arguments[0]);
"""


def test_a_wrong_key_is_refused_in_words_and_the_right_one_lets_in(outside: Page) -> None:
    outside.type("#token", "not-a-key")
    outside.press("#log-in button")
    outside.says("#login-problem", "Unauthenticated", "This key is not valid")
    outside.enter()
    assert outside.shown("#view-media").is_displayed()
    assert not outside.find("#log-in").is_displayed()


def test_the_page_keeps_no_secret_where_scripts_can_read_it(outside: Page) -> None:
    page = outside
    page.enter()
    kept = "return [document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage)]"
    assert page.browser.execute_script(kept) == ["", "{}", "{}"]
    assert page.find("#token").get_property("value") == ""
    [cookie] = page.browser.get_cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"


def test_a_session_outlives_a_reload_and_ends_with_logging_out(page: Page) -> None:
    page.browser.refresh()
    page.until(lambda: page.text("#live") == "Live")
    page.press("#log-out")
    page.shown("#log-in")
    page.browser.refresh()
    page.shown("#log-in")


def test_a_session_that_is_worth_nothing_any_more_brings_the_login_back(page: Page) -> None:
    page.go("channels")
    page.press("#new-channel")
    page.type("dialog [name=channel]", "late")
    page.browser.execute_async_script(_END_SESSION_AND_CONFIRM)
    page.shown("#log-in")
    page.says("#login-problem", "Unauthenticated")
    assert not page.browser.execute_script("return document.querySelector('dialog')")


def test_a_key_that_may_only_look_is_offered_nothing_to_change(outside: Page) -> None:
    outside.enter(outside.site.key("looker"))
    assert "(viewer)" in outside.text("#who")
    offered = "return [...document.querySelectorAll('[class*=for-]')].filter((one) => one.checkVisibility()).length"
    assert outside.browser.execute_script(offered) == 0
