"""True plays that the origin alone would doubt: a clock was wrong, or a database was restored from an old backup."""

from datetime import timedelta
from pathlib import Path

import pytest

from sync.origin.proof.plausibility import DAY_MS
from sync.runtime.clock import ClockTrust
from tests.fakes import FakeClock
from tests.origin.api.proof.test_implausible_plays import EARLIER, STRANGE, ad, at, publish, release
from tests.origin.api.proof.test_plays import bring, kept
from tests.origin.running_origin import EPOCH, RunningOrigin, play


async def test_a_player_of_an_earlier_version_does_not_say_that_its_clock_was_set_back(server: RunningOrigin) -> None:
    """But its record shows it: such plays have no time of their own beside the time of others."""
    device, token = await server.pair()
    back = at("2026-03-02T08:00:10Z", "2026-03-02T08:00:10Z")
    answer = await bring(
        server,
        token,
        play(device, 1, **EARLIER),
        play(device, 2, **at("2026-03-02T08:00:10Z", "2026-03-02T08:00:13Z")),  # it follows as any play does
        play(device, 3, **at("2026-03-02T07:50:00Z", "2026-03-02T07:50:03Z")),  # beside nothing
        play(device, 4, **back),
        play(device, 5, **back),
        play(device, 6, **at("2026-03-02T08:00:10Z", "2026-03-02T08:00:14Z")),  # the clock passes the used time
        play(device, 7, **at("2026-03-02T07:59:57Z", "2026-03-02T08:00:00Z")),  # it ends where used time begins
        play(device, 8, **back, rendered_ms=9 * DAY_MS),
    )
    alone = "set aside: it says 10.0 s on the screen, but its clock allows 3.0 s"
    too_much = "set aside: the plays of its screen add up to more than the time there was"
    assert [one["detail"] for one in answer.document["receipts"]] == ["", alone, alone, "", "", "", "", too_much]


@pytest.mark.parametrize(
    ("trusted", "play_clock", "days", "counts"),
    [
        (ClockTrust.UNSYNCED, "synced", 20, True),  # the clock of the origin is behind
        (ClockTrust.UNSYNCED, "synced", 40, False),
        (ClockTrust.UNSYNCED, "unsynced", 2, False),
        (ClockTrust.SYNCED, "synced", 2, False),
    ],
)
async def test_the_clock_of_the_origin_decides_only_if_a_time_service_set_it(
    server: RunningOrigin, clock: FakeClock, trusted: ClockTrust, play_clock: str, days: int, counts: bool
) -> None:
    device, token = await server.pair()
    clock.trusted = trusted
    times = at(*((clock.now() + timedelta(days=days, seconds=after)).isoformat() for after in (0, 10)))
    answer = await bring(server, token, play(device, 1, **times, clock=play_clock))
    assert (answer.document["receipts"][0]["detail"] == "") is counts


async def test_what_an_origin_wrote_under_a_clock_that_was_ahead_is_not_held_against_plays(
    server: RunningOrigin, tmp_path: Path, clock: FakeClock
) -> None:
    clock.step_wall(400 * 86_400)
    name = await publish(server, tmp_path, release(created_at=clock.now()))
    device, token = await server.pair()
    clock.step_wall(-400 * 86_400)
    answer = await bring(server, token, ad(device, 1, name))
    assert answer.document["receipts"][0]["detail"] == ""


async def test_after_a_restore_a_person_has_plays_count_that_only_the_lost_days_explain(
    server: RunningOrigin, tmp_path: Path
) -> None:
    """The backup is older than the move of a screen to another channel, and than a release with another item."""
    await publish(server, tmp_path, release())
    other = await publish(server, tmp_path, release("other", "foreign"))
    device, token = await server.pair()
    moved = ad(device, 1, other, line="foreign")
    lost = ad(device, 2, STRANGE, line="evenings", **EARLIER)
    lie = ad(device, 3, STRANGE, line="evenings", **at("2026-03-02T09:00:00Z", "2026-03-02T09:00:01Z"))
    await bring(server, token, moved, lost, lie)
    assert not await kept(server, "?set_aside=false")
    body = {"device": device, "log_epoch": EPOCH, "sequence": 1, "until": 3, "note": "restored on Sunday"}
    done = (await server.ask("POST", "/v1/plays/accepted", server.writer, body)).document
    assert sorted(done["accepted"]) == [1, 2]
    assert [one["reason"] for one in done["refused"]] == ["it says 10.0 s on the screen, but its clock allows 1.0 s"]
    sums = (await server.ask("GET", "/v1/plays/summary?by=line", server.reader)).document
    assert {each["id"]: each["plays"] for each in sums["sums"]} == {"foreign": 1, "evenings": 1}
    for wrong, status in (({"until": 2}, 404), ({"until": 0}, 422), ({"until": 5_000}, 422), ({"note": ""}, 422)):
        assert (await server.ask("POST", "/v1/plays/accepted", server.writer, {**body, **wrong})).status == status
