"""The page of the device in a real browser: what it shows, and that commands need a login."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from sync.wire.overlay import Logo, Ticker
from tests.browser import chromium
from tests.player.endpoint.test_endpoint import let_come, let_wait_for_its_budget, running

pytestmark = pytest.mark.browser

T = TypeVar("T")
LOGO = Logo(id="sign", asset="a" * 64)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("chromium"), 400, 900) as driver:
        yield driver


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "state").mkdir()
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path))
    monkeypatch.setenv("SIGNAGE_PLAYER__ENDPOINT__PORT", "0")
    monkeypatch.setenv("SIGNAGE_PLAYER__AUDIO__MUTED", "true")
    return tmp_path


class Page:
    """The page as a person uses it; every method blocks its thread."""

    def __init__(self, browser: Chrome) -> None:
        self._browser = browser

    def text(self, name: str) -> str:
        return self._browser.find_element(By.ID, name).text

    def until(self, condition: Callable[[], T]) -> T:
        return WebDriverWait(self._browser, 60, 0.1).until(lambda _: condition())

    def press(self, selector: str) -> None:
        self._browser.find_element(By.CSS_SELECTOR, selector).click()

    def log_in(self, token: str) -> None:
        self.until(lambda: self._browser.find_element(By.ID, "token").is_displayed())
        self._browser.find_element(By.ID, "token").send_keys(token)
        self.press("button[value=go]")

    def warnings(self) -> list[str]:
        """Return the warnings of the browser, except for refused requests, which this test causes."""
        lines = self._browser.get_log("browser")  # type: ignore[no-untyped-call]
        messages = [line["message"] for line in lines if line["level"] in ("WARNING", "SEVERE")]
        return [message for message in messages if "401" not in message]

    def picture_width(self) -> int:
        """Return the width of the fetched picture; 0: there is none yet."""
        return int(self._browser.execute_script("return document.getElementById('picture').naturalWidth"))

    def fits(self) -> bool:
        return bool(self._browser.execute_script("return document.body.scrollWidth <= innerWidth"))


async def test_the_page_follows_the_screen_and_sends_commands_after_a_login(browser: Chrome, prepared: Path) -> None:
    async with running(prepared) as (endpoint, player, token):
        page = Page(browser)
        await asyncio.to_thread(browser.get, endpoint.url)
        await asyncio.to_thread(page.until, lambda: page.text("title") == "Autumn")
        await asyncio.to_thread(page.until, lambda: "not paired yet" in page.text("problems"))
        assert await asyncio.to_thread(page.text, "next") == "Winter"
        player.shown = player.shown.model_copy(update={"title": "Spring"})
        await asyncio.to_thread(page.until, lambda: page.text("title") == "Spring")
        player.overlays.due, player.overlays.shown = (Ticker(id="news", text="Fresh <bread>"), LOGO), ("news",)
        await asyncio.to_thread(page.until, lambda: "Text at the bottom: Fresh <bread>" in page.text("overlays"))
        assert "Logo, top right corner (not on the screen)" in await asyncio.to_thread(page.text, "overlays")
        assert "muted" in await asyncio.to_thread(page.text, "health-facts")
        assert await asyncio.to_thread(page.fits)  # on a phone
        player.stage = replace(player.stage, deck="b", fps=25.0, painted_fps=12.0, codec="h264", hardware=False)
        await asyncio.to_thread(page.until, lambda: "h264 in software" in page.text("picture-facts"))
        assert "12 of 25" in await asyncio.to_thread(page.text, "picture-facts")
        let_come(player)
        await asyncio.to_thread(page.until, lambda: "release 13, fetching" in page.text("sync-facts"))
        facts = await asyncio.to_thread(page.text, "sync-facts")
        for words in ("the timestamp has expired", "114.4 MiB of 507.4 MiB, 94 KiB/s", "playlist Breakfast"):
            assert words in facts
        for words in ("http://cdn.example", "3 errors", "1000 kbit/s over the line until", "refused: freeze"):
            assert words in facts
        assert await asyncio.to_thread(page.fits)
        await asyncio.to_thread(page.until, lambda: page.picture_width() > 0)
        await asyncio.to_thread(page.press, "[data-command=skip]")
        await asyncio.to_thread(page.log_in, "wrong")
        await asyncio.to_thread(page.until, lambda: "not the token" in page.text("login-problem"))
        await asyncio.to_thread(page.log_in, token)
        await asyncio.to_thread(page.until, lambda: bool(player.commands))
        assert [command.do for command in player.commands] == ["skip"]
        let_wait_for_its_budget(player)
        await asyncio.to_thread(page.until, lambda: "waiting: budget" in page.text("sync-facts"))
        assert "0 B of 98 KiB: spent until" in await asyncio.to_thread(page.text, "sync-facts")
        assert await asyncio.to_thread(page.fits)
        await asyncio.to_thread(page.press, "#let-through")
        await asyncio.to_thread(page.until, lambda: player.let_through == ["b" * 64])
        assert await asyncio.to_thread(page.warnings) == []
