"""Pure: when something happened that a screen recorded under a clock which nobody had set yet.

Each record of a set clock ties the wall clock to the monotonic clock of one start of the machine (a boot). The two run
at one speed until the wall clock is stepped, so one such record gives the right time of all of that boot, before it and
after it (the records themselves are never rewritten). What was recorded under a synchronised clock keeps its time:
a later step may have another cause, as when a machine was suspended in between.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import dropwhile

from sync.origin.sent_plays.sent_play import AnyPlay, moved, span_of
from sync.runtime.clock import ClockTrust, unix_ms
from sync.wire.device_reports import HistoryKind, HistoryRecord, Outcome

EARLIEST_MS, LATEST_MS = 0, 32_503_680_000_000  # the years 1970 to 2999: what is corrected to another time is not


@dataclass(frozen=True, slots=True)
class ClockRecord:
    """A record of the history that says which boot it is of, in the order of its log; of a clock that was set or not.

    `plays` is the newest play of the log when it was written. `before_ms` and `after_ms` are the wall clock before and
    after it was set (Unix ms): the same for other records. `synced`: a time service has set it.
    """

    log_epoch: str
    sequence: int
    plays: int
    boot_id: str
    mono_ms: int
    before_ms: int
    after_ms: int
    synced: bool
    sets: bool = True  # it is of the clock; False: it only tells which boot it is


@dataclass(frozen=True, slots=True)
class Recorded:
    """A play or another record under a clock that nobody had set; without boot id and monotonic time if older.

    `place` is the sequence of a play. `cut_off`: it was closed after the start that followed.
    """

    log_epoch: str
    place: int
    at_ms: int
    boot_id: str | None = None
    mono_ms: int | None = None
    cut_off: bool = False


def clock_offset_ms(one: Recorded, records: Sequence[ClockRecord]) -> int | None:
    """Return what to add to the time of `one`, by the records of its screen; None: nothing tells the right time."""
    if one.boot_id is not None and one.mono_ms is not None:
        offset_ms = _by_boot(one.at_ms, one.boot_id, one.mono_ms, records)
    else:
        in_log = sorted((each for each in records if each.log_epoch == one.log_epoch), key=lambda each: each.sequence)
        offset_ms = None if one.cut_off else _by_place(one, in_log)
    if offset_ms is None or not EARLIEST_MS <= one.at_ms + offset_ms < LATEST_MS:
        return None
    return offset_ms


def _by_boot(at_ms: int, boot_id: str, mono_ms: int, records: Iterable[ClockRecord]) -> int | None:
    """Count from the first set clock of this boot after it, else from the last one before it."""
    tied = [each for each in records if each.boot_id == boot_id and each.sets and each.synced]
    if not tied:
        return None
    after = [each for each in tied if each.mono_ms >= mono_ms]
    by = min(after, key=lambda each: each.mono_ms) if after else max(tied, key=lambda each: each.mono_ms)
    return by.after_ms + mono_ms - by.mono_ms - at_ms


def _by_place(one: Recorded, in_log: Sequence[ClockRecord]) -> int | None:
    """Add up the steps of the clock that followed in its log, up to the first set clock, all of one boot."""
    later = list(dropwhile(lambda each: not _follows(one, each), in_log))
    earlier = in_log[: len(in_log) - len(later)]
    offset_ms = 0
    for each in later:
        if not earlier or each.boot_id != earlier[-1].boot_id:
            return None  # the machine was started anew, or what was before is not known
        offset_ms += each.after_ms - each.before_ms
        if each.sets and each.synced:
            return offset_ms
    return None


def _follows(one: Recorded, record: ClockRecord) -> bool:
    """Tell whether a record was written after the play began; the play on air was not in the log yet."""
    on_air = record.plays == one.place - 1 and record.sets and one.at_ms <= record.before_ms
    return record.plays >= one.place or on_air


def as_recorded(play: AnyPlay) -> Recorded | None:
    """Return what of a play tells its right time; None: its clock was synchronised, so that it keeps its time."""
    if play.clock is ClockTrust.SYNCED:
        return None
    cut_off = play.outcome is Outcome.INTERRUPTED
    return Recorded(play.log_epoch, play.sequence, span_of(play)[0], play.boot_id, play.mono_start_ms, cut_off)


def at_right_time(play: AnyPlay, offset_ms: int | None) -> AnyPlay:
    """Return a play with the times that are right; `offset_ms` None: they are."""
    if offset_ms is None:
        return play
    started_ms, ended_ms = span_of(play)
    span_ms = ended_ms - started_ms
    if play.mono_start_ms is not None and play.mono_end_ms is not None:  # the record may have had no time for it
        span_ms = max(span_ms, play.mono_end_ms - play.mono_start_ms)
    until_ms = min(started_ms + offset_ms + span_ms, LATEST_MS)
    return moved(play, (started_ms + offset_ms, max(EARLIEST_MS, until_ms)))


def clock_record(record: HistoryRecord) -> ClockRecord | None:
    """Return what a row of the history of a screen says of its clock; None: nothing."""
    if record.boot_id is None or record.mono_ms is None:
        return None
    after_ms = unix_ms(record.at)
    sets = record.kind == HistoryKind.CLOCK
    before_ms = unix_ms(record.utc_before) if sets and record.utc_before is not None else after_ms
    synced = record.clock is ClockTrust.SYNCED
    place = record.log_epoch, record.sequence, record.plays
    return ClockRecord(*place, record.boot_id, record.mono_ms, before_ms, after_ms, synced, sets)
