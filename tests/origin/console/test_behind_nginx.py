"""The console behind nginx as it comes: below a path, with a small limit of bodies, and without WebSockets."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from selenium.webdriver import Chrome

from tests.nginx import free_port, nginx, plain_server
from tests.origin.console.page import Page
from tests.origin.console.site import Site

pytestmark = pytest.mark.browser
LIMIT = "client_max_body_size 100k;"
DECODED = "return (document.querySelector(arguments[0])?.naturalWidth ?? 0) > 0"


@pytest.fixture
def proxied(site: Site, browser: Chrome, tmp_path: Path) -> Iterator[Page]:
    port = free_port()
    with nginx(tmp_path, plain_server("/signage/", port, site.url, LIMIT), port):
        yield Page(browser, replace(site, url=f"http://127.0.0.1:{port}/signage"))


def test_a_picture_over_the_limit_of_the_proxy_is_sent_in_smaller_pieces(proxied: Page, tmp_path: Path) -> None:
    page, picture = proxied, tmp_path / "behind a proxy.png"
    Image.effect_noise((900, 660), 80).save(picture)
    assert picture.stat().st_size > 500_000
    page.open()
    page.type("#token", page.site.token)
    page.press("#log-in button")
    page.says("#live", "Every 10 s")
    page.send(picture)
    card = page.card("behind a proxy.png")
    page.until(lambda: page.browser.execute_script(DECODED, f"{card} img"))
    page.until(lambda: page.text("#uploads") == "")
    refused = [line for line in page.browser.get_log("browser") if "413" in line["message"]]  # type: ignore[no-untyped-call]
    assert 1 <= len(refused) <= 4  # 512 KiB is halved to 64 KiB, which pass from then on
    page.browser.get("about:blank")
    page.browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
