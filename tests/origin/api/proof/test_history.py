"""History at the origin: exactly once, conflicts kept, asked for again, read as pages and CSV; it sets plays right."""

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import delete

from sync.errors import StorageFull
from sync.origin.intake import clock_correction
from sync.origin.store.proof.play_times import JUDGED_ANEW, PlayTimeStore
from sync.origin.tables.history import history, history_conflicts
from sync.wire.device_reports import record_hash
from tests.fakes import FakeClock
from tests.origin.api.proof.test_plays import bring, kept, statuses
from tests.origin.running_origin import EPOCH, Answer, RunningOrigin, play

BOOT, OTHER_BOOT = "b" * 32, "c" * 32
NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def at(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def record(device: str, nth: int, kind: str = "screen", state: str = "off", **changes: Any) -> dict[str, Any]:
    """Return a record of the history as a device sends it, its hash right."""
    document: dict[str, Any] = {
        "device": device,
        "log_epoch": EPOCH,
        "sequence": nth,
        "plays": 0,
        "kind": kind,
        "state": state,
        "at": at(NINE + timedelta(minutes=nth)),
        "boot_id": BOOT,
        "mono_ms": 60_000 * nth,
        "clock": "synced",
    } | changes
    return {**document, "hash": record_hash(document)}


async def tell(server: RunningOrigin, token: str, *records: Any) -> Answer:
    answer = await server.ask("POST", "/v1/history", token, {"records": records})
    assert answer.status == 200
    return answer


async def read(server: RunningOrigin, query: str = "") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await server.ask("GET", f"/v1/history{query}", server.reader)).document["history"]
    return [row for row in rows if row["by"] == "screen"]


async def test_a_batch_may_hold_new_old_conflicting_and_invalid_records(server: RunningOrigin) -> None:
    device, token = await server.pair()
    await tell(server, token, record(device, 1), record(device, 2, state="on"))
    answer = await tell(
        server,
        token,
        record(device, 1),
        record(device, 2, state="unknown"),
        record(device, 3, "novelty", "something_new", later_field=7),
        record(device, 4) | {"state": "on"},
        record("another", 5),
        record(device, 6, "contact", "lost"),
        record(device, 7, "Screen"),
        record(device, 9, sequence=2**70),
        record(device, 8, mono_ms=2**70),
        {"sequence": True},
        {},
    )
    assert statuses(answer) == ["duplicate", "conflict", "accepted", *["invalid"] * 8]
    assert (answer.document["log_epoch"], answer.document["high_water"]) == (EPOCH, 3)
    assert [(row["kind"], row["state"]) for row in await read(server)] == [
        ("novelty", "something_new"), ("screen", "on"), ("screen", "off"),
    ]  # fmt: skip
    assert (await read(server))[0]["record"]["later_field"] == 7
    async with server.database.reading() as connection:
        clashing = [row.body["state"] for row in await connection.execute(history_conflicts.select())]
    assert clashing == ["unknown"]


@pytest.mark.parametrize(
    "odd",
    [
        {"at": "0001-01-01T00:00:00Z"}, {"at": "9999-12-31T23:59:59Z"}, {"at": "2026-03-02T09:00:00+14:00"},
        {"utc_before": "0001-01-01T00:00:00Z", "kind": "clock"}, {"mono_ms": None, "boot_id": None, "kind": "clock"},
        {"mono_ms": 2**53, "kind": "clock", "clock": "unsynced"}, {"text": "\u202e\ud83d\ude00"}, {"number": 0},
        {"unrecorded": 2**53}, {"plays": 2**53}, {"kind": "x" * 32, "state": "y" * 32}, {"more": {"deep": [[[]]]}},
    ],
    ids=str,
)  # fmt: skip
async def test_odd_records_are_taken_and_read(server: RunningOrigin, odd: dict[str, Any]) -> None:
    device, token = await server.pair()
    assert statuses(await tell(server, token, record(device, 1, **odd))) == ["accepted"]
    for query in ("", "?format=csv", f"?device={device}&limit=1"):
        assert (await server.ask("GET", f"/v1/history{query}", server.reader)).status == 200
    assert statuses(await bring(server, token, late(device, 1))) == ["accepted"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": "a\0b"}, {"text": "a\nb"}, {"text": "x" * 501}, {"code": "\x7f"}, {"state": ""}, {"state": "ON"},
        {"plays": -1}, {"plays": 2**53 + 1}, {"mono_ms": -1}, {"at": 7}, {"at": "2026-03-02"}, {"boot_id": "b" * 31},
        {"clock": "right"}, {"log_epoch": "1"}, {"sequence": 0}, {"release": "none"}, {"utc_before": "yesterday"},
        {"kind": "device"}, {"hash": "0" * 64},
    ],
    ids=str,
)  # fmt: skip
async def test_wrong_records_are_refused_alone(server: RunningOrigin, wrong: dict[str, Any]) -> None:
    device, token = await server.pair()
    bad = record(device, 1, **wrong) | {key: value for key, value in wrong.items() if key == "hash"}
    answer = await tell(server, token, bad, record(device, 2))
    assert statuses(answer) == ["invalid", "accepted"]
    assert len(await read(server)) == 1


async def test_what_a_restored_database_lacks_is_asked_for_again(server: RunningOrigin) -> None:
    device, token = await server.pair()
    records = [record(device, number) for number in range(1, 8)]
    await tell(server, token, *records[:6])
    async with server.database.writing() as connection:  # the backup is older than these
        await connection.execute(delete(history).where(history.c.sequence.in_((2, 4, 5))))
    answer = await tell(server, token, records[6])
    assert answer.document["missing"] == [{"first": 2, "last": 2}, {"first": 4, "last": 5}]
    assert answer.document["high_water"] == 1
    answer = await tell(server, token, records[1], *records[3:5])
    assert (statuses(answer), answer.document["high_water"]) == (["accepted"] * 3, 7)


async def test_people_read_pages_by_device_kind_and_time_and_csv_with_names(server: RunningOrigin) -> None:
    window, token = await server.pair("=Window")
    door, other = await server.pair("Door")
    await tell(server, token, *(record(window, number, "problem", "began", text="+hot") for number in range(1, 6)))
    await tell(server, other, record(door, 1), record(door, 2, "release", "activated", release="e" * 64, number=7))
    assert [row["record"]["number"] for row in await read(server, "?kind=release")] == [7]
    assert len(await read(server, f"?device={window}&from={at(NINE + timedelta(minutes=2))}")) == 5 - 1
    assert len(await read(server, f"?device={window}&kind=problem&until={at(NINE + timedelta(minutes=2))}")) == 1
    seen, mark = list[int](), ""
    while mark is not None:
        answer = await server.ask("GET", f"/v1/history?kind=problem&limit=2{mark}", server.reader)
        seen += [row["record"]["sequence"] for row in answer.document["history"]]
        mark = answer.document["next"] and f"&after={answer.document['next']}"
    assert seen == [5, 4, 3, 2, 1]
    answer = await server.ask("GET", "/v1/history?format=csv&kind=problem&limit=1", server.reader)
    (line,) = csv.DictReader(io.StringIO(answer.text))
    assert (line["device_name"], line["text"], line["state"], line["sequence"]) == ("'=Window", "'+hot", "began", "5")
    assert answer.headers["X-Next"]
    for query in ("?after=nonsense", "?kind=Not a word", "?limit=0", "?device=*", "?what=1"):
        assert (await server.ask("GET", f"/v1/history{query}", server.reader)).status == 422
    assert (await server.ask("GET", "/v1/history", token)).status == 403


def late(device: str, number: int, **changes: Any) -> dict[str, Any]:
    """A play of BOOT, five hours early by its clock."""
    began = NINE - timedelta(hours=5) + timedelta(seconds=10 * number)
    times = {"started_at": at(began), "ended_at": at(began + timedelta(seconds=10))}
    mono = {"boot_id": BOOT, "mono_start_ms": 10_000 * number, "mono_end_ms": 10_000 * (number + 1)}
    return play(device, number, **{**times, **mono, "clock": "unsynced", **changes})


def synchronised(device: str, number: int, **changes: Any) -> dict[str, Any]:
    """The clock of BOOT is set, 100 s after its start, at 9:01:40."""
    set_at = NINE + timedelta(seconds=100)
    before = {"utc_before": at(set_at - timedelta(hours=5)), "at": at(set_at), "mono_ms": 100_000, "plays": 9}
    return record(device, number, "clock", "synchronised", **before, **changes)


@pytest.mark.parametrize("first", ["plays", "correction"])
async def test_a_clock_that_is_set_moves_the_plays_before_it(
    server: RunningOrigin, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_correction, "AT_ONCE", 2)
    device, token = await server.pair()
    plays = [late(device, number) for number in (1, 2, 3)]
    if first == "plays":
        await bring(server, token, *plays)
    await tell(server, token, record(device, 1, "player", "started", clock="unsynced"), synchronised(device, 2))
    if first == "correction":
        await bring(server, token, *plays)
    page = (await server.ask("GET", f"/v1/plays?from={at(NINE)}", server.reader)).document
    assert [one["sequence"] for one in page["plays"]] == [3, 2, 1]
    assert page["plays"][2] == plays[0]  # the document stays as it came
    assert page["corrected"][2] == {
        "device": device, "log_epoch": EPOCH, "sequence": 1, "offset_ms": 5 * 3_600_000,
        "started_at": at(NINE + timedelta(seconds=10)), "ended_at": at(NINE + timedelta(seconds=20)),
    }  # fmt: skip
    assert await kept(server, f"?until={at(NINE)}") == []
    sums = (await server.ask("GET", "/v1/plays/summary", server.reader)).document["sums"]
    assert [(one["plays"], one["first_ms"]) for one in sums] == [(3, int(NINE.timestamp() * 1000) + 10_000)]


async def test_what_a_wrong_clock_put_aside_or_in_the_way_counts_at_its_right_time(server: RunningOrigin) -> None:
    device, token = await server.pair()
    wrong = late(device, 1)
    in_the_way = play(device, 2, started_at=wrong["started_at"], ended_at=wrong["ended_at"], clock="synced")
    ages_ago = {"started_at": "1970-01-01T00:00:30Z", "ended_at": "1970-01-01T00:00:40Z", "mono_start_ms": 30_000}
    of_1970 = late(device, 3, **ages_ago)
    answer = await bring(server, token, wrong, in_the_way, of_1970)
    assert [bool(one["detail"]) for one in answer.document["receipts"]] == [False, True, True]
    await tell(server, token, synchronised(device, 1))
    page = (await server.ask("GET", "/v1/plays", server.reader)).document
    assert [one["sequence"] for one in page["plays"]] == [3, 1, 2]
    assert page["set_aside"] == []
    assert await statuses_again(server, token, wrong, in_the_way, of_1970) == ["duplicate"] * 3


async def statuses_again(server: RunningOrigin, token: str, *plays: Any) -> list[str]:
    return statuses(await bring(server, token, *plays))


async def test_an_origin_that_ended_half_way_goes_on_with_the_next_try(
    server: RunningOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, token = await server.pair()
    await bring(server, token, late(device, 1), late(device, 2))

    async def fail(*_: object, **__: object) -> None:
        raise StorageFull("the disk is full")

    for method, moved in (("move", 0), ("judge", 2)):
        with monkeypatch.context() as broken:
            broken.setattr(PlayTimeStore, method, fail)
            answer = await server.ask("POST", "/v1/history", token, {"records": [synchronised(device, 1)]})
            assert answer.status == 507
        page = (await server.ask("GET", "/v1/plays", server.reader)).document
        assert (len(page["corrected"]), len(page["set_aside"])) == (moved, moved)
    assert statuses(await tell(server, token, synchronised(device, 1))) == ["duplicate"]
    page = (await server.ask("GET", "/v1/plays", server.reader)).document
    assert (len(page["corrected"]), page["set_aside"]) == (2, [])


@pytest.mark.parametrize("pieces", [0, 1, 2, 4, 5, 6, 8])
async def test_what_a_request_has_no_time_for_a_service_does_and_what_is_killed_goes_on(
    server: RunningOrigin, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    """Each piece takes the time of a request, which so does one of them; the service ends after some others."""
    monkeypatch.setattr(clock_correction, "AT_ONCE", 2)
    device, token = await server.pair()
    await bring(server, token, *(late(device, number) for number in range(1, 9)))
    left, move, judge = [1], PlayTimeStore.move, PlayTimeStore.judge

    async def next_piece() -> None:
        if not left[0]:
            raise StorageFull("the disk is full")
        left[0] -= 1
        await clock.advance(clock_correction.IN_REQUEST_S)

    async def slow_move(store: PlayTimeStore, *what: Any, **more: Any) -> None:
        await next_piece()
        await move(store, *what, **more)

    async def slow_judge(store: PlayTimeStore, *what: Any) -> None:
        await next_piece()
        await judge(store, *what)

    monkeypatch.setattr(PlayTimeStore, "move", slow_move)
    monkeypatch.setattr(PlayTimeStore, "judge", slow_judge)
    assert statuses(await tell(server, token, synchronised(device, 1))) == ["accepted"]
    page = (await server.ask("GET", "/v1/plays", server.reader)).document
    assert (len(page["corrected"]), len(page["set_aside"])) == (2, 2), "one piece was done before the answer"
    await bring(server, token, late(device, 9))
    service, left[0] = server.origin.services["clock_correction"], pieces
    with pytest.raises(StorageFull):
        await asyncio.wait_for(service(), 60)
    page = (await server.ask("GET", "/v1/plays", server.reader)).document
    (sums,) = (await server.ask("GET", "/v1/plays/summary", server.reader)).document["sums"]
    assert sums["plays"] == 9 - len(page["set_aside"])
    assert {one["reason"] for one in page["set_aside"]} <= {JUDGED_ANEW}
    left[0] = 99
    again = asyncio.create_task(service())
    async with asyncio.timeout(60):
        while len(page["corrected"]) < 9 or page["set_aside"]:
            page = (await server.ask("GET", "/v1/plays", server.reader)).document
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)
    assert {one["offset_ms"] for one in page["corrected"]} == {5 * 3_600_000}


async def test_history_that_sets_no_clock_looks_at_no_plays(
    server: RunningOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, token = await server.pair()

    async def fail(*_: Any, **__: Any) -> None:
        raise StorageFull("the disk is full")

    for method in ("moved", "untrusted", "move", "judge"):
        monkeypatch.setattr(PlayTimeStore, method, fail)
    assert statuses(await tell(server, token, record(device, 1), record(device, 2, "player", "started"))) == [
        "accepted", "accepted",
    ]  # fmt: skip


async def test_a_device_that_cannot_be_corrected_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = list[str]()

    async def devices() -> set[str]:
        return {"bad", "good"}

    async def finish(correction: clock_correction.ClockCorrection, device: str) -> None:
        tried.append(device)
        if device == "bad":
            raise StorageFull("the disk is full")
        del correction._left[device]

    monkeypatch.setattr(clock_correction.ClockCorrection, "_finish", finish)
    stores: Any = SimpleNamespace(devices_to_correct=devices, devices_moved=devices)
    unused: Any = None
    correction = clock_correction.ClockCorrection(stores, stores, unused, unused, unused, FakeClock())
    for _ in range(2):  # it is restarted
        with pytest.raises(StorageFull):
            await asyncio.wait_for(correction.run(), 60)
    assert tried[:3] == ["bad", "good", "bad"]


async def test_history_under_a_wrong_clock_moves_too_and_other_boots_stay(server: RunningOrigin) -> None:
    device, token = await server.pair()
    early = at(NINE - timedelta(hours=5) + timedelta(seconds=60))
    await tell(server, token, record(device, 1, at=early, clock="unsynced", mono_ms=60_000))
    await tell(server, token, record(device, 2, at=early, clock="unsynced", mono_ms=60_000, boot_id=OTHER_BOOT))
    await tell(server, token, synchronised(device, 3))
    right = {row["record"]["sequence"]: (row["at"], row["clock_offset_ms"]) for row in await read(server)}
    assert right[1] == (at(NINE + timedelta(seconds=60)), 5 * 3_600_000)
    assert right[2] == (early, None)
