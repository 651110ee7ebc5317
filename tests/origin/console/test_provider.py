"""Logging in on the console by a provider of identities, which is another site for the browser."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from sync.runtime.clock import SystemClock
from tests.origin.api.people.provider import CLIENT, SECRET, TestProvider, running_provider
from tests.origin.console.page import Page
from tests.origin.console.site import Site
from tests.origin.console.test_people import has_names

pytestmark = pytest.mark.browser


@pytest.fixture
def provider() -> Iterator[TestProvider]:
    """A provider in a thread of its own."""
    made: list[TestProvider] = []
    began, end = threading.Event(), threading.Event()

    async def run() -> None:
        async with running_provider(SystemClock()) as running:
            made.append(running)
            began.set()
            await asyncio.to_thread(end.wait)

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert began.wait(30)
    yield made[0]
    end.set()
    thread.join()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def linked(tmp_path: Path, provider: TestProvider, browser: Chrome) -> Iterator[Page]:
    """The page, by its name, of an origin with this provider."""
    port = _free_port()
    prefix = "SIGNAGE_ORIGIN__OIDC__"
    settings = {
        f"{prefix}ISSUER": provider.url,
        f"{prefix}CLIENT_ID": CLIENT,
        f"{prefix}CLIENT_SECRET": SECRET,
        f"{prefix}CONSOLE": f"http://localhost:{port}/",
        f"{prefix}LABEL": "Kiosk Ltd",
    }
    site = Site(tmp_path, f"http://127.0.0.1:{port}", settings=settings)
    site.start()
    page = Page(browser, site)
    page.open()
    yield page
    assert page.complaints() == []
    site.stop()


def test_a_browser_goes_to_the_provider_comes_back_and_is_logged_in(linked: Page, provider: TestProvider) -> None:
    page, site = linked, linked.site
    page.expected |= {"403", "502"}
    there = site.url.replace("127.0.0.1", "localhost")
    page.says("#log-in-provider", "Log in with Kiosk Ltd")
    page.press("#log-in-provider")  # the provider sends browsers back to the page by its name
    page.until(lambda: page.browser.current_url == f"{there}/")
    page.press("#log-in-provider")
    page.says("#login-problem", "'anna-1'", "ask an administrator")
    assert page.browser.current_url == f"{there}/"  # no code stays in it

    page.enter()
    made = site.ask("POST", "/v1/people", {"name": "Anna", "role": "editor"})
    page.go("people")
    page.press("#people-list [data-do=change]")
    page.type("dialog [name=subject]", "anna-1")
    has_names(page)
    page.confirm()
    page.says("#people-list", "by the provider")
    page.press("#log-out")
    page.press("#log-in-provider")
    page.says("#who", "Anna (editor)")
    page.press("#who")
    page.says("#account", "by the provider", "have no password here")
    page.press("#account [data-do=close]")
    page.press("#log-out")
    provider.refuses = True
    page.press("#log-in-provider")
    page.says("#login-problem", "invalid_grant")
    page.browser.get(f"{there}/?error=access_denied&error_description=Not+today&state=x")
    page.says("#login-problem", "access_denied Not today")
    site.ask("DELETE", f"/v1/people/{made['person']['id']}")
