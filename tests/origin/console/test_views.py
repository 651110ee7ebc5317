"""From media to a release, devices, and a page that follows all of it, even on a phone and over a restart."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.origin.api.proof.test_history import record
from tests.origin.console.page import Page
from tests.origin.running_origin import play

pytestmark = pytest.mark.browser

VIEWS = ("media", "playlists", "channels", "campaigns", "reports", "people", "devices")
PHONE_PX = 375
_WEEK = """
const rows = document.querySelectorAll('[data-id="cafe"] .track');
return [...rows].map((row) => [...row.querySelectorAll(".block")].map(({ title }) => title.split(":")[0]));
"""  # in one look: the card is built anew whenever something of it changes
_CHOSEN = "const box = document.querySelector(arguments[0]); box?.click(); return box !== null"


def test_chosen_media_become_a_playlist_on_a_channel_and_a_release(page: Page, picture: Path) -> None:
    page.stock(picture, "Second")
    page.stock(picture, "First")
    for name in ("First", "Second"):
        card = page.card(name)
        page.until(partial(page.browser.execute_script, _CHOSEN, f"{card} [data-do=choose]"))  # once it is ready
    page.says("#choice", "2 chosen")
    page.press("#offer")
    page.type("dialog [name=name]", "Window")
    page.type("dialog [name=seconds]", "7")
    page.confirm()
    page.says("#notices", "Window is on main", "Release 1 is published: 2 items")
    page.go("playlists")
    page.says("#playlist-list", "Window", "0:14 a round", "First", "0:07", "Second")
    page.go("channels")
    page.says("#channel-list", "Always plays", "up to date", "Release 1")
    page.press("#channel-list [data-do=publish]")
    page.says("#channel-list .answer", "Nothing changed: release 1 stays")
    assert page.site.ask("GET", "/content/channels/main/timestamp.json")["signatures"]


def test_how_an_item_shows_is_changed_in_the_playlist(page: Page, picture: Path) -> None:
    still = page.stock(picture, "Menu")
    clip = page.site.ask("POST", "/v1/media/streams", {"name": "Clip", "url": "http://127.0.0.1:9/clip.mp4"})["id"]
    items = [{"media": still}, {"media": clip, "at_end": "finish"}]
    made = page.site.ask("POST", "/v1/playlists", {"name": "Loops", "items": items})
    menu, moving = (f'[data-id="{made["id"]}"] [data-do=item-{item["id"]}]' for item in made["items"])
    page.go("playlists")
    page.press(moving)
    for field, value in (("seconds", "90"), ("background", "#00ff00"), ("volume", "30")):
        page.type(f"dialog [name={field}]", value)
    page.press("dialog [name=loop]")
    page.find("dialog option[value=cover]").click()
    page.press("dialog summary")
    page.browser.execute_script("document.querySelector('dialog [name=starts_at]').value = '2026-03-02T12:00'")
    page.confirm()
    page.says(f'[data-id="{made["id"]}"]', "1:30", "repeated")
    page.press(menu)
    assert not page.browser.find_elements("css selector", "dialog :is([name=loop], [name=volume])")
    page.type("dialog [name=title]", "Menu of today")
    page.confirm()
    page.says(f'[data-id="{made["id"]}"]', "Menu of today")
    first, second = page.site.ask("GET", f"/v1/playlists/{made['id']}")["items"]
    assert first == made["items"][0] | {"title": "Menu of today"}
    wished = {"duration_ms": 90_000, "loop": True, "fit": "cover", "background": "#00ff00", "volume": 30}
    assert second == made["items"][1] | wished | {"starts_at": "2026-03-02T12:00:00.000Z"}


def test_a_channel_that_cannot_be_published_says_why(page: Page) -> None:
    page.expected |= {"422"}
    page.site.ask("PUT", "/v1/schedule/bare", {"zone": "Europe/Berlin"})
    page.go("channels")
    page.press('[data-id="bare"] [data-do=publish]')
    page.says("#notices", "Publishing bare", "Rejected", "default_playlist")
    page.press("#notices .close")
    page.until(lambda: page.text("#notices") == "")
    page.site.ask("DELETE", "/v1/schedule/bare")


def test_a_channel_without_a_time_zone_is_warned_of_until_somebody_names_one(page: Page, picture: Path) -> None:
    media = page.stock(picture, "Tea")
    playlist = page.site.ask("POST", "/v1/playlists", {"name": "Tea time", "items": [{"media": media}]})["id"]
    page.site.ask("PUT", "/v1/schedule/tea", {"dayparts": [{"name": "Five", "playlist": playlist, "start": "17:00"}]})
    page.go("channels")
    page.says('[data-id="tea"]', "no time zone", "daypart Five follows", "Set the channel's zone")
    page.press('[data-id="tea"] [data-do=zone]')
    page.find('dialog option[value="Asia/Tokyo"]').click()
    page.confirm()
    page.says('[data-id="tea"]', "Asia/Tokyo")
    page.until(lambda: "no time zone" not in page.text('[data-id="tea"]'))
    assert page.site.ask("GET", "/v1/schedule/tea")["zone"] == "Asia/Tokyo"
    page.site.ask("DELETE", "/v1/schedule/tea")


def test_a_line_of_text_and_a_logo_are_put_over_a_channel_and_taken_off_again(page: Page, picture: Path) -> None:
    logo = page.stock(picture, "Sun logo")
    page.site.ask("PUT", "/v1/schedule/bar", {"zone": "Europe/Berlin"})
    page.go("channels")
    page.press('[data-id="bar"] [data-do=overlays]')
    page.type("dialog [name=text]", "Happy hour from <five>")
    page.browser.execute_script("document.querySelector('dialog [name=media]').value = arguments[0]", logo)
    page.confirm()
    page.says('[data-id="bar"] .overlays', "at the bottom: Happy hour from <five>", "top right corner: Sun logo")
    ticker, sign = page.site.ask("GET", "/v1/schedule/bar")["overlays"]
    assert (ticker["speed_percent"], ticker["background"], sign["media"]) == (12, "#101820", logo)
    page.press('[data-id="bar"] [data-do=overlays]')
    page.type("dialog [name=text]", "Last orders")
    page.browser.execute_script("document.querySelector('dialog [name=media]').value = ''")
    page.confirm()
    page.says('[data-id="bar"] .overlays', "Last orders")
    page.press('[data-id="bar"] [data-do=overlays]')
    page.press("dialog summary")
    page.type("dialog [name=speed_percent]", "101")
    page.press("dialog summary")  # folded away, what is wrong must still be shown
    page.press("dialog [data-do=go]")
    page.type("dialog [name=speed_percent]", "20")
    page.type("dialog [name=height_percent]", "10")
    page.confirm()
    page.until(lambda: page.site.ask("GET", "/v1/schedule/bar")["overlays"][0]["speed_percent"] == 20)
    kept = page.site.ask("GET", "/v1/schedule/bar")["overlays"]
    assert [(one["id"], one["text"]) for one in kept] == [(ticker["id"], "Last orders")]
    page.site.ask("DELETE", "/v1/schedule/bar")


def test_dayparts_and_campaigns_made_elsewhere_appear_in_words(page: Page, picture: Path) -> None:
    media = page.stock(picture, "Soda")
    playlist = page.site.ask("POST", "/v1/playlists", {"name": "Brunch", "items": [{"media": media}]})["id"]
    part = {"name": "Weekend", "playlist": playlist, "weekdays": [5, 6, 7], "start": "21:30", "end": "02:00"}
    late = part | {"name": "Late", "weekdays": [6], "start": "22:00", "end": "23:00"}
    parts = [late, part, {"name": "Always", "playlist": playlist}]
    page.site.ask("PUT", "/v1/schedule/cafe", {"zone": "Europe/Paris", "dayparts": parts})
    line = {"name": "Soda line", "share_ppm": 250_000, "creatives": [{"media": media, "duration_ms": 6000}]}
    flight = {"starts_at": "2020-01-01T00:00:00Z", "ends_at": "2090-01-01T00:00:00Z"}
    page.site.ask("POST", "/v1/campaigns", {"name": "Fizz", "advertiser": "Fizzo", **flight, "lines": [line]})
    page.go("channels")
    page.says('[data-id="cafe"]', "Europe/Paris", "Weekend plays Brunch", "Sun, 21:30 to 02:00 the next day")
    rows = page.browser.execute_script(_WEEK)
    assert rows[4:6] == [["Always", "Weekend"], ["Always", "Weekend", "Weekend", "Late"]]  # split at midnight
    page.says('[data-id="cafe"]', "the one that opened last")
    page.go("campaigns")
    page.says("#campaign-list", "Fizz", "Fizzo · all channels", "25 % of the ad slots", "0:06", "Not played yet")
    dear = {"name": "Dear line", "share_ppm": 900_000, "creatives": [{"media": media, "duration_ms": 6000}]}
    page.site.ask("POST", "/v1/campaigns", {"name": "Dear", "advertiser": "Dearo", **flight, "lines": [dear]})
    page.says("#campaign-list", "cafe: From", "2 lines have bought 115 % of the slots", "Sell 15 % less")


def test_a_device_is_let_in_by_its_code_shown_moved_and_removed(page: Page) -> None:
    for channel in ("counter", "window"):
        page.site.ask("PUT", f"/v1/schedule/{channel}", {"zone": "UTC"})
    visitor = page.site.wait_to_pair("Left pane")
    page.says("#waiting", "1 device waits", "Left pane")
    page.until(lambda: "window" in page.text("#pair select"))
    page.press('#pair option[value="window"]')
    page.type("#pair [name=code]", "WRONG123")
    page.press("#pair button")
    page.says("#pair .wrong", "Not found")
    page.type("#pair [name=code]", visitor.code.lower())
    page.press("#pair button")
    page.says("#device-list", "Left pane", "window", "not seen yet")
    late = {"at": "2090-01-01T08:00:00Z", "what": "playlist Breakfast in daypart Morning"}
    coming = {"release": "a" * 64, "sequence": 3, "bytes_done": 12_000_000, "bytes_to_do": 480_000_000, "late": [late]}
    spent = {"month": "2026-03", "month_spent": True, "month_let_through": ""}
    facts: dict[str, Any] = {"health": {"cpu_percent": 12.4, **spent}, "preparing": "a" * 64}
    facts["coming"] = {**coming, "ready_at": "2090-01-01T10:12:00Z"}
    visitor.beat("Autumn", next_title="Winter", problems=["The disk is nearly full."], trust="freeze", **facts)
    page.says("#device-list", "Refuses what it is sent: freeze: what was accepted before has expired")
    page.says("#device-list", "online", "On now", "Autumn", "next: Winter", "The disk is nearly full", "12 %", "1.2.3")
    page.says(
        "#device-list", "Fetching release 3: 12 MB of 480 MB, ready 1 Jan 2090", "too late for playlist Breakfast"
    )
    page.says("#device-count", "1 late")
    page.says("#device-list", "The bytes of 2026-03 are spent")
    page.press("#device-list [data-do=let-through]")
    page.confirm()
    page.says("#device-list", "told at its next heartbeat to fetch its next release now")
    page.press("#device-list [data-do=proof]")
    page.says("#device-list", "Proof of play: nothing delivered yet.")
    page.press("#device-list [data-do=move]")
    page.find('dialog option[value="counter"]').click()
    page.confirm()
    page.says("#device-list", "counter ·")
    page.press("#device-list [data-do=remove]")
    page.confirm()
    page.until(lambda: "Left pane" not in page.text("#device-list"))


def test_what_screens_in_view_show_is_told_without_asking(page: Page) -> None:
    visitor = page.site.wait_to_pair("Pane in view")
    device = page.site.ask("POST", "/v1/devices", {"code": visitor.code, "channel": "main"})["id"]
    card = f'#device-list [data-id="{device}"]'
    visitor.beat("Autumn")
    page.says(card, "online", "Autumn")
    page.browser.execute_script(
        "window.sent = []; const send = WebSocket.prototype.send;"
        "WebSocket.prototype.send = function (text) { window.sent.push(text); return send.call(this, text); };"
        "window.asked = []; const ask = window.fetch;"
        "window.fetch = (...what) => { window.asked.push(String(what[0])); return ask(...what); };"
    )
    visitor.show("Winter", "Spring")
    page.says(card, "Spring")
    assert not page.browser.execute_script("return window.asked.filter((path) => path.includes('/v1/devices'))")
    visitor.beat("Summer", problems=["It is hot."], problem_codes=["too_hot"], next_title="Autumn")
    page.says(card, "Summer", "next: Autumn", "It is hot.")
    page.until(lambda: page.find(card).get_attribute("data-severity") == "warning")
    page.says("#device-count", "1 with problems")
    page.browser.execute_script("document.querySelector('#device-list').hidden = true")
    page.until(lambda: '{"topic":"watch","screens":[]}' in page.browser.execute_script("return window.sent"))
    page.site.ask("DELETE", f"/v1/devices/{device}")


def test_a_person_has_plays_count_that_the_origin_doubts(page: Page) -> None:
    """Of three plays two are older than the pairing; one of these says more than its own clock allows."""
    page.site.ask("PUT", "/v1/schedule/proven", {"zone": "UTC"})
    visitor = page.site.wait_to_pair("Proven pane")
    device = page.site.ask("POST", "/v1/devices", {"code": visitor.code, "channel": "proven"})["id"]
    now = datetime.now(UTC).isoformat()
    good = play(device, 3, started_at=now, ended_at=now, rendered_ms=0)
    plays = [play(device, 1), play(device, 2, rendered_ms=60_000), good]
    page.site.ask("POST", "/v1/plays", {"plays": plays}, visitor.token)
    card = f'#device-list [data-id="{device}"]'
    page.press(f"{card} [data-do=proof]")
    page.says(card, "1 play set aside: unconfirmed: it is older than the pairing", "1 play set aside: it says 60.0 s")
    page.press(f"{card} [data-do=accept]")
    page.says("dialog", "do not fit to what this origin knows", "cannot be taken back", "the audit names your key")
    page.press("dialog [data-do=go]")  # without a note it stays open
    page.type("dialog [name=note]", "restored on Sunday")
    page.confirm()
    page.says("#notices", "Counted from now on: 1 play of Proven pane")
    page.says(card, "1 play set aside: it says 60.0 s")
    page.until(lambda: "unconfirmed" not in page.text(card))
    found = page.site.ask("GET", f"/v1/plays/audit?device={device}")["findings"]
    assert [one["sequence"] for one in found if "restored on Sunday" in one["detail"]] == [1]
    page.site.ask("DELETE", f"/v1/devices/{device}")


def test_a_person_reads_what_happened_on_a_screen(page: Page) -> None:
    visitor = page.site.wait_to_pair("Storied pane")
    device = page.site.ask("POST", "/v1/devices", {"code": visitor.code, "channel": "main"})["id"]
    night = datetime(2026, 3, 1, 21, 3, tzinfo=UTC)
    told: list[tuple[str, str, int, dict[str, Any]]] = [
        ("player", "stopped", 0, {"code": "power"}), ("player", "started", 7, {"text": "1.0"}),
        ("screen", "off", 0, {}), ("screen", "on", 595, {}), ("problem", "began", 600, {"text": "Too hot."}),
        ("release", "activated", 610, {"number": 14}),
        ("clock", "stepped", 620, {"utc_before": f"{night + timedelta(minutes=320):%Y-%m-%dT%H:%M:%SZ}"}),
    ]  # fmt: skip
    records = [
        record(device, number, kind, state, at=f"{night + timedelta(minutes=after):%Y-%m-%dT%H:%M:%SZ}", **more)
        for number, (kind, state, after, more) in enumerate(told, start=1)
    ]
    page.site.ask("POST", "/v1/history", {"records": records}, visitor.token)
    card = f'#device-list [data-id="{device}"]'
    page.press(f"{card} [data-do=history]")
    off, on = (f"{(night + timedelta(minutes=after)).astimezone():%H:%M}" for after in (0, 595))
    wanted = ("Paired to channel main", f"Screen off {off}\u2013{on}", "Device without power", "Too hot. since")
    page.says(card, *wanted, "Release 14 active", "Clock set forward by 5 h")
    assert "Screen on" not in page.text(card)
    assert "Player 1.0 started" not in page.text(card)
    page.press(f"{card} [data-do=history]")
    page.until(lambda: "Paired to channel" not in page.text(card))
    page.site.ask("DELETE", f"/v1/devices/{device}")


def test_a_report_says_what_was_billed_and_why_not_more(page: Page, picture: Path) -> None:
    """The numbers are those of the API; of two plays one is too short."""
    media = page.stock(picture, "Lemon")
    flight = {"starts_at": "2020-01-01T00:00:00Z", "ends_at": "2090-01-01T00:00:00Z"}
    line = {"name": "Lemon line", "creatives": [{"media": media, "duration_ms": 10_000}]}
    playlist = page.site.ask("POST", "/v1/playlists", {"name": "Juices", "items": [{"media": media}]})["id"]
    page.site.ask("PUT", "/v1/schedule/juice", {"zone": "UTC", "default_playlist": playlist})
    sold = {"name": "Lemonade", "advertiser": "Limo", "channel": "juice", **flight, "lines": [line]}
    campaign = page.site.ask("POST", "/v1/campaigns", sold)
    release = page.site.ask("POST", "/v1/releases", {"channel": "juice"})["sha256"]
    visitor = page.site.wait_to_pair("Juice bar")
    device = page.site.ask("POST", "/v1/devices", {"code": visitor.code, "channel": "juice"})["id"]
    now = datetime.now(UTC) - timedelta(minutes=1)  # after midnight it is still in the report
    (booked,) = campaign["lines"]
    what = {"campaign": campaign["id"], "line": booked["id"], "creative": booked["creatives"][0]["id"]}
    what |= {
        "release": release,
        "asset": page.site.ask("GET", f"/v1/media/{media}")["asset"]["sha256"],
        "clock": "synced",
        "zone": "UTC",
    }
    ended = {
        "started_at": now.isoformat(),
        "ended_at": (now + timedelta(seconds=10)).isoformat(),
        "expected_ms": 10_000,
    }
    cut = {
        "started_at": (now + timedelta(seconds=20)).isoformat(),
        "ended_at": (now + timedelta(seconds=30)).isoformat(),
    }
    shown = [play(device, 1, **ended, **what), play(device, 2, **cut, **what, rendered_ms=4_000, outcome="partial")]
    page.site.ask("POST", "/v1/plays", {"plays": shown}, visitor.token)
    page.narrow(PHONE_PX - 15)
    page.go("reports")
    page.says("#report", "All campaigns, by line", "complete(tol_ms=500)", "Lemon line", "Pace")
    page.says(f'#report [data-id="{booked["id"]}"]', "1 too short")
    page.press(f'#report-form option[value="{campaign["id"]}"]')
    page.press('#report-form option[value="day"]')
    page.press("#report-form [data-do=report]")
    page.says("#report", "Lemonade, by day", "Billed", "Promised until now", "Download as CSV")
    assert page.browser.execute_script("return document.documentElement.scrollWidth") == PHONE_PX - 15
    address = str(page.find("#report [data-do=csv]").get_attribute("href"))
    found = page.site.ask("GET", address.removeprefix(page.site.url).replace("&format=csv", ""))
    assert (found["total"]["delivered"], found["total"]["aside"]) == (1, {"too_short": 1})
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not page.find("#report-form").is_displayed() and page.find("#report table").is_displayed()
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    page.find("#report-form [name=last_day]").send_keys("01011980")
    page.expected |= {"422"}
    page.press("#report-form [data-do=report]")
    page.says("#report-problem", "last_day")
    page.narrow(None)
    page.site.ask("DELETE", f"/v1/devices/{device}")
    page.site.ask("DELETE", f"/v1/campaigns/{campaign['id']}", **{"If-Match": '"1"'})


def test_a_planner_is_told_when_screens_are_ready_and_what_is_too_late(page: Page, picture: Path) -> None:
    media, rates = page.stock(picture, "Croissant"), [{"bytes_s": 0.1}]
    playlist = page.site.ask("POST", "/v1/playlists", {"name": "Breakfast", "items": [{"media": media}]})["id"]
    at = datetime.now(UTC) + timedelta(hours=1)
    part = {"name": "Early", "playlist": playlist, "start": f"{at:%H:%M}", "end": f"{at + timedelta(hours=1):%H:%M}"}
    page.site.ask("PUT", "/v1/schedule/bakery", {"zone": "UTC", "dayparts": [part]})
    visitor = page.site.wait_to_pair("Bakery")
    page.site.ask("POST", "/v1/devices", {"code": visitor.code, "channel": "bakery"})
    visitor.beat("Old", rates=rates)
    page.go("channels")
    page.says('[data-id="bakery"]', "Ready on 1 screen: Bakery at", "Too late on 1 screen (Bakery): playlist Breakfast")


def test_a_long_list_is_turned_page_by_page_sought_and_sorted(page: Page) -> None:
    long = [page.site.ask("POST", "/v1/playlists", {"name": f"zz {number}", "items": []}) for number in range(40)]
    page.go("playlists")
    cards, last = "#playlist-list > details", "#playlist-list > details:last-child .name"
    page.until(lambda: len(page.browser.find_elements("css selector", cards)) == 30)
    page.press("#view-playlists [data-do=next]")
    page.until(lambda: page.text(last) == "zz 39")
    page.press("#view-playlists [data-do=previous]")
    page.until(lambda: len(page.browser.find_elements("css selector", cards)) == 30)
    page.type("#view-playlists .find input", "ZZ 1")
    page.until(lambda: len(page.browser.find_elements("css selector", cards)) == 11 and page.text(last) == "zz 19")
    page.find("#view-playlists .find option:last-child").click()
    page.until(lambda: page.text(last) == "zz 1")
    page.type("#view-playlists .find input", " nowhere")
    page.says("#view-playlists", "Nothing has this in its name.")
    for one in long:
        page.site.ask("DELETE", f"/v1/playlists/{one['id']}", **{"If-Match": '"1"'})


def test_every_view_fits_a_phone(page: Page) -> None:
    for number in range(2):  # one in each column
        long = {"name": f"Live {number}" + "w" * 60, "url": f"http://127.0.0.1:9/{number}/{'long' * 20}.m3u8"}
        page.site.ask("POST", "/v1/media/streams", long)
    page.narrow(PHONE_PX)
    page.resume()
    page.card(long["name"])
    assert page.browser.execute_script("return innerWidth") == PHONE_PX
    for view in VIEWS:
        page.go(view)
        page.shown(f'[data-section="{view}"]')
        assert page.browser.execute_script("return document.documentElement.scrollWidth") == PHONE_PX, view
    page.press("#who")
    page.says("#account", "Where you are logged in")
    page.narrow(None)


def test_the_page_says_when_the_origin_is_gone_and_goes_on_by_itself(page: Page) -> None:
    page.site.stop()
    page.says("#live", "Offline")
    page.says("#notices", "The origin does not answer")
    page.site.start()
    page.says("#live", "Live")
    page.until(lambda: page.text("#notices") == "")
    page.browser.get_log("browser")  # type: ignore[no-untyped-call]  # it reports the origin we ended
