"""Live hints in spaces: who has a role in one space hears of what is seen there, and of nothing else."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse

from sync.origin.live import page_hints, screen_counts, token_check
from sync.runtime.clock import SystemClock
from tests.origin.api.spaces.test_every_operation import SECRET, furnish, make
from tests.origin.api.spaces.test_spaces import add_key, add_space
from tests.origin.live.sockets import end_of, hint, listener, running
from tests.origin.running_origin import RunningOrigin, running_origin, settings_in

BEAT = {"at": "2026-03-02T12:00:00Z", "version": "1", "on_air": None}


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningOrigin]:
    """An origin that tells pages at once, with two spaces."""
    monkeypatch.setattr(page_hints, "TELL_S", 0.02)
    monkeypatch.setattr(screen_counts, "COUNT_S", 0.02)
    monkeypatch.setattr(token_check, "CHECK_S", 0.02)
    async with running_origin(settings_in(tmp_path), SystemClock()) as server:
        for space in ("ours", "theirs"):
            await add_space(server, space)
        yield server


async def heard(page: ClientWebSocketResponse, last: str) -> list[dict[str, Any]]:
    """Return what a page hears up to a hint of this topic, with that."""
    found = [await hint(page)]
    while found[-1]["topic"] != last:
        found.append(await hint(page))
    return found


async def test_a_page_hears_of_its_own_space_alone(server: RunningOrigin) -> None:
    ours, theirs = await furnish(server, "ours", "Own"), await furnish(server, "theirs", SECRET)
    token = await add_key(server, "viewer", ("viewer", "ours"))
    async with running(server, "page_hints", "live"), listener(server, token) as page:
        for things in (theirs, ours):
            edits = {"edits": [{"do": "set", "set": {"name": "x"}}]}
            for path in (f"playlists/{things['playlists']}", f"campaigns/{things['campaigns']}"):
                at = {"If-Match": "1"}
                assert (await server.ask("PATCH", f"/v1/{path}", server.writer, edits, headers=at)).status == 200
            await make(server, "POST", "/v1/releases", {"channel": things["channel"]})
            plan = {"channel": things["channel"], "at": "2030-12-24T18:00:00Z"}
            planned = await make(server, "POST", "/v1/publications", plan)
        told = [(one["topic"], one.get("id") or one.get("channel")) for one in await heard(page, "publications")]
        assert ("publications", planned["id"]) in told
        assert ("releases", ours["channel"]) in told or ("release", ours["channel"]) in told
        assert {id for _, id in told} <= {*ours.values(), planned["id"]}, told
        assert {("playlists", ours["playlists"]), ("campaigns", ours["campaigns"])} <= set(told)
        for things in (theirs, ours):
            gone = f"/v1/campaigns/{things['campaigns']}"
            assert (await server.ask("DELETE", gone, server.writer)).status == 204
        assert (await heard(page, "campaigns"))[-1] == {"topic": "campaigns"}  # no name of what is gone


async def test_a_page_watches_and_counts_the_screens_of_its_space(server: RunningOrigin) -> None:
    await furnish(server, "ours", "Own")
    await furnish(server, "theirs", SECRET)
    own, own_token = await server.pair("Own door", "own-channel")
    hidden, hidden_token = await server.pair(f"{SECRET} door", f"{SECRET.lower()}-channel")
    token = await add_key(server, "viewer", ("viewer", "ours"))
    async with running(server, "page_hints"), listener(server, token) as page, listener(server, token) as script:
        await page.send_json({"topic": "watch", "screens": [own, hidden]})
        for device in (hidden_token, own_token):
            assert (await server.ask("POST", "/v1/heartbeats", device, BEAT)).status == 204
        assert [one["id"] for one in (await heard(page, "screens"))[-1]["screens"]] == [own]
        assert (await heard(script, "devices"))[-1] == {"topic": "devices", "id": own}
        async with running(server, "screen_counts"):
            counts = (await heard(page, "counts"))[-1]
        assert (counts["devices"], "listeners" in counts) == (2, False)
        await page.send_json({"topic": "watch", "screens": []})
        await page.send_json({"topic": "watch", "screens": [hidden, own]})
        assert [one["id"] for one in (await heard(page, "screens"))[-1]["screens"]] == [own]


async def test_a_socket_of_who_gets_other_rights_ends(server: RunningOrigin) -> None:
    made = await make(
        server, "POST", "/v1/people",
        {"name": "Anna", "password": "a long password of nobody", "rights": [{"role": "viewer", "space": "ours"}]},
    )  # fmt: skip
    entered = await server.ask("POST", "/v1/session", None, {"name": "Anna", "password": "a long password of nobody"})
    cookie = {"Cookie": entered.headers["Set-Cookie"].partition(";")[0]}
    opened = server.client.ws_connect(f"{server.url}/v1/live", headers=cookie)
    async with running(server, "token_check"), opened as page:
        other = {"rights": [{"role": "viewer", "space": "theirs"}]}
        assert (await server.ask("PATCH", f"/v1/people/{made['person']['id']}", server.writer, other)).status == 200
        assert await end_of(page) is not None
