"""When plays happened that were recorded under a clock nobody had set: the boots and steps of screens, as a table."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from player.history.changes import ClockReading, clock_changes
from sync.origin.proof.clock_corrections import LATEST_MS, ClockRecord, Recorded, clock_offset_ms, clock_record
from sync.runtime.clock import ClockTrust, instant
from sync.wire.device_reports import HistoryRecord

LOG, OTHER_LOG = "1" * 32, "2" * 32
BOOT, OTHER_BOOT = "b" * 32, "c" * 32
HOUR = 3_600_000
RIGHT = 1_770_000_000_000  # the right time at monotonic 0 of BOOT
LATE = RIGHT - 5 * HOUR  # what the clock said then


def start(sequence: int, plays: int, *, boot: str = BOOT, mono_ms: int = 1_000, log: str = LOG) -> ClockRecord:
    """The player started; this tells which boot it is."""
    now = LATE + mono_ms
    return ClockRecord(log, sequence, plays, boot, mono_ms, now, now, synced=False, sets=False)


def set_clock(
    sequence: int,
    plays: int,
    mono_ms: int,
    before: int,
    after: int,
    *,
    boot: str = BOOT,
    synced: bool = True,
    log: str = LOG,
) -> ClockRecord:
    """The clock, which was ahead of `mono_ms` by `before`, was set ahead of it by `after`."""
    return ClockRecord(log, sequence, plays, boot, mono_ms, before + mono_ms, after + mono_ms, synced)


def play(mono_ms: int, said: int = LATE, *, boot: str = BOOT, place: int = 1, log: str = LOG) -> Recorded:
    return Recorded(log, place, said + mono_ms, boot, mono_ms)


def old(mono_ms: int, place: int, said: int = LATE, *, cut_off: bool = False, log: str = LOG) -> Recorded:
    """A play of a player that does not say which boot it was."""
    return Recorded(log, place, said + mono_ms, cut_off=cut_off)


AHEAD = RIGHT + 400 * 24 * HOUR
SYNC = set_clock(2, 9, 60_000, LATE, RIGHT)
BACK = set_clock(2, 9, 60_000, AHEAD, RIGHT)
BY_HAND = set_clock(2, 3, 30_000, LATE, RIGHT + HOUR, synced=False)
THEN_SYNC = set_clock(3, 9, 60_000, RIGHT + HOUR, RIGHT)
LATER_STEP = set_clock(4, 20, 9 * HOUR, RIGHT, RIGHT + 2 * HOUR)
RIGHT_ALREADY = set_clock(2, 9, 60_000, RIGHT, RIGHT)
RAN_ON = set_clock(2, 0, 1_000, RIGHT, RIGHT)


@pytest.mark.parametrize(
    ("one", "records", "right"),
    [
        pytest.param(play(20_000), [start(1, 0), SYNC], RIGHT + 20_000, id="set forward"),
        pytest.param(play(20_000, AHEAD), [start(1, 0), BACK], RIGHT + 20_000, id="set back by more than a year"),
        pytest.param(play(20_000, RIGHT), [start(1, 0), RIGHT_ALREADY], RIGHT + 20_000, id="it was right"),
        pytest.param(play(20_000), [BY_HAND, THEN_SYNC], RIGHT + 20_000, id="several steps: before the first"),
        pytest.param(play(40_000, RIGHT + HOUR), [BY_HAND, THEN_SYNC], RIGHT + 40_000, id="several steps: between"),
        pytest.param(play(20_000), [THEN_SYNC, LATER_STEP], RIGHT + 20_000, id="a later step has another cause"),
        pytest.param(play(20_000), [LATER_STEP, SYNC, BY_HAND], RIGHT + 20_000, id="records in any order"),
        pytest.param(play(90_000, RIGHT), [RAN_ON], RIGHT + 90_000, id="it ran on after it was set"),
        pytest.param(
            play(0), [set_clock(1, 0, 0, LATE, RIGHT)], RIGHT, id="at the very moment, when the machine starts"
        ),
        pytest.param(play(20_000, log=OTHER_LOG), [SYNC], RIGHT + 20_000, id="another log of the same boot"),
        pytest.param(
            play(20_000), [set_clock(9, 0, 60_000, LATE, RIGHT, log=OTHER_LOG)], RIGHT + 20_000, id="two logs"
        ),
        pytest.param(play(20_000), [], None, id="a boot without any"),
        pytest.param(play(20_000), [start(1, 0)], None, id="a start is no set clock"),
        pytest.param(play(20_000), [BY_HAND], None, id="set by hand only: nobody knows whether it is right"),
        pytest.param(
            play(20_000),
            [start(1, 0), start(2, 9, boot=OTHER_BOOT), set_clock(3, 9, 60_000, LATE, RIGHT, boot=OTHER_BOOT)],
            None,
            id="started anew before the clock was set",
        ),
        pytest.param(
            play(20_000, boot=OTHER_BOOT),
            [SYNC, set_clock(9, 30, 70_000, LATE, RIGHT + 48 * HOUR, boot=OTHER_BOOT)],
            RIGHT + 48 * HOUR + 20_000,
            id="each boot by its own record",
        ),
        pytest.param(play(LATEST_MS), [SYNC], None, id="no such year"),
        pytest.param(play(20_000), [set_clock(1, 0, RIGHT + HOUR, LATE, -HOUR)], None, id="before 1970"),
        pytest.param(old(20_000, 4), [start(1, 3), SYNC], RIGHT + 20_000, id="old: in its place"),
        pytest.param(old(55_000, 10), [start(1, 3), SYNC], RIGHT + 55_000, id="old: on air when the clock was set"),
        pytest.param(old(61_000, 10, RIGHT), [start(1, 3), SYNC], None, id="old: it began after"),
        pytest.param(old(20_000, 3), [start(1, 3), SYNC], None, id="old: before the start"),
        pytest.param(old(20_000, 3), [SYNC], None, id="old: nobody knows of which boot"),
        pytest.param(old(20_000, 2), [start(1, 0), BY_HAND, THEN_SYNC], RIGHT + 20_000, id="old: steps add up"),
        pytest.param(
            old(40_000, 6, RIGHT + HOUR), [start(1, 0), BY_HAND, THEN_SYNC], RIGHT + 40_000, id="old: between"
        ),
        pytest.param(old(20_000, 2), [THEN_SYNC, BY_HAND, start(1, 0)], RIGHT + 20_000, id="old: records in any order"),
        pytest.param(
            old(20_000, 4),
            [start(1, 0), start(2, 6, boot=OTHER_BOOT), set_clock(3, 9, 60_000, LATE, RIGHT, boot=OTHER_BOOT)],
            None,
            id="old: started anew before the clock was set",
        ),
        pytest.param(
            old(20_000, 7, cut_off=True),
            [start(1, 0), start(2, 6, boot=OTHER_BOOT), set_clock(3, 9, 60_000, LATE, RIGHT, boot=OTHER_BOOT)],
            None,
            id="old: cut off, and closed after the next start",
        ),
        pytest.param(old(20_000, 4, log=OTHER_LOG), [start(1, 3), SYNC], None, id="old: another log"),
        pytest.param(
            Recorded(LOG, 4, LATE + 20_000, BOOT, None),
            [start(1, 3), SYNC],
            RIGHT + 20_000,
            id="a boot without a moment",
        ),
    ],
)
def test_what_the_records_of_the_clock_say(one: Recorded, records: list[ClockRecord], right: int | None) -> None:
    offset_ms = clock_offset_ms(one, records)
    assert (None if offset_ms is None else one.at_ms + offset_ms) == right


STEPS = st.lists(
    st.tuples(
        st.integers(1, 5_000), st.integers(-(10**9), 10**9), st.sampled_from(["play", "step", "restart", "boot"])
    ),
    max_size=30,
)


@settings(max_examples=100, deadline=None)
@given(wrong_ms=st.integers(-(10**9), 10**9), before=STEPS, after=STEPS)
def test_whatever_happens_before_a_clock_is_set_its_boot_gets_the_right_times(
    wrong_ms: int, before: list[tuple[int, int, str]], after: list[tuple[int, int, str]]
) -> None:
    """The device writes by its own rules; plays are at random, clocks are stepped, players and machines start anew."""
    device = ScreenClock(RIGHT, wrong_ms)
    for wait_ms, step_ms, event in before:
        device.do(wait_ms, event, step_ms)
    device.synchronise()
    set_in = device.boot
    for wait_ms, _, event in after:  # what is set stays right
        device.do(wait_ms, "play" if event == "step" else event, 0)
    for said, right_ms in device.plays:
        offset_ms = clock_offset_ms(said, device.records)
        assert offset_ms is None or abs(said.at_ms + offset_ms - right_ms) <= 1
        assert (offset_ms is not None) == (said.boot_id in device.synced)
    assert set_in in device.synced


class ScreenClock:
    """A device whose clock is ahead by `ahead_ms` until it is set; it knows which times were right."""

    def __init__(self, right_ms: int, ahead_ms: int) -> None:
        self.right_ms, self.ahead_ms, self.up_ms = right_ms, ahead_ms, 0
        self.boots, self.trust = 1, ClockTrust.UNSYNCED
        self.kept: str | None = None
        self.records: list[ClockRecord] = []
        self.plays: list[tuple[Recorded, int]] = []
        self.synced: set[str] = set()
        self._look()

    @property
    def boot(self) -> str:
        return f"{self.boots:032x}"

    def do(self, wait_ms: int, event: str, step_ms: int) -> None:
        self.right_ms, self.up_ms = self.right_ms + wait_ms, self.up_ms + wait_ms
        self._look()
        if event == "step":
            self.ahead_ms += step_ms
        elif event == "boot":
            self.boots, self.up_ms, self.trust = self.boots + 1, 0, ClockTrust.UNSYNCED
        if event == "play" and self.trust is ClockTrust.UNSYNCED:
            now = self.right_ms + self.ahead_ms
            self.plays.append((Recorded(LOG, len(self.plays) + 1, now, self.boot, self.up_ms), self.right_ms))
        self._look()

    def synchronise(self) -> None:
        self.ahead_ms, self.trust = 0, ClockTrust.SYNCED
        self._look()
        self.synced.add(self.boot)

    def _look(self) -> None:
        reading = ClockReading(instant(self.right_ms + self.ahead_ms), self.up_ms / 1000, self.boot, self.trust)
        for change in clock_changes(self.kept, reading):
            self.kept = change.things["clock"]
            if change.fields:
                place = {"device": "d", "log_epoch": LOG, "sequence": len(self.records) + 1, "plays": len(self.plays)}
                found = clock_record(HistoryRecord.model_validate({**change.fields, **place, "hash": "0" * 64}))
                assert found is not None
                self.records.append(found)
