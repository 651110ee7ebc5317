"""People on the console: the first account, logging in with a code, one's own account, and the list of people."""

from collections.abc import Iterator

import pyotp
import pytest

from tests.origin.console.page import Page

pytestmark = pytest.mark.browser

PASSWORD, ANOTHER = "five blue herons at dawn", " nine red kites  "
_UNNAMED = """
const controls = [...document.querySelectorAll("input, select, button, a")].filter((one) => one.checkVisibility());
const unnamed = controls.filter((one) => !(one.labels?.length || one.ariaLabel || one.textContent.trim()));
return unnamed.map((one) => one.outerHTML);
"""


@pytest.fixture
def alone(outside: Page) -> Iterator[Page]:
    """The page, and afterwards no accounts."""
    yield outside
    for person in outside.site.ask("GET", "/v1/people")["people"]:
        outside.site.ask("DELETE", f"/v1/people/{person['id']}")


def has_names(page: Page) -> None:
    """Hold all that can be pressed or filled in to having a name for those who do not see it."""
    assert page.browser.execute_script(_UNNAMED) == []


def log_in(page: Page, name: str, password: str) -> None:
    page.type("#person", name)
    page.type("#log-in-person [name=password]", password)
    page.press("#log-in-person button")


def new_password(page: Page, form: str, password: str) -> None:
    page.type(f"{form} [name=password]", password)
    page.type(f"{form} [name=again]", password)


def test_who_has_the_first_key_makes_an_account_in_one_step_and_then_uses_a_code(alone: Page) -> None:
    page = alone
    has_names(page)
    page.enter()
    page.press("#first-account button")
    page.type("dialog [name=name]", "Zoë")
    new_password(page, "dialog", PASSWORD)
    page.type("dialog [name=again]", "something else")
    page.confirm()
    page.says("dialog .wrong", "two different passwords")
    page.type("dialog [name=again]", PASSWORD)
    page.confirm()
    page.says("#who", "Zoë")
    page.says("#live", "Live")
    assert not page.find("#first-account").is_displayed()

    page.go("people")
    page.says("#people-list", "Zoë", "Remove")
    assert "Reset" not in page.text("#people-list")  # the link would go with the session
    page.press("#who")
    page.press("#account [data-do=app]")
    app = pyotp.TOTP(page.shown("#secret").text)
    assert page.browser.execute_script("return document.querySelector('.qr').naturalWidth") > 100
    has_names(page)
    page.type("dialog [name=code]", app.now())
    page.type("dialog [name=password]", PASSWORD)
    page.press("dialog:last-of-type [data-do=go]")
    codes = page.shown("#codes").text.split()
    assert len(codes) == 10
    assert not page.browser.find_elements("css selector", "dialog:last-of-type [data-do=cancel]")  # nothing is undone
    page.press("dialog:last-of-type [data-do=go]")
    page.says("#factor", "10 recovery codes are left")
    page.press("#account [data-do=close]")
    page.press("#log-out")

    log_in(page, "zoë", PASSWORD)
    page.type("#code", "000000")
    page.press("#log-in-person button")
    page.says("#login-problem", "this code is wrong")
    page.type("#code", codes[0])
    page.press("#log-in-person button")
    page.says("#who", "Zoë")
    kept = "return [document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage)]"
    assert page.browser.execute_script(kept) == ["", "{}", "{}"]


def test_a_new_colleague_sets_a_password_by_a_link_and_changes_it(alone: Page) -> None:
    page = alone
    page.expected |= {"403"}
    page.enter()
    page.go("people")
    page.press("#new-person")
    page.type("dialog [name=name]", "Bo")
    page.find("dialog [name=role] [value=editor]").click()
    page.confirm()
    link = page.shown("dialog [name=link]").get_property("value")
    page.press("dialog:last-of-type [data-do=go]")
    page.says("#people-list", "Bo", "editor", "has not set a password yet")
    has_names(page)
    page.press("#log-out")
    page.shown("#log-in")
    page.browser.get(str(link))
    new_password(page, "#set-password", PASSWORD)
    page.press("#set-password button")
    page.says("#login-problem", "Your password is set")
    log_in(page, "Bo", PASSWORD)
    page.says("#who", "Bo (editor)")
    assert not page.find('nav [href="#people"]').is_displayed()
    page.press("#who")
    page.press("#account [data-do=password]")
    page.type("dialog [name=current]", "not the password")
    new_password(page, "dialog", ANOTHER)
    page.press("dialog:last-of-type [data-do=go]")
    page.says("dialog:last-of-type .wrong", "this is not your password")
    page.type("dialog [name=current]", PASSWORD)
    page.press("dialog:last-of-type [data-do=go]")
    page.says("#notices", "Your password is changed")
    page.says("#account .sessions", "This page")
    page.press("#account [data-do=close]")
    page.press("#log-out")
    log_in(page, "Bo", ANOTHER)
    page.says("#who", "Bo (editor)")
    page.browser.get(str(link))
    new_password(page, "#set-password", PASSWORD)
    page.press("#set-password button")
    page.says("#login-problem", "this one-time code was used")


def test_who_has_roles_in_spaces_alone_gets_no_other_one_with_another_name(alone: Page) -> None:
    page, site, given = alone, alone.site, [{"role": "editor", "space": "shop-7"}]
    site.ask("POST", "/v1/spaces", {"id": "shop-7", "name": "Shop 7"})
    site.ask("POST", "/v1/people", {"name": "Ben", "rights": given})
    page.enter()
    page.go("people")
    page.says("#people-list", "Ben", "editor in shop-7")
    page.press("#people-list [data-do=change]")
    page.type("dialog [name=name]", "Benny")
    page.confirm()
    page.says("#people-list", "Benny", "editor in shop-7")
    [ben] = site.ask("GET", "/v1/people")["people"]
    assert (ben["role"], ben["rights"]) == (None, given)
    site.ask("DELETE", f"/v1/people/{ben['id']}")
    site.ask("DELETE", "/v1/spaces/shop-7")
