"""Every way in which the record of a take could outlive its picture, and the truthful record that it must end in.

Three tables: what happens to a take of ten seconds while the real director and ledger record it (a fake screen and
clock); what a deck and the stage report when nobody looks (values); and the same on the real stage.
`test_ways.py` lists each way with its tests, on the real stage, too.
"""

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from player.deck.picture_judgement import PictureSample, WatchedMedia
from player.deck.picture_watch import PictureWatch
from player.director.take_recorder import TakeRecorder
from player.evidence.ledger import open_ledger
from player.protocol.deck_messages import DeckPulse, EndAnnounced, ShotFinished
from player.protocol.operator_command import Command
from player.protocol.stage_interface import Ended, Shot
from player.stage.deck_process import DeckProcess
from player.stage.shots import ShotOnAir
from sync.wire.device_reports import Outcome, Play, ScreenState
from sync.wire.release import MediaKind
from tests.player.director.record.examples import mono_ms
from tests.player.director.record.test_storage import pragma
from tests.player.director.venue import DEVICE, World, item, open_world, playlist, release

Happening = Callable[[World], Awaitable[Path | None]]


# ── what the director records ──────────────────────────────────────────────────────────────────────────────────────


def hold_up_the_next(world: World) -> None:
    """The hidden deck is lost, and another one needs 40 s to be ready."""
    world.screen.load_time_s = 40
    world.screen.lose_next()


async def record(folder: Path, happens: Happening) -> tuple[Play, list[int]]:
    """Have it happen to a take on the screen; return its play, and how often media failed."""
    async with open_world(folder) as world:
        world.publish(release(playlist("loop", item("red"), item("green"))))
        async with world.running():
            killed = await happens(world)
        async with open_ledger(killed or folder / "plays.db", DEVICE, world.clock) as ledger:
            await TakeRecorder(ledger, 7).recover()
            play = Play.model_validate((await ledger.outbox.plays())[-1])
            return play, [failure.failures for failure in ledger.quarantine.failures()]


async def it_plays_to_its_end(world: World) -> None:
    await world.advance(11)


async def its_deck_dies_and_the_next_one_is_not_ready_for_long(world: World) -> None:
    hold_up_the_next(world)
    await world.advance(0.8)
    world.screen.lose_deck()
    await world.advance(60)


async def its_deck_dies_and_then_the_player_is_stopped(world: World) -> None:
    hold_up_the_next(world)
    await world.advance(0.8)
    world.screen.lose_deck()
    await world.advance(30)


async def its_deck_dies_and_then_the_player_is_killed(world: World) -> Path:
    hold_up_the_next(world)
    await world.advance(6.8)
    world.screen.lose_deck()
    await world.advance(30)
    return world.ledger_now()


async def it_ends_and_the_player_is_stopped_later(world: World) -> None:
    hold_up_the_next(world)
    await world.advance(10)
    world.screen.finish()
    await world.advance(10)


async def it_ends_and_its_last_picture_stays(world: World) -> None:
    await it_ends_and_the_player_is_stopped_later(world)
    await world.advance(50)


async def it_ends_and_the_player_is_killed_later(world: World) -> Path:
    await it_ends_and_the_player_is_stopped_later(world)
    return world.ledger_now()


async def it_ends_and_its_deck_dies_while_its_last_picture_stays(world: World) -> None:
    await it_ends_and_the_player_is_stopped_later(world)
    world.screen.lose_deck()
    await world.advance(40)


async def it_ends_and_an_operator_has_the_screen_blank(world: World) -> None:
    await it_ends_and_the_player_is_stopped_later(world)
    await world.director.command(Command(do="blank"))
    await world.advance(40)


async def the_player_is_stopped(world: World) -> None:
    await world.advance(4)


async def the_player_is_killed(world: World) -> Path:
    await world.advance(7)
    return world.ledger_now()


async def the_player_is_killed_in_its_first_seconds(world: World) -> Path:
    await world.advance(4)
    return world.ledger_now()


async def the_stage_forgets_it(world: World) -> None:
    hold_up_the_next(world)
    await world.advance(6)
    world.screen.forget()
    await world.advance(60)


async def an_operator_skips_it(world: World) -> None:
    await world.advance(3)
    await world.director.command(Command(do="skip"))
    await world.advance(1)


async def an_operator_has_the_screen_blank(world: World) -> None:
    await world.advance(3)
    await world.director.command(Command(do="blank"))
    await world.advance(30)


async def an_operator_has_it_stopped(world: World) -> None:
    await world.advance(3)
    await world.director.command(Command(do="stop"))
    await world.advance(30)


async def it_leaves_the_release(world: World) -> None:
    await world.advance(3)
    world.publish(release(playlist("loop", item("green"))))
    await world.wake()
    await world.advance(1)


async def it_fails(world: World) -> None:
    await world.advance(3)
    world.screen.fail()
    await world.advance(1)


async def it_fails_and_the_next_one_is_not_ready_for_long(world: World) -> None:
    hold_up_the_next(world)
    await world.advance(3)
    world.screen.fail()
    await world.advance(60)


async def the_wall_clock_leaps_years_ahead(world: World) -> None:
    await world.advance(3)
    world.clock.step_wall(10 * 365 * 86_400)
    await world.advance(8)


async def the_wall_clock_leaps_years_back(world: World) -> None:
    await world.advance(3)
    world.clock.step_wall(-10 * 365 * 86_400)
    await world.advance(8)


async def the_machine_is_suspended(world: World) -> None:
    await world.advance(3)
    world.screen.still_ms = 7_200_000  # its deck sees the gap
    await world.sleep(7_200)
    await world.advance(1)


async def the_screen_is_off_for_a_while(world: World) -> None:
    await world.advance(2)
    world.dark_s = world.clock.monotonic()
    await world.advance(9)


async def its_window_is_covered_for_a_while(world: World) -> None:
    await world.advance(3)
    world.screen.still_ms = 2_000  # its deck looks
    await world.advance(8)


async def its_window_is_covered_and_the_player_is_stopped(world: World) -> None:
    world.screen.still_ms = 2_000
    await world.advance(4)


async def its_window_is_covered_and_the_player_is_killed(world: World) -> Path:
    world.screen.still_ms = 2_000
    await world.advance(7)
    return world.ledger_now()


async def the_outputs_change(world: World) -> None:
    await world.advance(4)
    world.screen.change_outputs()
    await world.advance(1)


async def the_disk_is_full(world: World) -> None:
    await pragma(world, "max_page_count = 1")
    await world.advance(11)
    await pragma(world, "max_page_count = 100000")
    await world.advance(6)


@pytest.mark.parametrize(
    ("happens", "outcome", "rendered_ms", "reason"),
    [
        (it_plays_to_its_end, Outcome.COMPLETE, 10_000, "eof"),
        (it_ends_and_its_last_picture_stays, Outcome.COMPLETE, 10_000, "eof"),
        (it_ends_and_the_player_is_stopped_later, Outcome.COMPLETE, 10_000, "eof"),
        (its_deck_dies_and_the_next_one_is_not_ready_for_long, Outcome.FAILED, 800, "killed"),
        (its_deck_dies_and_then_the_player_is_stopped, Outcome.FAILED, 800, "killed"),
        (its_deck_dies_and_then_the_player_is_killed, Outcome.INTERRUPTED, 5_000, "interrupted"),
        (the_player_is_stopped, Outcome.PARTIAL, 4_000, "stopped"),
        (the_player_is_killed, Outcome.INTERRUPTED, 5_000, "interrupted"),
        (the_player_is_killed_in_its_first_seconds, Outcome.INTERRUPTED, 0, "interrupted"),
        (the_stage_forgets_it, Outcome.FAILED, 5_000, "lost"),
        (an_operator_skips_it, Outcome.PARTIAL, 3_000, "operator"),
        (an_operator_has_the_screen_blank, Outcome.PARTIAL, 3_000, "operator"),
        (an_operator_has_it_stopped, Outcome.PARTIAL, 3_000, "operator"),
        (it_leaves_the_release, Outcome.PARTIAL, 3_000, "release"),
        (it_fails, Outcome.FAILED, 3_000, "decoder gave up"),
        (the_wall_clock_leaps_years_ahead, Outcome.COMPLETE, 10_000, "eof"),
        (the_wall_clock_leaps_years_back, Outcome.COMPLETE, 10_000, "eof"),
        (the_machine_is_suspended, Outcome.PARTIAL, 3_000, "its picture stood still for 7200.0 s"),
        (the_screen_is_off_for_a_while, Outcome.COMPLETE, 10_000, "eof"),
        (its_window_is_covered_for_a_while, Outcome.PARTIAL, 8_000, "its picture stood still for 2.0 s"),
        (its_window_is_covered_and_the_player_is_stopped, Outcome.PARTIAL, 2_000, "stopped"),
        (its_window_is_covered_and_the_player_is_killed, Outcome.INTERRUPTED, 3_000, "interrupted"),
        (the_outputs_change, Outcome.PARTIAL, 4_000, "display"),
        (the_disk_is_full, Outcome.COMPLETE, 10_000, "eof"),
    ],
)
async def test_a_take_is_recorded_as_it_was_on_the_screen(
    tmp_path: Path, happens: Happening, outcome: Outcome, rendered_ms: int, reason: str
) -> None:
    play, _ = await record(tmp_path, happens)
    assert (play.title, play.outcome, play.rendered_ms, play.reason) == ("Red", outcome, rendered_ms, reason)
    known = ScreenState.UNKNOWN if outcome is Outcome.INTERRUPTED else ScreenState.ON
    assert play.screen is (ScreenState.OFF if happens is the_screen_is_off_for_a_while else known)


@pytest.mark.parametrize(
    ("happens", "on_ms", "outcome", "rendered_ms"),
    [
        (it_plays_to_its_end, 10_000, Outcome.COMPLETE, 10_000),
        (it_ends_and_its_last_picture_stays, 40_000, Outcome.COMPLETE, 10_000),
        (it_ends_and_the_player_is_stopped_later, 20_000, Outcome.COMPLETE, 10_000),
        (it_ends_and_its_deck_dies_while_its_last_picture_stays, 20_000, Outcome.COMPLETE, 10_000),
        (it_ends_and_an_operator_has_the_screen_blank, 20_000, Outcome.COMPLETE, 10_000),
        (it_ends_and_the_player_is_killed_later, 10_000, Outcome.INTERRUPTED, 10_000),
        (it_fails_and_the_next_one_is_not_ready_for_long, 40_000, Outcome.FAILED, 3_000),
        (its_deck_dies_and_the_next_one_is_not_ready_for_long, 800, Outcome.FAILED, 800),
        (the_outputs_change, 4_000, Outcome.PARTIAL, 4_000),
    ],
)
async def test_a_take_lasts_until_its_picture_leaves_the_display(
    tmp_path: Path, happens: Happening, on_ms: int, outcome: Outcome, rendered_ms: int
) -> None:
    play, failures = await record(tmp_path, happens)
    assert (mono_ms(play), play.outcome, play.rendered_ms) == (on_ms, outcome, rendered_ms)
    assert play.ended_at - play.started_at == timedelta(milliseconds=on_ms)
    assert failures == [1] * (happens is it_fails_and_the_next_one_is_not_ready_for_long)


@pytest.mark.parametrize("next_came", [False, True])
async def test_a_director_that_stops_leaves_no_picture_without_a_record(tmp_path: Path, next_came: bool) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"), item("green"))))
        clear = world.screen.clear

        async def clear_after_a_cut() -> Ended | None:
            """The cut to the next one was carried out before it could be cancelled, and nobody recorded it."""
            world.screen._switch(world.screen.prerolls[-1])
            world.clock._move_to(world.clock.monotonic() + 2)
            return await clear()

        if next_came:
            world.screen.clear = clear_after_a_cut  # type: ignore[method-assign]
        async with world.running():
            await world.advance(3)
        assert world.screen.on_air is None
        (play,) = await world.plays()
    assert (mono_ms(play), play.rendered_ms, play.reason) == (3_000, 3_000, "stopped")


# ── what the stage reports ─────────────────────────────────────────────────────────────────────────────────────────


def pulses(until_s: float, still_ms: int = 0, since_s: float = 0.0) -> Iterator[DeckPulse]:
    for step in range(round((until_s - since_s) * 5) + 1):
        at_s = since_s + step / 5
        yield DeckPulse(at_s=at_s, take="a", media_ms=round(at_s * 1000), still_ms=still_ms)


def killed_after_a_silence(shot: ShotOnAir) -> Ended | None:
    """The next shot was to come at once, but the deck that was to show it was lost, too."""
    shot.lose("gone")
    shot.lose("gone", gone_at_s=5.3, quiet_s=0.4)
    return shot.leave(9.0)


def gone_before_the_next_one_came(shot: ShotOnAir) -> Ended | None:
    shot.lose("gone", gone_at_s=12.9)
    return shot.leave(14.0)


END = EndAnnounced(take="a", at_s=10.0, reason="eof")
FINISHED = ShotFinished(take="a", at_s=10.0, reason="eof")


@pytest.mark.parametrize(
    ("events", "leaves", "ended_s", "still_ms", "left_s", "reason"),
    [
        # its deck speaks to the end, which the plan knows, or the cut comes before that
        ([END, *pulses(9.8)], lambda shot: shot.leave(10.0), 10.0, 0, 10.0, "eof"),
        ([END, *pulses(4.8)], lambda shot: shot.leave(5.0), 5.0, 0, 5.0, "cut"),
        ([END, *pulses(4.8, still_ms=300)], lambda shot: shot.leave(5.0), 5.0, 300, 5.0, "cut"),
        # its deck is gone or quiet: until it was last heard of, however late that is noticed
        ([END, *pulses(4.8)], lambda shot: shot.lose("gone"), 4.8, 0, None, "gone"),
        ([], lambda shot: shot.lose("gone"), 0.0, 0, None, "gone"),
        # its picture went with its deck, or was there until the next one came; none of that counts as shown
        ([END, *pulses(4.8)], lambda shot: shot.lose("gone", gone_at_s=4.95), 4.8, 0, 4.95, "gone"),
        ([END, *pulses(4.8)], lambda shot: shot.lose("gone", gone_at_s=60.0), 4.8, 0, 5.05, "gone"),
        ([END, *pulses(4.8)], lambda shot: shot.lose("gone", gone_at_s=8.4, quiet_s=3.6), 4.8, 0, 8.4, "gone"),
        ([END, *pulses(4.8)], lambda shot: shot.lose("gone") or shot.leave(5.3), 4.8, 0, 5.3, "gone"),
        ([END, *pulses(4.8)], killed_after_a_silence, 4.8, 0, 5.3, "gone"),
        ([END, *pulses(4.8)], lambda shot: shot.so_far(10.0), 5.05, 0, None, "cut"),
        ([END, *pulses(10.8)], lambda shot: shot.so_far(12.0), 10.0, 0, None, "cut"),
        ([*pulses(10.0), FINISHED], lambda shot: shot.so_far(40), 10.0, 0, None, "eof"),
        # what came first stays: its end is not undone by the loss of its deck, nor its loss by a later cut
        ([*pulses(10.0), FINISHED], lambda shot: shot.lose("gone"), 10.0, 0, None, "eof"),
        # its last picture stays until the next one comes, or goes with its deck
        ([*pulses(12.8), FINISHED], lambda shot: shot.leave(13.0), 10.0, 0, 13.0, "eof"),
        ([*pulses(12.8), FINISHED], lambda shot: shot.lose("gone", gone_at_s=12.9), 10.0, 0, 12.9, "eof"),
        ([*pulses(12.8), FINISHED], gone_before_the_next_one_came, 10.0, 0, 12.9, "eof"),
        # the machine stood for two hours: what came on is cut late, or the deck reports the end late, with the gap
        ([END, *pulses(3.0)], lambda shot: shot.leave(7203.0), 7203.0, 7_200_000, 7203.0, "eof"),
        (
            [END, *pulses(3.0), *pulses(7203.0, 7_200_000, 7203.0), ShotFinished(take="a", at_s=7203.0, reason="eof")],
            lambda shot: shot.leave(7204.0),
            7203.0,
            7_200_000,
            7204.0,
            "eof",
        ),
    ],
)  # fmt: skip
async def test_a_shot_ends_when_its_deck_was_last_heard_of(
    events: list[Any],
    leaves: Callable[[ShotOnAir], Ended | None],
    ended_s: float,
    still_ms: int,
    left_s: float | None,
    reason: str,
) -> None:
    on_air = ShotOnAir(cast(DeckProcess, None), Shot(take="a", path="a", kind=MediaKind.VIDEO), 0.0)
    for event in events:
        on_air.update(event, 0.0)
    how = leaves(on_air) or on_air.so_far(0.0)
    assert (round(how.ended_s, 3), how.still_ms, how.reason) == (ended_s, still_ms, reason)
    assert how.left_s == (None if left_s is None else pytest.approx(left_s))
    assert how.failed == how.deck_lost == (reason == "gone")


@pytest.mark.parametrize(
    ("kind", "gap_s", "suspended_s", "paints", "still_ms"),
    [
        (MediaKind.VIDEO, 0.2, 0.0, 5, 0),
        (MediaKind.VIDEO, 60.0, 0.0, 0, 60_000),  # the deck was stopped, or the virtual machine
        (MediaKind.VIDEO, 60.0, 0.0, 5, 60_000),  # libVLC caught up afterwards
        (MediaKind.VIDEO, 60.0, 0.0, 1_500, 0),  # only the watch stood
        (MediaKind.VIDEO, 60.0, 59.0, 25, 60_000),
        (MediaKind.VIDEO, 2.0, 1.8, 5, 1_800),
        (MediaKind.STREAM, 60.0, 0.0, 0, 60_000),
        (MediaKind.PICTURE, 60.0, 0.0, 0, 0),  # the X server keeps it on the screen
        (MediaKind.PICTURE, 60.0, 59.0, 0, 59_000),
    ],
)
def test_time_in_which_the_machine_or_the_deck_stood_is_not_shown(
    kind: MediaKind, gap_s: float, suspended_s: float, paints: int, still_ms: int
) -> None:
    watch = PictureWatch(WatchedMedia(kind, 0.04, starts_black=False))
    for at_s, painted, asleep_s in ((0.0, 5, 100.0), (0.2, 5, 100.0), (0.2 + gap_s, paints, 100.0 + suspended_s)):
        watch.add(PictureSample(at_s, painted, round(at_s * 1000), False, suspended_s=asleep_s))
    assert watch.still_ms == still_ms
