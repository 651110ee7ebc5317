"""Publishing: what changes is seen before, goes out, and comes back; at a time of the venue; after a review."""

import secrets
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.origin.console.site import Site
from tests.origin.console.web.desk import Desk

pytestmark = pytest.mark.browser


def _stocked(site: Site, folder: Path, channel: str) -> dict[str, Any]:
    """Have a channel with a playlist of one picture; return the playlist."""
    picture = folder / f"{channel}.png"
    Image.effect_noise((64, 48), 80).save(picture)
    media = site.send(picture, f"{channel}.png")
    made: dict[str, Any] = site.ask(
        "POST", "/v1/playlists", {"name": f"Menu of {channel}", "items": [{"media": media}]}
    )
    site.ask("PUT", f"/v1/schedule/{channel}", {"zone": "Europe/Berlin", "default_playlist": made["id"]})
    while site.ask("GET", f"/v1/media/{media}")["state"] != "ready":
        pass
    return made


def _rename(site: Site, playlist: dict[str, Any], name: str) -> None:
    version = site.ask("GET", f"/v1/playlists/{playlist['id']}")["version"]
    edits = {"edits": [{"do": "set", "set": {"name": name}}]}
    site.ask("PATCH", f"/v1/playlists/{playlist['id']}", edits, **{"If-Match": f'"{version}"'})


def _window(desk: Desk, name: str) -> Locator:
    found = desk.page.get_by_role("dialog", name=name)
    expect(found).to_be_visible()
    return found


def test_what_changes_is_seen_published_from_everywhere_and_taken_back(desk: Desk, tmp_path: Path) -> None:
    site, page = desk.site, desk.page
    kiosk = f"kiosk-{secrets.token_hex(2)}"
    playlist = _stocked(site, tmp_path, kiosk)
    desk.open(f"#/releases?channel={kiosk}")
    card = page.get_by_role("region", name=kiosk)
    expect(card).to_contain_text(f"Playlist “Menu of {kiosk}” is shown from now on")
    card.get_by_role("button", name="Publish …").click()
    window = _window(desk, f"Publish {kiosk}?")
    desk.clean()
    window.get_by_label("Note").fill("Opening")
    window.get_by_role("button", name="Publish now").click()
    expect(page.get_by_text(f"{kiosk} is published as release 1")).to_be_visible()
    expect(card).to_contain_text("Published as planned")

    _rename(site, playlist, f"Lunch of {kiosk}")
    desk.go("Start")
    page.get_by_role("banner").get_by_role("link", name="not published yet").click()
    expect(card).to_contain_text(f"Playlist “Lunch of {kiosk}”: another name")
    card.get_by_role("button", name="Publish …").click()
    _window(desk, f"Publish {kiosk}?").get_by_role("button", name="Publish now").click()
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text(f"{kiosk} shows release 1 again, as release 3")).to_be_visible()
    newest = site.ask("GET", f"/v1/releases?channel={kiosk}")["releases"][0]
    assert (newest["sequence"], newest["again"]) == (3, 1)

    page.get_by_role("tab", name="Published before").click()
    row = page.get_by_role("row").filter(has_text="Release 2").filter(has_text=kiosk)
    row.get_by_role("button", name=f"What to do with {kiosk} 2").click()
    page.get_by_role("menuitem", name="Keep for ever").click()
    expect(row).to_contain_text("Kept")
    desk.clean()


def test_a_publication_at_a_time_of_the_venue_is_planned_and_cancelled(desk: Desk, tmp_path: Path) -> None:
    site, page = desk.site, desk.page
    bar = f"bar-{secrets.token_hex(2)}"
    _stocked(site, tmp_path, bar)
    desk.open(f"#/releases?channel={bar}")
    page.get_by_role("button", name="At a time …").click()
    window = _window(desk, f"Publish {bar} at a time")
    expect(window).to_contain_text("By the clock of the venue (Europe/Berlin)")
    window.get_by_label("When").fill("2099-12-24T08:00")
    window.get_by_role("button", name="Plan it").click()
    page.get_by_role("tab", name="Planned").click()
    row = page.get_by_role("row").filter(has_text=bar).filter(has_text="Planned")
    expect(row).to_contain_text("24 Dec 2099")
    assert site.ask("GET", f"/v1/publications?channel={bar}")["publications"][0]["local"].startswith("2099-12-24T08:00")
    row.get_by_role("button", name=f"What to do with {bar}").click()
    page.get_by_role("menuitem", name="Cancel the publication").click()
    _window(desk, f"Cancel the publication of {bar}?").get_by_role("button", name="Cancel the publication").click()
    expect(page.get_by_role("row").filter(has_text=bar).filter(has_text="Cancelled")).to_be_visible()


def test_a_review_is_talked_about_and_approved(desk: Desk) -> None:
    site, page = desk.site, desk.page
    draft = site.ask("POST", "/v1/playlists?draft=true", {"name": "Idea for January", "items": []})
    site.ask("POST", f"/v1/playlists/{draft['id']}/review", {"text": "Is the order right?"})
    desk.open("#/releases/reviews")
    card = page.get_by_role("region", name="Idea for January")
    expect(card).to_contain_text("Is the order right?")
    card.get_by_role("button", name="Comment").click()
    window = _window(desk, "Comment on Idea for January")
    window.get_by_label("What you say about it").fill("Soup first")
    window.get_by_role("button", name="Comment").click()
    expect(card).to_contain_text("Soup first")
    desk.clean()
    card.get_by_role("button", name="Approve …").click()
    _window(desk, "Approve Idea for January").get_by_role("button", name="Approve …").click()
    expect(card).to_have_count(0)
    assert site.ask("GET", f"/v1/playlists/{draft['id']}")["ready_version"] == draft["version"]
