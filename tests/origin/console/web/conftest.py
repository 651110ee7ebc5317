"""One origin and one browser for all tests of the new console; each visit is a context of its own, without cookies.

A test that uses the browser runs in its thread. Fixtures do not: they hand work over by `thread.run`.
"""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from tests.origin.console.site import Site
from tests.origin.console.web.browser_thread import BrowserThread
from tests.origin.console.web.desk import Desk

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_PATIENCE_MS = 30_000


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that uses the browser in its thread."""
    if "thread" not in pyfuncitem.fixturenames:
        return None
    names = pyfuncitem._fixtureinfo.argnames
    given = {name: pyfuncitem.funcargs[name] for name in names}
    thread = pyfuncitem.funcargs["thread"]
    assert isinstance(thread, BrowserThread)
    thread.run(lambda: pyfuncitem.obj(**given))
    return True


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("origin"))
    site.start()
    yield site
    site.stop()


@pytest.fixture(scope="package")
def thread() -> Iterator[BrowserThread]:
    thread = BrowserThread()
    yield thread
    thread.close()


@pytest.fixture(scope="package")
def chromium(thread: BrowserThread) -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program is not None, "chromium is not here: script/setup test installs it"

    expect.set_options(timeout=_PATIENCE_MS)

    def start() -> tuple[Playwright, Browser]:
        playwright = sync_playwright().start()
        return playwright, playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)

    playwright, browser = thread.run(start)
    yield browser
    thread.run(browser.close)
    thread.run(playwright.stop)


@pytest.fixture
def visit(site: Site, thread: BrowserThread, chromium: Browser) -> Iterator[Callable[..., Desk]]:
    """Return what opens the console; options are those of a browser context. At the end nothing may have failed."""
    desks: list[Desk] = []

    def open_desk(**options: Any) -> Desk:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **options})
        context.set_default_timeout(_PATIENCE_MS)
        desks.append(Desk(context.new_page(), site))
        return desks[-1]

    yield lambda **options: thread.run(lambda: open_desk(**options))
    complaints = [complaint for desk in desks for complaint in desk.complaints()]
    for desk in desks:
        thread.run(desk.page.context.close)
    assert complaints == []


@pytest.fixture
def desk(visit: Callable[..., Desk], thread: BrowserThread) -> Desk:
    """The console, logged in, at its start."""
    desk = visit()
    thread.run(desk.log_in)
    return desk
