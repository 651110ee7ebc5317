"""The rhythm of a track: when its pictures or sounds are due, by the times of its packets, and an even rate for it."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, pairwise
from math import inf
from statistics import fmean, median

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
_UNTIMED_FRAME_S = 1 / 25
_MOST_GAPS = 1000
_LONGEST_STRAY_S = 1.0
_REORDERED = 17  # packets: no codec holds back more than 16 pictures


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet: when it is due and decoded (seconds, None if the file does not say), where it is, and its flags."""

    track: int
    due_s: float | None
    decoded_s: float | None
    lasts_s: float
    key: bool
    discarded: bool  # decoded and never shown, because an edit list trims it
    at: int | None = None  # the byte of the file where it, or the group of packets that it belongs to, begins


@dataclass(frozen=True, slots=True)
class TrackTimes:
    """The rhythm of one track, after jumps of its timestamps were closed. All times are in seconds.

    `frame_s` is the usual time between two pictures, `even` tells whether nearly all keep to it. `decoded_only`: these
    are the times at which pictures are decoded, for the file (such as AVI) does not say when they are due.
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
    gaps: tuple[tuple[float, float], ...] = ()  # the first long ones: pictures that stay, sound that is not there


def read_packet(line: str, *, positions: bool = True) -> Packet | None:
    """Return the packet of one line of ffprobe (CSV: track, pts, dts, duration, pos, flags); None if it is none.

    There may be millions: equal times are one object, and without `positions` the place in the file is left out.
    """
    fields = line.split(",")
    if len(fields) < 6 or not fields[0].isdecimal():
        return None
    due_s = _seconds(fields[1])
    decoded_s = due_s if fields[2] == fields[1] else _seconds(fields[2])
    at = int(fields[4]) if positions and fields[4].isdecimal() else None
    return Packet(int(fields[0]), due_s, decoded_s, _length(fields[3]), "K" in fields[5], "D" in fields[5], at)


def _seconds(raw: str) -> float | None:
    return None if raw == "N/A" else float(raw)


@lru_cache(1000)
def _length(raw: str) -> float:
    return _seconds(raw) or 0.0


def measure_tracks(packets: Iterable[Packet], sounds: Container[int] = ()) -> dict[int, TrackTimes]:
    """Return the rhythm of each track that shows at least one packet; `sounds` are the tracks that are heard."""
    tracks: dict[int, list[Packet]] = {}
    for packet in packets:
        tracks.setdefault(packet.track, []).append(packet)
    timed = {track: _timed(found) for track, found in tracks.items()}
    shown = ([packet for packet in found if not packet.discarded] for found in timed.values())
    longest = [max((step - before.lasts_s for before, step in _steps(found)), default=0.0) for found in shown]
    closes = (len(timed) > 1 and min(longest) > FORWARD_JUMP_S) or max(longest, default=0.0) > _HALF_CLOCK_S
    astray = {track for track in timed if track in sounds and _ends_astray(track, timed)}
    measured = {track: _measure(found, closes or track in astray) for track, found in timed.items()}
    return {track: times for track, times in measured.items() if times is not None}


def _ends_astray(track: int, tracks: Mapping[int, Sequence[Packet]]) -> bool:
    """Tell whether a track of sound ends with some packets alone, long after all else in the film has ended."""
    dues = {key: [p.due_s or p.decoded_s or 0.0 for p in found if not p.discarded] for key, found in tracks.items()}
    own = dues.pop(track)
    jumps = [number for number, (before, after) in enumerate(pairwise(own), 1) if after - before > FORWARD_JUMP_S]
    if not jumps or own[-1] - own[jumps[-1]] >= _LONGEST_STRAY_S:
        return False
    rest_ends_s = max((due for others in dues.values() for due in others), default=-inf)
    return own[jumps[-1]] - rest_ends_s > FORWARD_JUMP_S


def film_span(tracks: Iterable[TrackTimes | None]) -> tuple[float, float]:
    """Return when the first of these tracks starts and the last one ends, in seconds."""
    present = [track for track in tracks if track is not None]
    return min(track.start_s for track in present), max(track.end_s for track in present)


def even_rate(rate: Fraction) -> Fraction:
    """Return the rate to encode pictures at that come at `rate`: this rate, or a whole multiple or part of it."""
    if rate > FASTEST_RATE:
        return rate / -(-rate // FASTEST_RATE)
    if rate < SLOWEST_RATE:
        return rate * -(-SLOWEST_RATE // rate)
    return rate


def _timed(packets: Sequence[Packet]) -> Sequence[Packet]:
    """Return the packets that have times; a raw stream has none, there they follow each other."""
    timed = [packet for packet in packets if packet.due_s is not None or packet.decoded_s is not None]
    if timed:
        return timed
    ends = accumulate(packet.lasts_s or _UNTIMED_FRAME_S for packet in packets)
    return [replace(packet, due_s=end_s) for packet, end_s in zip(packets, ends, strict=True)]


def _steps(packets: Sequence[Packet]) -> list[tuple[Packet, float]]:
    """Return each packet but the last one with the time until the next one is decoded.

    Where the file does not say when that is, it is no later than the first of the next packets is due.
    """
    times = [
        min((later.due_s or 0.0 for later in packets[number : number + _REORDERED]), default=0.0)
        if packet.decoded_s is None
        else packet.decoded_s
        for number, packet in enumerate(packets)
    ]
    return list(zip(packets, (after - before for before, after in pairwise(times)), strict=False))


def _measure(packets: Sequence[Packet], closes_forward: bool) -> TrackTimes | None:
    kept = [packet for packet in packets if not packet.discarded]  # the times of the others overlap those before them
    if not kept:
        return None
    found = zip(_due_times(kept), shifts := _shifts(kept, closes_forward), kept, strict=True)
    shown = {due - shift: packet for due, shift, packet in found}
    dues = sorted(shown)
    gaps = [after - before for before, after in pairwise(dues)]
    frame_s = median(gaps) if gaps else 0.0
    last_s = shown[dues[-1]].lasts_s or frame_s
    end_s = dues[-1] + last_s
    keys = [due for due in dues if shown[due].key]
    return TrackTimes(
        packets=len(shown),
        start_s=dues[0],
        end_s=end_s,
        frame_s=frame_s,
        rate=_rate(gaps, last_s),
        even=any(packet.decoded_s is not None for packet in packets) and _is_even(gaps, frame_s),
        longest_gap_s=max(gaps, default=0.0),
        key_distance_s=max((after - before for before, after in pairwise([*keys, end_s])), default=end_s - dues[0]),
        starts_with_key=packets[0].key,
        trimmed=len(kept) < len(packets),
        jumps=any(shifts),
        decoded_only=all(packet.due_s is None for packet in packets),
        gaps=_long_gaps(dues, frame_s),
    )


def _due_times(packets: Sequence[Packet]) -> list[float]:
    """Return when each packet is due.

    Where the file says it of some only, or what it says is far from when they are decoded, it follows from the latter.
    It may be far before a picture that stays: then it is so for most of the packets that come next.
    """
    delays_s = [p.due_s - p.decoded_s for p in packets if p.due_s is not None and p.decoded_s is not None]
    all_known, usual_s = all(packet.due_s is not None for packet in packets), median(delays_s or [0.0])
    in_order = sorted(packet.due_s for packet in packets if packet.due_s is not None)
    far_s = max(FORWARD_JUMP_S, _REORDERED * median([after - before for before, after in pairwise(in_order)] or [0.0]))
    least_s, due_s, times = min(delays_s, default=0.0), 0.0, []
    for number, packet in enumerate(packets):
        stated = packet.due_s if all_known or packet.decoded_s is None else None
        believed = packet.decoded_s is None or abs((stated or 0.0) - packet.decoded_s - usual_s) < far_s
        if stated is not None and not believed:
            coming = packets[number : number + _REORDERED]
            believed = 2 * sum(abs((later.due_s or 0.0) - stated) < far_s for later in coming) > len(coming)
        if stated is not None and believed:
            due_s = stated
        elif packet.decoded_s is not None:
            due_s = packet.decoded_s + (usual_s if all_known else least_s)
        times.append(due_s)
    return times


def _shifts(packets: Sequence[Packet], closes_forward: bool) -> list[float]:
    """Return for each packet what its times are too late by; all are 0 where nothing jumps."""
    steps = _steps(packets)
    in_order = all(packet.decoded_s is not None for packet in packets)  # else pictures are stored in another order
    backward_s = -max(BACKWARD_JUMP_S, 20 * median(step for _, step in steps)) if steps else 0.0
    closes_forward |= any(step < backward_s for _, step in steps)  # as the filter does that closes them
    repeats = in_order and sum(step <= 0 for _, step in steps) > _UNEVEN_SHARE * len(steps)
    jumps = [
        step < backward_s or (repeats and step <= 0) or (closes_forward and step - before.lasts_s > FORWARD_JUMP_S)
        for before, step in steps
    ]
    late = (step - before.lasts_s if jump else 0.0 for (before, step), jump in zip(steps, jumps, strict=True))
    return list(accumulate(late, initial=0.0))


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


def _rate(gaps: Sequence[float], only_frame_s: float) -> Fraction:
    """Return the frames a second of a track: of a tenth of its shortest steps, so that still stretches do not count."""
    positive = sorted(gap for gap in gaps if gap > _ROUNDING_S / 2) or [only_frame_s or 1 / 25]
    base_s = positive[len(positive) // 10] if len(positive) > 1 else positive[0]
    step_s = fmean(gap for gap in positive if abs(gap - base_s) <= _JITTER * base_s + _ROUNDING_S)
    nearest = min(_STANDARD_RATES, key=lambda rate: abs(float(rate) * step_s - 1))
    if abs(float(nearest) * step_s - 1) < 0.01:
        return nearest
    return Fraction(1 / step_s).limit_denominator(100) or Fraction(1, 100)
