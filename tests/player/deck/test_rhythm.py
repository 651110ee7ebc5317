"""Content and damage are told apart: what stands still on purpose is never called frozen, what stands by damage is.

The tables are of simulated films, at their rhythm and as libVLC counts. `test_rhythm_on_decks` plays real ones.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from random import Random

import pytest

from player.deck.picture_judgement import PictureFault, PictureSample, WatchedMedia
from player.deck.picture_watch import PictureWatch
from sync.wire.release import MediaKind
from tests.long_tables import in_bench
from tests.player.deck.simulated_film import SimulatedFilm, every, never

FINE, SUSPECTED, STALLED, FROZEN = (
    PictureFault.FINE, PictureFault.SUSPECTED, PictureFault.STALLED, PictureFault.FROZEN,
)  # fmt: skip
STUCK = PictureFault.STUCK_AT_START
Seconds = Callable[[float], bool]


def always(_: float) -> bool:
    return True


def within(since_s: float, until_s: float) -> Seconds:
    return lambda at_s: since_s <= at_s < until_s


def worst(
    film: SimulatedFilm,
    *,
    known: bool = True,
    until_s: float = 0,
    every_s: float = 0.2,
    streamed: bool = False,
) -> tuple[PictureFault, int]:
    """Return the first verdict that blames or suspects, and the time the picture stood still."""
    frame_s, times = film.length_s / len(film.times_s), film.frame_times() if known and not streamed else None
    kind, samples = MediaKind.VIDEO, film.samples(until_s or film.length_s, every_s)
    if streamed:
        kind, samples = MediaKind.STREAM, (replace(each, given=film.given(each)) for each in samples)
    watch = PictureWatch(WatchedMedia(kind, frame_s, False, times))
    faults = [watch.add(sample) for sample in samples]
    bad = [fault for fault in faults if fault in (SUSPECTED, STALLED, FROZEN)]
    return (bad[0] if bad else FINE), watch.still_ms


EVEN = every(0.04, 20.0)
GAP = [*every(0.04, 2.0), *every(0.04, 12.0, 10.0)]
CONTENT = {
    "25 a second": (SimulatedFilm(EVEN, 20.0), True),
    "60 a second": (SimulatedFilm(every(1 / 60, 8.0), 8.0), True),
    "a still film, 25 a second": (SimulatedFilm(EVEN, 20.0, alike=always), True),
    "a still film, 5 a second": (SimulatedFilm(every(0.2, 40.0), 40.0, alike=always), True),
    "a still film, 1 a second": (SimulatedFilm(every(1.0, 40.0), 40.0, alike=always), True),
    "a still title, then a film": (SimulatedFilm(EVEN, 20.0, alike=within(0, 9)), True),
    "a film, then a still title": (SimulatedFilm(EVEN, 20.0, alike=within(6, 20)), True),
    "a film, then a still title at a fifth of its rate":
        (SimulatedFilm([*every(0.04, 5.0), *every(0.2, 25.0, 5.0)], 25.0, alike=within(5, 25)), True),
    "1 a second": (SimulatedFilm(every(1.0, 20.0), 20.0), True),
    "1 in 8 seconds": (SimulatedFilm(every(8.0, 32.0), 32.0), True),
    "1 in 8 seconds, time moves with it": (SimulatedFilm(every(8.0, 32.0), 32.0, silent=True), True),
    "1 in 8 seconds, rhythm unknown": (SimulatedFilm(every(8.0, 32.0), 32.0), False),
    "1 in 8 seconds, both": (SimulatedFilm(every(8.0, 32.0), 32.0, silent=True), False),
    "one picture": (SimulatedFilm([0.0], 60.0), True),
    "a gap of 8 s": (SimulatedFilm(GAP, 12.0), True),
    "a gap of 8 s, time moves with it": (SimulatedFilm(GAP, 12.0, silent=True), True),
    "a gap of 8 s, rhythm unknown": (SimulatedFilm(GAP, 12.0), False),
    "a gap of 8 s, both": (SimulatedFilm(GAP, 12.0, silent=True), False),
    "gaps of 3 s": (SimulatedFilm([at for at in EVEN if at % 4 < 1], 20.0, silent=True), True),
    "the sound goes on for 10 s": (SimulatedFilm(EVEN, 30.0), True),
    "the first picture comes after 4 s": (SimulatedFilm(every(0.04, 10.0, 4.0), 10.0), True),
    "a screen recording": (SimulatedFilm([at for at in EVEN if at % 7 < 0.2], 20.0), True),
    "a still film in bursts": (SimulatedFilm([at for at in every(0.04, 30.0) if at % 6 < 2], 30.0, alike=always), True),
    "half of it is late": (SimulatedFilm(EVEN, 20.0, late=lambda at: at * 25 % 2 < 1), True),
    "nearly all of it is late": (SimulatedFilm(EVEN, 20.0, late=lambda at: at * 25 % 150 > 1), True),
    "a still film, most of it late": (SimulatedFilm(EVEN, 20.0, alike=always, late=lambda at: at * 25 % 4 > 1), True),
}  # fmt: skip


@pytest.mark.parametrize(("film", "known"), CONTENT.values(), ids=CONTENT)
@pytest.mark.parametrize("every_s", [0.45, 0.2])  # a busy machine takes few samples
def test_good_content_is_never_called_frozen(film: SimulatedFilm, known: bool, every_s: float) -> None:
    assert worst(film, known=known, every_s=every_s) == (FINE, 0)


@pytest.mark.parametrize("name", [name for name, (_, known) in CONTENT.items() if known and "sound" not in name])
@pytest.mark.parametrize("every_s", [0.45, 0.2])
def test_a_stream_of_good_content_is_never_called_frozen(name: str, every_s: float) -> None:
    assert worst(CONTENT[name][0], streamed=True, every_s=every_s) == (FINE, 0)


def test_a_film_that_loops_is_not_called_frozen_in_a_later_round() -> None:
    rounds = [start + at for start in (0.0, 12.0, 24.0) for at in GAP]
    once = SimulatedFilm(GAP, 12.0).frame_times()
    watch = PictureWatch(WatchedMedia(MediaKind.VIDEO, 0.04, False, once, loops=True))
    assert {watch.add(sample) for sample in SimulatedFilm(rounds, 36.0).samples(36.0)} <= {FINE, STUCK}


STANDS = [(2.3, 1.0), *in_bench((0.7, 0.0), (1.2, 1.0), (2.4, 0.5), (4.0, 1.0), (4.0, 0.0), (30.0, 1.0))]
STOOD = ("a still film, 5 a second", "a still title, then a film", "a still film in bursts", "a gap of 8 s")


def stopped(samples: Iterable[PictureSample], since_s: float, for_s: float, behind: float) -> Iterator[PictureSample]:
    """Yield samples of a film whose machine stood; it goes on where it was (`behind` 1), or where it should be (0)."""
    late_s, skips_s = for_s * behind, for_s * (1 - behind)
    for sample in samples:
        place_s = sample.at_s - 100
        if place_s < since_s:
            yield sample
        elif place_s >= since_s + skips_s:
            lost = (sample.lost or 0) + round(25 * skips_s)
            yield replace(sample, at_s=sample.at_s + late_s, planned_s=sample.planned_s + late_s, lost=lost)


@pytest.mark.parametrize(
    "name", [*STOOD, *in_bench(*(name for name, (_, known) in CONTENT.items() if known and name not in STOOD))]
)
@pytest.mark.parametrize(("for_s", "behind"), STANDS)
def test_nobody_is_blamed_after_the_machine_stood(name: str, for_s: float, behind: float) -> None:
    film = CONTENT[name][0]
    media = WatchedMedia(MediaKind.VIDEO, film.length_s / len(film.times_s), False, film.frame_times())
    for since_s in (0.6, 5.3):
        watch = PictureWatch(media)
        faults = {watch.add(sample) for sample in stopped(film.samples(film.length_s), since_s, for_s, behind)}
        assert not faults - {FINE, STUCK} and watch.still_ms in (0, pytest.approx(for_s * 1000, abs=250)), since_s


def test_a_film_whose_decoder_waits_for_a_key_frame_after_a_stop_is_asked_once_to_go_on_and_then_blamed() -> None:
    film = SimulatedFilm(every(0.04, 60.0), 60.0, alike=always, broken=within(5.5, 59))
    watch = PictureWatch(WatchedMedia(MediaKind.VIDEO, 0.04, False, film.frame_times()))
    faults = [watch.add(sample) for sample in stopped(film.samples(40.0), 5.3, 6.0, 1.0)]
    assert [fault for fault in dict.fromkeys(faults) if fault is not FINE] == [PictureFault.STUCK_AFTER_STOP, FROZEN]
    assert faults.count(PictureFault.STUCK_AFTER_STOP) == 1


@pytest.mark.parametrize(("waits_s", "fault"), [(9, FINE), (20, FROZEN)])
def test_a_stream_gets_time_for_its_next_key_frame_after_a_stop(waits_s: float, fault: PictureFault) -> None:
    film = SimulatedFilm(every(0.04, 60.0), 60.0, refused=within(5.5, 5.5 + waits_s))
    watch = PictureWatch(WatchedMedia(MediaKind.STREAM, 0.04, False, None))
    samples = (replace(each, given=film.given(each)) for each in film.samples(40.0))
    faults = {watch.add(sample) for sample in stopped(samples, 5.3, 6.0, 1.0)}
    assert faults - {STUCK} == {FINE, fault}


@pytest.mark.parametrize(("for_s", "behind"), STANDS)
def test_damage_is_found_after_the_machine_stood(for_s: float, behind: float) -> None:
    film = SimulatedFilm(every(0.04, 60.0), 60.0, alike=always, refused=within(14, 59))
    watch = PictureWatch(WatchedMedia(MediaKind.VIDEO, 0.04, False, film.frame_times()))
    assert FROZEN in {watch.add(sample) for sample in stopped(film.samples(30.0), 5.3, for_s, behind)}


DAMAGE = {
    "frames that give no picture": (SimulatedFilm(EVEN, 20.0, refused=within(6, 14)), FROZEN),
    "frames that are not taken": (SimulatedFilm(EVEN, 20.0, broken=within(6, 14)), FROZEN),
    "the same from its start": (SimulatedFilm(EVEN, 20.0, refused=within(0.1, 14)), FROZEN),
    "the same from its start, which is not even taken": (SimulatedFilm(EVEN, 20.0, broken=within(0.1, 14)), FROZEN),
    "the same after a second, at 5 a second":
        (SimulatedFilm(every(0.2, 30.0), 30.0, refused=within(1, 20)), FROZEN),
    "the same after every second group of pictures":
        (SimulatedFilm(EVEN, 20.0, refused=lambda at: at % 2 > 1 or 8 < at < 16), FROZEN),
    "the same in a still film": (SimulatedFilm(EVEN, 20.0, alike=always, refused=within(6, 14)), FROZEN),
    "the same in it, from its start": (SimulatedFilm(EVEN, 20.0, alike=always, refused=within(0.1, 14)), FROZEN),
    "the same behind a gap": (SimulatedFilm([*GAP, *every(0.04, 30.0, 12.0)], 30.0, refused=within(13, 24)), FROZEN),
    "the same at 1 a second": (SimulatedFilm(every(1.0, 40.0), 40.0, refused=within(8, 20)), FROZEN),
    "the same at 60 a second": (SimulatedFilm(every(1 / 60, 16.0), 16.0, refused=within(4, 14)), FROZEN),
    "libVLC hangs": (SimulatedFilm(EVEN, 20.0, hung=within(6, 20)), SUSPECTED),
    "libVLC hangs at 1 a second": (SimulatedFilm(every(1.0, 40.0), 40.0, hung=within(6, 40)), SUSPECTED),
}  # fmt: skip


@pytest.mark.parametrize(("film", "fault"), DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("every_s", [0.2, 0.33])
def test_a_picture_that_should_have_changed_is_found(film: SimulatedFilm, fault: PictureFault, every_s: float) -> None:
    found, still_ms = worst(film, every_s=every_s)
    assert found is fault and still_ms > 2000


STREAM_DAMAGE = {
    "another codec, whose frames give no picture": SimulatedFilm(EVEN, 20.0, refused=within(6, 14)),
    "another codec, whose frames are not taken": SimulatedFilm(EVEN, 20.0, broken=within(6, 14)),
    "the same soon after its start": SimulatedFilm(EVEN, 20.0, broken=within(2, 14)),
    "its first frames give no picture": SimulatedFilm(EVEN, 20.0, broken=within(0.5, 14)),
    "the same in a slow stream": SimulatedFilm(every(0.5, 40.0), 40.0, refused=within(8, 20)),
    "no pictures come, after an even start": SimulatedFilm([at for at in EVEN if at < 12], 24.0),
}


@pytest.mark.parametrize("film", STREAM_DAMAGE.values(), ids=STREAM_DAMAGE)
@pytest.mark.parametrize("every_s", [0.2, 0.33])
def test_a_stream_whose_pictures_are_not_decoded_is_found(film: SimulatedFilm, every_s: float) -> None:
    found, still_ms = worst(film, every_s=every_s, streamed=True)
    assert found is FROZEN and still_ms > 2000


@pytest.mark.parametrize(("stood_s", "counts"), [(1.0, False), (1.5, False), (3.5, True), (4.5, True)])
def test_a_stand_that_ends_is_counted_in_full_and_blames_nobody(stood_s: float, counts: bool) -> None:
    found, still_ms = worst(SimulatedFilm(EVEN, 20.0, refused=within(6, 6 + stood_s)))
    assert found is FINE
    assert still_ms == pytest.approx(1000 * stood_s, abs=500) if counts else still_ms == 0


def test_media_of_unknown_rhythm_that_hang_are_suspected_because_nothing_is_painted() -> None:
    assert worst(SimulatedFilm(EVEN, 20.0, hung=within(6, 20)), known=False)[0] is SUSPECTED


def test_media_of_unknown_rhythm_that_repaint_are_given_up_after_a_long_time() -> None:
    pause = SimulatedFilm([at for at in every(0.04, 60.0) if at < 6], 60.0)
    assert worst(pause, known=False, until_s=20.0)[0] is FINE
    assert worst(pause, known=False, until_s=25.0)[0] is FROZEN


@pytest.mark.parametrize("seed", range(8))
def test_films_of_any_rhythm_are_never_called_frozen(seed: int) -> None:
    chance = Random(seed)
    times, at_s = [0.0], 0.0
    while at_s < 40:
        at_s += chance.choice((1 / 60, 0.04, 0.04, 0.04, 0.2, 0.7, 1.9, 5.5, chance.uniform(0.02, 9)))
        times += [at_s + step * 0.04 for step in range(chance.randrange(40))]
        at_s = times[-1]
    seldom = chance.choice((never, lambda at: int(at * 7) % 3 == 0, within(10, 30)))
    film = SimulatedFilm(times, at_s + chance.uniform(0.04, 5), alike=seldom, silent=chance.random() < 0.5)
    assert worst(film, every_s=chance.choice((0.2, 0.25, 0.4))) == (FINE, 0)
    assert worst(film, known=False)[0] is FINE
    assert worst(replace(film, times_s=[at for at in film.times_s if at < 9]), streamed=True, until_s=9)[0] is FINE
