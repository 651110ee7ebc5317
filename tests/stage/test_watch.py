"""What is on air is watched: a picture that should move and does not, or that became black, is followed by the next."""

import ctypes
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from player.deck.watch import Look, Subject, Verdict, Watch, judge_output
from player.stage import Stage
from sync.clock import SystemClock
from sync.release import MediaKind
from tests.stage.conftest import Media
from tests.stage.eyes import BLUE, GREEN, until, watching

VIDEO = Subject(MediaKind.VIDEO, 0.04, black=False)
PICTURE = Subject(MediaKind.PICTURE, 0.04, black=False)


def looks(*rows: tuple[int, int], black: bool = False, every_s: float = 1.0) -> list[Look]:
    """One look a second: how often it was painted, and the media time."""
    return [Look(100 + every_s * number, painted, media_ms, black) for number, (painted, media_ms) in enumerate(rows)]


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (looks(), Verdict.FINE),
        (looks((25, 1000)), Verdict.FINE),
        (looks((25, 1000), (25, 2000), (25, 3000), (25, 4000), (25, 5000)), Verdict.FINE),
        # A still video is painted all the same, and media whose time libVLC does not know is painted too.
        (looks(*[(25, 0)] * 9), Verdict.FINE),
        (looks((25, 1000), (9, 1900), (0, 1900), (0, 1900)), Verdict.FINE),
        (looks((25, 1000), (9, 1900), (0, 1900), (0, 1900), (0, 1900)), Verdict.STALLED),
        (looks((25, 1000), (0, 1900), (0, 1900), (9, 1900), (0, 1900), (0, 1900)), Verdict.FINE),
        # Time goes on without a picture: a gap in the media, until it is too long for one.
        (looks((25, 1000), *((0, 2000 + 1000 * more) for more in range(5))), Verdict.FINE),
        (looks((25, 1000), *((0, 2000 + 1000 * more) for more in range(6))), Verdict.FROZEN),
        # The machine slept between two looks.
        (looks((25, 1000), (0, 1000), (0, 1000), (0, 1000), every_s=600.0), Verdict.FINE),
    ],
)
def test_a_video_is_judged_by_its_paint_and_its_time(seen: Sequence[Look], verdict: Verdict) -> None:
    assert judge_output(seen, VIDEO) is verdict


def test_a_video_of_one_picture_in_two_seconds_is_given_twenty() -> None:
    slow = Subject(MediaKind.VIDEO, 2.0, black=False)
    assert judge_output(looks((1, 0), *((0, 0) for _ in range(20))), slow) is Verdict.FINE
    assert judge_output(looks((1, 0), *((0, 0) for _ in range(21))), slow) is Verdict.STALLED


def test_a_picture_that_became_black_is_found_and_a_black_one_is_content() -> None:
    black = looks((0, 0), (0, 0), black=True)
    assert judge_output(black, PICTURE) is Verdict.BLACK
    assert judge_output(black[:1], PICTURE) is Verdict.FINE
    assert judge_output(black, Subject(MediaKind.PICTURE, 0.04, black=True)) is Verdict.FINE
    assert judge_output(looks(*[(0, 0)] * 60), PICTURE) is Verdict.FINE


def test_a_black_video_is_content_and_counted() -> None:
    watch = Watch(VIDEO)
    assert {watch.look(look) for look in looks(*((25, 1000 * at) for at in range(40)), black=True)} == {Verdict.FINE}
    assert (watch.black_ms, watch.still_ms) == (39_000, 0)


_PTRACE_INTERRUPT = 0x4207
_PTRACE_SEIZE = 0x4206
_WALL = 0x40000000


def _freeze_decoder(pid: int) -> list[int]:
    """Stop every thread of a deck but its own two: libVLC never returns, while the deck goes on."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    threads = sorted(int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir())[2:]
    for thread in threads:
        for request in (_PTRACE_SEIZE, _PTRACE_INTERRUPT):
            assert libc.ptrace(request, thread, None, None) == 0, os.strerror(ctypes.get_errno())
    return threads


def _buried(threads: list[int]) -> bool:
    """Take note of the deaths of threads we hold: till then the kernel keeps their process."""
    for thread in threads:
        with suppress(ChildProcessError):
            os.waitpid(thread, os.WNOHANG | _WALL)
    return True


async def test_a_decoder_that_never_returns_is_followed_by_the_next_item(
    stage: Stage, media: Media, display_name: str
) -> None:
    await stage.preroll(media.shot("long"))
    await stage.cut_now("long")
    await stage.preroll(media.shot("green"))
    await until(lambda: bool(stage.facts().media_ms))
    frozen_s, pid = SystemClock().monotonic(), stage._air.link.pid if stage._air else None
    assert pid
    threads = _freeze_decoder(pid)
    with watching(display_name) as sight:
        cut = await stage.cut_at_end("green")
    assert cut.previous and cut.previous.failed and cut.previous.reason == Verdict.STALLED
    assert cut.at_s - frozen_s < 6.5  # four looks a second apart, on a busy machine
    assert not sight.strangers(BLUE, GREEN)
    assert stage.facts().steps["next_item"] == 1 and stage.facts().picture_faults == 1
    # It cannot even be told to stop: it falls silent, and is killed.
    await until(lambda: _buried(threads) and stage.facts().restarts == 1)
    await stage.preroll(media.shot("blue_picture"))
    await stage.cut_now("blue_picture")


async def test_a_video_of_one_still_colour_plays_to_its_end(stage: Stage, media: Media) -> None:
    await stage.preroll(media.shot("long", duration_ms=7000))
    await stage.cut_now("long")
    ended = await stage.ended()
    assert ended.reason == "duration" and stage.facts().picture_faults == 0
