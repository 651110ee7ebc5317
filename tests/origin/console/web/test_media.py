"""The media in the console: files over a line that drops, one of many replaced everywhere, folders and tags."""

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from sync.origin.console.server import WEB
from sync.words.media import MEDIA_PROBLEMS
from tests.long_tables import in_bench
from tests.origin.console.site import Site
from tests.origin.console.web.desk import PHONE, Desk

FEW = 12


def test_what_becomes_of_a_file_is_said_in_german_with_the_same_values() -> None:
    said = (WEB / "words/de/problem.ftl").read_text()
    for code, sentence in MEDIA_PROBLEMS.templates.items():
        (german,) = re.findall(rf"^told-{code} = (.+)$", said, re.MULTILINE)
        assert set(re.findall(r"\{ \$(\w+) \}", german)) <= set(re.findall(r"\{(\w+)\}", sentence)), code


def pictures(folder: Path, number: int) -> list[Path]:
    """Make small pictures, no two alike."""
    made = [folder / f"line {number} {place:03}.png" for place in range(number)]
    for place, path in enumerate(made):
        Image.new("RGB", (64, 36), (place % 256, number % 256, 200)).save(path)
    return made


def send(page: Page, *paths: Path) -> None:
    page.get_by_label("Add files").first.set_input_files(paths)


def send_by_drop(page: Page, *paths: Path) -> None:
    """Drop files on the page that is open, whichever that is."""
    files = [[path.name, base64.b64encode(path.read_bytes()).decode()] for path in paths]
    made = "new File([Uint8Array.from(atob(text), (one) => one.charCodeAt(0))], name)"
    add = f"for (const [name, text] of files) data.items.add({made})"
    script = f"(files) => {{ const data = new DataTransfer(); {add}; return data; }}"
    dropped = page.evaluate_handle(script, files)
    page.dispatch_event("main", "dragenter", {"dataTransfer": dropped})
    expect(page.get_by_text("Drop to add to the media")).to_be_visible()
    page.dispatch_event("main", "drop", {"dataTransfer": dropped})


@pytest.mark.parametrize("number", [FEW, *in_bench(300)])
def test_files_over_a_line_that_drops_come_once_each(desk: Desk, site: Site, tmp_path: Path, number: int) -> None:
    page, paths = desk.page, pictures(tmp_path, number)
    desk.line_breaks = True
    desk.go("Media")  # press 1
    desk.heading("Media")
    answered = 0

    def count(route: Route) -> None:
        nonlocal answered
        answered += 1
        if answered % 5 == 0:  # it arrives, and its answer is lost
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/v1/uploads/*", count)
    send(page, *paths)  # press 2
    page.context.set_offline(True)
    panel = page.get_by_role("region", name="Files that are sent")
    expect(panel).to_contain_text("The line is away. Goes on by itself.")
    page.context.set_offline(False)
    expect(panel).to_contain_text(f"All {number} files are here", timeout=(30 + number) * 1000)
    page.unroute("**/v1/uploads/*")
    names = [one["name"] for one in site.ask("GET", f"/v1/media?search=line%20{number}%20&sort=name")["media"]]
    assert names == [path.name for path in paths]
    desk.clean()


def test_a_file_goes_on_after_the_page_was_loaded_again(desk: Desk, site: Site, tmp_path: Path) -> None:
    page = desk.page
    desk.line_breaks = True
    film = tmp_path / "long noise.png"
    Image.effect_noise((1800, 1200), 90).convert("RGB").save(film, compress_level=0)
    desk.go("Media")
    pieces: list[str] = []

    def second_fails(route: Route) -> None:
        offset = route.request.headers.get("upload-offset")
        pieces.append(offset or "")
        if len([piece for piece in pieces if piece]) > 2 and offset:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/v1/uploads/*", second_fails)
    send(page, film)
    expect(page.get_by_text("The line is away. Goes on by itself.")).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())  # something is being sent: leave all the same
    page.reload()
    page.unroute("**/v1/uploads/*")
    panel = page.get_by_role("region", name="Files that are sent")
    expect(panel).to_contain_text("Choose the file again to go on.")
    with page.expect_request(lambda asked: "upload-offset" in asked.headers) as first:
        panel.get_by_label("Choose long noise.png again").set_input_files(film)
    assert int(first.value.headers["upload-offset"]) > 0
    expect(panel).to_contain_text("One file is here", timeout=20_000)
    (found,) = site.ask("GET", "/v1/media?search=long%20noise")["media"]
    assert found["source_bytes"] == film.stat().st_size


def test_what_somebody_sends_again_and_what_no_screen_can_show_is_said(desk: Desk, site: Site, tmp_path: Path) -> None:
    page = desk.page
    first, again, broken = tmp_path / "twin.png", tmp_path / "twin again.png", tmp_path / "not a picture.jpg"
    Image.new("RGB", (80, 45), (1, 2, 3)).save(first)
    again.write_bytes(first.read_bytes())
    broken.write_bytes(b"never a picture" * 20)
    site.send(first, first.name)
    send_by_drop(page, again, broken)
    panel = page.get_by_role("region", name="Files that are sent")
    expect(panel).to_contain_text("The same file was here already")
    expect(panel).to_contain_text("This file is not a picture or video that can be shown")
    panel.get_by_role("link", name="not a picture.jpg").click()
    expect(desk.heading("not a picture.jpg")).to_be_visible()
    expect(page.get_by_text("Cannot be shown")).to_be_visible()
    desk.clean()


@pytest.fixture(scope="module")
def many(site: Site) -> list[str]:
    """Media of which one is used in two playlists."""
    made = []
    for number in range(150):
        stream = {"url": f"https://example.com/{number}", "name": f"Offer {number:03}"}
        made.append(site.ask("POST", "/v1/media/streams", stream)["id"])
    for name in ("Morning offers", "Evening offers"):
        items = [{"media": made[77], "duration_ms": 5000}, {"media": made[3], "duration_ms": 5000}]
        site.ask("POST", "/v1/playlists", {"name": name, "items": items})
    return made


def test_one_of_many_is_found_and_replaced_everywhere(desk: Desk, site: Site, many: list[str]) -> None:
    page = desk.page
    desk.go("Media")  # press 1
    page.get_by_label("Search names, tags and folders").fill("ffer 077")  # typing
    expect(page.get_by_role("list", name="Media").get_by_role("listitem")).to_have_count(1)
    page.get_by_role("link", name="Offer 077").click()  # press 2
    expect(page.get_by_role("region", name="Where it is used")).to_contain_text("Evening offers")
    page.get_by_role("button", name="Replace everywhere").click()  # press 3
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Search names, tags and folders").fill("Offer 112")
    dialog.get_by_text("Offer 112").click()  # press 4
    desk.clean()
    dialog.get_by_role("button", name="Replace everywhere").click()  # press 5
    expect(page.get_by_text("Offer 077 is replaced by Offer 112 in 2 places.")).to_be_visible()
    expect(page.get_by_role("region", name="Where it is used")).to_contain_text("Nowhere yet.")
    used = site.ask("GET", f"/v1/media/{many[112]}/uses")["playlists"]
    assert sorted(one["name"] for one in used) == ["Evening offers", "Morning offers"]


def test_many_are_a_small_page_and_are_changed_together(desk: Desk, site: Site, many: list[str]) -> None:
    page = desk.page
    desk.page.goto(f"{site.url}/console/#/media?search=Offer&sort=name")
    expect(page.get_by_role("link", name="Offer 000")).to_be_visible()
    elements: Any = page.evaluate("document.querySelectorAll('*').length")
    assert elements <= 1500
    page.get_by_role("button", name="New folder").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Old offers")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("heading", name="Nothing fits")).to_be_visible()  # the search goes on inside it
    page.get_by_role("button", name="All media", exact=True).click()
    page.get_by_label("Search names, tags and folders").fill("Offer 14")
    expect(page.get_by_role("list", name="Media").get_by_role("listitem")).to_have_count(10)
    page.get_by_role("checkbox", name="Choose Offer 140").check()
    page.get_by_role("button", name="Choose all 10").click()
    bar = page.get_by_role("region", name="10 chosen")
    bar.get_by_role("button", name="Tags").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Add tags").fill("Ausverkauf, été")
    dialog.get_by_role("button", name="Save").click()
    expect(bar).to_have_count(0)
    page.get_by_role("checkbox", name="Choose Offer 140").check()
    page.get_by_role("button", name="Choose all 10").click()
    bar.get_by_role("button", name="Move").click()
    dialog.get_by_label("Into the folder").select_option("Old offers")
    dialog.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_text("10 media moved to Old offers.")).to_be_visible()
    expect(bar).to_have_count(0)
    found = site.ask("GET", "/v1/media?search=Offer%2014")["media"]
    assert {tuple(one["tags"]) for one in found} == {("Ausverkauf", "été")}
    assert len({one["folder"] for one in found}) == 1
    page.get_by_role("checkbox", name="Choose Offer 140").check()
    page.get_by_role("checkbox", name="Choose Offer 141").check()
    page.get_by_role("region", name="2 chosen").get_by_role("button", name="Delete").click()
    expect(dialog).to_contain_text("Nothing uses them.")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("2 media are deleted.")).to_be_visible()
    expect(page.get_by_role("link", name="Offer 141")).to_have_count(0)


def test_a_medium_in_use_says_what_goes_with_it_on_a_phone(
    visit: Callable[..., Desk], site: Site, many: list[str]
) -> None:
    desk = visit(**PHONE)
    page = desk.page
    desk.log_in(f"#/media/{many[3]}")
    desk.clean()
    page.get_by_role("main").get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It is taken out of these, too:")
    expect(dialog).to_contain_text("Morning offers")
    dialog.get_by_role("button", name="Delete").click()
    desk.heading("Media")
    desk.clean()
    for name in ("Morning offers", "Evening offers"):
        (playlist,) = site.ask("GET", f"/v1/playlists?search={name.split()[0]}")["playlists"]
        assert len(site.ask("GET", f"/v1/playlists/{playlist['id']}")["items"]) == 1


def test_a_paused_file_goes_on_a_cancelled_one_is_gone_and_a_session_that_ends_is_asked_for(
    desk: Desk, site: Site, tmp_path: Path
) -> None:
    page = desk.page
    paths = [tmp_path / f"paused {number}.png" for number in range(2)]
    for path in paths:
        Image.effect_noise((1000, 700), 90).convert("RGB").save(path, compress_level=0)
    desk.go("Media")
    desk.heading("Media")
    page.route("**/v1/uploads/*", lambda route: None)  # no answer for now
    send(page, *paths)
    page.get_by_role("button", name="Pause", exact=True).click()
    panel = page.get_by_role("region", name="Files that are sent")
    expect(panel).to_contain_text("2 files are paused")
    page.unroute("**/v1/uploads/*")
    page.get_by_role("button", name="Do not send paused 1.png").click()
    expect(panel).to_contain_text("One file is paused")
    page.context.clear_cookies()
    page.get_by_role("button", name="Go on", exact=True).click()
    dialog = page.get_by_role("dialog", name="Log in again")
    dialog.get_by_text("Log in with a key").click()
    dialog.get_by_label("Key").fill(site.token)
    dialog.get_by_role("button", name="Log in with the key").click()
    expect(panel).to_contain_text("One file is here", timeout=20_000)
    assert [one["name"] for one in site.ask("GET", "/v1/media?search=paused")["media"]] == ["paused 0.png"]
