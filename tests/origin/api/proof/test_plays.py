"""Proof intake: exactly once, conflicts kept, bad records alone refused, and what people read of it."""

import csv
import io
from typing import Any

from sqlalchemy import delete, insert

from sync.origin.intake.receipts import SEARCH_EVERY_S
from sync.origin.tables import plans
from sync.origin.tables import plays as play_tables
from sync.wire.device_reports import BATCH_LIMIT
from tests.fakes import FakeClock
from tests.origin.running_origin import EPOCH, Answer, RunningOrigin, play

OTHER_EPOCH = "f" * 32
GARBAGE = (b"", b"{", b"[]", b'{"plays": 3}', b'{"plays": [3]}', b"\x00\xff", b'{"plays": ' + b"[" * 40_000)


async def bring(server: RunningOrigin, token: str, *plays: Any) -> Answer:
    answer = await server.ask("POST", "/v1/plays", token, {"plays": plays})
    assert answer.status == 200
    return answer


def statuses(answer: Answer) -> list[str]:
    return [receipt["status"] for receipt in answer.document["receipts"]]


async def kept(server: RunningOrigin, query: str = "") -> list[dict[str, Any]]:
    plays: list[dict[str, Any]] = (await server.ask("GET", f"/v1/plays{query}", server.reader)).document["plays"]
    return plays


async def test_one_batch_may_hold_new_old_conflicting_and_invalid_plays(server: RunningOrigin) -> None:
    device, token = await server.pair()
    await bring(server, token, play(device, 1), play(device, 2))
    forged = play(device, 5) | {"rendered_ms": 99_999}
    answer = await bring(
        server,
        token,
        play(device, 1),
        play(device, 2, title="Something else"),
        play(device, 3),
        {"sequence": 4, "nonsense": True},
        forged,
        play("another", 6),
        play(device, 7),
        play(device, 7),
        play(device, 8, sequence=2**70),
        play(device, 9, rendered_ms=2**70),
        play(device, 10, expected_ms=10**400),
        play(device, 11, rendered_ms="10000"),
        play(device, 12, sequence="12"),
        play(device, 13, expected_ms=10_000.0),
        play(device, 14, frames_lost=True),
        {},
    )
    assert statuses(answer) == [
        "duplicate", "conflict", "accepted", "invalid", "invalid", "invalid", "accepted", "duplicate",
        *["invalid"] * 8,
    ]  # fmt: skip
    assert [receipt["sequence"] for receipt in answer.document["receipts"]][:8] == [1, 2, 3, 4, 5, 6, 7, 7]
    assert answer.document["receipts"][-1]["sequence"] is None
    assert [p["sequence"] for p in await kept(server)] == [7, 3, 2, 1]
    assert [p["title"] for p in await kept(server)] == ["Iced mint tea"] * 4
    odd = (await server.ask("GET", "/v1/plays/conflicts", server.reader)).document["plays"]
    assert [p["title"] for p in odd] == ["Something else"]


async def test_a_field_of_tomorrow_is_kept_and_covered_by_the_hash(server: RunningOrigin) -> None:
    device, token = await server.pair()
    assert statuses(await bring(server, token, play(device, 1, luminance=0.5))) == ["accepted"]
    assert (await kept(server))[0]["luminance"] == 0.5
    tampered = play(device, 2, luminance=0.5) | {"luminance": 0.9}
    assert statuses(await bring(server, token, tampered)) == ["invalid"]


async def test_the_high_water_stops_at_a_gap_and_jumps_when_it_closes(server: RunningOrigin) -> None:
    device, token = await server.pair()

    async def mark(*sequences: int) -> int:
        answer = await bring(server, token, *(play(device, sequence) for sequence in sequences))
        assert answer.document["log_epoch"] == EPOCH
        high_water: int = answer.document["high_water"]
        return high_water

    assert await mark(2, 3) == 0
    assert await mark(1) == 3
    assert await mark(5, 6) == 3
    assert await mark(5) == 3
    assert await mark(4) == 6
    assert await mark(*range(7, 7 + BATCH_LIMIT)) == 6 + BATCH_LIMIT


async def test_what_a_restored_database_lacks_is_asked_for_again_now_and_then(
    server: RunningOrigin, clock: FakeClock
) -> None:
    device, token = await server.pair()
    plays = [play(device, sequence) for sequence in range(1, 12)]
    await bring(server, token, *plays[:8])
    async with server.database.writing() as connection:  # the backup is older than these
        await connection.execute(delete(play_tables.plays).where(play_tables.plays.c.sequence.in_((1, 5, 6))))
        await connection.execute(delete(play_tables.play_marks))

    async def missing(sent: dict[str, Any]) -> list[tuple[int, int]]:
        return [(gap["first"], gap["last"]) for gap in (await bring(server, token, sent)).document["missing"]]

    assert await missing(plays[8]) == [(1, 1), (5, 6)]
    assert await missing(plays[9]) == []  # the device may not have them any more
    await clock.advance(SEARCH_EVERY_S)
    assert await missing(plays[10]) == [(1, 1), (5, 6)]
    answer = await bring(server, token, plays[0], plays[4], plays[5])
    assert (answer.document["high_water"], answer.document["missing"]) == (11, [])


async def test_each_log_epoch_counts_for_itself(server: RunningOrigin) -> None:
    device, token = await server.pair()
    await bring(server, token, play(device, 1), play(device, 2))
    answer = await bring(server, token, play(device, 1, log_epoch=OTHER_EPOCH))
    assert (statuses(answer), answer.document["high_water"]) == (["accepted"], 1)
    assert answer.document["log_epoch"] == OTHER_EPOCH
    assert len(await kept(server)) == 3


async def test_two_devices_never_mix(server: RunningOrigin) -> None:
    first, second = await server.pair("left"), await server.pair("right")
    for device, token in (first, second):
        assert statuses(await bring(server, token, play(device, 1))) == ["accepted"]
    assert statuses(await bring(server, second[1], play(first[0], 2))) == ["invalid"]
    assert [p["device"] for p in await kept(server, f"?device={first[0]}")] == [first[0]]


async def test_a_garbage_batch_is_refused_as_a_whole(server: RunningOrigin) -> None:
    for body in GARBAGE:
        _, token = await server.pair()
        assert (await server.ask("POST", "/v1/plays", token, body)).status == 422


async def test_too_many_or_too_large_is_refused(server: RunningOrigin) -> None:
    device, token = await server.pair()
    many = [play(device, n) for n in range(1, BATCH_LIMIT + 2)]
    assert (await server.ask("POST", "/v1/plays", token, {"plays": many})).status == 422
    assert (await server.ask("POST", "/v1/plays", token, io.BytesIO(b" " * (5 * 1024 * 1024)))).status == 413
    million = io.BytesIO(b'{"plays": [' + b",".join([b"1"] * 1_000_000) + b"]}")
    assert (await server.ask("POST", "/v1/plays", token, million)).status == 413
    assert await kept(server) == []


async def test_people_page_through_plays_newest_first_and_filter_them(server: RunningOrigin) -> None:
    device, token = await server.pair()
    plays = [play(device, n, line="mornings" if n % 2 else "evenings") for n in range(1, 8)]
    await bring(server, token, *plays)
    seen: list[int] = []
    query = "?limit=3"
    for _ in range(3):
        page = (await server.ask("GET", f"/v1/plays{query}", server.reader)).document
        seen += [p["sequence"] for p in page["plays"]]
        query = f"?limit=3&after={page['next']}"
    assert (seen, page["next"]) == ([7, 6, 5, 4, 3, 2, 1], None)
    assert [p["sequence"] for p in await kept(server, "?line=evenings")] == [6, 4, 2]
    window = "?from=2026-03-02T09:00:20Z&until=2026-03-02T09:00:40Z"
    assert [p["sequence"] for p in await kept(server, window)] == [3, 2]
    assert await kept(server, "?campaign=autumn") == []


async def test_a_wrong_question_is_told_which_field_is_wrong(server: RunningOrigin) -> None:
    for query in ("?limit=0", "?limit=x", "?from=monday", "?after=zzz", "?devise=a", "?after=e30="):
        answer = await server.ask("GET", f"/v1/plays{query}", server.reader)
        assert (answer.status, list(answer.document["fields"])) == (422, [query[1:].split("=")[0]])


async def test_sums_count_plays_and_time_per_line_and_item(server: RunningOrigin) -> None:
    device, token = await server.pair()
    partial = play(device, 2, outcome="partial", rendered_ms=4_000)
    editorial = play(device, 3, kind="item", line=None, campaign=None, item="news")
    await bring(server, token, play(device, 1), partial, editorial)
    lines = (await server.ask("GET", "/v1/plays/summary?by=line", server.reader)).document["sums"]
    assert [(s["id"], s["plays"], s["complete"], s["rendered_ms"]) for s in lines] == [("mornings", 2, 1, 14_000)]
    items = (await server.ask("GET", "/v1/plays/summary?by=item", server.reader)).document["sums"]
    assert [(s["id"], s["plays"]) for s in items] == [("news", 1)]


async def test_plays_as_csv_never_become_formulas(server: RunningOrigin) -> None:
    device, token = await server.pair()
    await bring(
        server,
        token,
        play(device, 1, title="=HYPERLINK(1)", relaxed=["=1+1"]),
        play(device, 2, title='Tea, "iced"; fresh'),
        play(device, 3, title="＝1+1"),  # noqa: RUF001
    )
    answer = await server.ask("GET", "/v1/plays?format=csv", server.reader)
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["title"] for row in rows] == ["'＝1+1", 'Tea, "iced"; fresh', "'=HYPERLINK(1)"]  # noqa: RUF001
    assert [row["relaxed"] for row in rows] == ["", "", "'=1+1"]
    assert [row["rendered_ms"] for row in rows] == ["10000"] * 3


async def test_the_finer_facts_of_a_play_are_kept_and_read_and_words_of_tomorrow_are_no_fault(
    server: RunningOrigin,
) -> None:
    device, token = await server.pair()
    facts = {
        "screen_detail": "covered", "clock_state": "held_over", "clock_age_s": 7_300, "end_reason": "set_on_fire",
        "frames_shown": 250, "offset_min": -210, "boot_id": "b" * 32, "mono_start_ms": 1_000, "mono_end_ms": 11_000,
        "output": "HDMI-1", "resolution": "1920x1080", "decision": 0, "break_slot": 1, "player": "0.2.0",
    }  # fmt: skip
    assert statuses(await bring(server, token, play(device, 1, **facts), play(device, 2))) == ["accepted"] * 2
    assert (await kept(server))[-1].items() >= facts.items()
    answer = await server.ask("GET", "/v1/plays?format=csv", server.reader)
    older, newer = csv.DictReader(io.StringIO(answer.text))
    assert {name: newer[name] for name in facts} == {name: str(value) for name, value in facts.items()}
    assert {older[name] for name in facts} == {""}
    wrong = [play(device, 3, **{name: value}) for name, value in WRONG_FACTS]
    assert statuses(await bring(server, token, *wrong)) == ["invalid"] * len(wrong)


WRONG_FACTS: tuple[tuple[str, object], ...] = (
    ("boot_id", "B" * 32), ("mono_start_ms", -1), ("mono_end_ms", 2**53 + 1), ("frames_shown", 2**60),
    ("offset_min", 1_441), ("screen_detail", "On Fire"), ("resolution", "wide"), ("output", "x" * 65),
    ("break_slot", 0), ("clock_age_s", 1.5),
)  # fmt: skip


async def test_people_read_names_in_sums_and_csv(server: RunningOrigin) -> None:
    device, token = await server.pair("=cmd()")
    await bring(server, token, play(device, 1, relaxed=["category", "advertiser"]), play(device, 2, line="gone"))
    async with server.database.writing() as connection:
        flight = {"id": "spring", "name": "Spring teas", "advertiser": "Teas", "starts_ms": 0, "ends_ms": 1}
        await connection.execute(insert(plans.campaigns).values(**flight, version=1, updated_ms=0))
        line = {
            "id": "mornings",
            "campaign_id": "spring",
            "position": 0,
            "name": "Mornings",
            "weight": 1,
            "windows": [],
        }
        await connection.execute(insert(plans.lines).values(**line, category="", category_gap=0, advertiser_gap=0))
    sums = (await server.ask("GET", "/v1/plays/summary?by=line", server.reader)).document["sums"]
    assert {(one["id"], one["name"]) for one in sums} == {("mornings", "Mornings"), ("gone", "")}
    answer = await server.ask("GET", "/v1/plays/summary?by=campaign&format=csv", server.reader)
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["name"], row["plays"], row["first_at"]) == ("Spring teas", "2", "2026-03-02T09:00:10.000Z")
    text = (await server.ask("GET", "/v1/plays?format=csv", server.reader)).text
    newer, older = csv.DictReader(io.StringIO(text))
    assert (older["line_name"], older["campaign_name"], older["relaxed"]) == (
        "Mornings",
        "Spring teas",
        "category advertiser",
    )
    assert (newer["line"], newer["line_name"], newer["device_name"]) == ("gone", "", "'=cmd()")
