"""The picture on air is watched: if it stands still or becomes black, the next item is shown."""

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from player.deck.picture_judgement import BLAMED_FAULTS, PictureFault, PictureSample, WatchedMedia, judge_output
from player.deck.picture_watch import PictureWatch
from player.deck.vlc.frame_times import FrameTimes
from player.stage.escalation import EscalationStep, next_escalation
from player.stage.stage import Stage
from sync.errors import MediaUnplayable
from sync.runtime.clock import SystemClock
from sync.wire.release import MediaKind
from tests.player.conftest import Media, on_air_pid, put_on_air, wait_for_both_decks
from tests.player.faulty_decks import frozen_decoder, reap_threads
from tests.player.pixels import BLACK, BLUE, GREEN, RED, deck_blacked_out, is_close, recording_screen, wait_until

VIDEO = WatchedMedia(MediaKind.VIDEO, 0.04, starts_black=False, times=FrameTimes(25_000, 1000.0, 0.04))
UNKNOWN = WatchedMedia(MediaKind.VIDEO, 0.04, starts_black=False)
STREAM = WatchedMedia(MediaKind.STREAM, 0.04, starts_black=False)
PICTURE = WatchedMedia(MediaKind.PICTURE, 0.04, starts_black=False)


def samples(*rows: tuple[int, ...], black: bool = False, every_s: float = 1.0) -> list[PictureSample]:
    """One sample a second, from (paints, media time in ms, frames and pictures decoded)."""
    return [
        PictureSample(
            100 + every_s * at, row[0], row[1], black, row[2] if len(row) > 2 else None, planned_s=every_s * at
        )
        for at, row in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("seen", "fault"),
    [
        (samples(), PictureFault.FINE),
        (samples((25, 1000)), PictureFault.FINE),
        (samples((25, 1000), (25, 2000), (25, 3000), (25, 4000), (25, 5000)), PictureFault.FINE),
        # A still video is painted, and so is media whose time libVLC does not know.
        (samples(*[(25, 0)] * 9), PictureFault.FINE),
        (samples((25, 1000), (9, 1900), (0, 1900), (0, 1900)), PictureFault.SUSPECTED),
        (samples((25, 1000), (9, 1900), (0, 1900), (0, 1900), (0, 1900)), PictureFault.STALLED),
        # libVLC decodes: the picture is alike.
        (samples(*((14, 1000 * at, 50 * at) for at in range(9))), PictureFault.FINE),
        # The last picture is painted again and again, but no new one comes.
        (samples((25, 1000, 50), *[(14, 1900, 60)] * 5), PictureFault.STALLED),
        (samples((25, 1000, 50), *((14, 2000 + 1000 * more, 50) for more in range(6))), PictureFault.FROZEN),
        # The machine was suspended between two samples.
        (samples((25, 1000), (0, 1000), (0, 1000), (0, 1000), every_s=600.0), PictureFault.FINE),
    ],
)
def test_a_video_is_judged_by_its_paints_its_time_and_what_is_decoded(
    seen: Sequence[PictureSample], fault: PictureFault
) -> None:
    assert judge_output(seen, VIDEO) is fault


def fast_samples(*rows: tuple[int, int, bytes | None], every_s: float = 0.2) -> list[PictureSample]:
    """One sample each 0.2 s, from (paints, media time in ms, pixels if they were read)."""
    return [
        PictureSample(100 + every_s * at, row[0], row[1], False, None, None, row[2], every_s * at)
        for at, row in enumerate(rows)
    ]


MOVING, STILL = (5, 1000, None), (3, 1000, b"one")


@pytest.mark.parametrize(
    ("seen", "fault"),
    [
        (fast_samples(MOVING, MOVING, STILL, STILL), PictureFault.FINE),
        (fast_samples(MOVING, MOVING, STILL, STILL, STILL), PictureFault.SUSPECTED),
        # Its media time goes on: the film has a gap there.
        (fast_samples(MOVING, *((3, 1000 + 500 * (at // 2), b"one") for at in range(12))), PictureFault.FINE),
        # A busy machine shows few of its frames, but different ones.
        (fast_samples(MOVING, *((2, 1000, bytes([at])) for at in range(12))), PictureFault.FINE),
        # One colour, or a still title: painted at its full rate.
        (fast_samples(*[MOVING] * 12), PictureFault.FINE),
    ],
)
def test_a_picture_that_stands_still_is_suspected_within_a_second(
    seen: Sequence[PictureSample], fault: PictureFault
) -> None:
    assert judge_output(seen, VIDEO) is fault


@pytest.mark.parametrize("times", [None, FrameTimes(500, 100.0, 0.2)])
def test_a_slow_film_is_suspected_only_after_the_time_of_six_frames(times: FrameTimes | None) -> None:
    slow, unpainted = WatchedMedia(MediaKind.VIDEO, 0.2, starts_black=False, times=times), (0, 1000, b"one")
    assert judge_output(fast_samples(*[unpainted] * 6), slow) is PictureFault.FINE
    assert judge_output(fast_samples(*[unpainted] * 8), slow) is PictureFault.SUSPECTED


@pytest.mark.parametrize(("media", "suspected_after"), [(VIDEO, 3), (UNKNOWN, None)])
def test_only_where_a_picture_is_due_do_repaints_tell_of_a_fault(
    media: WatchedMedia, suspected_after: int | None
) -> None:
    seen = [judge_output(fast_samples(*[STILL] * more), media) for more in range(1, 12)]
    first = seen.index(PictureFault.SUSPECTED) if PictureFault.SUSPECTED in seen else None
    assert first == suspected_after


def test_a_stream_that_was_even_is_given_up_soon_and_another_one_after_a_while() -> None:
    moves = [(14, 1000 * at, 50 * at) for at in range(12)]
    for before, stalled_after in ((moves, 3), (moves[:5], 15)):
        watch = PictureWatch(STREAM)
        faults = [watch.add(each) for each in samples(*before, *[(14, before[-1][1], before[-1][2])] * 30)]
        assert faults.index(PictureFault.STALLED) - len(before) + 1 == stalled_after + (stalled_after == 15)


def test_what_is_learned_of_a_stream_while_it_waits_counts_on_air() -> None:
    hidden = PictureWatch(STREAM)
    for each in samples(*((14, 1000 * at, 50 * at) for at in range(12))):
        hidden.add(each)
    watch = PictureWatch(STREAM, hidden.record)
    on_air = [replace(each, at_s=each.at_s + 12) for each in samples((14, 12_000, 600), *[(14, 12_500, 610)] * 6)]
    assert [watch.add(each) for each in on_air].index(PictureFault.STALLED) == 4


def test_a_stream_is_given_the_time_it_needed_before() -> None:
    pauses = [(14, 1000 * at, 50 * (at // 10)) for at in range(60)]
    watch = PictureWatch(STREAM)
    faults = [watch.add(each) for each in samples(*pauses, *[(14, 59_000, 250)] * 40)]
    assert not BLAMED_FAULTS.intersection(faults[:60])
    assert faults[60:].index(PictureFault.STALLED) > 8


@pytest.mark.parametrize("times", [None, FrameTimes(25_000, 1000.0, 0.04), FrameTimes(10_000, 1000.0, 0.1)])
def test_a_film_that_stays_on_its_first_frame_is_restarted_twice_and_then_suspected(times: FrameTimes | None) -> None:
    still = (0, 1000, b"one") if times is None else STILL
    watch = PictureWatch(WatchedMedia(MediaKind.VIDEO, 0.04, starts_black=False, times=times))
    faults = [watch.add(sample) for sample in fast_samples(*[still] * 10)]
    retries = [at for at, fault in enumerate(faults) if fault is PictureFault.STUCK_AT_START]
    assert len(retries) == watch.retries == 2 and faults[-1] is PictureFault.SUSPECTED
    assert PictureFault.SUSPECTED not in faults[: retries[-1]]


@pytest.mark.parametrize("moves", [(MOVING, MOVING), ((2, 1000, b"one"), (2, 1000, b"two"))])
def test_a_film_that_was_seen_to_move_is_not_restarted(moves: Sequence[tuple[int, int, bytes | None]]) -> None:
    watch = PictureWatch(VIDEO)
    assert {watch.add(sample) for sample in fast_samples(STILL, *moves, *[STILL] * 8)} == {
        PictureFault.FINE,
        PictureFault.SUSPECTED,
    }


def test_a_picture_that_became_black_is_found_and_a_black_one_is_content() -> None:
    black = samples((0, 0), (0, 0), black=True)
    assert judge_output(black, PICTURE) is PictureFault.BLACK
    assert judge_output(black[:1], PICTURE) is PictureFault.FINE
    assert judge_output(black, WatchedMedia(MediaKind.PICTURE, 0.04, starts_black=True)) is PictureFault.FINE
    assert judge_output(samples(*[(0, 0)] * 60), PICTURE) is PictureFault.FINE


def test_a_black_video_is_content_and_counted() -> None:
    watch = PictureWatch(VIDEO)
    assert {watch.add(sample) for sample in samples(*((25, 1000 * at) for at in range(40)), black=True)} == {
        PictureFault.FINE
    }
    assert (watch.black_ms, watch.still_ms) == (39_000, 0)


async def test_a_decoder_that_never_returns_is_followed_by_the_next_item_and_blamed_at_its_next_turn(
    stage: Stage, media: Media, display_name: str
) -> None:
    await put_on_air(stage, media.shot("long"))
    await stage.preroll(media.shot("green"))
    await wait_until(lambda: bool(stage.facts().media_ms))
    frozen_s = SystemClock().monotonic()
    with frozen_decoder(on_air_pid(stage)) as threads:
        with recording_screen(display_name) as recording:
            cut = await stage.cut_at_end("green")
        # The deck cannot stop its libVLC: it sends no more pulses and is killed.
        await wait_until(lambda: reap_threads(threads) and stage.facts().restarts == 1)
    assert cut.previous and (cut.previous.reason, cut.previous.failed) == (PictureFault.SUSPECTED, True)
    assert cut.previous.deck_lost, "so far the machine may be the cause"
    assert cut.at_s - frozen_s < 8  # five samples, and the delay of a busy machine
    assert not recording.unexpected(BLUE, GREEN)
    assert stage.facts().steps["next_item"] == 1 and stage.facts().picture_faults == 0
    with pytest.raises(MediaUnplayable, match="its deck had to be ended: no sign of life"):
        await stage.preroll(media.shot("long"))
    await stage.preroll(media.shot("long"))
    await stage.cut_now("long")


async def test_a_film_that_stands_still_with_no_next_item_is_blamed_once_that_is_certain(
    stage: Stage, media: Media
) -> None:
    await put_on_air(stage, media.shot("long"))
    await wait_until(lambda: bool(stage.facts().media_ms))
    with frozen_decoder(on_air_pid(stage)) as threads:
        ended = await stage.ended()
        os.kill(on_air_pid(stage), signal.SIGKILL)
        await wait_until(lambda: reap_threads(threads) and stage.facts().restarts == 1)
    assert (ended.reason, ended.failed, ended.deck_lost) == (PictureFault.STALLED, True, False)
    assert stage.facts().steps["next_item"] == stage.facts().picture_faults == 1


async def test_a_video_of_one_still_colour_plays_to_its_end(stage: Stage, media: Media) -> None:
    await stage.preroll(media.shot("long", duration_ms=6000))
    await stage.cut_now("long")
    ended = await stage.ended()
    assert ended.reason == "duration" and stage.facts().picture_faults == 0


@pytest.fixture(scope="module")
def harmed_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a film with a moving spot at its edge; noise replaces what comes after two seconds."""
    film = tmp_path_factory.mktemp("harmed") / "harmed"
    moving = "testsrc2=s=64x64:r=25:d=14[a];color=blue:s=320x180:r=25:d=14[b];[b][a]overlay"
    source = ["-f", "lavfi", "-i", moving, "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-f", "mp4"]
    subprocess.run(["ffmpeg", "-v", "error", *source, str(film)], check=True, timeout=60)
    data = bytearray(film.read_bytes())
    part = slice(len(data) // 6, len(data) * 9 // 10)  # the pace is known before it
    data[part] = Random(1).randbytes(part.stop - part.start)
    film.write_bytes(data)
    return film


async def test_a_picture_that_stands_still_while_its_media_goes_on_is_followed_by_the_next_item(
    stage: Stage, media: Media, harmed_film: Path, display_name: str
) -> None:
    await put_on_air(stage, media.shot("harmed").model_copy(update={"path": str(harmed_film)}))
    await stage.preroll(media.shot("green_picture"))
    with recording_screen(display_name) as recording:
        cut = await stage.cut_at_end("green_picture")
    assert cut.previous and cut.previous.failed and cut.previous.reason == PictureFault.FROZEN
    assert 5.0 < cut.at_s - cut.previous.started_s < 14.0 and cut.previous.still_ms > 5000
    assert not recording.unexpected(BLUE, GREEN)
    assert stage.facts().steps["next_item"] == 1 and stage.facts().picture_faults == 1


def _fail_until_next_is(stage: Stage, step: EscalationStep) -> None:
    """Record faults of the deck on air until its next fault leads to `step`."""
    escalation, deck, at_s = stage._escalation, stage.facts().deck, SystemClock().monotonic()
    assert deck
    while next_escalation(escalation._history, deck, at_s) is not step:
        escalation.escalate(deck, at_s, "recorded by a test")


async def _await_replaced(stage: Stage, decks: int) -> None:
    await wait_until(lambda: stage.facts().restarts == decks)
    await wait_for_both_decks(stage)


async def test_repeated_black_replaces_its_deck_then_both_and_each_time_the_next_item_is_shown(
    stage: Stage, media: Media, display_name: str
) -> None:
    await put_on_air(stage, media.shot("blue_picture", take="0"))
    with recording_screen(display_name) as recording:
        for number, (step, decks) in enumerate(((EscalationStep.NEW_DECK, 1), (EscalationStep.BOTH_DECKS, 3)), 1):
            _fail_until_next_is(stage, step)
            await stage.preroll(media.shot(("blue_picture", "green_picture")[number % 2], take=str(number)))
            with deck_blacked_out(display_name):
                cut = await stage.cut_at_end(str(number))
            assert cut.previous and cut.previous.failed and cut.previous.reason == PictureFault.BLACK
            if step is EscalationStep.BOTH_DECKS:  # the other deck is replaced once it is off the air
                await stage.preroll(media.shot("red_picture"))
                await stage.cut_now("red_picture")
            await _await_replaced(stage, decks)
    assert not recording.unexpected(BLUE, GREEN, RED, BLACK)
    black = [until_s - since_s for colours, since_s, until_s in recording.runs() if is_close(colours[1], BLACK)]
    assert len(black) == 2 and max(black) < 4.0  # two samples, on a busy machine
