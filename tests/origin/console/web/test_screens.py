"""The screens in the console: the worst first, each sentence with its age, and what is done with them."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.origin.console.site import Site, Visitor
from tests.origin.console.web.desk import PHONE, Desk

STATE = "views/screens/state.js"
NOW_MS = 1_800_000_000_000
NO_DISPLAY = {"problems": ["no display is connected: look at its cable"], "problem_codes": ["no_display"]}
COMING = {"release": "a" * 64, "sequence": 4, "bytes_done": 25, "bytes_to_do": 100, "ready_at": None, "late": []}
COMING |= {"more_late": 0}


def device(*, seen_s: float | None = 5, **changes: Any) -> dict[str, Any]:
    """Return a device as the origin tells it; `seen_s` seconds ago it reported, and what `heartbeat` says."""
    beat: dict[str, Any] = {
        "on_air": {"title": "Tea", "kind": "item"},
        "problems": [],
        "problem_codes": [],
        "coming": None,
        "health": {},
    }
    seen_at = None if seen_s is None else datetime.fromtimestamp(NOW_MS / 1000 - seen_s, UTC).isoformat()
    made: dict[str, Any] = {
        "id": "one",
        "seen_at": seen_at,
        "seen_age_s": seen_s,
        "online": True,
        "severity": "ok",
        "doubts": [],
    }
    made |= {"sequence": 3, "channel_sequence": 3, "behind": False, "channel_released_at": None}
    return made | changes | {"heartbeat": beat | changes.get("heartbeat", {}) if seen_s is not None else None}


def released(seconds: float) -> dict[str, Any]:
    """Return what makes a device be behind a release of so many seconds ago."""
    at = datetime.fromtimestamp(NOW_MS / 1000 - seconds, UTC).isoformat()
    return {"behind": True, "channel_sequence": 4, "channel_released_at": at}


FALLBACK = {"on_air": {"title": "Fallback", "kind": "fallback"}}
SYNC = {"problems": ["syncing fails: check the network"], "problem_codes": ["sync"]}


LATE = COMING | {"late": [{"what": "Soup", "at": "2027-01-15T12:00:00Z"}]}
CASES = [
    (device(), "fine", "screens-says-item", False),
    (device(seen_s=None, online=False), "new", "screens-says-new", False),
    (device(online=False), "silent", "screens-says-silent", False),
    (device(heartbeat=NO_DISPLAY), "dark", "screens-problem-no_display", False),
    (device(heartbeat=FALLBACK), "dark", "screens-says-fallback", False),
    (device(heartbeat={"on_air": None}), "dark", "screens-says-nothing", False),
    (device(heartbeat=SYNC), "warning", "screens-problem-sync", False),
    (device(heartbeat={"problems": ["x"], "problem_codes": [""]}), "warning", "screens-says-problem", False),
    (device(heartbeat={"coming": COMING}), "fine", "screens-says-item", False),
    # just published, and last heard before: what it said then is no news
    (device(seen_s=20, heartbeat=FALLBACK | SYNC, **released(10)), "changing", "screens-says-published", True),
    (device(seen_s=20, **released(10)), "changing", "screens-says-published", True),
    (device(seen_s=20, heartbeat=NO_DISPLAY, **released(10)), "dark", "screens-problem-no_display", False),
    (device(seen_s=2, heartbeat=SYNC, **released(10)), "warning", "screens-problem-sync", False),
    (device(heartbeat={"coming": COMING}, **released(500)), "changing", "screens-says-fetching", False),
    (device(**released(500)), "warning", "screens-says-behind", False),
    (device(heartbeat=FALLBACK, **released(500)), "dark", "screens-says-fallback", False),
    (device(heartbeat={"coming": LATE}, **released(9)), "late", "screens-says-late", False),
]


def test_a_screen_is_as_bad_as_what_it_said_and_no_worse_after_a_publication(desk: Desk) -> None:
    summary = f"it.summaryOf(it.received(one, {NOW_MS}), {NOW_MS})"
    code = f"argument.map((one) => {summary}).map(({{ level, id, isExpected }}) => [level, id, isExpected])"
    assert desk.evaluate(STATE, code, [case[0] for case in CASES]) == [list(case[1:]) for case in CASES]


def test_what_came_live_counts_unless_the_list_is_newer(desk: Desk) -> None:
    told = {"id": "one", "online": True, "severity": "ok", "on_air": {"title": "Soup", "kind": "ad"}, "next_title": ""}
    merged = f"it.withTold(it.received(argument[0], {NOW_MS}), argument[1])"
    code = f"[{merged}.heartbeat.on_air.title, {merged}.shown_ms - {NOW_MS}]"
    newer = told | {"seen_age_s": 5, "at_ms": NOW_MS + 400}
    assert desk.evaluate(STATE, code, [device(), newer]) == ["Soup", 400]
    older = told | {"seen_age_s": 60, "at_ms": NOW_MS}
    assert desk.evaluate(STATE, code, [device(seen_s=1), older]) == ["Tea", -1000]


@pytest.fixture(scope="module")
def screens(site: Site) -> Iterator[dict[str, Visitor]]:
    """Three screens that are paired, of which one is dark, and one that waits."""
    site.ask("PUT", "/v1/schedule/hall", {"zone": "Europe/Berlin"})
    made = dict[str, Visitor]()
    for name in ("Hall door", "Hall bar", "Hall stage"):
        waiting = site.wait_to_pair(name)
        site.ask("POST", "/v1/devices", {"code": waiting.code, "channel": "hall", "name": name})
        waiting.beat("Tea menu", period_s=30)
        made[name] = waiting
    made["Hall bar"].beat("Tea menu", **NO_DISPLAY)
    yield made


def beside(work: Callable[..., None], *arguments: str) -> None:
    """Do what needs an event loop beside the one of the browser."""
    with ThreadPoolExecutor() as threads:
        threads.submit(work, *arguments).result()


def row(desk: Desk, name: str) -> Any:
    """Return the entry of a screen in the list."""
    return desk.page.get_by_role("listitem").filter(has=desk.page.get_by_role("link", name=name, exact=True))


def test_a_dark_screen_is_found_and_seen_to_recover_within_a_second(desk: Desk, screens: dict[str, Visitor]) -> None:
    page = desk.page
    desk.go("Screens")  # press 1
    page.get_by_role("button", name=re.compile("^Dark")).click()  # press 2
    expect(row(desk, "Hall bar")).to_contain_text("No display is connected")
    expect(row(desk, "Hall door")).to_have_count(0)
    desk.clean()
    screens["Hall stage"].beat("Tea menu", **NO_DISPLAY)
    expect(row(desk, "Hall stage")).to_be_visible(timeout=15_000)  # it comes by itself
    screens["Hall stage"].beat("Tea menu")
    row(desk, "Hall bar").get_by_role("link").click()  # press 3
    desk.heading("Hall bar")
    problems = page.get_by_role("region", name="Problems")
    expect(problems).to_contain_text("Look at the cable and at the power of the display.")
    expect(problems).to_contain_text(re.compile("said (now|[0-9]+ second)"))
    desk.clean()
    screens["Hall bar"].beat("Tea menu")
    expect(page.get_by_text("Plays “Tea menu”")).to_be_visible(timeout=1500)
    beside(screens["Hall bar"].show, "Soup of the day")
    expect(page.get_by_role("region", name="On the screen")).to_contain_text("Soup of the day", timeout=1000)
    expect(problems).to_contain_text("None reported.")
    page.get_by_role("tab", name="History").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("Paired, on channel hall")
    page.get_by_role("tab", name="Proof of play").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("Nothing has been delivered yet.")
    page.get_by_role("tab", name="Keys").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("No key yet")
    desk.clean()


def test_screens_are_paired_named_and_put_on_another_channel_together(
    visit: Callable[..., Desk], site: Site, screens: dict[str, Visitor]
) -> None:
    desk = visit(**PHONE)
    page = desk.page
    site.ask("PUT", "/v1/schedule/garden", {"zone": "Europe/Berlin"})
    waiting = site.wait_to_pair("Hall box")
    desk.log_in("#/screens?channel=hall")
    page.get_by_role("button", name="Pair a screen").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Code on the screen").fill(waiting.code.lower())
    dialog.get_by_label("Name of the screen").fill("Hall 茶室 kiosk")
    dialog.get_by_label("Channel", exact=True).select_option("hall")
    dialog.get_by_role("button", name="Pair").click()
    expect(page.get_by_text("Hall 茶室 kiosk now plays the channel hall.")).to_be_visible()
    expect(row(desk, "Hall 茶室 kiosk")).to_contain_text("Never heard")
    desk.clean()
    for name in ("Hall door", "Hall 茶室 kiosk"):
        page.get_by_role("checkbox", name=f"Choose {name}").check()
    page.get_by_role("region", name="2 screens chosen").get_by_role("button", name="Change channel").click()
    dialog.get_by_label("Channel", exact=True).select_option("garden")
    dialog.get_by_role("button", name="Change channel").click()
    expect(row(desk, "Hall 茶室 kiosk")).to_have_count(0)
    moved = site.ask("GET", "/v1/devices?channel=garden")["devices"]
    assert sorted(one["name"] for one in moved) == ["Hall door", "Hall 茶室 kiosk"]
    for one in moved:
        site.ask("DELETE", f"/v1/devices/{one['id']}")


def test_what_somebody_else_renamed_meanwhile_is_not_overwritten(
    desk: Desk, site: Site, screens: dict[str, Visitor]
) -> None:
    page = desk.page
    desk.expected |= {"409"}
    (found,) = site.ask("GET", "/v1/devices?search=Hall%20stage")["devices"]
    desk.page.goto(f"{site.url}/console/#/screens/{found['id']}")
    page.get_by_role("button", name="Rename").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Mine")
    site.ask("PATCH", f"/v1/devices/{found['id']}", {"name": "Hall stage, theirs"})
    expect(page.get_by_role("heading", level=1, name="Hall stage, theirs", include_hidden=True)).to_be_attached()
    screens["Hall stage"].beat("Tea menu")
    expect(dialog.get_by_label("Name")).to_have_value("Mine")  # the page was drawn again around it
    dialog.get_by_role("button", name="Rename").click()
    expect(dialog.get_by_role("alert")).to_contain_text("somebody else changed the same")
    assert site.ask("GET", f"/v1/devices/{found['id']}")["name"] == "Hall stage, theirs"
