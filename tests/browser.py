"""Starts Debian's headless Chromium for tests of pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.utils import is_connectable

_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",  # a bare machine may not know the name `localhost`
)


class _ByAddress(ChromeService):
    """The driver reached by address, for the same reason."""

    @property
    def service_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_connectable(self) -> bool:
        return is_connectable(self.port, "127.0.0.1")


@contextmanager
def chromium(profile: Path, width: int, height: int) -> Iterator[Chrome]:
    """Run a browser with an empty profile and a log of what it complains about."""
    options = ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in (*_ARGUMENTS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=_ByAddress("/usr/bin/chromedriver"))
    try:
        yield driver
    finally:
        driver.quit()
