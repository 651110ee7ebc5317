"""The console as a person has it before them: what is opened, pressed and read, found by role and label."""

import re
import time

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from tests.origin.console.site import Site

_REFUSED = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")
_LINE = re.compile(r"net::ERR_|WebSocket connection to|status of 50[234]")
PATIENCE_S = 30.0
_FADED_IN = """() => {
  const ends = document.getAnimations().filter((one) => one.effect.getTiming().iterations !== Infinity);
  return Promise.allSettled(ends.map((one) => one.finished));
}"""
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


class Desk:
    """A visit of the console; `expected` are the statuses that a test means to provoke."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page = page
        self.site = site
        self.expected = {"401"}  # it asks who it is before logging in
        self.line_breaks = False  # a test means it to
        self._complaints: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self._complaints.append(str(error)))

    def open(self, address: str = "#/start") -> None:
        """Go to a view by its address; it is there when its heading is."""
        self.page.goto(f"{self.site.url}/console/{address}")

    def log_in(self, address: str = "#/start", token: str | None = None) -> None:
        """Open a view with a session, quicker than by the form."""
        answer = self.page.request.post(f"{self.site.url}/v1/session", data={"token": token or self.site.token})
        assert answer.ok, answer.text()
        self.open(address)
        self.shown()

    def shown(self) -> None:
        """Wait until a view is there, and all that it loads at first."""
        expect(self.page.locator("#main h1")).to_be_visible()
        expect(self.page.locator("[aria-busy=true]")).to_have_count(0)

    def go(self, view: str) -> None:
        """Press a link of the navigation at the side."""
        self.page.get_by_role("navigation", name="Sections").get_by_role("link", name=view, exact=True).click()

    def heading(self, text: str) -> Locator:
        """Wait for a view of this heading, and return it."""
        found = self.page.get_by_role("heading", level=1, name=text)
        expect(found).to_be_visible()
        return found

    def evaluate(self, module: str, expression: str, argument: object = None) -> object:
        """Return what `expression` of `it`, a module of the console such as `lib/router.js`, says of `argument`."""
        address = f"{self.site.url}/console/{module}"
        return self.page.evaluate(
            f"async ([address, argument]) => {{ const it = await import(address); return {expression}; }}",
            [address, argument],
        )

    def until(self, condition: str) -> None:
        """Wait until an expression is true in the page; Playwright's own way is refused by the page's policy."""
        end = time.monotonic() + PATIENCE_S
        while not self.page.evaluate(condition):
            assert time.monotonic() < end, f"{condition} does not become true"
            self.page.wait_for_timeout(50)

    def clean(self) -> None:
        """Have axe-core look at what is shown, once it has faded in: it must find nothing."""
        self.page.evaluate(_FADED_IN)
        found = Axe().run(self.page)
        assert found.violations_count == 0, found.generate_report()

    def complaints(self) -> list[str]:
        """Return what the browser complained about, but refusals this test provoked."""
        return [text for text in self._complaints if not self._provoked(text)]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complaints.append(f"{message.text} {message.location.get('url', '')}")

    def _provoked(self, text: str) -> bool:
        if self.line_breaks and _LINE.search(text):
            return True
        refused = _REFUSED.search(text)
        return refused is not None and refused[1] in self.expected
