"""Exchanges: one request a period, whose parts are taken one by one, from memory where nothing is delivered."""

import hashlib
from typing import Any

import pytest

from sync.errors import StorageFull
from sync.origin.intake.exchange import RETRY_S
from sync.origin.intake.heartbeat_intake import LARGEST_LETTERS
from sync.origin.store.proof.plays import PlayStore
from sync.wire.device_reports import BATCH_LIMIT
from tests.origin.running_origin import EPOCH, Answer, RunningOrigin, play
from tests.origin.statements import heard_statements

BEAT = {"at": "2026-03-02T12:00:00Z", "version": "1", "boot_id": "0123456789abcdef" * 2}


async def exchange(server: RunningOrigin, token: str, **parts: Any) -> Answer:
    return await server.ask("POST", "/v1/exchange", token, parts)


async def publish(server: RunningOrigin) -> str:
    """Publish a stream on the channel `main`; return the hash of its timestamp as devices fetch it."""

    async def made(path: str, body: dict[str, Any], method: str = "POST") -> Any:
        answer = await server.ask(method, path, server.writer, body)
        assert answer.status < 300, answer.text
        return answer.document

    media = await made("/v1/media/streams", {"url": "http://example.com/1", "name": "stream"})
    item = {"media": media["id"], "duration_ms": 10_000}
    playlist = await made("/v1/playlists", {"name": "all", "items": [item]})
    await made("/v1/schedule/main", {"default_playlist": playlist["id"], "zone": "UTC"}, "PUT")
    await made("/v1/releases", {"channel": "main"})
    fetched = await server.ask("GET", "/content/channels/main/timestamp.json")
    return hashlib.sha256(fetched.text.encode()).hexdigest()


async def test_one_exchange_tells_and_takes_all_that_a_device_asks_once_a_period(server: RunningOrigin) -> None:
    device, token = await server.pair("window")
    none = (await exchange(server, token)).document
    assert (none["device"], none["channel"], none["timestamp"], none["plays"]) == (device, "main", None, None)

    published = await publish(server)
    plays = [play(device, 1), play(device, 2)]
    answer = await exchange(server, token, heartbeat=BEAT, plays=plays)
    assert answer.status == 200
    assert answer.document["timestamp"] == published
    assert [one["status"] for one in answer.document["plays"]["receipts"]] == ["accepted", "accepted"]
    assert answer.document["plays"]["high_water"] == 2
    assert answer.document["retry_after_s"] == 0
    seen = (await server.ask("GET", f"/v1/devices/{device}", server.reader)).document
    assert (seen["online"], seen["heartbeat"]["version"]) == (True, "1")


async def test_only_devices_exchange(server: RunningOrigin) -> None:
    assert (await exchange(server, server.writer)).status == 403
    assert (await exchange(server, "none")).status == 401


async def test_an_exchange_without_plays_asks_the_database_nothing(
    server: RunningOrigin,
) -> None:
    _, token = await server.pair("window")
    published = await publish(server)
    beats = [BEAT | {"log_epoch": EPOCH, "log_sequence": number} for number in range(5)]
    for beat in beats[:2]:  # a start of a machine that is new is looked at, and again when that is noted
        await exchange(server, token, heartbeat=beat)
    with heard_statements(server.database) as statements:
        for beat in beats[2:]:
            assert (await exchange(server, token, heartbeat=beat)).document["timestamp"] == published
    assert statements == []


@pytest.mark.parametrize(
    "heartbeat",
    [{"version": "1"}, BEAT | {"trust": "x" * LARGEST_LETTERS}],
    ids=["incomplete", "too large to be held"],
)
async def test_a_wrong_heartbeat_keeps_no_play_from_being_stored(
    server: RunningOrigin, heartbeat: dict[str, Any]
) -> None:
    device, token = await server.pair("window")
    answer = (await exchange(server, token, heartbeat=heartbeat, plays=[play(device, 1)])).document
    assert answer["refused"]
    assert answer["plays"]["receipts"][0]["status"] == "accepted"
    assert not server.database.held_heartbeats


async def test_plays_that_cannot_be_stored_keep_nothing_else_from_being_answered(
    server: RunningOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, token = await server.pair("window")
    published = await publish(server)
    with monkeypatch.context() as full:

        async def refuse(*_: object) -> None:
            raise StorageFull("the origin's disk is full")

        full.setattr(PlayStore, "store", refuse)
        answer = (await exchange(server, token, heartbeat=BEAT, plays=[play(device, 1)])).document
    assert (answer["plays"], answer["retry_after_s"], answer["timestamp"]) == (None, RETRY_S, published)
    assert device in server.database.held_heartbeats
    again = (await exchange(server, token, plays=[play(device, 1)])).document
    assert again["plays"]["receipts"][0]["status"] == "accepted"


async def test_more_plays_than_a_batch_are_refused(server: RunningOrigin) -> None:
    device, token = await server.pair("window")
    plays = [play(device, 1)] * (BATCH_LIMIT + 1)
    assert (await exchange(server, token, plays=plays)).status == 422
