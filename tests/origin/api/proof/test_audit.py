"""The audit of the chain: what is missing, forked, reset or claimed twice is found, and not one play is refused."""

import csv
import io
from typing import Any

from tests.origin.api.proof.test_plays import OTHER_EPOCH, bring, statuses
from tests.origin.running_origin import EPOCH, ZERO, RunningOrigin, play

FINE = {"implausible": 0, "checkpoints": 0, "signed_until": None, "whole": True}
LATER = {"started_at": "2026-03-02T10:00:00Z", "ended_at": "2026-03-02T10:00:10Z"}
MARCH = "from=2026-03-01T00:00:00Z&until=2026-04-01T00:00:00Z"


def log(device: str, count: int, *, epoch: str = EPOCH, start: int = 0, after: str = ZERO) -> list[dict[str, Any]]:
    """Return the first plays of a log, each naming the one before it; `start` moves their time by so many plays."""
    made: list[dict[str, Any]] = []
    for number in range(1, count + 1):
        previous = made[-1]["hash"] if made else after
        timed = play(device, start + number)
        times = {name: timed[name] for name in ("started_at", "ended_at")}
        made.append(play(device, number, log_epoch=epoch, previous_hash=previous, **times))
    return made


async def audited(server: RunningOrigin, query: str = MARCH) -> dict[str, Any]:
    answer = await server.ask("GET", f"/v1/plays/audit?{query}", server.reader)
    assert answer.status == 200, answer.text
    document: dict[str, Any] = answer.document
    return document


def kinds(document: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(one["kind"], one["sequence"], one["until"]) for one in document["findings"]]


async def test_a_whole_chain_is_whole_in_whatever_order_and_however_often_it_comes(server: RunningOrigin) -> None:
    device, token = await server.pair()
    plays = log(device, 9)
    await bring(server, token, *reversed(plays[5:]))
    assert kinds(await audited(server)) == [("gap", 1, 5)]
    await bring(server, token, *plays[2:6])
    assert kinds(await audited(server)) == [("gap", 1, 2)]
    await bring(server, token, *plays)
    document = await audited(server)
    assert document["findings"] == []
    assert document["devices"] == [
        {"device": device, "logs": 1, "plays": 9, "missing": 0, "forks": 0, "conflicts": 0, "resets": 0} | FINE
    ]


async def test_plays_left_out_are_a_gap_with_their_number(server: RunningOrigin) -> None:
    device, token = await server.pair()
    plays = log(device, 12)
    assert set(statuses(await bring(server, token, *plays[:3], plays[4], *plays[8:]))) == {"accepted"}
    document = await audited(server)
    assert kinds(document) == [("gap", 4, 4), ("gap", 6, 8)]
    assert document["findings"][1]["detail"] == "plays 6 to 8 are missing before play 9"
    assert (document["devices"][0]["missing"], document["devices"][0]["whole"]) == (4, False)


async def test_a_play_put_in_afterwards_and_one_that_is_no_beginning_are_forks(server: RunningOrigin) -> None:
    device, token = await server.pair()
    plays = log(device, 6)
    forged = play(device, 3, title="Never shown", previous_hash=plays[1]["hash"])
    beginning = play(device, 1, log_epoch=OTHER_EPOCH, previous_hash="a" * 64, **LATER)
    answer = await bring(server, token, *plays[:2], forged, *plays[3:], beginning)
    assert set(statuses(answer)) == {"accepted"}
    document = await audited(server)
    assert kinds(document) == [("fork", 4, 4), ("fork", 1, 1), ("reset", 1, 1)]
    assert document["findings"][0]["detail"] == "play 4 follows a different play 3 than the one we have"


async def test_the_same_place_claimed_twice_is_a_conflict_of_its_device_alone(server: RunningOrigin) -> None:
    device, token = await server.pair()
    other, other_token = await server.pair("door")
    plays = log(device, 3)
    await bring(server, token, *plays)
    await bring(server, other_token, *log(other, 2))
    assert statuses(await bring(server, token, plays[1], play(device, 2, title="Another"))) == ["duplicate", "conflict"]
    document = await audited(server)
    assert kinds(document) == [("conflict", 2, 2)]
    whole = {chain["device"]: (chain["conflicts"], chain["whole"]) for chain in document["devices"]}
    assert whole == {device: (1, False), other: (0, True)}
    assert kinds(await audited(server, f"{MARCH}&device={other}")) == []


async def test_a_log_begun_anew_is_told_and_is_no_fault_but_two_at_once_are(server: RunningOrigin) -> None:
    device, token = await server.pair()
    await bring(server, token, *log(device, 5))
    await bring(server, token, *log(device, 3, epoch=OTHER_EPOCH, start=100))
    document = await audited(server)
    assert kinds(document) == [("reset", 1, 1)]
    assert f"after play 5 of log {EPOCH[:8]}" in document["findings"][0]["detail"]
    assert document["devices"][0] | {"device": ""} == {
        "device": "", "logs": 2, "plays": 8, "missing": 0, "forks": 0, "conflicts": 0, "resets": 1, **FINE,
    }  # fmt: skip
    await bring(server, token, *log(device, 2, epoch="e" * 32, start=101))
    document = await audited(server)
    assert [kind for kind, _, _ in kinds(document)] == ["reset", "overlap", "reset", *["implausible"] * 2]
    assert not document["devices"][0]["whole"]


async def test_it_looks_at_the_time_asked_for_and_knows_what_lay_before(server: RunningOrigin) -> None:
    device, token = await server.pair()
    plays = log(device, 6)
    await bring(server, token, *plays[:2], *plays[3:])
    begun = plays[4]["started_at"]
    assert kinds(await audited(server, f"from={begun}&until=2026-04-01T00:00:00Z")) == []
    assert kinds(await audited(server, f"from={plays[3]['started_at']}&until={begun}")) == [("gap", 3, 3)]
    assert kinds(await audited(server, "")) == [("gap", 3, 3)]


async def test_a_buyer_reads_it_as_csv_and_can_follow_the_chain_in_the_plays(server: RunningOrigin) -> None:
    device, token = await server.pair()
    plays = log(device, 4)
    await bring(server, token, plays[0], *plays[2:])
    answer = await server.ask("GET", f"/v1/plays/audit?{MARCH}&format=csv", server.reader)
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["kind"], row["missing"], row["device"]) == ("gap", "1", device)
    text = (await server.ask("GET", "/v1/plays?format=csv", server.reader)).text
    named = {line["sequence"]: line["previous_hash"] for line in csv.DictReader(io.StringIO(text))}
    assert named["4"] == plays[2]["hash"]


async def test_it_is_for_people_with_a_key_and_tells_what_it_was_asked_wrongly(server: RunningOrigin) -> None:
    _, token = await server.pair()
    assert (await server.ask("GET", "/v1/plays/audit", token)).status == 403
    wrong = await server.ask("GET", "/v1/plays/audit?since=yesterday", server.reader)
    assert (wrong.status, list(wrong.document["fields"])) == (422, ["since"])
    described = (await server.ask("GET", "/v1/openapi.json")).document
    parameters = described["paths"]["/v1/plays/audit"]["get"]["parameters"]
    assert [(one["name"], one["in"]) for one in parameters][:3] == [
        ("device", "query"), ("from", "query"), ("until", "query")
    ]  # fmt: skip
