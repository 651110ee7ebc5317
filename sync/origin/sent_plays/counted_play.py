"""What reports count of a play: a few words that a thousand plays have in common, its time, and how it was judged."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from sync.origin.sent_plays.sent_play import AnyPlay
from sync.runtime.clock import ClockState
from sync.wire.device_reports import ScreenDetail, ScreenState


class CountedFacts(NamedTuple):
    """What plays say that are counted alike, and how they were judged when they came.

    `screen` is on, off, disconnected, covered or unknown; `clock` a `ClockState`. `set_aside`: why it is in no sum.
    `accepted`: a person said that it counts. `corrected`: its time is known, though its clock was not set.
    """

    kind: str
    release: str
    asset: str
    item: str | None
    campaign: str | None
    line: str | None
    creative: str | None
    outcome: str
    screen: str
    clock: str
    relaxed: bool
    expected_ms: int | None
    zone: str
    set_aside: str | None
    accepted: bool
    corrected: bool


class CountedPlay(NamedTuple):
    """A play that is counted: its start (Unix ms), corrected if a clock was set late, and how long it was on."""

    facts: CountedFacts
    started_ms: int
    rendered_ms: int


def counted_play(play: AnyPlay, started_ms: int, set_aside: str | None, *, corrected: bool) -> CountedPlay:
    """Return what a play that has just come is counted from."""
    detail, state = play.screen_detail, play.clock_state
    facts = _tuple(CountedFacts, (
        play.kind._value_, play.release, play.asset, play.item, play.campaign, play.line, play.creative,
        play.outcome._value_, detail if detail in _DETAILS else play.screen._value_,
        state if state in _STATES else _CLOCKS[play.clock._value_], bool(play.relaxed), play.expected_ms,
        _zone(play.zone), set_aside, False, corrected,
    ))  # fmt: skip
    return _tuple(CountedPlay, (facts, started_ms, play.rendered_ms))


def counted_document(
    body: Mapping[str, Any], started_ms: int, set_aside: str | None, accepted: bool, corrected: bool
) -> CountedPlay | None:
    """Return what a stored play is counted from; None: it is of an earlier version, which stored no documents."""
    if "kind" not in body:
        return None
    get, expected_ms = body.get, body.get("expected_ms")
    facts = CountedFacts(
        body["kind"], body["release"], body["asset"], get("item"), get("campaign"), get("line"), get("creative"),
        body["outcome"], _screen(body), _clock(body), bool(get("relaxed")),
        None if expected_ms is None else _number(expected_ms), _zone(str(get("zone", ""))), set_aside, accepted,
        corrected,
    )  # fmt: skip
    return CountedPlay(facts, started_ms, _number(body["rendered_ms"]))


_tuple = tuple.__new__  # the class itself takes twice as long, and this is done for each play
_CLOCKS = {"synced": ClockState.SYNCHRONISED.value, "unsynced": ClockState.NEVER_SET.value}
_DETAILS = {each.value: each.value for each in ScreenDetail}
_STATES = {each.value: each.value for each in ClockState}
_INTEGER = TypeAdapter(int)
_LONGEST_ZONE = 64


def _number(sent: Any) -> int:
    """Return a number of a play as it was understood when it came: earlier versions took "10000" and 10000.0, too."""
    return sent if type(sent) is int else _INTEGER.validate_python(sent)


def _zone(name: str) -> str:
    """Return the name of a zone; empty if it is so long that no zone has it: it may be held in memory."""
    return name if len(name) <= _LONGEST_ZONE else ""


def _screen(play: Mapping[str, Any]) -> str:
    return _DETAILS.get(play.get("screen_detail", ""), "") or str(play.get("screen", ScreenState.UNKNOWN.value))


def _clock(play: Mapping[str, Any]) -> str:
    """Return the state of the clock: an older player does not say it, a newer one may say more."""
    return _STATES.get(play.get("clock_state", ""), "") or _CLOCKS.get(
        play.get("clock", ""), ClockState.NEVER_SET.value
    )
