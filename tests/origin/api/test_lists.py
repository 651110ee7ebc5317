"""Lists in pages: every list is walked in every order, both ways, while rows come and go; what is wrong is named."""

import base64
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from sync.trust.signing import pairing_code
from sync.wire.release import Envelope
from tests.fakes import FakeClock
from tests.origin.running_origin import Answer, RunningOrigin, play

LISTS = {
    "media": ("name", "created_at", "updated_at", "source_bytes"),
    "devices": ("name", "channel", "paired_at", "seen_at", "worst"),
    "playlists": ("name", "updated_at"),
    "campaigns": ("name", "starts_at", "ends_at", "updated_at"),
    "schedule": ("channel",),
    "channels": ("channel",),
    "releases": ("created_at",),
    "uploads": ("created_at", "expires_at"),
    "pairings": ("expires_at",),
    "plays": ("started_at",),
    "history": ("at",),
}
KEYS = {"schedule": "schedules", "plays/conflicts": "plays"}
UNCOUNTED = {"plays", "history"}
NAMES = ("Käse 2", "kase 10", "Zoo", "_a%", "Ärger", "käse", "b")
IN_ORDER = ("_a%", "Ärger", "b", "käse", "Käse 2", "kase 10", "Zoo")
WINDOW = {"starts_at": "2025-03-01T00:00:00Z", "ends_at": "2025-04-01T00:00:00Z"}
TUS = {"Tus-Resumable": "1.0.0", "Upload-Length": "9"}


async def made(server: RunningOrigin, method: str, path: str, body: Any = None, **options: Any) -> Any:
    answer = await server.ask(method, path, server.writer, body, **options)
    assert answer.status < 300, answer.text
    return answer.document


async def add(server: RunningOrigin, number: int, playlist: str, name: str) -> None:
    """Add a channel with a release, an upload, a pairing and a device."""
    schedule = {"default_playlist": playlist, "zone": "UTC"}
    await made(server, "PUT", f"/v1/schedule/channel-{number}", schedule)
    await made(server, "POST", "/v1/releases", {"channel": f"channel-{number}"})
    await made(server, "POST", "/v1/uploads", headers=TUS)
    await made(server, "POST", "/v1/pairings", {"name": name, "secret": f"{number:064d}"})
    await server.pair(name, f"channel-{number % 3}")


@pytest.fixture
async def full(server: RunningOrigin, clock: FakeClock) -> AsyncIterator[RunningOrigin]:
    """An origin with seven rows in each list, some made in the same millisecond."""
    playlists = []
    for number, name in enumerate(NAMES):
        media = await made(server, "POST", "/v1/media/streams", {"url": f"http://example.com/{number}", "name": name})
        item = {"media": media["id"], "duration_ms": 10_000}
        playlists.append(await made(server, "POST", "/v1/playlists", {"name": name, "items": [item]}))
        lines = [{"name": "all", "creatives": [item]}]
        booking = {"name": name, "advertiser": f"Firm {number % 2}", **WINDOW, "lines": lines}
        await made(server, "POST", "/v1/campaigns", booking)
        clock.step_wall(number % 2)
    await made(server, "PUT", "/v1/schedule/main", {"zone": "UTC"})
    for number, name in enumerate(NAMES):
        await add(server, number, playlists[number]["id"], name)
        clock.step_wall(number % 2)
    device, token = await server.pair("screen", "main")
    await server.ask("POST", "/v1/plays", token, {"plays": [play(device, number) for number in range(1, 8)]})
    yield server


async def listed(server: RunningOrigin, path: str, query: str = "") -> tuple[list[Any], Answer]:
    answer = await server.ask("GET", f"/v1/{path}{query and '?'}{query}", server.reader)
    assert answer.status == 200, answer.text
    return answer.document[KEYS.get(path, path)], answer


def links(answer: Answer) -> dict[str, str]:
    """Return the query of each link by its relation."""
    return {rel: urlsplit(url).query for url, rel in re.findall(r'<([^>]*)>; rel="(\w+)"', answer.headers["Link"])}


async def test_each_list_is_walked_in_each_order_and_back(full: RunningOrigin) -> None:
    for path, sorts in LISTS.items():
        whole, answer = await listed(full, path)
        assert len(whole) >= 7 and answer.document["next"] is None and set(links(answer)) == {"first"}
        total = None if path in UNCOUNTED else len(whole)
        for sort in sorts:
            up, down = [(await listed(full, path, f"sort={sign}{sort}"))[0] for sign in ("", "-")]
            assert up == down[::-1] and sorted(map(str, up)) == sorted(map(str, whole))
            await walk(full, path, sort, up, total)
            await walk(full, path, f"-{sort}", down, total)


async def walk(full: RunningOrigin, path: str, order: str, rows: list[Any], total: int | None) -> None:
    """Follow the links of pages with three rows to the end and back to the beginning."""
    pages = [rows[first : first + 3] for first in range(0, len(rows), 3)]
    query, before = f"sort={order}&limit=3", ""
    for number, expected in enumerate(pages):
        page, answer = await listed(full, path, query)
        assert page == expected and answer.document.get("total") == total, (path, order, number)
        query, before, cursor = links(answer).get("next", ""), links(answer).get("prev", ""), answer.document["next"]
        sent = {"sort": order, "limit": "3", "cursor": cursor}
        assert dict(parse_qsl(query)) == (sent if cursor else {}) and bool(before) == (number > 0)
    assert not query
    for expected in pages[-2::-1]:
        page, answer = await listed(full, path, before)
        assert page == expected
        before = links(answer).get("prev", "")
    assert not before


async def test_rows_that_come_and_go_shift_nothing(full: RunningOrigin) -> None:
    first, answer = await listed(full, "playlists", "limit=3")
    assert [one["name"] for one in first] == list(IN_ORDER[:3])
    made_now = [await made(full, "POST", "/v1/playlists", {"name": name}) for name in ("0", "aaa", "käse 1", "zz")]
    second, answer = await listed(full, "playlists", links(answer)["next"])
    assert [one["name"] for one in second] == ["käse", "käse 1", "Käse 2"]
    await made(full, "DELETE", f"/v1/playlists/{made_now[2]['id']}")
    back, answer = await listed(full, "playlists", links(answer)["prev"])
    assert [one["name"] for one in back] == ["aaa", "Ärger", "b"]
    front, answer = await listed(full, "playlists", links(answer)["prev"])
    assert [one["name"] for one in front] == ["0", "_a%", "aaa"], "the page before the first one is the first one"
    assert "prev" not in links(answer) and answer.document["total"] == 10
    renamed = {"name": "zzz", "items": []}
    await made(full, "PUT", f"/v1/playlists/{front[0]['id']}", renamed, headers={"If-Match": '"1"'})
    assert (await listed(full, "playlists", "sort=-name&limit=1"))[0][0]["name"] == "zzz"
    assert (await listed(full, "playlists", "search=ZZZ"))[0][0]["name"] == "zzz"

    _, answer = await listed(full, "media", "limit=2&sort=name")
    cursor = answer.document["next"]
    in_order = await listed(full, "media", f"limit=2&cursor={cursor}")
    assert [one["name"] for one in in_order[0]] == ["b", "käse"], "a cursor knows its order"
    others = [(path, "") for path in ("schedule", "plays", "devices", "playlists")]
    for path, query in (("media", "sort=-name&"), ("media", "sort=created_at&"), *others):
        refused = await full.ask("GET", f"/v1/{path}?{query}cursor={cursor}", full.reader)
        assert (refused.status, list(refused.document["fields"])) == (422, ["cursor"])
    for headers, start in (({}, "</v1/media?limit=2&cursor="), ({"Via": "1.1 proxy"}, "<media?limit=2&cursor=")):
        answer = await full.ask("GET", "/v1/media?limit=2", full.reader, headers=headers)
        assert start in answer.headers["Link"], "behind a proxy with a path of its own the address is relative"


SEARCHES: dict[str, list[str]] = {
    "search=KASE": ["käse", "Käse 2", "kase 10"],
    "search=k%C3%A4se%202": ["Käse 2"],
    "search=%25": ["_a%"],
    "search=_": ["_a%"],
    "search=nothing": [],
    "search=ase&sort=-name&limit=2": ["kase 10", "Käse 2"],
}
COUNTS = [
    ("media", "state=ready", 7), ("media", "state=failed", 0), ("media", "kind=stream", 7),
    ("media", "kind=video", 0), ("media", f"asset={'0' * 64},{'1' * 64}", 0), ("media", "search=", 7),
    ("devices", "channel=channel-0", 3), ("devices", "channel=main", 1), ("devices", "channel=nowhere", 0),
    ("devices", "online=true", 0), ("devices", "online=false", 8), ("devices", "online=false&channel=main", 1),
    ("campaigns", "channel=channel-1", 7), ("campaigns", "search=firm 1", 3), ("schedule", "search=NNEL", 7),
    ("schedule", "channel=main,channel-1,channel-99", 2), ("releases", "channel=channel-3", 1),
    ("history", "kind=device", 8), ("plays", "line=mornings", 7), ("plays/conflicts", "", 0),
]  # fmt: skip


async def test_filters_select_and_the_total_follows(full: RunningOrigin) -> None:
    for query, names in SEARCHES.items():
        for path in ("media", "playlists", "campaigns", "devices"):
            found, _ = await listed(full, path, query if "sort" in query else f"sort=name&{query}")
            assert [one["name"] for one in found] == names, (path, query)
    for path, query, count in COUNTS:
        few, answer = await listed(full, path, f"{query}&limit=1")
        assert len(few) == min(1, count) and answer.document.get("total") in (None, count), (path, query)
        assert len((await listed(full, path, query))[0]) == count, (path, query)
    for path in ("media", "devices", "playlists", "campaigns"):
        ids = [one["id"] for one in (await listed(full, path))[0][1:3]]
        found, _ = await listed(full, path, f"id={','.join(ids)},nobody")
        assert sorted(one["id"] for one in found) == sorted(ids)


EVERY_LIST_REFUSES = [
    "limit=0", "limit=-1", "limit=1001", "limit=1e3", "limit=", "limit=ten", "limit=99999999999999999999",
    "sort=nonsense", "sort=", "sort=--name", "sort=id", "page=2", "offset=5", "limit=3&limit=4", "CURSOR=x",
    "cursor=", "cursor=nonsense", "cursor=%00", "cursor=W10", "cursor=e30", "cursor=bnVsbA", "cursor=%F0%9F%98%80",
    "cursor=" + "A" * 3_999, "cursor=" + "A" * 4_001,
]  # fmt: skip
ONE_LIST_REFUSES = [
    ("media", "state=gone"), ("media", "kind=sound"), ("media", "id=a,,b"), ("media", "id=" + ",".join("a" * 101)),
    ("media", "search=" + "x" * 201), ("media", "search=%00"), ("devices", "online=perhaps"),
    ("devices", "channel=../x"), ("campaigns", "channel="), ("releases", "channel=a b"), ("uploads", "search=x"),
    *(
        ("playlists", f"cursor={base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode()}")
        for cursor in (
            "name", {"table": "playlists"}, ["playlists"], ["media", "name", False, ["a", "b"]],
            *(
                ["playlists", *rest]
                for rest in (
                    ["name", False, []], ["name", False, ["a"]], ["name", False, ["a", 1]],
                    ["name", False, ["a", "b", "c"]], ["name", False, ["\0", "b"]], ["name", False, ["\ud800", "b"]],
                    ["name", 1, ["a", "b"]], ["--name", False, ["a", "b"]], ["updated_at", False, [2**63, "b"]],
                    ["updated_at", False, [True, "b"]], ["updated_at", False, [1.5, "b"]],
                    ["updated_at", False, [None, "b"]],
                )
            ),
        )
    ),
]  # fmt: skip


async def test_what_a_list_does_not_take_is_refused_by_name(server: RunningOrigin) -> None:
    of_all = [(path, query) for path in LISTS for query in EVERY_LIST_REFUSES]
    for path, query in (*of_all, *ONE_LIST_REFUSES):
        answer = await server.ask("GET", f"/v1/{path}?{query}", server.reader)
        named = list(answer.document.get("fields", ()))
        assert (answer.status, named) == (422, [query.partition("=")[0]]), (path, query)


CREATIVE_LINE = [{"name": "l", "creatives": [{"media": "nowhere"}]}]
REFERENCES: list[tuple[str, str, Any, int, str]] = [
    ("PATCH", "devices/{device}", {"channel": "nowhere"}, 422, "channel"),
    ("POST", "playlists", {"name": "p", "items": [{"media": "nowhere"}]}, 422, "items.0.media"),
    ("POST", "campaigns", {"name": "c", "advertiser": "a", **WINDOW, "lines": CREATIVE_LINE}, 422,
     "lines.0.creatives.0.media"),
    ("PUT", "schedule/main", {"default_playlist": "nowhere"}, 422, "default_playlist"),
    ("PUT", "schedule/main", {"fallback": "nowhere"}, 422, "fallback"),
    ("PUT", "schedule/main",
     {"dayparts": [{"name": "d", "playlist": "nowhere", "weekdays": [1], "start": "08:00", "end": "09:00"}]}, 422,
     "dayparts.0.playlist"),
    ("PUT", "schedule/main", {"overlays": [{"kind": "logo", "media": "nowhere", "corner": "top-left"}]}, 422,
     "overlays.0.media"),
    ("POST", "releases", {"channel": "nowhere"}, 404, ""),
    ("POST", "devices/{device}/let-through", {"release": "0" * 64}, 409, ""),
    ("POST", "devices/nowhere/let-through", {"release": "0" * 64}, 404, ""),
    ("POST", "devices/{device}/new-identity", {"boot_id": "a" * 32, "name": "n"}, 404, ""),
    ("POST", "devices/{device}/keys/nowhere/revocation", {"note": "n"}, 404, ""),
    ("POST", "plays/accepted",
     {"device": "nowhere", "log_epoch": "a" * 32, "sequence": 1, "until": 2, "note": "n"}, 404, ""),
]  # fmt: skip


async def test_a_write_that_refers_to_nothing_is_refused(server: RunningOrigin) -> None:
    device, _ = await server.pair()
    booking: dict[str, Any] = {"name": "c", "advertiser": "a", **WINDOW, "channel": "nowhere"}
    stream = await made(server, "POST", "/v1/media/streams", {"url": "http://example.com/1"})
    booking["lines"] = [{"name": "l", "creatives": [{"media": stream["id"]}]}]
    secret = "7" * 64
    asked = await made(server, "POST", "/v1/pairings", {"name": "x", "secret": secret})
    code = pairing_code(Envelope.model_validate(asked["root"]), secret)
    both = [("campaigns", booking), ("devices", {"channel": "nowhere", "code": code})]
    further = [("POST", path, body, 422, "channel") for path, body in both]
    for method, path, body, status, field in (*REFERENCES, *further):
        answer = await server.ask(method, f"/v1/{path.format(device=device)}", server.writer, body)
        assert answer.status == status, (path, answer.text)
        assert not field or field in answer.document["fields"], (path, answer.text)
    assert (await listed(server, "devices"))[0][0]["channel"] == "main"
    assert not (await listed(server, "schedule"))[0] and not (await listed(server, "playlists"))[0]
