"""What is on air is watched: a picture that should move and does not, or that became black, is followed by the next."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from player.deck.picture_watch import PictureFault, PictureSample, PictureWatch, WatchedMedia, judge_output
from player.stage.escalation import EscalationStep, next_escalation
from player.stage.stage import Stage
from sync.errors import MediaUnplayable
from sync.runtime.clock import SystemClock
from sync.wire.release import MediaKind
from tests.player.conftest import H264, Media, on_air_pid, put_on_air, wait_for_both_decks
from tests.player.faulty_decks import frozen_decoder, reap_threads
from tests.player.pixels import BLACK, BLUE, GREEN, RED, deck_blacked_out, is_close, recording_screen, wait_until

VIDEO = WatchedMedia(MediaKind.VIDEO, 0.04, starts_black=False)
PICTURE = WatchedMedia(MediaKind.PICTURE, 0.04, starts_black=False)


def looks(*rows: tuple[int, ...], black: bool = False, every_s: float = 1.0) -> list[PictureSample]:
    """One look a second: how often it was painted, the media time, and how many of its pictures were shown."""
    return [
        PictureSample(100 + every_s * number, row[0], row[1], black, row[2] if len(row) > 2 else None)
        for number, row in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (looks(), PictureFault.FINE),
        (looks((25, 1000)), PictureFault.FINE),
        (looks((25, 1000), (25, 2000), (25, 3000), (25, 4000), (25, 5000)), PictureFault.FINE),
        # A still video is painted all the same, and media whose time libVLC does not know is painted too.
        (looks(*[(25, 0)] * 9), PictureFault.FINE),
        (looks((25, 1000), (9, 1900), (0, 1900), (0, 1900)), PictureFault.SUSPECTED),
        (looks((25, 1000), (9, 1900), (0, 1900), (0, 1900), (0, 1900)), PictureFault.STALLED),
        (looks((25, 1000), (0, 1900), (0, 1900), (9, 1900), (0, 1900), (0, 1900)), PictureFault.SUSPECTED),
        # Time goes on without a picture: a gap in the media, until it is too long for one.
        (looks((25, 1000), *((0, 2000 + 1000 * more) for more in range(5))), PictureFault.FINE),
        (looks((25, 1000), *((0, 2000 + 1000 * more) for more in range(6))), PictureFault.FROZEN),
        # The last picture is painted again and again, but no new one came.
        (looks(*((14, 1000 * at, 25 * at) for at in range(9))), PictureFault.FINE),
        (looks((25, 1000, 25), *[(14, 1900, 30)] * 4), PictureFault.STALLED),
        (looks((25, 1000, 25), *((14, 2000 + 1000 * more, 25) for more in range(6))), PictureFault.FROZEN),
        # The machine slept between two looks.
        (looks((25, 1000), (0, 1000), (0, 1000), (0, 1000), every_s=600.0), PictureFault.FINE),
    ],
)
def test_a_video_is_judged_by_its_paint_and_its_time(seen: Sequence[PictureSample], verdict: PictureFault) -> None:
    assert judge_output(seen, VIDEO) is verdict


def test_a_video_of_one_picture_in_two_seconds_is_given_twenty() -> None:
    slow = WatchedMedia(MediaKind.VIDEO, 2.0, starts_black=False)
    assert judge_output(looks((1, 0), *((0, 0) for _ in range(19))), slow) is not PictureFault.STALLED
    assert judge_output(looks((1, 0), *((0, 0) for _ in range(20))), slow) is PictureFault.STALLED


def glances(*rows: tuple[int, int, bytes | None], every_s: float = 0.2) -> list[PictureSample]:
    """One look each 0.2 s: how often it was painted, the media time, and its pixels where they were looked at."""
    return [
        PictureSample(100 + every_s * number, row[0], row[1], False, None, row[2]) for number, row in enumerate(rows)
    ]


RUNS, STANDS = (5, 1000, None), (3, 1000, b"one")


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (glances(RUNS, RUNS, STANDS, STANDS), PictureFault.FINE),
        (glances(RUNS, RUNS, STANDS, STANDS, STANDS), PictureFault.SUSPECTED),
        # Its media time goes on: the film has a gap there.
        (glances(RUNS, *((3, 1000 + 500 * (at // 2), b"one") for at in range(12))), PictureFault.FINE),
        # A busy machine shows few of its pictures, but others each time.
        (glances(RUNS, *((2, 1000, bytes([at])) for at in range(12))), PictureFault.FINE),
        # One colour, or a title that stands: painted at its full rate.
        (glances(*[RUNS] * 12), PictureFault.FINE),
    ],
)
def test_a_picture_that_stands_is_suspected_within_a_second(
    seen: Sequence[PictureSample], verdict: PictureFault
) -> None:
    assert judge_output(seen, VIDEO) is verdict


def test_a_slow_film_is_given_six_of_its_pictures_before_it_is_suspected() -> None:
    slow = WatchedMedia(MediaKind.VIDEO, 0.2, starts_black=False)
    assert judge_output(glances(*[STANDS] * 6), slow) is PictureFault.FINE
    assert judge_output(glances(*[STANDS] * 8), slow) is PictureFault.SUSPECTED


@pytest.mark.parametrize("frame_s", [1 / 25, 1 / 10])
def test_a_film_that_stays_on_its_first_frame_is_kicked_twice_and_then_suspected(frame_s: float) -> None:
    watch = PictureWatch(WatchedMedia(MediaKind.VIDEO, frame_s, starts_black=False))
    verdicts = [watch.add(look) for look in glances(*[STANDS] * 10)]
    kicks = [at for at, verdict in enumerate(verdicts) if verdict is PictureFault.STUCK_AT_START]
    assert len(kicks) == watch.retries == 2 and verdicts[-1] is PictureFault.SUSPECTED
    assert PictureFault.SUSPECTED not in verdicts[: kicks[-1]]


@pytest.mark.parametrize("moves", [(RUNS, RUNS), ((2, 1000, b"one"), (2, 1000, b"two"))])
def test_a_film_that_was_seen_to_move_is_not_kicked(moves: Sequence[tuple[int, int, bytes | None]]) -> None:
    watch = PictureWatch(VIDEO)
    assert {watch.add(look) for look in glances(STANDS, *moves, *[STANDS] * 8)} == {
        PictureFault.FINE,
        PictureFault.SUSPECTED,
    }


def test_a_picture_that_became_black_is_found_and_a_black_one_is_content() -> None:
    black = looks((0, 0), (0, 0), black=True)
    assert judge_output(black, PICTURE) is PictureFault.BLACK
    assert judge_output(black[:1], PICTURE) is PictureFault.FINE
    assert judge_output(black, WatchedMedia(MediaKind.PICTURE, 0.04, starts_black=True)) is PictureFault.FINE
    assert judge_output(looks(*[(0, 0)] * 60), PICTURE) is PictureFault.FINE


def test_a_black_video_is_content_and_counted() -> None:
    watch = PictureWatch(VIDEO)
    assert {watch.add(look) for look in looks(*((25, 1000 * at) for at in range(40)), black=True)} == {
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
        with recording_screen(display_name) as sight:
            cut = await stage.cut_at_end("green")
        # It cannot even be told to stop: it falls silent, and is killed.
        await wait_until(lambda: reap_threads(threads) and stage.facts().restarts == 1)
    assert cut.previous and (cut.previous.reason, cut.previous.failed) == (PictureFault.SUSPECTED, True)
    assert cut.previous.deck_lost, "so far it may be the machine's fault"
    assert cut.at_s - frozen_s < 2.5  # five looks, and what a busy machine takes for them
    assert not sight.unexpected(BLUE, GREEN)
    assert stage.facts().steps["next_item"] == 1 and stage.facts().picture_faults == 0
    with pytest.raises(MediaUnplayable, match="its deck had to be ended: no sign of life"):
        await stage.preroll(media.shot("long"))
    await stage.preroll(media.shot("long"))
    await stage.cut_now("long")


async def test_a_film_that_stands_with_nothing_to_follow_it_is_blamed_once_that_is_certain(
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
def gap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a film whose sound goes on while it has no picture from its first second to its twelfth."""
    made = tmp_path_factory.mktemp("gap") / "gap"
    source = ["-f", "lavfi", "-i", "color=blue:s=320x180:r=10:d=20", "-f", "lavfi", "-i", "sine=440:d=20"]
    seldom = ["-vf", "select='lt(t,1)+gt(t,12)'", "-fps_mode", "vfr", "-c:a", "aac", "-shortest"]
    subprocess.run(["ffmpeg", "-v", "error", *source, *seldom, *H264, str(made)], check=True, timeout=60)
    return made


async def test_a_picture_that_stands_still_while_its_media_goes_on_is_followed_by_the_next_item(
    stage: Stage, media: Media, gap: Path, display_name: str
) -> None:
    await put_on_air(stage, media.shot("gap").model_copy(update={"path": str(gap)}))
    await stage.preroll(media.shot("green_picture"))
    with recording_screen(display_name) as sight:
        cut = await stage.cut_at_end("green_picture")
    assert cut.previous and cut.previous.failed and cut.previous.reason == PictureFault.FROZEN
    assert 5.0 < cut.at_s - cut.previous.started_s < 9.0
    assert not sight.unexpected(BLUE, GREEN)
    assert stage.facts().steps["next_item"] == 1 and stage.facts().picture_faults == 1


def _fail_until_next_is(stage: Stage, step: EscalationStep) -> None:
    """Have the deck on air fail, on paper, until its next fault leads to `step`."""
    escalation, deck, at_s = stage._escalation, stage.facts().deck, SystemClock().monotonic()
    assert deck
    while next_escalation(escalation._history, deck, at_s) is not step:
        escalation.escalate(deck, at_s, "on paper")


async def _replaced(stage: Stage, decks: int) -> None:
    await wait_until(lambda: stage.facts().restarts == decks)
    await wait_for_both_decks(stage)


async def test_what_becomes_black_again_costs_its_deck_then_both_and_each_time_the_next_item_comes(
    stage: Stage, media: Media, display_name: str
) -> None:
    await put_on_air(stage, media.shot("blue_picture", take="0"))
    with recording_screen(display_name) as sight:
        for number, (step, decks) in enumerate(((EscalationStep.NEW_DECK, 1), (EscalationStep.BOTH_DECKS, 3)), 1):
            _fail_until_next_is(stage, step)
            await stage.preroll(media.shot(("blue_picture", "green_picture")[number % 2], take=str(number)))
            with deck_blacked_out(display_name):
                cut = await stage.cut_at_end(str(number))
            assert cut.previous and cut.previous.failed and cut.previous.reason == PictureFault.BLACK
            if step is EscalationStep.BOTH_DECKS:  # the other one goes once it is off the air, too
                await stage.preroll(media.shot("red_picture"))
                await stage.cut_now("red_picture")
            await _replaced(stage, decks)
    assert not sight.unexpected(BLUE, GREEN, RED, BLACK)
    black = [until_s - since_s for colours, since_s, until_s in sight.runs() if is_close(colours[1], BLACK)]
    assert len(black) == 2 and max(black) < 4.0  # two looks, on a busy machine
