"""Sending files through the page, and what becomes of them."""

from pathlib import Path

import pytest

from tests.origin.console.page import Page

pytestmark = pytest.mark.browser

SLOW_BYTES_PER_S = 900_000
DECODED = "return (document.querySelector(arguments[0])?.naturalWidth ?? 0) > 0"


def test_a_picture_is_sent_prepared_and_shown_without_a_reload(page: Page, picture: Path) -> None:
    page.send(picture)
    card = page.card("shop window.png")
    page.until(lambda: page.browser.execute_script(DECODED, f"{card} img"))
    page.says(card, "Picture", "1400", "Rename")
    page.until(lambda: page.text("#uploads") == "")
    assert page.browser.execute_script("return localStorage.length") == 0


def test_a_broken_file_and_an_empty_one_say_what_is_wrong(page: Page, tmp_path: Path) -> None:
    page.expected |= {"422"}
    (tmp_path / "opening hours.jpg").write_bytes(b"no picture at all" * 100)
    (tmp_path / "nothing.png").touch()
    page.send(tmp_path / "opening hours.jpg", tmp_path / "nothing.png")
    page.says(page.card("opening hours.jpg"), "Cannot be shown", "This file is not a picture or video")
    page.says("#uploads", "nothing.png", "This file is empty", "Choose a file with content")
    page.press("#uploads [data-do=cancel]")
    page.until(lambda: page.text("#uploads") == "")


def test_an_upload_goes_on_where_a_lost_line_stopped_it(page: Page, picture: Path) -> None:
    copy = picture.with_name("lost line.png")
    copy.write_bytes(picture.read_bytes())
    page.line(bytes_per_s=SLOW_BYTES_PER_S)
    page.send(copy)
    [before] = page.until(lambda: [one for one in page.under_way() if one["offset_bytes"] > 0])
    page.line(offline=True)
    page.says("#uploads", "The origin does not answer", "Trying again")
    assert [one["id"] for one in page.under_way()] == [before["id"]]
    page.line()
    page.says(page.card("lost line.png"), "Picture")
    page.browser.get_log("browser")  # type: ignore[no-untyped-call]  # it reports the line we cut


def test_an_upload_pauses_goes_on_and_is_cancelled_at_the_origin(page: Page, picture: Path) -> None:
    copy = picture.with_name("changed my mind.png")
    copy.write_bytes(picture.read_bytes())
    page.line(bytes_per_s=SLOW_BYTES_PER_S // 3)
    page.send(copy)
    page.says("#uploads", "changed my mind.png", "%")
    page.press("#uploads [data-do=pause]")
    page.says("#uploads", "paused at", "Continue")
    page.press("#uploads [data-do=pause]")
    page.says("#uploads", "Pause")
    page.expected.add("409")  # a chunk is still being written: asked again
    page.press("#uploads [data-do=cancel]")
    page.until(lambda: page.text("#uploads") == "")
    page.until(lambda: page.under_way() == [])


def test_media_are_renamed_here_and_elsewhere_without_a_reload(page: Page, picture: Path) -> None:
    media = page.stock(picture, "Spring")
    card = page.card("Spring")
    page.browser.execute_script("window.still = true")
    page.press(f"{card} [data-do=rename]")
    page.type("dialog input", "Summer")
    page.confirm()
    page.says(card, "Summer")
    page.site.ask("PATCH", f"/v1/media/{media}", {"name": "Autumn"})
    page.says(card, "Autumn")
    assert page.browser.execute_script("return window.still")


def test_media_in_use_are_not_deleted_and_their_users_are_named(page: Page, picture: Path) -> None:
    page.expected |= {"409"}
    media = page.stock(picture, "In use")
    made = page.site.ask("POST", "/v1/playlists", {"name": "Counter, all day", "items": [{"media": media}]})
    card = page.card("In use")
    page.press(f"{card} [data-do=delete]")
    page.confirm()
    page.says("dialog .wrong", "Conflict", "in use", "Used by Counter, all day")
    page.press("dialog [data-do=cancel]")
    page.site.ask("DELETE", f"/v1/playlists/{made['id']}")
    page.press(f"{card} [data-do=delete]")
    page.confirm()
    page.until(lambda: not page.browser.execute_script("return document.querySelector(arguments[0])", card))


def test_a_stream_is_named_and_its_password_stays_unseen(page: Page) -> None:
    page.press("#add-stream")
    page.type("dialog [name=url]", "https://eve:hush@example.com/live.m3u8?token=s3cret")
    page.press("dialog [data-do=go]")
    page.says(page.card("example.com live.m3u8"), "Stream", "https://***@example.com/live.m3u8?***")
    source: str = page.browser.page_source
    assert "hush" not in source
