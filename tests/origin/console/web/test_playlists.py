"""Playlists: made, filled, put in order by mouse and keyboard, shared by two people, and previewed."""

import re
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.origin.console.site import Site
from tests.origin.console.web.desk import PATIENCE_S, Desk

pytestmark = pytest.mark.browser

COLOURS = ("red", "green", "blue", "orange")


@pytest.fixture(scope="module")
def media(site: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return pictures by their colour."""
    folder = tmp_path_factory.mktemp("colours")
    found = {}
    for colour in COLOURS:
        path = folder / f"{colour}.png"
        Image.new("RGB", (320, 180), colour).save(path)
        found[colour] = site.send(path, f"A {colour} picture.png")
    return found


def made(site: Site, name: str, *items: dict[str, Any], query: str = "") -> str:
    """Return a new playlist."""
    return str(site.ask("POST", f"/v1/playlists{query}", {"name": name, "items": items})["id"])


def stored(site: Site, playlist: str) -> dict[str, Any]:
    return dict(site.ask("GET", f"/v1/playlists/{playlist}"))


def titles(site: Site, playlist: str) -> list[str]:
    return [item.get("title") or "" for item in stored(site, playlist)["items"]]


def rows(page: Page) -> Locator:
    return page.get_by_role("list", name=re.compile("Items, in the order")).get_by_role("listitem")


def row(page: Page, title: str) -> Locator:
    return rows(page).get_by_role("button", name=title)


def saved(page: Page, within_s: float = PATIENCE_S) -> None:
    """Wait until all is saved."""
    expect(page.get_by_text("All changes are saved")).to_be_visible(timeout=within_s * 1000)


def opened(desk: Desk, playlist: str, name: str) -> Page:
    desk.log_in(f"#/playlists/{playlist}")
    desk.heading(name)
    return desk.page


def test_a_playlist_is_made_filled_and_made_ready(desk: Desk, media: dict[str, str]) -> None:
    page = desk.page
    desk.go("Playlists")
    page.get_by_role("button", name="New playlist").first.click()
    page.get_by_label("Name").fill("Breakfast")
    page.get_by_role("button", name="Make it").click()
    desk.heading("Breakfast")
    beside = page.get_by_role("complementary", name="Your media")
    for colour in ("red", "blue"):
        beside.get_by_role("button", name=f"A {colour} picture.png", exact=True).click()
    beside.get_by_role("button", name="Add 2 to the end").click()
    expect(rows(page)).to_have_count(2)
    page.get_by_label("Search your media").fill("green")
    page.get_by_role("button", name="Add A green picture.png").click()
    expect(rows(page)).to_have_count(3)
    saved(page)
    expect(page.get_by_text("0:30 for one round")).to_be_visible()
    page.get_by_role("button", name="Make it ready").click()
    expect(page.get_by_text("Ready", exact=True)).to_be_visible()
    found = desk.site.ask("GET", "/v1/playlists?search=Breakfast")["playlists"][0]
    assert found["version"] == found["ready_version"]
    assert [item["media"] for item in stored(desk.site, found["id"])["items"]] == [
        media["red"],
        media["blue"],
        media["green"],
    ]


def test_items_are_dragged_edited_together_and_taken_back(desk: Desk, media: dict[str, str]) -> None:
    playlist = made(desk.site, "Drag", *({"media": media["red"], "title": title} for title in "ABCD"))
    page = opened(desk, playlist, "Drag")
    grip, target = rows(page).nth(0).locator(".grip").bounding_box(), rows(page).nth(2).bounding_box()
    assert grip
    assert target
    page.mouse.move(grip["x"] + 5, grip["y"] + 5)
    page.mouse.down()
    page.mouse.move(target["x"] + 50, target["y"] + target["height"] - 5, steps=5)
    page.mouse.up()
    expect(rows(page).first).to_contain_text("B")
    saved(page)
    assert titles(desk.site, playlist) == ["B", "C", "A", "D"]
    row(page, "B").click()
    row(page, "A").click(modifiers=["Shift"])
    page.get_by_label("How long").fill("1:30")
    page.get_by_label("How long").blur()
    page.get_by_label("On the screen").select_option("cover")
    saved(page)
    items = stored(desk.site, playlist)["items"]
    assert [(item.get("duration_ms"), item.get("fit")) for item in items] == [(90_000, "cover")] * 3 + [(None, None)]
    page.get_by_role("button", name="Undo", exact=True).first.click()
    expect(rows(page).first).to_contain_text("0:10")
    page.get_by_role("button", name="Redo").click()
    expect(rows(page).first).to_contain_text("1:30")


def test_all_of_it_works_by_keyboard_alone(desk: Desk, media: dict[str, str]) -> None:
    playlist = made(desk.site, "Keys", *({"media": media["red"], "title": title} for title in "ABC"))
    page = opened(desk, playlist, "Keys")
    row(page, "A").focus()
    page.keyboard.press("ArrowDown")
    expect(row(page, "B")).to_be_focused()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.get_by_text("B is now number 1 of 3")).to_have_count(1)
    expect(row(page, "B")).to_be_focused()
    page.keyboard.press("Space")
    expect(row(page, "B")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Control+d")
    expect(rows(page)).to_have_count(4)
    page.keyboard.press("Escape")
    page.keyboard.press("End")
    expect(row(page, "C")).to_be_focused()
    page.keyboard.press("Delete")
    expect(rows(page)).to_have_count(3)
    saved(page)
    assert titles(desk.site, playlist) == ["B", "B", "A"]
    desk.clean()


def test_two_people_in_one_playlist_see_each_other_and_settle_a_clash(
    visit: Callable[..., Desk], media: dict[str, str]
) -> None:
    one, other = visit(), visit()
    site = one.site
    playlist = made(site, "Shared", *({"media": media["red"], "title": title} for title in "ABC"))
    anna = site.ask("POST", "/v1/keys", {"name": f"Anna {playlist}", "role": "publisher"})["token"]
    page = opened(one, playlist, "Shared")
    other.log_in(f"#/playlists/{playlist}", anna)
    row(other.page, "A").click()
    other.page.get_by_label("How long").fill("20")
    other.page.get_by_label("How long").blur()
    saved(other.page)
    expect(page.get_by_text(re.compile("Anna .* changed it"))).to_be_visible()
    expect(rows(page).first).to_contain_text("0:20")

    one.expected |= {"409"}
    page.context.set_offline(True)
    one.line_breaks = True
    row(page, "A").click()
    page.get_by_label("How long").fill("30")
    page.get_by_label("How long").blur()
    page.get_by_label("Title").fill("Lunch")
    page.get_by_label("Title").blur()
    expect(page.get_by_text("One change waits")).to_be_visible()
    other.page.get_by_label("How long").fill("40")
    other.page.get_by_label("How long").blur()
    expect(rows(other.page).first).to_contain_text("0:40")
    saved(other.page)
    page.context.set_offline(False)
    dialog = page.get_by_role("dialog", name="Somebody else changed the same")
    expect(dialog).to_contain_text("0:30")
    one.clean()
    dialog.get_by_text("Theirs").click()
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog).to_have_count(0)
    saved(page)
    item = stored(site, playlist)["items"][0]
    assert (item["duration_ms"], item["title"]) == (40_000, "Lunch")


def test_what_was_edited_without_a_line_is_there_after_a_reload_and_sent(desk: Desk, media: dict[str, str]) -> None:
    playlist = made(desk.site, "Offline", *({"media": media["red"], "title": title} for title in "AB"))
    page = opened(desk, playlist, "Offline")
    desk.line_breaks = True
    page.route(f"**/v1/playlists/{playlist}?**", lambda route: route.abort())
    page.route(f"**/v1/playlists/{playlist}", lambda route: route.abort())
    row(page, "A").click()
    page.get_by_role("button", name="Remove").click()
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_text("One change waits")).to_be_visible()
    page.unroute_all()
    page.reload()
    expect(rows(page)).to_have_count(1)
    saved(page)
    assert titles(desk.site, playlist) == ["B"]


def test_ten_thousand_items_are_few_elements_and_the_end_is_one_key_away(desk: Desk, media: dict[str, str]) -> None:
    playlist = made(desk.site, "Long", *({"media": media["red"], "title": f"Item {n}"} for n in range(10_000)))
    page = opened(desk, playlist, "Long")
    row(page, "Item 0").first.focus()
    page.keyboard.press("End")
    expect(row(page, "Item 9999")).to_be_focused()
    assert page.evaluate("document.querySelectorAll('*').length") < 1500
    page.keyboard.press("Alt+Home")
    expect(rows(page).first).to_contain_text("Item 9999")
    saved(page, 60.0)  # the origin compares 10,000 items
    assert titles(desk.site, playlist)[:2] == ["Item 9999", "Item 0"]


def test_a_list_finds_copies_renames_and_deletes(desk: Desk, media: dict[str, str]) -> None:
    word = secrets.token_hex(4)
    playlist = made(desk.site, f"{word} {'Ein sehr langer Name 😀 ' * 8}".strip(), {"media": media["red"]})
    channel = f"lobby-{playlist}"
    desk.site.ask("PUT", f"/v1/schedule/{channel}", {"default_playlist": playlist})
    page = desk.page
    desk.go("Playlists")
    page.get_by_label("Find a playlist").fill(word)
    line = page.get_by_role("row", name=re.compile(word))
    expect(line).to_have_count(1)
    expect(line.get_by_role("link", name=channel)).to_be_visible()
    desk.clean()
    line.get_by_role("button", name=re.compile("What to do")).click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(page.get_by_role("dialog")).to_contain_text("It is on in this channel")
    page.keyboard.press("Escape")
    line.get_by_role("button", name=re.compile("What to do")).click()
    page.get_by_role("menuitem", name="Make a copy").click()
    page.get_by_role("dialog").get_by_label("Name").fill(f"The copy {word}")
    page.get_by_role("dialog").get_by_role("button", name="Make a copy").click()
    desk.heading(f"The copy {word}")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="More", exact=True).first.click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    desk.heading("Playlists")
    assert desk.site.ask("GET", f"/v1/playlists?search=copy+{word}")["playlists"] == []


def test_a_preview_plays_in_order_with_what_lies_over_it(desk: Desk, media: dict[str, str]) -> None:
    items = [{"media": media[colour], "title": colour, "duration_ms": 700} for colour in ("red", "green", "blue")]
    over = {"media": media["orange"], "title": "over", "ends_at": "2026-01-01T00:00:00Z"}
    playlist = made(desk.site, "Colours", *items, over)
    channel = f"window-{playlist}"
    plan = {"default_playlist": playlist, "overlays": [{"kind": "ticker", "text": "Open"}]}
    desk.site.ask("PUT", f"/v1/schedule/{channel}", plan)
    page = desk.page
    desk.open(f"#/preview/playlist/{playlist}")
    desk.heading("Colours")
    screen = page.get_by_role("img", name=re.compile("The screen shows"))
    order = page.get_by_role("region", name="What comes").get_by_role("listitem")
    expect(order).to_have_text([re.compile("red"), re.compile("green"), re.compile("blue")])
    for colour in ("green", "blue", "red"):
        expect(screen).to_have_accessible_name(f"The screen shows {colour}")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name=re.compile("blue")).click()
    expect(screen).to_have_accessible_name("The screen shows blue")
    desk.clean()
    page.get_by_label("Ads and overlays").select_option(channel)
    expect(screen.get_by_text("Open").first).to_be_visible()
