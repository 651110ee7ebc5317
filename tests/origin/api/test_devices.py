"""Devices as people see them: their pulse, whether they are behind, renaming, moving, locking out."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import delete, update

from sync.origin.intake.heartbeat_intake import budget_wait
from sync.origin.store.heartbeats.heartbeats import write_held
from sync.origin.tables.audit import audit_entries
from sync.origin.tables.devices import devices
from sync.wire.device_reports import Heartbeat
from tests.fakes import FakeClock
from tests.origin.running_origin import RunningOrigin, play

BEAT: dict[str, Any] = {
    "at": "2026-03-02T12:00:00Z",
    "version": "0.1.0",
    "sequence": 3,
    "on_air": {"title": "Good morning", "kind": "item"},
    "problems": ["the disk is nearly full"],
    "health": {"cpu_percent": 12.5},
    "a field of tomorrow": True,
}


async def test_a_heartbeat_shows_what_is_on_air_and_how_long_ago_it_was_seen(
    server: RunningOrigin, clock: FakeClock
) -> None:
    device, token = await server.pair()
    before = (await server.ask("GET", f"/v1/devices/{device}", server.reader)).document
    assert (before["seen_at"], before["online"], before["heartbeat"]) == (None, False, None)
    assert (await server.ask("POST", "/v1/heartbeats", token, BEAT)).status == 204
    clock.step_wall(100)
    view = (await server.ask("GET", f"/v1/devices/{device}", server.reader)).document
    assert (view["seen_age_s"], view["online"], view["sequence"]) == (100.0, True, 3)
    assert view["heartbeat"]["on_air"]["title"] == "Good morning"
    assert view["heartbeat"]["health"] == {"cpu_percent": 12.5}


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("", "all documents are accepted"),
        ("freeze", "freeze: what was accepted before has expired, and nothing newer is served"),
        ("a_rule_of_tomorrow", "a_rule_of_tomorrow"),
    ],
)
async def test_people_are_told_in_words_whether_a_screen_accepts_what_it_is_sent(
    server: RunningOrigin, rule: str, told: str
) -> None:
    device, token = await server.pair()
    assert (await server.ask("GET", f"/v1/devices/{device}", server.reader)).document["trust"] == ""
    assert (await server.ask("POST", "/v1/heartbeats", token, BEAT | {"trust": rule})).status == 204
    view = (await server.ask("GET", f"/v1/devices/{device}", server.reader)).document
    assert (view["trust"], view["heartbeat"]["trust"]) == (told, rule)


A, B = "a" * 64, "b" * 64
SPENT = {"month": "2026-03", "month_spent": True, "month_let_through": ""}
WANTED = {"release": A, "month": "2026-03"}


@pytest.mark.parametrize(
    ("changes", "health", "wanted", "state"),
    [
        ({"preparing": A}, {}, None, "waits"),
        ({"preparing": A}, {}, WANTED, "asked"),
        ({"preparing": A}, {"month_let_through": B}, WANTED, "asked"),
        ({"preparing": A}, {"month_let_through": A}, WANTED, "done"),
        ({"preparing": A}, {"month_let_through": A}, None, "done"),  # on the screen itself
        ({"preparing": A}, {}, WANTED | {"release": B}, "waits"),
        ({"preparing": A}, {}, WANTED | {"month": "2026-02"}, "waits"),  # that was for another month
        ({"preparing": A}, {"month_spent": False}, WANTED, None),
        *(
            ({"preparing": A}, {"month": odd}, None, None)
            for odd in (3, "spring", "", "2026-3", "\u0662\u0660\u0662\u0666-03")
        ),
        ({"preparing": A}, {"month_let_through": None}, WANTED, None),  # an older player
        ({"release": A}, {}, WANTED, None),
        ({"release": A, "coming": {"release": A, "bytes_done": 0, "bytes_to_do": 9}}, {}, None, "waits"),
    ],
)
def test_what_waits_for_the_budget_of_a_month(
    changes: dict[str, Any], health: dict[str, Any], wanted: dict[str, Any] | None, state: str | None
) -> None:
    found = budget_wait(Heartbeat.model_validate(BEAT | changes | {"health": SPENT | health}), wanted)
    assert (found and found.state) == state
    assert found is None or (found.release, found.month) == (A, "2026-03")


async def test_only_who_may_write_lets_a_release_through_and_only_the_one_that_waits(server: RunningOrigin) -> None:
    device, token = await server.pair()
    other, _ = await server.pair("other")
    path, body = f"/v1/devices/{device}/let-through", {"release": A}
    assert (await server.ask("POST", path, server.writer, body)).status == 409, "it was not heard yet"
    beat = BEAT | {"preparing": A, "health": SPENT}
    assert (await server.ask("POST", "/v1/heartbeats", token, beat)).status == 204
    for caller, status in ((None, 401), (token, 403), (server.reader, 403)):
        assert (await server.ask("POST", path, caller, body)).status == status
    for wrong, status in (
        ({"release": B}, 409),
        ({"release": "x"}, 422),
        ({}, 422),
        (body | {"month": "2026-04"}, 422),
    ):
        assert (await server.ask("POST", path, server.writer, wrong)).status == status
    assert (await server.ask("POST", path.replace(device, other), server.writer, body)).status == 409
    assert (await server.ask("POST", path.replace(device, "nobody"), server.writer, body)).status == 404
    assert (await server.ask("POST", "/v1/heartbeats", token, beat)).status == 204
    for _ in range(2):
        assert (await server.ask("POST", path, server.writer, body)).document["budget"] == WANTED | {"state": "asked"}
        answer = await server.ask("POST", "/v1/heartbeats", token, beat)
        assert answer.document["let_through"] == WANTED
    for done in ({"month_let_through": A}, {"month": "2026-04"}, {"month_spent": False}):
        assert (await server.ask("POST", "/v1/heartbeats", token, beat | {"health": SPENT | done})).status == 204
    rows = (await server.ask("GET", f"/v1/history?device={device}", server.reader)).document["history"]
    (noted,) = [row["record"] for row in rows if row["state"] == "let_through"]
    assert noted["release"] == A and noted["by"]


async def test_the_worst_come_first_and_each_tells_when_its_channel_was_published(
    server: RunningOrigin, clock: FakeClock
) -> None:
    said: dict[str, dict[str, Any]] = {
        "fine": {"problems": []},
        "warned": {},
        "dark": {"problem_codes": ["no_display"]},
        "silent": {},
    }
    for name, facts in said.items():
        _, token = await server.pair(name)
        assert (await server.ask("POST", "/v1/heartbeats", token, BEAT | facts)).status == 204
    await server.pair("unheard", "cafe")
    stream = {"url": "http://example.com/live", "name": "Live"}
    media = (await server.ask("POST", "/v1/media/streams", server.writer, stream)).document["id"]
    items = {"name": "All day", "items": [{"media": media, "duration_ms": 10_000}]}
    playlist = (await server.ask("POST", "/v1/playlists", server.writer, items)).document["id"]
    await server.ask("PUT", "/v1/schedule/main", server.writer, {"default_playlist": playlist, "zone": "UTC"})
    assert (await server.ask("POST", "/v1/releases", server.writer, {"channel": "main"})).status == 201
    published = clock.now()
    clock.step_wall(60)
    await write_held(server.database)
    async with server.database.writing() as connection:
        await connection.execute(update(devices).where(devices.c.name == "silent").values(unheard_ms=1))
    found = (await server.ask("GET", "/v1/devices?sort=worst", server.reader)).document["devices"]
    assert [one["name"] for one in found] == ["dark", "silent", "warned", "unheard", "fine"]
    released = {one["name"]: one["channel_released_at"] for one in found}
    assert released.pop("unheard") is None
    assert {datetime.fromisoformat(at) for at in released.values()} == {published}


async def test_a_garbage_heartbeat_is_refused_and_changes_nothing(server: RunningOrigin) -> None:
    for body in (b"", b"{", b"[]", b"\xff\xfe", b'{"at": "yesterday"}', b"[" * 100_000):
        device, token = await server.pair()
        assert (await server.ask("POST", "/v1/heartbeats", token, body)).status in (413, 422)
        assert (await server.ask("GET", f"/v1/devices/{device}", server.reader)).document["heartbeat"] is None


async def test_two_people_at_two_fields_of_one_device_never_clash(server: RunningOrigin) -> None:
    device, _ = await server.pair()
    path = f"/v1/devices/{device}"
    before = (await server.ask("GET", path, server.reader)).document["name"]
    first = await server.ask("PATCH", path, server.writer, {"name": "Door"}, headers={"If-Match": '"1"'})
    assert (first.status, first.headers["ETag"], first.document["name"]) == (200, '"2"', "Door")
    await server.make_channel("cafe")
    second = await server.ask("PATCH", path, server.writer, {"channel": "cafe"}, headers={"If-Match": '"1"'})
    assert (second.status, second.document["name"], second.document["channel"]) == (200, "Door", "cafe")
    whole = {"name": "Wall", "channel": "main"}  # as a form sends it; the channel is what was seen
    third = await server.ask("PATCH", path, server.writer, whole, headers={"If-Match": '"2"'})
    assert (third.status, third.document["name"], third.document["channel"]) == (200, "Wall", "cafe")
    lost = await server.ask("PATCH", path, server.writer, {"name": "Bar"}, headers={"If-Match": '"1"'})
    assert (lost.status, lost.document["type"].rpartition(":")[2]) == (409, "clash")
    [clash] = lost.document["clashes"]
    assert [clash[name] for name in ("field", "seen", "theirs", "yours")] == ["name", before, "Wall", "Bar"]
    assert [(one["field"], one["value"], one["by"]) for one in lost.document["agreed"]] == [
        ("channel", "cafe", "theirs")
    ]
    same = await server.ask("PATCH", path, server.writer, {"name": "Wall"}, headers={"If-Match": '"1"'})
    assert same.status == 200


async def test_a_lost_race_is_told_the_version_there_is(server: RunningOrigin) -> None:
    device, _ = await server.pair()
    path = f"/v1/devices/{device}"
    await server.ask("PATCH", path, server.writer, {"name": "Door"}, headers={"If-Match": '"1"'})
    async with server.database.writing() as connection:
        await connection.execute(delete(audit_entries))
    for seen in ("1", "7"):
        lost = await server.ask("PATCH", path, server.writer, {"name": "Bar"}, headers={"If-Match": f'"{seen}"'})
        assert (lost.status, lost.document["current"]) == (412, 2)


async def test_a_field_nobody_knows_is_named(server: RunningOrigin) -> None:
    device, _ = await server.pair()
    answer = await server.ask("PATCH", f"/v1/devices/{device}", server.writer, {"chanel": "cafe"})
    assert (answer.status, list(answer.document["fields"])) == (422, ["chanel"])
    unsafe = await server.ask("PATCH", f"/v1/devices/{device}", server.writer, {"channel": "../main"})
    assert (unsafe.status, list(unsafe.document["fields"])) == (422, ["channel"])


async def test_a_removed_device_is_locked_out_and_its_plays_stay(server: RunningOrigin) -> None:
    device, token = await server.pair()
    await server.ask("POST", "/v1/plays", token, {"plays": [play(device, 1)]})
    assert (await server.ask("DELETE", f"/v1/devices/{device}", server.writer)).status == 204
    assert (await server.ask("POST", "/v1/heartbeats", token, BEAT)).status == 401
    assert (await server.ask("GET", f"/v1/devices/{device}", server.reader)).status == 404
    assert (await server.ask("GET", "/v1/devices", server.reader)).document["devices"] == []
    assert len((await server.ask("GET", "/v1/plays", server.reader)).document["plays"]) == 1
