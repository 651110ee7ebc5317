"""One origin and one browser for all tests of the console; each test logs in anew."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from selenium.webdriver import Chrome

from tests.browser import chromium
from tests.origin.console.page import Page
from tests.origin.console.site import Site


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("origin"))
    site.start()
    yield site
    site.stop()


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("chromium"), 1280, 900) as driver:
        yield driver


@pytest.fixture
def visit(site: Site, browser: Chrome) -> Iterator[Page]:
    """Return the page; at the end the browser must have had nothing to complain about."""
    page = Page(browser, site)
    yield page
    page.line()
    assert page.complaints() == []


@pytest.fixture
def outside(visit: Page) -> Page:
    visit.open()
    return visit


@pytest.fixture
def page(visit: Page) -> Page:
    visit.resume()
    return visit


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a picture of several chunks."""
    path = tmp_path_factory.mktemp("pictures") / "shop window.png"
    Image.effect_noise((1400, 1000), 80).save(path)
    return path
