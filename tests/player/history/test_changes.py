"""What is recorded of two looks at a device, as tables: screen, release, problems, clock, start and end."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from player.display import DisplayState, Power
from player.evidence.history_log import Change
from player.history.changes import (
    PROBLEM,
    ChangeLimit,
    ClockReading,
    clock_changes,
    problem_changes,
    release_change,
    screen_changes,
    screen_word,
    start_changes,
    stop_change,
)
from player.platform.geometry import Area
from sync.runtime.clock import ClockTrust

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BOOT, OTHER_BOOT = "b" * 32, "c" * 32


def moment(mono_s: float = 100.0, ahead_s: float = 0.0, *, synced: bool = True, boot: str = BOOT) -> ClockReading:
    """A moment of a machine that was started at noon; its clock is ahead of that by `ahead_s`."""
    trust = ClockTrust.SYNCED if synced else ClockTrust.UNSYNCED
    return ClockReading(NOON + timedelta(seconds=mono_s + ahead_s), mono_s, boot, trust)


def told(changes: Any) -> list[tuple[str, ...]]:
    """Return the records as kind, state, code and text."""
    fields = [change.fields for change in changes if change.fields]
    return [(one["kind"], one["state"], *filter(None, (one.get("code"), one.get("text")))) for one in fields]


def display(power: Power = Power.ON, *, connected: bool | None = True, answers: bool = True) -> DisplayState:
    return DisplayState(answers, connected, power, Area(width=1, height=1), 0)


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (display(), "on"),
        (display(Power.OFF), "off"),
        (display(Power.UNKNOWN), "unknown"),
        (display(Power.UNKNOWN, connected=None), "unknown"),
        (display(Power.ON, connected=False), "disconnected"),
        (display(Power.OFF, connected=False), "disconnected"),
        (display(Power.ON, connected=None, answers=False), "unknown"),
    ],
)
def test_the_word_for_a_display(state: DisplayState, word: str) -> None:
    assert screen_word(state) == word


@pytest.mark.parametrize(
    ("before", "now", "was", "words"),
    [
        (None, "on", "", ["on"]),
        ("on", "on", "", []),
        ("on", "off", "off", ["off"]),
        ("off", "on", "off", ["on"]),
        ("off", "disconnected", True, ["disconnected"]),
        ("on", "on", "off", ["off", "on"]),  # it was off between two looks
        ("unknown", "on", "disconnected", ["disconnected", "on"]),
        ("disconnected", "disconnected", "disconnected", []),
        (None, "unknown", "off", ["unknown"]),
    ],
)
def test_what_is_recorded_of_the_screen(before: str | None, now: str, was: str, words: list[str]) -> None:
    changes = list(screen_changes(before, now, moment(), was=was))
    assert told(changes) == [("screen", word) for word in words]
    assert not changes or changes[-1].things == {"screen": now}


def test_a_release_is_recorded_once() -> None:
    (change,) = release_change("a" * 64, "e" * 64, 7, moment())
    assert (change.fields["release"], change.fields["number"]) == ("e" * 64, 7)
    assert list(release_change("e" * 64, "e" * 64, 7, moment())) == []


def test_problems_begin_and_end_once_whatever_their_figures() -> None:
    known: dict[str, str] = {}

    def look(*sentences: str) -> list[tuple[str, ...]]:
        changes = list(problem_changes(known, sentences, moment()))
        for change in changes:
            for thing, state in change.things.items():
                known.pop(thing) if state is None else known.update({thing: state})
        return told(changes)

    assert look("5000 plays wait.", "Too hot (81 °C).") == [
        ("problem", "began", "5000 plays wait."), ("problem", "began", "Too hot (81 °C)."),
    ]  # fmt: skip
    assert look("Too hot (92 °C).", "5001 plays wait.") == []
    assert look("Too hot (79 °C).") == [("problem", "ended", "5000 plays wait.")]
    assert look() == [("problem", "ended", "Too hot (81 °C).")]
    assert look("x\n\0" * 333) == [("problem", "began", ("x??" * 333)[:500])]
    assert look("x\n\0" * 222) == []


def kept(start_ahead_s: float, *, synced: bool, boot: str = BOOT) -> str:
    start = NOON + timedelta(seconds=start_ahead_s)
    return json.dumps({"boot": boot, "start": start.isoformat(), "synced": synced})


@pytest.mark.parametrize(
    ("before", "now", "state", "step_s"),
    [
        pytest.param(None, moment(synced=False), None, 0, id="never set"),
        pytest.param(None, moment(), "synchronised", 0, id="set before the player started"),
        pytest.param(kept(-18_000, synced=False), moment(), "synchronised", 18_000, id="set forward"),
        pytest.param(kept(400 * 86_400, synced=False), moment(), "synchronised", -400 * 86_400, id="set back"),
        pytest.param(kept(0, synced=False), moment(), "synchronised", 0, id="it was right"),
        pytest.param(kept(-3_600, synced=False), moment(synced=False), "stepped", 3_600, id="by hand"),
        pytest.param(kept(-0.6, synced=True), moment(), "stepped", 0.6, id="by more than half a second"),
        pytest.param(kept(-0.4, synced=True), moment(), None, 0, id="by less"),
        pytest.param(kept(0, synced=True), moment(), None, 0, id="no change"),
        pytest.param(kept(0, synced=True), moment(synced=False), None, 0, id="held over"),
        pytest.param(kept(0, synced=True, boot=OTHER_BOOT), moment(), "synchronised", 0, id="another boot"),
        pytest.param(kept(0, synced=True, boot=OTHER_BOOT), moment(synced=False), None, 0, id="another boot, not set"),
    ],
)
def test_what_is_recorded_of_the_clock(before: str | None, now: ClockReading, state: str | None, step_s: float) -> None:
    changes = list(clock_changes(before, now))
    assert told(changes) == ([("clock", state)] if state else [])
    for change in changes:
        assert list(clock_changes(change.things["clock"], now)) == []
        if change.fields:
            step = change.fields["at"] - change.fields["utc_before"]
            assert step / timedelta(seconds=1) == pytest.approx(step_s, abs=0.001)


@pytest.mark.parametrize(
    ("boot", "code"), [(BOOT, "killed"), (OTHER_BOOT, "power")], ids=["in this boot", "before this boot"]
)
def test_a_run_that_could_not_say_how_it_ended(boot: str, code: str) -> None:
    (first,) = start_changes(None, None, "1.0", moment(boot=boot))
    assert told([first]) == [("player", "started", "1.0")]
    ended, started = start_changes(first.things["player"], NOON, "1.1", moment())
    assert told([ended, started]) == [("player", "stopped", code, "1.0"), ("player", "started", "1.1")]
    assert (ended.fields["at"], ended.fields["boot_id"], "mono_ms" in ended.fields) == (NOON, boot, False)
    clean = stop_change("1.1", moment())
    assert told([clean]) == [("player", "stopped", "clean", "1.1")]
    assert told(start_changes(clean.things["player"], NOON, "1.1", moment())) == [("player", "started", "1.1")]


def flap(limit: ChangeLimit, thing: str, looks: int, start_s: float = 0.0) -> tuple[list[Change], str | None]:
    """Look so often, each ten seconds, at a problem that is there at every second look."""
    known: str | None = None
    recorded: list[Change] = []
    for look in range(looks):
        now = thing if look % 2 == 0 else None
        word = "began" if now else "ended"
        changes = [] if now == known else [Change({"kind": "problem", "state": word}, {PROBLEM + thing: now})]
        for change in limit.limited(changes, start_s + 10 * look):
            recorded.append(change)
            known = now
    return recorded, known


def test_what_comes_and_goes_is_recorded_twelve_times_an_hour_and_counted() -> None:
    limit = ChangeLimit()
    recorded, known = flap(limit, "hot", 360)
    assert (len(recorded), known) == (12, None)
    (later,) = limit.limited([Change({"state": "began"}, {f"{PROBLEM}hot": "hot"})], 3_600)
    assert later.fields["unrecorded"] == 360 - 12
    recorded, _ = flap(limit, "hot", 6_000, 3_610)  # some sixteen hours
    assert len(recorded) <= 17 * 12
    assert len(recorded) + sum(one.fields.get("unrecorded", 0) for one in recorded) >= 6_000 - 359


def test_many_problems_share_a_limit_that_nothing_else_has() -> None:
    limit = ChangeLimit()
    sentences = [Change({"state": "began"}, {f"{PROBLEM}{number}": "it"}) for number in range(500)]
    assert len(limit.limited(sentences, 0)) == 120
    assert len(limit.limited([Change({"state": "off"}, {"screen": "off"})], 1)) == 1
    assert len(limit.limited(sentences[120:], 3_600)) == 120
