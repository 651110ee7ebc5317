"""The schedule as a person has it: the week is drawn in, exceptions, what wins and why, two people at one time slot."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.origin.console.site import Site
from tests.origin.console.web.desk import Desk

pytestmark = pytest.mark.browser

_TO = "\N{EN DASH}"

_GEOMETRY = "views/schedule/calendar/geometry.js"
_DAYS = "lib/calendar/days.js"
_WEEK = [1, 2, 3, 4, 5, 6, 7]


def _playlist(site: Site, name: str) -> str:
    return str(site.ask("POST", "/v1/playlists", {"name": name, "items": [{"media": _stream(site, name)}]})["id"])


def _stream(site: Site, name: str) -> str:
    address = f"https://streams.example/{secrets.token_hex(4)}"
    return str(site.ask("POST", "/v1/media/streams", {"url": address, "name": name})["id"])


def _channel(site: Site, name: str, **schedule: Any) -> str:
    """Make a channel; its name is another one each time, for a test may be repeated."""
    channel = f"{name}-{secrets.token_hex(2)}"
    site.ask("PUT", f"/v1/schedule/{channel}", {"zone": "Europe/Berlin", **schedule})
    return channel


def _plays(site: Site, channel: str, local: str) -> str:
    return str(site.ask("GET", f"/v1/channels/{channel}/at?of=draft&local={local}")["playlist_name"])


def _drag(desk: Desk, start: tuple[Locator, float], end: tuple[Locator, float]) -> None:
    """Press at an hour of a day and let go at another one."""
    for step, (day, hour) in enumerate((start, end)):
        box = day.bounding_box()
        assert box is not None
        desk.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + hour * box["height"] / 24, steps=1 + 4 * step)
        if step == 0:
            desk.page.mouse.down()
    desk.page.mouse.up()


def test_a_lunch_menu_on_weekdays_is_drawn_for_twenty_screens(desk: Desk) -> None:
    page, site = desk.page, desk.site
    lunch, all_day = _playlist(site, "Lunch menu"), _playlist(site, "All day food")
    canteen = _channel(site, "canteen", default_playlist=all_day)
    for number in range(20):
        site.ask("POST", "/v1/devices", {"code": site.wait_to_pair(f"Table {number}").code, "channel": canteen})
    desk.open("#/schedule?all=1")
    card = page.get_by_role("link", name=canteen)
    expect(card).to_contain_text("20 screens")
    card.click()
    desk.open(f"#/schedule/{canteen}?day=2026-12-07")
    desk.heading(canteen)
    days = page.locator(".cal-day")
    expect(days).to_have_count(7)
    _drag(desk, (days.nth(0), 11.05), (days.nth(4), 13.9))
    form = page.get_by_role("dialog", name="New time slot")
    form.get_by_label("Name", exact=True).fill("Lunch")
    form.get_by_label("Playlist").select_option(lunch)
    form.get_by_role("button", name="Save").click()
    slots = page.get_by_role("button", name=f"Lunch; Monday to Friday, 11:00{_TO}14:00; plays Lunch menu", exact=True)
    expect(slots).to_have_count(5)
    expect(page.get_by_text(f"Lunch was added: Monday to Friday, 11:00{_TO}14:00.")).to_be_visible()
    assert _plays(site, canteen, "2026-12-08T12:00") == "Lunch menu"
    assert _plays(site, canteen, "2026-12-12T12:00") == "All day food"

    slots.first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.get_by_text(f"Lunch is now Monday to Friday, 11:15{_TO}14:30.")).to_be_visible()
    page.get_by_role("button", name="Undo").last.click()
    expect(slots).to_have_count(5)
    (part,) = site.ask("GET", f"/v1/schedule/{canteen}")["dayparts"]
    assert (part["start"], part["end"], part["weekdays"]) == ("11:00", "14:00", [1, 2, 3, 4, 5])
    desk.clean()
    page.get_by_role("button", name="More about this channel").click()
    page.get_by_role("menuitem", name="Who changed what").click()
    history = page.get_by_role("dialog", name="Who changed what")
    made = history.get_by_role("listitem").filter(has_text="Lunch was added.").filter(has=page.get_by_role("button"))
    expect(history).to_contain_text("Changed of Lunch: Until and From.")
    desk.clean()
    made.get_by_role("button", name="Take back").click()
    expect(slots).to_have_count(0)
    assert site.ask("GET", f"/v1/schedule/{canteen}")["dayparts"] == []


def test_keys_move_a_time_slot_to_another_day_and_it_keeps_the_focus(desk: Desk) -> None:
    page, site = desk.page, desk.site
    part = {
        "name": "Market",
        "playlist": _playlist(site, "Market day"),
        "start": "10:00",
        "end": "12:00",
        "weekdays": [2],
    }
    market = _channel(site, "market", dayparts=[part])
    desk.open(f"#/schedule/{market}?day=2026-12-07")
    slot = page.get_by_role("button", name="Market; ")
    slot.focus()
    for key in ("ArrowRight", "ArrowRight", "Alt+ArrowDown"):
        page.keyboard.press(key)
    expect(slot).to_be_focused()
    expect(page.get_by_text(f"Market is now Thursday, 10:05{_TO}12:05.")).to_be_visible()
    (now,) = site.ask("GET", f"/v1/schedule/{market}")["dayparts"]
    assert (now["weekdays"], now["start"], now["end"]) == ([4], "10:05", "12:05")
    days = page.locator(".cal-day")
    _drag(desk, (days.nth(3), 11), (days.nth(0), 12))
    expect(page.get_by_text(f"Market is now Monday, 11:05{_TO}13:05.")).to_be_visible()
    slot.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Market")).to_be_visible()


def test_the_week_of_christmas_shows_something_else_and_says_why(desk: Desk) -> None:
    page, site = desk.page, desk.site
    lunch, carols = _playlist(site, "Soups"), _playlist(site, "Carols")
    part = {"name": "Soup time", "playlist": lunch, "start": "11:00", "end": "14:00"}
    square = _channel(site, "square", default_playlist=lunch, dayparts=[part])
    desk.open(f"#/schedule/{square}?day=2026-12-24")
    page.get_by_role("button", name="Exception on some days").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name", exact=True).fill("Christmas")
    form.get_by_label("Playlist").select_option(carols)
    form.get_by_label("Last day").fill("2026-12-26")
    form.get_by_role("button", name="Save").click()
    hidden = page.get_by_role(
        "button", name=f"Soup time; every day, 11:00{_TO}14:00; plays Soups; 11:00{_TO}14:00: Christmas plays instead"
    )
    expect(hidden).to_have_count(3)
    at = page.get_by_role("region", name="What shows at …")
    at.get_by_label("Time", exact=True).fill("12:00")
    expect(at).to_contain_text("On Thursday, 24 December 2026 at 12:00 this would play: Carols")
    expect(at).to_contain_text("Soup time is open, but Christmas has a higher priority (1, not 0)")
    at.get_by_label("Day", exact=True).fill("2026-12-27")
    expect(at).to_contain_text("this would play: Soups")
    page.get_by_text("Month", exact=True).click()
    eve = page.get_by_role("listitem").filter(has=page.get_by_role("link", name="Thursday, 24 December 2026"))
    expect(eve).to_contain_text("Christmas")
    expect(eve).to_contain_text("overlap")
    desk.clean()
    page.get_by_text("As published").click()
    expect(page.get_by_text("Nothing was published on this channel yet")).to_be_visible()


def test_two_people_change_one_time_slot_and_one_of_them_chooses(desk: Desk) -> None:
    page, site = desk.page, desk.site
    part = {"name": "Evening", "playlist": _playlist(site, "Wines"), "start": "18:00", "end": "22:00"}
    bar = _channel(site, "bar", dayparts=[part])
    stored = site.ask("GET", f"/v1/schedule/{bar}")["dayparts"][0]
    desk.open(f"#/schedule/{bar}")
    page.get_by_role("region", name="Time slots").get_by_role("button", name="Evening").click()
    form = page.get_by_role("dialog", name="Evening")
    form.get_by_label("From").fill("17:00")
    form.get_by_label("Name", exact=True).fill("Late evening")
    theirs = {"do": "change_dayparts", "ids": [stored["id"]], "set": {"start": "19:00", "end": "23:00"}}
    site.ask("PATCH", f"/v1/schedule/{bar}", {"edits": [theirs]}, **{"If-Match": '"1"'})
    expect(page.get_by_role("region", name="Time slots")).to_contain_text(f"19:00{_TO}23:00")
    desk.expected |= {"409"}
    form.get_by_role("button", name="Save").click()
    clash = page.get_by_role("dialog", name="Somebody else changed the same")
    expect(clash.get_by_role("group", name="From of Late evening")).to_contain_text("It was before: 18:00")
    desk.clean()
    page.keyboard.press("Escape")
    expect(form.get_by_label("From")).to_have_value("17:00")
    form.get_by_role("button", name="Save").click()
    clash.get_by_label("Theirs: 19:00").check()
    clash.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("region", name="Time slots")).to_contain_text("Late evening")
    (now,) = site.ask("GET", f"/v1/schedule/{bar}")["dayparts"]
    assert (now["name"], now["start"], now["end"]) == ("Late evening", "19:00", "23:00")


def test_a_channel_is_made_its_settings_changed_and_removed_with_what_goes_along(desk: Desk) -> None:
    page, site = desk.page, desk.site
    playlist, name = _playlist(site, "Windows"), f"Süd {secrets.token_hex(2)}"
    channel = name.lower().replace("ü", "u").replace(" ", "-")
    desk.open("#/schedule?all=1")
    page.get_by_role("button", name="New channel").click()
    form = page.get_by_role("dialog", name="New channel")
    form.get_by_label("Name").fill(name)
    expect(form).to_contain_text(f"It will be called {channel}")
    form.get_by_label("Time zone").fill("Europe/Vienna")
    form.get_by_role("button", name="Make it").click()
    desk.heading(channel)
    settings = page.get_by_role("region", name="Settings")
    expect(settings).to_contain_text("Europe/Vienna")
    settings.get_by_role("button", name="Change").click()
    form = page.get_by_role("dialog", name=f"Settings of {channel}")
    form.get_by_label("Ads in a break").fill("2")
    form.get_by_label("Plays otherwise").select_option(playlist)
    form.get_by_role("button", name="Save").click()
    expect(settings).to_contain_text("2 ads after every item")
    page.get_by_role("button", name="More about this channel").click()
    page.get_by_role("menuitem", name="Remove this channel").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove this channel").click()
    desk.heading("Schedule")
    assert channel not in {one["channel"] for one in site.ask("GET", "/v1/channels?limit=500")["channels"]}


def test_days_and_times_of_zones_are_right_all_year(desk: Desk) -> None:
    wrong = """((zone) => {
        const found = [];
        for (let day = "2026-01-01"; day < "2027-01-01"; day = it.addDays(day, 1)) {
            for (const minutes of [0, 90, 150, 720, 1439]) {
                const wall = it.wallOf(it.instantOf(day, minutes, zone), zone);
                const isThere = it.lengthOf(day, zone) >= 1440; // a day that lacks an hour may lack this one
                if (isThere && (wall.day !== day || wall.minutes !== minutes)) found.push([day, minutes]);
            }
        }
        return found;
    })(argument)"""
    for zone in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe"):
        assert desk.evaluate(_DAYS, wrong, zone) == []


def test_what_a_drag_makes_of_time_slots(visit: Callable[..., Desk]) -> None:
    desk = visit()
    desk.open()

    def says(expression: str, **argument: object) -> Any:
        return desk.evaluate(_GEOMETRY, expression, argument)

    night = {
        "id": "n",
        "weekdays": [5],
        "start": "22:00",
        "end": "02:00",
        "first_day": None,
        "last_day": None,
        "priority": 0,
    }
    blocks = says(
        "argument.days.map((day) => it.blocksOn([argument.part], day).map(({ from, to }) => [from, to]))",
        part=night,
        days=["2026-12-11", "2026-12-12"],
    )
    assert blocks == [[[1320, 1440]], [[0, 120]]]
    assert says("it.moved(argument.part, 60, 1)", part=night) == {"start": "23:00", "end": "03:00", "weekdays": [6]}
    assert says("it.moved(argument.part, 120)", part=night | {"end": "22:00"}) == {"start": "00:00", "end": "24:00"}
    assert says("it.moved(argument.part, 0, 1)", part=night | {"weekdays": _WEEK}) == {}
    eve = night | {"first_day": "2026-12-24", "last_day": "2026-12-24", "weekdays": _WEEK}
    assert says("it.moved(argument.part, 0, 1)", part=eve) == {"first_day": "2026-12-25", "last_day": "2026-12-25"}
    assert says("it.stretched(argument.part, 'end', -600, 15)", part=night) == {"end": "22:15"}
    assert says("it.stretched(argument.part, 'end', 6000, 15)", part=night) == {"end": "22:00"}
    assert says("it.stretched(argument.part, 'start', -6000, 15)", part=night) == {"start": "02:00"}
    lanes = "it.inLanes(argument.blocks).map(({ lane, lanes }) => [lane, lanes])"
    assert says(
        lanes, blocks=[{"from": 0, "to": 100}, {"from": 50, "to": 70}, {"from": 60, "to": 90}, {"from": 100, "to": 110}]
    ) == [[0, 3], [1, 3], [2, 3], [0, 1]]
