"""Proof of play in spaces: plays, histories, reports, audits and exports have what one may see, and count no more."""

from typing import Any

import pytest

from tests.origin.api.spaces.test_every_operation import SECRET, furnish
from tests.origin.api.spaces.test_spaces import add_key, add_space
from tests.origin.running_origin import RunningOrigin, play

Things = dict[str, str]


async def played(server: RunningOrigin, space: str, name: str) -> Things:
    """Have a space whose screen played a line of its own three times, and one of all channels once."""
    things = await furnish(server, space, name)
    device, token = await server.pair(f"{name} door", things["channel"])
    campaign = (await server.ask("GET", f"/v1/campaigns/{things['campaigns']}", server.writer)).document
    line = campaign["lines"][0]["id"]
    own: dict[str, Any] = {"campaign": things["campaigns"], "line": line, "title": f"{name} ad"}
    plays = [play(device, number, **own) for number in (1, 2, 3)]
    sent = await server.ask("POST", "/v1/plays", token, {"plays": plays})
    assert {one["status"] for one in sent.document["receipts"]} == {"accepted"}
    return things | {"device": device, "line": line}


@pytest.fixture
async def shops(server: RunningOrigin) -> tuple[Things, Things, str]:
    """Two spaces in which something was played, and a viewer of one."""
    await add_space(server, "ours")
    await add_space(server, "theirs")
    ours, theirs = await played(server, "ours", "Own"), await played(server, "theirs", SECRET)
    return ours, theirs, await add_key(server, "viewer", ("viewer", "ours"))


SPAN = "from=2026-03-02T00:00:00Z&until=2026-03-03T00:00:00Z"
DAYS = "first_day=2026-03-02&last_day=2026-03-02"


async def test_plays_and_what_is_counted_of_them_are_those_that_one_may_see(
    server: RunningOrigin, shops: tuple[Things, Things, str]
) -> None:
    ours, theirs, token = shops
    every = [
        "/v1/plays", "/v1/plays?format=csv", "/v1/plays/summary?by=line", "/v1/plays/summary?by=device&format=csv",
        "/v1/plays/conflicts", f"/v1/plays/audit?{SPAN}", "/v1/history", "/v1/history?format=csv",
        *(f"/v1/reports/{by}?{DAYS}" for by in ("campaign", "line", "creative", "device", "day", "hour")),
    ]  # fmt: skip
    for path in every:
        told = await server.ask("GET", path, token)
        assert told.status == 200, (path, told.text)
        for hidden in (theirs["device"], theirs["line"], theirs["campaigns"], theirs["channel"], SECRET):
            assert hidden not in told.text, (path, hidden)
        if "?" not in path and path != "/v1/plays/conflicts":
            assert ours["device"] in told.text, path
    assert len((await server.ask("GET", "/v1/plays", token)).document["plays"]) == 3
    [one] = (await server.ask("GET", "/v1/plays/summary?by=line", token)).document["sums"]
    assert (one["id"], one["plays"]) == (ours["line"], 3)
    for by in ("line", "device", "hour"):
        mine = (await server.ask("GET", f"/v1/reports/{by}?{DAYS}", token)).document["total"]
        whole = (await server.ask("GET", f"/v1/reports/{by}?{DAYS}", server.reader)).document["total"]
        assert (mine["plays"], whole["plays"]) == (3, 6), by
    for only in (f"device={theirs['device']}", f"line={theirs['line']}", f"campaign={theirs['campaigns']}"):
        assert (await server.ask("GET", f"/v1/plays?{only}", token)).document["plays"] == []
        assert (await server.ask("GET", f"/v1/reports/line?{DAYS}&{only}", token)).document["rows"] == []
    assert (await server.ask("GET", f"/v1/history?device={theirs['device']}", token)).document["history"] == []


async def test_an_export_has_screens_and_campaigns_that_one_may_see(
    server: RunningOrigin, shops: tuple[Things, Things, str]
) -> None:
    ours, theirs, token = shops
    for only in ("device", "line"):
        mine = await server.ask("GET", f"/v1/plays/export?{SPAN}&{only}={ours[only]}", token)
        assert (mine.status, ours["device"] in mine.text) == (200, True)
        assert (await server.ask("GET", f"/v1/plays/export?{SPAN}&{only}={theirs[only]}", token)).status == 404
    other = await server.ask("GET", f"/v1/plays/export?{SPAN}&campaign={theirs['campaigns']}", token)
    assert other.status == 404


async def test_plays_of_a_campaign_on_all_channels_are_in_no_sum_of_who_may_not_see_it(
    server: RunningOrigin, shops: tuple[Things, Things, str]
) -> None:
    ours, theirs, token = shops
    device, screen = await server.pair("Own hall", ours["channel"])
    foreign = {"campaign": theirs["campaigns"], "line": theirs["line"], "title": f"{SECRET} ad"}
    assert (await server.ask("POST", "/v1/plays", screen, {"plays": [play(device, 1, **foreign)]})).status == 200
    for path in ("/v1/plays", "/v1/plays/summary", f"/v1/reports/line?{DAYS}", f"/v1/reports/device?{DAYS}"):
        told = await server.ask("GET", path, token)
        assert (told.status, SECRET in told.text, theirs["line"] in told.text) == (200, False, False), path
    assert (await server.ask("GET", f"/v1/reports/day?{DAYS}", token)).document["total"]["plays"] == 3
    refused = await server.ask("GET", f"/v1/plays/export?{SPAN}&device={device}", token)
    assert (refused.status, "of another space" in refused.document["detail"]) == (403, True)


async def test_plays_are_said_to_count_by_a_publisher_where_the_screen_lies(
    server: RunningOrigin, shops: tuple[Things, Things, str]
) -> None:
    ours, theirs, _ = shops
    publisher = await add_key(server, "publisher", ("publisher", "ours"), ("viewer", "default"))
    asked = {"log_epoch": "0123456789abcdef" * 2, "sequence": 1, "note": "seen"}
    for device, status in ((theirs["device"], 404), (ours["device"], 404)):  # none is set aside
        assert (await server.ask("POST", "/v1/plays/accepted", publisher, asked | {"device": device})).status == status
    editor = await add_key(server, "editor", ("viewer", "ours"), ("publisher", "theirs"))
    refused = await server.ask("POST", "/v1/plays/accepted", editor, asked | {"device": ours["device"]})
    assert (refused.status, "a publisher in its space ours" in refused.document["detail"]) == (403, True)
