"""What a take is worth, and that a chain of plays shows every change."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from player.programme.proof_of_play import (
    TOLERANCE_MS,
    TakeFacts,
    TakeTimes,
    chain_play,
    judge_take,
    verify_chain,
)
from player.protocol.stage_interface import Ended
from sync.errors import Untrusted
from sync.programme.take import Take
from sync.wire.device_reports import GENESIS, Outcome, Play, PlayKind, ScreenState, play_hash
from tests.sync.programme.examples import ASSET, NOON

EPOCH = "0123456789abcdef" * 2


def take(expected_ms: int | None = 10_000, **fields: Any) -> Take:
    given = {"take": "take-1", "kind": PlayKind.ITEM, "release": ASSET, "asset": ASSET, "title": "Ümläut", "item": "a"}
    return Take.model_validate({**given, "zone": "Europe/Berlin", "expected_ms": expected_ms, **fields})


def ended(shown_ms: float, reason: str = "duration", *, failed: bool = False, deck_lost: bool = False) -> Ended:
    ended_s = 1_000.0 + shown_ms / 1000
    return Ended(
        take="take-1",
        started_s=1_000.0,
        ended_s=ended_s,
        reason=reason,
        failed=failed,
        deck_lost=deck_lost,
        frames_lost=3,
    )


def times(shown_ms: int, started_at: datetime = NOON) -> TakeTimes:
    return TakeTimes(started_at, started_at + timedelta(milliseconds=shown_ms), shown_ms)


def shown(how: Ended) -> TakeTimes:
    return times(round((how.ended_s - how.started_s) * 1000))


@pytest.mark.parametrize(
    ("expected_ms", "how", "outcome"),
    [
        (10_000, ended(10_000), Outcome.COMPLETE),
        (10_000, ended(10_000 - TOLERANCE_MS), Outcome.COMPLETE),
        (10_000, ended(10_000 - TOLERANCE_MS - 1), Outcome.PARTIAL),
        (10_000, ended(4_000, "eof"), Outcome.PARTIAL),  # the file was shorter than what was booked
        (10_000, ended(4_000, "daypart"), Outcome.PARTIAL),
        (10_000, ended(4_000, "decoder gave up", failed=True), Outcome.FAILED),
        (10_000, ended(4_000, "killed", deck_lost=True), Outcome.FAILED),
        (10_000, ended(9_900, "decoder gave up", failed=True), Outcome.COMPLETE),
        (None, ended(4_000, "eof"), Outcome.COMPLETE),
        (None, ended(4_000, "duration"), Outcome.COMPLETE),
        (None, ended(4_000, "cut"), Outcome.PARTIAL),
        (None, ended(4_000, "eof", failed=True), Outcome.FAILED),
        (200, ended(150, "cut"), Outcome.COMPLETE),
        (200, ended(99, "cut"), Outcome.PARTIAL),
        (10_000, ended(9_900, "its deck was lost", failed=True, deck_lost=True), Outcome.FAILED),
        (9_999_999_999_999, ended(4_000, "cut"), Outcome.PARTIAL),
    ],
)
def test_a_take_is_worth_what_was_on_the_screen(expected_ms: int | None, how: Ended, outcome: Outcome) -> None:
    facts = judge_take(take(expected_ms), how, shown(how))
    assert isinstance(facts, TakeFacts)
    assert (facts.outcome, facts.reason) == (outcome, how.reason)
    assert facts.times == shown(how)


@pytest.mark.parametrize(
    ("expected_ms", "how", "still_ms", "outcome", "rendered_ms", "reason"),
    [
        (10_000, ended(10_000, "eof"), 0, Outcome.COMPLETE, 10_000, "eof"),
        (10_000, ended(10_000, "eof"), 400, Outcome.COMPLETE, 9_600, "eof"),
        (10_000, ended(10_000, "eof"), 4_200, Outcome.PARTIAL, 5_800, "its picture stood still for 4.2 s"),
        (10_000, ended(10_000), 4_200, Outcome.PARTIAL, 5_800, "its picture stood still for 4.2 s"),
        (10_000, ended(10_000, "operator"), 4_200, Outcome.PARTIAL, 5_800, "operator"),
        (10_000, ended(9_900, "it froze", failed=True), 5_000, Outcome.FAILED, 4_900, "it froze"),
        (10_000, ended(4_000, "eof"), 9_000, Outcome.PARTIAL, 0, "its picture stood still for 9.0 s"),
        (4_000, ended(10_000), 5_000, Outcome.COMPLETE, 4_000, "duration"),
        (400, ended(400), 400, Outcome.PARTIAL, 0, "its picture stood still for 0.4 s"),
        (None, ended(10_000, "eof"), 400, Outcome.COMPLETE, 9_600, "eof"),
        (None, ended(400, "eof"), 400, Outcome.PARTIAL, 0, "its picture stood still for 0.4 s"),
        (None, ended(10_000, "eof"), 4_200, Outcome.PARTIAL, 5_800, "its picture stood still for 4.2 s"),
    ],
)
def test_time_in_which_the_picture_stood_still_is_not_proven(
    expected_ms: int | None, how: Ended, still_ms: int, outcome: Outcome, rendered_ms: int, reason: str
) -> None:
    facts = judge_take(take(expected_ms), how.model_copy(update={"still_ms": still_ms}), shown(how))
    assert isinstance(facts, TakeFacts)
    assert (facts.outcome, facts.times.rendered_ms, facts.reason) == (outcome, rendered_ms, reason)
    assert facts.times.ended_at == shown(how).ended_at


@settings(max_examples=100, deadline=None)
@given(
    st.none() | st.integers(0, 20_000),
    st.integers(-5_000, 10**9),
    st.integers(-5_000, 10**9),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_no_take_is_ever_shown_for_longer_than_clock_and_item_allow(
    expected_ms: int | None, on_ms: int, still_ms: int, killed: bool, failed: bool, deck_lost: bool
) -> None:
    how = ended(on_ms, failed=failed, deck_lost=deck_lost).model_copy(update={"still_ms": still_ms})
    facts = judge_take(take(expected_ms), None if killed else how, times(on_ms))
    if isinstance(facts, TakeFacts):
        assert 0 <= facts.times.rendered_ms <= max(0, on_ms if expected_ms is None else min(on_ms, expected_ms))
        assert facts.outcome is not Outcome.COMPLETE or (facts.times.rendered_ms and not deck_lost)


def test_a_take_that_was_never_on_the_screen_is_no_play() -> None:
    assert judge_take(take(), ended(0, "cut"), times(0)) is None


def test_a_take_during_which_the_device_stopped_is_interrupted() -> None:
    facts = judge_take(take(), None, times(5_000))
    assert isinstance(facts, TakeFacts)
    assert facts.outcome is Outcome.INTERRUPTED
    assert facts.times == times(5_000)


def log_of(count: int) -> list[Play]:
    plays: list[Play] = []
    for number in range(1, count + 1):
        on = times(10_000, NOON + timedelta(seconds=10 * number))
        facts = judge_take(take(take=f"take-{number}", choice=number), ended(10_000), on)
        assert isinstance(facts, TakeFacts)
        previous = plays[-1].hash if plays else GENESIS
        plays.append(
            chain_play(previous, take(take=f"take-{number}"), facts, device="d1", log_epoch=EPOCH, sequence=number)
        )
    return plays


def test_a_play_carries_its_take_and_its_facts() -> None:
    play = log_of(1)[0]
    assert (play.take, play.title, play.item, play.expected_ms) == ("take-1", "Ümläut", "a", 10_000)
    assert (play.rendered_ms, play.outcome, play.sequence) == (10_000, Outcome.COMPLETE, 1)
    assert play.previous_hash == GENESIS


def test_a_play_says_how_much_of_it_has_no_time_in_the_record_because_the_clock_was_set_back() -> None:
    facts = judge_take(take(), ended(10_000), TakeTimes(NOON, NOON + timedelta(seconds=4), 10_000))
    assert isinstance(facts, TakeFacts)
    play = chain_play(GENESIS, take(), facts, device="d1", log_epoch=EPOCH, sequence=1)
    assert (play.rendered_ms, play.outcome, play.clock_back_ms) == (10_000, Outcome.COMPLETE, 6_000)
    assert log_of(1)[0].clock_back_ms is None


def test_the_hash_can_be_checked_with_nothing_but_the_json() -> None:
    play = log_of(2)[1]
    sent = json.loads(play.model_dump_json())
    known = {name: value for name, value in sent.items() if name not in ("hash", "previous_hash") and value is not None}
    canonical = json.dumps(known, sort_keys=True, separators=(",", ":"))
    assert play.hash == hashlib.sha256((play.previous_hash + canonical).encode("ascii")).hexdigest()
    assert play_hash(play.previous_hash, sent) == play.hash
    assert play_hash(play.previous_hash, json.loads(play.model_dump_json(exclude_none=True))) == play.hash


def test_a_chain_is_valid_whole_and_from_any_play_on() -> None:
    plays = log_of(5)
    verify_chain([])
    verify_chain(plays, after=GENESIS)
    verify_chain([Play.model_validate_json(play.model_dump_json()) for play in plays])
    verify_chain(plays[2:], after=plays[1].hash)
    with pytest.raises(Untrusted, match="play 3"):
        verify_chain(plays[2:], after=plays[2].hash)


@pytest.mark.parametrize(
    ("name", "tamper"),
    [
        ("dropped", lambda plays: [*plays[:2], *plays[3:]]),
        ("moved", lambda plays: [plays[0], plays[2], plays[1], *plays[3:]]),
        ("doubled", lambda plays: [*plays[:2], plays[1], *plays[2:]]),
        ("renumbered", lambda plays: [*plays[:2], plays[2].model_copy(update={"sequence": 7}), *plays[3:]]),
        ("another log", lambda plays: [*plays[:2], plays[2].model_copy(update={"log_epoch": "f" * 32}), *plays[3:]]),
    ],
)
def test_a_chain_with_missing_or_moved_plays_is_refused(name: str, tamper: Any) -> None:
    with pytest.raises(Untrusted):
        verify_chain(tamper(log_of(5)))


@pytest.mark.parametrize(("sequence", "log_epoch"), [(3, EPOCH), (1, EPOCH), (2, "f" * 32)])
def test_a_play_with_a_right_hash_in_the_wrong_place_is_refused(sequence: int, log_epoch: str) -> None:
    first = log_of(1)[0]
    facts = judge_take(take(), ended(10_000), times(10_000))
    assert isinstance(facts, TakeFacts)
    forged = chain_play(first.hash, take(), facts, device="d1", log_epoch=log_epoch, sequence=sequence)
    verify_chain([forged], after=first.hash)
    with pytest.raises(Untrusted):
        verify_chain([first, forged])


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 4),
    st.sampled_from(
        [
            ("title", "Other"),
            ("rendered_ms", 10_001),
            ("outcome", Outcome.PARTIAL),
            ("line", "l1"),
            ("started_at", NOON),
            ("relaxed", ("category",)),
            ("hash", "b" * 64),
            ("previous_hash", "b" * 64),
            ("screen", ScreenState.ON),
            ("frames_lost", None),
        ]
    ),
)
def test_any_changed_field_breaks_the_chain(which: int, change: tuple[str, Any]) -> None:
    plays = log_of(5)
    plays[which] = plays[which].model_copy(update=dict([change]))
    with pytest.raises(Untrusted, match=f"play {which + 1} "):
        verify_chain(plays, after=GENESIS)
