"""Passkeys on the console, with an authenticator that Chromium makes up."""

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions

from tests.origin.console.page import Page
from tests.origin.console.test_people import PASSWORD, has_names, log_in

pytestmark = pytest.mark.browser


@pytest.fixture
def anna(outside: Page) -> Iterator[Page]:
    """The page by its name, for which there is an account; afterwards none, and no authenticator."""
    page, site = outside, outside.site
    made = site.ask("POST", "/v1/people", {"name": "Anna", "role": "editor", "password": PASSWORD})
    options = VirtualAuthenticatorOptions()
    options.has_resident_key = options.has_user_verification = options.is_user_verified = True
    options.is_user_consenting = True
    page.browser.add_virtual_authenticator(options)
    page.browser.get(site.url.replace("127.0.0.1", "localhost"))
    yield page
    page.browser.remove_virtual_authenticator()
    site.ask("DELETE", f"/v1/people/{made['person']['id']}")


def test_somebody_adds_a_passkey_logs_in_with_it_and_removes_it(anna: Page) -> None:
    page = anna
    page.expected |= {"403", "409"}
    log_in(page, "Anna", PASSWORD)
    page.says("#who", "Anna")
    page.press("#who")
    page.press("#account [data-do=add-passkey]")
    page.type("dialog:last-of-type [name=name]", "My phone")
    page.type("dialog:last-of-type [name=password]", PASSWORD)
    page.press("dialog:last-of-type [data-do=go]")
    page.says("#account .passkeys", "My phone", "for localhost", "never used")
    has_names(page)
    page.press("#account [data-do=add-passkey]")
    page.type("dialog:last-of-type [name=name]", "The same")
    page.type("dialog:last-of-type [name=password]", PASSWORD)
    page.press("dialog:last-of-type [data-do=go]")
    page.says("dialog:last-of-type .wrong", "has a passkey for your account already")
    page.press("dialog:last-of-type [data-do=cancel]")
    page.press("#account [data-do=close]")
    page.press("#log-out")

    page.press("#log-in-passkey")
    page.says("#who", "Anna")
    page.press("#who")
    page.says("#account .sessions", "This page", "by a passkey")
    page.press("#account .passkeys [data-do^=remove]")
    page.type("dialog:last-of-type [name=password]", PASSWORD)
    page.press("dialog:last-of-type [data-do=go]")
    page.until(lambda: "My phone" not in page.text("#account .passkeys"))
    page.press("#account [data-do=close]")
    page.press("#log-out")
    page.press("#log-in-passkey")
    page.says("#login-problem", "this passkey is not known here")


def test_a_page_by_its_address_says_where_passkeys_are(outside: Page) -> None:
    there = outside.site.url.replace("127.0.0.1", "localhost")
    outside.says("#no-passkeys", there, "under a name only")
    assert not outside.find("#log-in-passkey").is_displayed()
    assert outside.find("#no-passkeys a").get_property("href") == f"{there}/"
