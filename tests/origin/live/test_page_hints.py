"""What pages are told: topics, the state of the screens that they watch, and counts of all."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse

from sync.origin.live import page_hints, screen_counts
from sync.origin.live.page_hints import AGAIN_S, FEW, MOST_IN_VIEW, GatheredHints
from sync.origin.live.severity import ScreenSeverity, severity_of
from sync.runtime.clock import SystemClock
from sync.wire.device_reports import Heartbeat
from tests.origin.live.sockets import add_devices, hint, listener, running, screen
from tests.origin.running_origin import RunningOrigin, running_origin, settings_in

TEA = {"title": "Iced mint tea", "kind": "ad", "asset": None, "since": None}
SOUP = {"title": "Soup", "kind": "item", "asset": "0" * 64, "since": "2026-03-02T12:00:00.000Z"}
BEAT = {"at": "2026-03-02T12:00:00Z", "version": "1", "on_air": TEA}


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningOrigin]:
    """An origin that tells pages at once."""
    monkeypatch.setattr(page_hints, "TELL_S", 0.02)
    monkeypatch.setattr(screen_counts, "COUNT_S", 0.02)
    async with running_origin(settings_in(tmp_path), SystemClock()) as server, running(server, "page_hints"):
        yield server


async def watch(page: ClientWebSocketResponse, *screens: str) -> None:
    await page.send_json({"topic": "watch", "screens": screens})


async def beat(server: RunningOrigin, token: str, **changes: Any) -> None:
    assert (await server.ask("POST", "/v1/heartbeats", token, BEAT | changes)).status == 204


async def told(page: ClientWebSocketResponse) -> list[dict[str, Any]]:
    """Return what a page is told of screens, as the next thing; all were heard just now."""
    message = await hint(page)
    assert message["topic"] == "screens", message
    assert all(one.pop("seen_age_s") < 60 for one in message["screens"])
    screens: list[dict[str, Any]] = message["screens"]
    return screens


async def test_a_page_is_told_what_the_screens_in_view_show_and_nothing_of_others(server: RunningOrigin) -> None:
    watched, other = await add_devices(server, 2)
    state = {"id": "main-0000", "online": True, "severity": "ok", "on_air": TEA, "next_title": "", "reported": False}
    async with AsyncExitStack() as stack:
        page = await stack.enter_async_context(listener(server, server.reader))
        await watch(page, "main-0000", "unknown")
        await beat(server, watched)
        assert await told(page) == [state | {"reported": True}]
        async with listener(server, server.reader) as another:
            await watch(another, "main-0000")
            assert await told(another) == [state]  # what is known, at once
        first, second = [await stack.enter_async_context(screen(server, token)) for token in (watched, other)]
        for _ in range(3):
            await beat(server, other)
            await second.send_json({"topic": "on_air", "on_air": SOUP})
        await first.send_json({"topic": "on_air", "on_air": SOUP, "next_title": "Tea"})
        state |= {"on_air": SOUP, "next_title": "Tea"}
        assert await told(page) == [state]
        shown = (await server.ask("GET", "/v1/devices/main-0000", server.reader)).document
        assert (shown["heartbeat"]["on_air"], shown["severity"]) == (SOUP, "ok")  # lists say the same
        await first.send_json({"topic": "on_air", "on_air": SOUP, "next_title": "Tea"})  # nothing new
        await beat(server, watched, problems=["It is hot."], problem_codes=["too_hot"])
        state |= {"on_air": TEA, "next_title": "", "severity": "warning"}
        assert await told(page) == [state | {"reported": True}]
        server.origin.live.screens.lost("main-0000")
        assert await told(page) == [state | {"online": False}]
        await watch(page, "main-0001")
        assert (await told(page))[0]["on_air"] in (TEA, SOUP)
        await beat(server, watched)
        await beat(server, other)
        assert [one["id"] for one in await told(page)] == ["main-0001"]


async def test_who_watches_too_many_or_may_not_is_told_and_goes_on(server: RunningOrigin) -> None:
    [token] = await add_devices(server, 1)
    async with listener(server, server.reader) as page, screen(server, token) as device:
        await watch(page, "main-0000")
        await watch(page, *(f"main-{number:04}" for number in range(MOST_IN_VIEW + 1)))
        refused = await hint(page)
        assert (refused["topic"], refused["status"]) == ("watch", 413)
        assert refused["detail"] == "101 screens are too many: name those in view, 100 at most"
        await watch(page, "not an id")
        assert (await hint(page))["status"] == 422
        await beat(server, token)
        assert (await told(page))[0]["id"] == "main-0000"
        await watch(device, "main-0000")
        assert (await hint(device))["status"] == 403
    assert not server.origin.live.pages.watching


async def test_a_page_hears_that_the_origin_lives(server: RunningOrigin) -> None:
    async with listener(server, server.reader) as page:
        await page.send_json({"topic": "ping"})
        assert await hint(page) == {"topic": "pong"}


async def test_counts_of_all_are_told_to_who_watches_and_only_when_they_change(server: RunningOrigin) -> None:
    first, second, _ = await add_devices(server, 3)
    async with listener(server, server.reader) as page, running(server, "screen_counts", "heartbeats"):
        await watch(page)
        counts = {"topic": "counts", "devices": 3, "online": 0, "listeners": {"device": 0, "page": 1}}
        assert await hint(page) == counts | {"severity": {"ok": 0, "warning": 0, "critical": 0}}
        await beat(server, first)
        await beat(server, second, on_air=None)
        async with server.client.ws_connect(f"{server.url}/v1/live", headers={"Authorization": f"Bearer {first}"}):
            while (found := await hint(page))["online"] < 2 or found["listeners"]["device"] == 0:
                pass
            assert found["severity"] == {"ok": 1, "warning": 0, "critical": 1}


async def test_a_page_that_watches_nothing_hears_of_heartbeats_by_id_if_there_are_few(server: RunningOrigin) -> None:
    tokens = await add_devices(server, FEW + 1)
    async with listener(server, server.reader) as page:
        await beat(server, tokens[0])
        assert await hint(page) == {"topic": "devices", "id": "main-0000"}
        for number in range(FEW + 1):
            server.origin.live.screens.reported(f"main-{number:04}", Heartbeat.model_validate(BEAT))
        assert await hint(page) == {"topic": "devices"}


def test_many_changes_of_a_topic_are_one_hint_and_then_wait() -> None:
    gathered = GatheredHints()
    for number in range(FEW):
        gathered.add("media", str(number))
        gathered.add("media", str(number))
    assert gathered.take(0) == [{"topic": "media", "id": str(number)} for number in range(FEW)]
    for number in range(1000):
        gathered.add("plays", str(number))
    gathered.add("media", "1")
    assert gathered.take(1) == [{"topic": "plays"}, {"topic": "media", "id": "1"}]
    gathered.add("plays", "1")
    assert gathered.take(AGAIN_S) == []
    assert gathered.take(1 + AGAIN_S) == [{"topic": "plays", "id": "1"}]
    assert gathered.take(1000) == []


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({}, ScreenSeverity.OK),
        ({"on_air": TEA | {"kind": "blank"}}, ScreenSeverity.OK),
        ({"problems": ["x"]}, ScreenSeverity.WARNING),
        ({"trust": "freeze"}, ScreenSeverity.WARNING),
        ({"problems": ["x"], "problem_codes": ["clock"]}, ScreenSeverity.WARNING),
        ({"problems": ["x", "y"], "problem_codes": ["clock", "no_display"]}, ScreenSeverity.CRITICAL),
        ({"on_air": None}, ScreenSeverity.CRITICAL),
        ({"on_air": TEA | {"kind": "fallback"}}, ScreenSeverity.CRITICAL),
    ],
)
def test_what_is_worst_about_a_screen_counts(changes: dict[str, Any], severity: ScreenSeverity) -> None:
    assert severity_of(Heartbeat.model_validate(BEAT | changes)) is severity
