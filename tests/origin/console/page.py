"""What a person sees and does on the console, with the waiting a person does without noticing."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException, TimeoutException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.origin.console.site import Site

PATIENCE_S = 60.0
LOOK_EVERY_S = 0.05
_REFUSED = re.compile(r"/v1/\S+ - Failed to load resource: the server responded with a status of (\d+)")

T = TypeVar("T")


class Page:
    """The console in a browser; `expected` are the statuses a test means to provoke."""

    def __init__(self, browser: Chrome, site: Site) -> None:
        self.browser = browser
        self.site = site
        self.expected = {"401", "404"}  # it asks who it is before logging in, and after what others removed

    def open(self) -> None:
        """Visit without a session."""
        self.browser.get("about:blank")  # a page left behind must not live on
        self.browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.browser.get(self.site.url)
        self.shown("#log-in")

    def resume(self) -> None:
        """Visit with a session, as after a reload: quicker than logging in."""
        self.browser.get("about:blank")
        name, value = self.site.log_in()
        cookie = {"name": name, "value": value, "url": self.site.url, "httpOnly": True, "sameSite": "Strict"}
        self.browser.execute_cdp_cmd("Network.setCookie", cookie)
        self.browser.get(self.site.url)
        self.says("#live", "Live")

    def enter(self, token: str | None = None) -> None:
        """Log in on the open page."""
        self.type("#token", token or self.site.token)
        self.press("#log-in button")
        self.says("#live", "Live")

    def until(self, condition: Callable[[], T]) -> T:
        """Wait until a condition holds; an element renewed meanwhile is looked up again."""
        late = (NoSuchElementException, StaleElementReferenceException)
        return WebDriverWait(self.browser, PATIENCE_S, LOOK_EVERY_S, late).until(lambda _: condition())

    def find(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def shown(self, selector: str) -> WebElement:
        self.until(lambda: self.find(selector).is_displayed())
        return self.find(selector)

    def text(self, selector: str) -> str:
        return self.find(selector).text

    def says(self, selector: str, *words: str) -> None:
        """Wait until an element shows all of these words, whatever their case."""
        try:
            self.until(lambda: all(word.lower() in self.text(selector).lower() for word in words))
        except TimeoutException as error:
            raise AssertionError(f"{selector} says {self.text(selector)!r}, not {words}") from error

    def type(self, selector: str, text: str) -> None:
        box = self.shown(selector)
        box.clear()
        box.send_keys(text)

    def press(self, selector: str) -> None:
        def pressed() -> bool:
            self.find(selector).click()
            return True

        self.shown(selector)
        self.until(pressed)

    def confirm(self) -> None:
        self.press("dialog [data-do=go]")

    def go(self, view: str) -> None:
        self.browser.execute_script("location.hash = arguments[0]", f"#{view}")

    def send(self, *paths: Path) -> None:
        self.find("#files").send_keys("\n".join(str(path) for path in paths))

    def stock(self, path: Path, name: str) -> str:
        """Have a media ready that was sent beside the page; return its id."""
        media = self.site.send(path, name)
        self.until(lambda: self.site.ask("GET", f"/v1/media/{media}")["state"] == "ready")
        return media

    def under_way(self) -> list[dict[str, Any]]:
        """Return the uploads the origin holds unfinished."""
        return list(self.site.ask("GET", "/v1/uploads")["uploads"])

    def card(self, name: str) -> str:
        """Return the selector of the card of the media of this name, once it is there."""
        found = self.until(lambda: self.browser.execute_script(_CARD_OF, name))
        return f'#media-grid [data-id="{found}"]'

    def narrow(self, width: int | None) -> None:
        """Make the window that of a phone, or what it was."""
        if width is None:
            self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
            return
        shape = {"width": width, "height": 812, "deviceScaleFactor": 1, "mobile": True}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shape)

    def line(self, *, bytes_per_s: int = -1, offline: bool = False) -> None:
        """Change the line between page and origin."""
        self.browser.execute_cdp_cmd("Network.enable", {})
        shape = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_s}
        self.browser.execute_cdp_cmd("Network.emulateNetworkConditions", shape)

    def complaints(self) -> list[str]:
        """Return what the browser complained about since last asked, but refusals this test provoked."""
        lines = self.browser.get_log("browser")  # type: ignore[no-untyped-call]
        told = [line["message"] for line in lines if line["level"] in ("WARNING", "SEVERE")]
        return [message for message in told if not self._provoked(message)]

    def _provoked(self, message: str) -> bool:
        refused = _REFUSED.search(message)
        return refused is not None and refused[1] in self.expected


_CARD_OF = """
const names = [...document.querySelectorAll("#media-grid .name")];
return names.find((name) => name.textContent === arguments[0])?.closest("[data-id]").dataset.id;
"""
