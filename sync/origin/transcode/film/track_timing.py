"""The rhythm of a track: when its pictures or sounds are due, by the times of its packets, and an even rate for it."""

from array import array
from bisect import bisect_right
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, chain, compress, groupby, islice, pairwise
from math import inf, isnan, nan
from operator import lt, sub
from random import Random
from statistics import fmean, median
from typing import NamedTuple

BACKWARD_JUMP_S = 1.0
_HALF_CLOCK_S = 2**32 / 90_000  # of MPEG streams: a clock that starts anew seems to go on until it is full
FORWARD_JUMP_S = 10.0  # as ffmpeg for MPEG streams; in one track alone it is a picture that stays
SLOWEST_RATE = Fraction(24000, 1001)  # frames a second of what is encoded: the slowest that is usual
FASTEST_RATE = Fraction(121, 2)
_STANDARD_RATES = tuple(
    Fraction(rate)
    for rate in (1, 2, 5, 10, 12, "12.5", 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 144, 200, 240)
) + tuple(Fraction(rate * 1000, 1001) for rate in (15, 24, 30, 48, 60, 120, 240))  # fmt: skip
_ROUNDING_S = 0.0021  # Matroska and Flash keep milliseconds
_UNEVEN_SHARE = 0.02  # so many frames may be dropped before a film counts as uneven
_FEW_GAPS = 10
_LONGEST_EVEN_GAP_S = 0.125
_JITTER = 0.12  # of the usual time between two pictures, as cameras of phones have it
_UNTIMED_RATE = Fraction(25)  # frames a second of pictures without times, as all programs take them
_SHORTEST_TOLD_S, _LONGEST_TOLD_S = 1 / 500, 60.0  # of a picture, by the headers of a bare stream
_SHORTEST_FRAME_S = 1 / 1001  # of pictures with times: no film is faster
_MOST_GAPS = 1000
_MOST_SORTED = 500_000  # gaps: of more a sample tells which are usual
_LONGEST_STRAY_S = 1.0
_REORDERED = 17  # packets: no codec holds back more than 16 pictures


class Packet(NamedTuple):
    """One packet: when it is due and decoded (seconds, None if the file does not say), where it is, and its flags."""

    track: int
    due_s: float | None
    decoded_s: float | None
    lasts_s: float
    key: bool
    discarded: bool  # decoded and never shown, because an edit list trims it
    at: int | None = None  # the byte of the file where it, or the group of packets that it belongs to, begins


class TrackPackets:
    """The packets of one track as they are stored, in 22 bytes each: a day of film has millions.

    Times are in seconds, NaN where the file does not say them. `places` is empty where they were not asked for. They
    never go back: a packet without one has that of the packet before.
    """

    __slots__ = ("decoded", "discarded", "dues", "keys", "lasts", "places")

    def __init__(self) -> None:
        self.dues, self.decoded, self.lasts = array("d"), array("d"), array("f")
        self.keys, self.discarded, self.places = bytearray(), bytearray(), array("q")

    def __len__(self) -> int:
        return len(self.dues)

    def append(self, packet: Packet, *, positions: bool = False) -> None:
        """Add the next packet."""
        self.dues.append(nan if packet.due_s is None else packet.due_s)
        self.decoded.append(nan if packet.decoded_s is None else packet.decoded_s)
        self.lasts.append(packet.lasts_s)
        self.keys.append(packet.key)
        self.discarded.append(packet.discarded)
        if positions:
            before = self.places[-1] if self.places else 0
            self.places.append(max(before, packet.at or 0))

    def shown(self) -> "TrackPackets":
        """Return the packets without those that are discarded."""
        return self.where([not flag for flag in self.discarded]) if any(self.discarded) else self

    def where(self, kept: Sequence[bool]) -> "TrackPackets":
        """Return those packets that are marked."""
        found = TrackPackets()
        for name in self.__slots__:
            getattr(found, name).extend(compress(getattr(self, name), kept))
        return found


Tracks = Mapping[int, TrackPackets]
"""The packets of a file, by the number of their track."""


@dataclass(frozen=True, slots=True)
class TrackTimes:
    """The rhythm of one track, after jumps of its timestamps were closed. All times are in seconds.

    `frame_s` is the usual time between two pictures, `even` tells whether nearly all keep to it. `decoded_only`: these
    are the times at which pictures are decoded, for the file (such as AVI) does not say when they are due. `counted`:
    it says no times, or none that can be true, so that its pictures follow each other at `rate`.
    """

    packets: int
    start_s: float
    end_s: float
    frame_s: float
    rate: Fraction
    even: bool
    longest_gap_s: float
    key_distance_s: float
    starts_with_key: bool
    trimmed: bool
    jumps: bool
    decoded_only: bool = False
    counted: bool = False
    gaps: tuple[tuple[float, float], ...] = ()  # the first long ones: pictures that stay, sound that is not there


def read_packet(line: str) -> Packet | None:
    """Return the packet of one line of ffprobe (CSV: track, pts, dts, duration, pos, flags); None if it is none."""
    fields = line.split(",")
    if len(fields) < 6 or not fields[0].isdecimal():
        return None
    due_s = _seconds(fields[1])
    decoded_s = due_s if fields[2] == fields[1] else _seconds(fields[2])
    at = int(fields[4]) if fields[4].isdecimal() else None
    return Packet(int(fields[0]), due_s, decoded_s, _length(fields[3]), "K" in fields[5], "D" in fields[5], at)


def _seconds(raw: str) -> float | None:
    return None if raw == "N/A" else float(raw)


@lru_cache(1000)
def _length(raw: str) -> float:
    return _seconds(raw) or 0.0


def measure_tracks(tracks: Tracks, sounds: Container[int] = (), pictures: Container[int] = ()) -> dict[int, TrackTimes]:
    """Return the rhythm of each track that shows at least one packet; `sounds` are heard, `pictures` are seen."""
    bare = {track for track, found in tracks.items() if all(map(isnan, found.dues)) and all(map(isnan, found.decoded))}
    timed = {track: _timed(found).shown() for track, found in tracks.items() if track not in bare}
    longest = [max(map(sub, _steps(found), found.lasts), default=0.0) for found in timed.values()]
    closes = (len(timed) > 1 and min(longest) > FORWARD_JUMP_S) or max(longest, default=0.0) > _HALF_CLOCK_S
    astray = {track for track in timed if track in sounds and _ends_astray(track, timed)}
    measured: dict[int, TrackTimes] = {}
    for track, found in tracks.items():
        if track in bare:
            measured[track] = _count(len(found), _told_rate(found))
        elif len(timed[track]):
            times = _measure(timed[track], closes or track in astray)
            measured[track] = replace(times, starts_with_key=bool(found.keys[0]), trimmed=any(found.discarded))
    heard_s = max((times.end_s - times.start_s for track, times in measured.items() if track in sounds), default=0.0)
    for track, times in measured.items():
        if track in pictures and not times.counted and times.packets > 1 and times.frame_s < _SHORTEST_FRAME_S:
            measured[track] = _count(len(timed[track]), _rate_beside(len(timed[track]), heard_s), times.start_s)
    return measured


def _told_rate(packets: TrackPackets) -> Fraction:
    """Return the rate of a bare stream by its headers, if it can be true: from a picture a minute to 500 a second."""
    told = [lasts_s for lasts_s in packets.lasts if _SHORTEST_TOLD_S <= lasts_s <= _LONGEST_TOLD_S]
    return _rate([], median(told)) if told else _UNTIMED_RATE


def _rate_beside(packets: int, heard_s: float) -> Fraction:
    """Return the rate at which so many pictures last as long as the sound; the usual one without any sound."""
    rate = Fraction(packets / heard_s).limit_denominator(1001) if heard_s else _UNTIMED_RATE
    return rate if 1 <= rate <= 1 / _SHORTEST_TOLD_S else _UNTIMED_RATE


def _count(packets: int, rate: Fraction, start_s: float = 0.0) -> TrackTimes:
    frame_s = float(1 / rate)
    end_s = start_s + float(packets / rate)
    return TrackTimes(
        packets,
        start_s,
        end_s,
        frame_s,
        rate,
        even=False,
        longest_gap_s=frame_s,
        key_distance_s=0.0,
        starts_with_key=True,
        trimmed=False,
        jumps=False,
        counted=True,
    )


def _ends_astray(track: int, tracks: Tracks) -> bool:
    """Tell whether a track of sound ends with some packets alone, long after all else in the film has ended."""
    own = _known_dues(tracks[track])
    jump = next((n for n in range(len(own) - 1, 0, -1) if own[n] - own[n - 1] > FORWARD_JUMP_S), None)
    if jump is None or own[-1] - own[jump] >= _LONGEST_STRAY_S:
        return False
    others = (max(_known_dues(found), default=-inf) for key, found in tracks.items() if key != track)
    return own[jump] - max(others, default=-inf) > FORWARD_JUMP_S


def _known_dues(packets: TrackPackets) -> Sequence[float]:
    """Return when packets are due, or decoded where only that is known."""
    return array("d", (at if isnan(due) else due for due, at in zip(packets.dues, packets.decoded, strict=True)))


def film_span(tracks: Iterable[TrackTimes | None]) -> tuple[float, float]:
    """Return when the first of these tracks starts and the last one ends, in seconds."""
    present = [track for track in tracks if track is not None]
    return min(track.start_s for track in present), max(track.end_s for track in present)


def played_ms(tracks: Iterable[TrackTimes | None]) -> int:
    """Return how long a player that begins at 0, or earlier with the first track, plays these tracks."""
    start_s, end_s = film_span(tracks)
    return max(0, round((end_s - max(0.0, start_s)) * 1000))


def even_rate(rate: Fraction) -> Fraction:
    """Return the rate to encode pictures at that come at `rate`: this rate, or a whole multiple or part of it."""
    if rate > FASTEST_RATE:
        return rate / -(-rate // FASTEST_RATE)
    if rate < SLOWEST_RATE:
        return rate * -(-SLOWEST_RATE // rate)
    return rate


def _timed(packets: TrackPackets) -> TrackPackets:
    """Return the packets that have times."""
    if not any(map(isnan, packets.dues)):
        return packets
    return packets.where(
        [not (isnan(due) and isnan(at)) for due, at in zip(packets.dues, packets.decoded, strict=True)]
    )


def _steps(packets: TrackPackets) -> Sequence[float]:
    """Return the time from each packet but the last one until the next one is decoded.

    Where the file does not say when that is, it is no later than the first of the next packets is due.
    """
    times = packets.decoded
    if any(map(isnan, times)):
        dues = array("d", (0.0 if isnan(due) else due for due in packets.dues))
        times = array("d", (min(dues[n : n + _REORDERED]) if isnan(at) else at for n, at in enumerate(times)))
    return array("d", (after - before for before, after in pairwise(times)))


def _measure(packets: TrackPackets, closes_forward: bool) -> TrackTimes:
    late = _shifts(packets, closes_forward)
    times = _due_times(packets)
    closed = array("d", map(sub, times, late)) if late else times
    in_order = all(map(lt, closed, islice(closed, 1, None)))
    dues = closed if in_order else array("d", (due for due, _ in groupby(sorted(closed))))
    gaps = array("d", (after - before for before, after in pairwise(dues)))
    steps = sorted(gaps if len(gaps) <= _MOST_SORTED else Random(0).choices(gaps, k=_MOST_SORTED))
    frame_s = median(steps) if steps else 0.0
    last_s = packets.lasts[closed.index(dues[-1])] or frame_s
    end_s = dues[-1] + last_s
    keys = compress(closed, packets.keys)
    return TrackTimes(
        packets=len(dues),
        start_s=dues[0],
        end_s=end_s,
        frame_s=frame_s,
        rate=_rate(steps, last_s),
        even=not all(map(isnan, packets.decoded)) and _is_even(gaps, frame_s),
        longest_gap_s=max(gaps, default=0.0),
        key_distance_s=_longest_step(keys if in_order else sorted(keys), end_s) or end_s - dues[0],
        starts_with_key=bool(packets.keys[0]),
        trimmed=False,
        jumps=late is not None,
        decoded_only=all(map(isnan, packets.dues)),
        gaps=_long_gaps(dues, frame_s),
    )


def _longest_step(dues: Iterable[float], end_s: float) -> float:
    return max((after - before for before, after in pairwise(chain(dues, (end_s,)))), default=0.0)


def _due_times(packets: TrackPackets) -> "array[float]":
    """Return when each packet is due.

    Where the file says it of some only, or what it says is far from when they are decoded, it follows from the latter.
    It may be far before a picture that stays: then it is so for most of the packets that come next.
    """
    dues = packets.dues
    delays = array("d", (delay for delay in map(sub, dues, packets.decoded) if not isnan(delay)))
    all_known, least_s = not any(map(isnan, dues)), min(delays, default=0.0)
    if all_known and max(delays, default=0.0) - least_s < FORWARD_JUMP_S:
        return dues
    usual_s = median(delays or [0.0])
    in_order = sorted(due for due in dues if not isnan(due))
    far_s = max(FORWARD_JUMP_S, _REORDERED * median([after - before for before, after in pairwise(in_order)] or [0.0]))
    due_s, times = 0.0, array("d")
    for number, (due, at) in enumerate(zip(dues, packets.decoded, strict=True)):
        stated = due if all_known or isnan(at) else nan
        believed = isnan(at) or abs(stated - at - usual_s) < far_s
        if not believed and not isnan(stated):
            coming = dues[number : number + _REORDERED]
            believed = 2 * sum(abs(later - stated) < far_s for later in coming) > len(coming)
        if believed:
            due_s = stated
        elif not isnan(at):
            due_s = at + (usual_s if all_known else least_s)
        times.append(due_s)
    return times


def _shifts(packets: TrackPackets, closes_forward: bool) -> "array[float] | None":
    """Return for each packet what its times are too late by; None where nothing jumps."""
    steps = _steps(packets)
    if not steps:
        return None
    in_order = not any(map(isnan, packets.decoded))  # else pictures are stored in another order
    least_s, backward_s = min(steps), -BACKWARD_JUMP_S
    if least_s < backward_s:
        backward_s = min(backward_s, -20 * median(steps))
    closes_forward |= least_s < backward_s  # as the filter does that closes them
    repeats = in_order and sum(step <= 0 for step in steps) > _UNEVEN_SHARE * len(steps)
    if not closes_forward and not repeats:
        return None
    late = array("d")
    for step, lasts_s in zip(steps, packets.lasts, strict=False):
        forward = closes_forward and step - lasts_s > FORWARD_JUMP_S
        late.append(step - lasts_s if step < backward_s or (repeats and step <= 0) or forward else 0.0)
    return array("d", accumulate(late, initial=0.0)) if any(late) else None


def _long_gaps(dues: Sequence[float], frame_s: float) -> tuple[tuple[float, float], ...]:
    longer_than_s = max(2.5 * frame_s, _LONGEST_EVEN_GAP_S)
    return tuple(gap for gap in pairwise(dues) if gap[1] - gap[0] > longer_than_s)[:_MOST_GAPS]


def _is_even(gaps: Sequence[float], frame_s: float) -> bool:
    if not gaps:
        return False
    tolerance_s = _JITTER * frame_s + _ROUNDING_S
    uneven = sum(abs(gap - frame_s) > tolerance_s for gap in gaps)
    allowed = max(_UNEVEN_SHARE * len(gaps), 1 if len(gaps) > _FEW_GAPS else 0)
    return uneven <= allowed and max(gaps) <= max(1.5 * frame_s, _LONGEST_EVEN_GAP_S) + _ROUNDING_S


def _rate(steps: Sequence[float], only_frame_s: float) -> Fraction:
    """Return the frames a second of a track: of a tenth of its shortest steps, so that still stretches do not count.

    `steps` are in order.
    """
    positive = steps[bisect_right(steps, _ROUNDING_S / 2) :] or [only_frame_s or float(1 / _UNTIMED_RATE)]
    base_s = positive[len(positive) // 10] if len(positive) > 1 else positive[0]
    step_s = fmean(gap for gap in positive if abs(gap - base_s) <= _JITTER * base_s + _ROUNDING_S)
    nearest = min(_STANDARD_RATES, key=lambda rate: abs(float(rate) * step_s - 1))
    if abs(float(nearest) * step_s - 1) < 0.01:
        return nearest
    return Fraction(1 / step_s).limit_denominator(100) or Fraction(1, 100)
