"""What a play says beyond what was shown: where, by which clocks, in which state of the screen, and why it ended."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from player import __version__
from player.director.take_recorder import TakeRecorder
from player.evidence.ledger import open_ledger
from player.programme.proof_of_play import verify_chain
from player.protocol.stage_interface import STAGE_CLOSED
from sync.runtime.clock import ClockTrust, boot_id
from sync.wire.device_reports import GENESIS, Play, play_hash
from tests.player.director.record.test_truthful_record import (
    hold_up_the_next,
    its_window_is_covered_for_a_while,
    the_player_is_killed,
)
from tests.player.director.venue import DEVICE, NOON, World, campaign, item, open_world, playlist, release
from tests.released import CODE

CONTENT = release(playlist("loop", item("red"), item("green")))
ADS = release(playlist("loop", item("red")), ads=(campaign("cola"), campaign("juice")))


async def test_a_play_says_where_and_when_by_which_clocks_and_how_many_frames(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(CONTENT.model_copy(update={"zone": "Asia/Kolkata"}))
        start_ms = round(world.clock.monotonic() * 1000)
        async with world.running():
            await world.advance(25)
            world.clock.step_wall(3_600)
            await world.advance(10)
        plays = await world.plays()
        (body, *_) = reversed(await world.ledger.outbox.plays())
    assert (
        body.items()
        >= {
            "output": "HDMI-1",
            "resolution": "1920x1080",
            "offset_min": 330,
            "boot_id": boot_id(),
            "mono_start_ms": start_ms,
            "mono_end_ms": start_ms + 10_000,
            "frames_shown": 250,
            "frames_lost": 0,
            "clock": "synced",
            "clock_age_s": 20,
            "player": __version__,
        }.items()
    )
    assert not body.keys() & {"screen_detail", "clock_state", "end_reason", "decision", "break_slot"}, "as usual"
    assert None not in body.values()
    verify_chain(plays)
    spans = [(play.mono_start_ms, play.mono_end_ms) for play in plays]
    assert spans == [(start_ms + 10_000 * n, start_ms + min(10_000 * (n + 1), 35_000)) for n in range(4)]


async def test_an_ad_names_its_decision_and_its_place_in_the_break(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(ADS.model_copy(update={"break_rule": ADS.break_rule.model_copy(update={"ads": 2})}))
        async with world.running():
            await world.advance(85)
        ads = [play for play in await world.plays() if play.line]
    assert [ad.break_slot for ad in ads] == [1, 2] * 3
    assert [ad.decision for ad in ads] == list(range(len(ads)))


async def its_screen_is_unplugged_for_a_while(world: World) -> None:
    await world.advance(2)
    world.dark_s = world.unplugged_s = world.clock.monotonic()
    await world.advance(9)


async def it_is_covered(world: World) -> None:
    world.screen.covered = True
    await its_window_is_covered_for_a_while(world)


async def it_is_covered_so_shortly_that_it_counts(world: World) -> None:
    world.screen.covered, world.screen.still_ms = True, 200
    await world.advance(11)


async def the_machine_loses_its_power(world: World) -> Path:
    return await the_player_is_killed(world)


async def its_deck_is_lost(world: World) -> None:
    await world.advance(3)
    world.screen.lose_deck()
    await world.advance(9)


async def the_stage_ends(world: World) -> None:
    hold_up_the_next(world)
    await world.advance(3)
    world.screen.lose_deck(STAGE_CLOSED)
    await world.advance(60)


async def it_fails(world: World) -> None:
    await world.advance(3)
    world.screen.fail("decoder gave up")
    await world.advance(1)


async def its_clock_was_never_set(world: World) -> None:
    world.clock.trusted = ClockTrust.UNSYNCED
    await world.advance(21)


async def its_clock_is_held_over(world: World) -> None:
    world.clock.age_s = 7_300.0
    await world.advance(21)


async def nobody_knows_when_its_clock_was_set(world: World) -> None:
    world.clock.age_s = None
    await world.advance(21)


@pytest.mark.parametrize(
    ("happens", "said", "not_said"),
    [
        (its_screen_is_unplugged_for_a_while, {"screen": "off", "screen_detail": "disconnected"}, {"end_reason"}),
        (it_is_covered, {"screen": "on", "screen_detail": "covered", "end_reason": "picture_stood"}, set()),
        (it_is_covered_so_shortly_that_it_counts, {"screen_detail": "covered", "outcome": "complete"}, {"end_reason"}),
        (the_player_is_killed, {"end_reason": "player_ended", "screen": "unknown", "output": "HDMI-1"}, set()),
        (the_machine_loses_its_power, {"end_reason": "machine_ended", "outcome": "interrupted"}, {"frames_shown"}),
        (its_deck_is_lost, {"end_reason": "deck_lost", "outcome": "failed"}, set()),
        (the_stage_ends, {"end_reason": "stage_closed", "outcome": "failed"}, set()),
        (it_fails, {"end_reason": "media_failed", "outcome": "failed"}, set()),
        (its_clock_was_never_set, {"clock": "unsynced"}, {"clock_state", "clock_age_s"}),
        (its_clock_is_held_over, {"clock": "synced", "clock_state": "held_over", "clock_age_s": 7_300}, set()),
        (nobody_knows_when_its_clock_was_set, {"clock": "synced"}, {"clock_state", "clock_age_s"}),
    ],
)
async def test_what_is_not_as_usual_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    happens: Callable[[World], Awaitable[Path | None]],
    said: dict[str, Any],
    not_said: set[str],
) -> None:
    async with open_world(tmp_path) as world:
        world.publish(CONTENT)
        async with world.running():
            killed = await happens(world)
        if happens is the_machine_loses_its_power:
            monkeypatch.setattr("player.director.take_recorder.boot_id", lambda: "f" * 32)
        async with open_ledger(killed or tmp_path / "plays.db", DEVICE, world.clock) as ledger:
            await TakeRecorder(ledger, 7).recover()
            bodies = await ledger.outbox.plays()
    body = bodies[1] if "clock" in said else bodies[-1]  # the clock counts from the next take on
    assert body.items() >= said.items() and not body.keys() & not_said
    assert body["boot_id"] == boot_id() and body["mono_end_ms"] - body["mono_start_ms"] <= 11_000


@pytest.mark.parametrize(
    "change",
    [
        "json_remove(body, '$.start')",
        "json_set(body, '$.start.clock', 'by the sun')",
        "json_set(body, '$.start', 'noon')",
        "json_set(body, '$.start.mono_start_ms', 'noon')",
    ],
)
async def test_a_take_that_another_version_left_open_is_closed_by_what_is_understood(
    tmp_path: Path, change: str
) -> None:
    async with open_world(tmp_path) as world:
        world.publish(CONTENT)
        async with world.running():
            await world.advance(7)
            killed = world.ledger_now()
        async with open_ledger(killed, DEVICE, world.clock) as ledger:
            async with ledger._database.transaction():
                await ledger._database.execute(f"UPDATE takes SET body = {change}")
            await TakeRecorder(ledger, 7).recover()
            (body,) = await ledger.outbox.plays()
    assert (body["outcome"], body["clock"], body["started_at"]) == ("interrupted", "synced", "2026-03-02T12:00:00.000Z")
    assert not body.keys() & {"boot_id", "mono_start_ms", "mono_end_ms", "player", "end_reason"}


OLD_ORIGIN = """
import json, sys
from sync.origin.api.plays import _check_play
play = json.load(sys.stdin)
print(type(_check_play(play, play["device"])).__name__)
"""


def test_an_origin_of_a_released_version_takes_a_play_with_every_field(tmp_path: Path) -> None:
    zipfile.ZipFile(CODE).extractall(tmp_path)
    fields: dict[str, Any] = {
        "device": DEVICE, "log_epoch": "e" * 32, "sequence": 1, "take": "t", "kind": "ad", "release": "a" * 64,
        "asset": "b" * 64, "title": "Cola", "started_at": NOON, "ended_at": NOON + timedelta(seconds=10),
        "zone": "UTC", "rendered_ms": 9_800, "expected_ms": 10_000, "outcome": "complete", "reason": "eof",
        "decision": 7, "break_slot": 1, "output": "HDMI-1", "resolution": "1920x1080", "offset_min": -210,
        "boot_id": "f" * 32, "mono_start_ms": 1_000, "mono_end_ms": 11_000, "frames_shown": 250, "frames_lost": 1,
        "screen": "off", "screen_detail": "disconnected", "clock": "synced", "clock_state": "held_over",
        "clock_age_s": 9_000, "end_reason": "picture_stood", "player": "0.2.0",
    }  # fmt: skip
    play = Play(**fields, previous_hash=GENESIS, hash=GENESIS)
    body = play.model_dump(mode="json", exclude_none=True)
    body["hash"] = play_hash(GENESIS, body)
    new_fields = set(Play.model_fields) - {"playlist", "item", "campaign", "advertiser", "line", "creative"}
    assert new_fields - {"clock_back_ms"} == body.keys() | {"relaxed"}, "every field is in it"
    answer = subprocess.run(
        (sys.executable, "-c", OLD_ORIGIN), cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, input=json.dumps(body),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.stdout.strip() == "ReceivedPlay", answer
