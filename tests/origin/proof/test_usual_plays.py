"""What is told at once of usual plays is what all questions would have said."""

from dataclasses import replace
from typing import Any
from unittest import mock

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sync.origin.planning.release_contents import KnownRelease, ReleaseContent
from sync.origin.proof import plausibility
from sync.origin.proof.plausibility import CLOCK_MS, OriginTime, ScreenFacts, why_set_aside
from sync.origin.sent_plays.sent_play import SentPlay, read_plays
from sync.runtime.clock import ClockTrust, instant
from tests.origin.sent_plays.test_sent_play import HASH, USUAL

NOW_MS = 1_772_442_000_000
KNOWN = {
    HASH: KnownRelease(
        "main", NOW_MS - CLOCK_MS,
        {HASH: [ReleaseContent(HASH, "i", "", "", "", 10_000), ReleaseContent(HASH, "j", "", "", "", 0)]},
    ),
    "b" * 64: KnownRelease("other", NOW_MS + 3 * CLOCK_MS, None),
}  # fmt: skip
SCREEN = ScreenFacts(NOW_MS - 2 * CLOCK_MS, ("main",), {}, [], dict.fromkeys(range(30_000), 15_000))
NEAR = st.sampled_from([-CLOCK_MS, -10_000, -1_001, -1_000, -500, -1, 0, 1, 500, 1_000, 1_001, 10_000, CLOCK_MS + 1])
PLAYS = st.fixed_dictionaries(
    {},
    optional={
        "release": st.sampled_from([HASH, "b" * 64, "c" * 64]), "asset": st.sampled_from([HASH, "b" * 64]),
        "item": st.sampled_from(["i", "j", "k"]), "begins": NEAR, "lasts": NEAR, "rendered": NEAR, "expected": NEAR,
        "clock_back_ms": st.sampled_from([0, 500, 20_000]), "outcome": st.sampled_from(["partial", "failed"]),
        "boot_id": st.sampled_from(["b" * 32, "c" * 32, None]), "boot_begins": NEAR, "boot_lasts": NEAR,
        "frames_shown": st.sampled_from([0, 1, 300, 12_000]), "clock": st.just("unsynced"),
        "mono_end_ms": st.none(),
    },
)  # fmt: skip


def as_text(at_ms: int) -> str:
    return instant(at_ms).isoformat().replace("+00:00", "Z")


def sent(number: int, changes: dict[str, Any]) -> SentPlay:
    begins = NOW_MS + 10_000 * number + changes.pop("begins", 0)
    ends = begins + 10_000 + changes.pop("lasts", 0)
    boot_begins = 10**9 + 10_000 * number + changes.pop("boot_begins", 0)
    times = {
        "started_at": as_text(begins), "ended_at": as_text(ends),
        "rendered_ms": max(0, 10_000 + changes.pop("rendered", 0)),
        "expected_ms": max(0, 10_000 + changes.pop("expected", 0)),
        "mono_start_ms": boot_begins, "mono_end_ms": boot_begins + 10_000 + changes.pop("boot_lasts", 0),
    }  # fmt: skip
    what = {"campaign": None, "line": None, "creative": None, "item": "i", "hash": HASH, "sequence": number + 1}
    [play] = read_plays([{**USUAL, **what, **times, **changes}])
    assert isinstance(play, SentPlay)
    return play


@settings(max_examples=400, deadline=None)
@given(st.lists(PLAYS, min_size=1, max_size=6), st.booleans(), st.booleans(), st.booleans())
@example([{}, {}, {"begins": -10_000}, {}], False, False, False)
def test_both_ways_to_judge_agree(
    changes: list[dict[str, Any]], is_set: bool, confirmed: bool, knows_channels: bool
) -> None:
    plays = [sent(number, dict(one)) for number, one in enumerate(changes)]
    screen = SCREEN if knows_channels else replace(SCREEN, channels=None)
    time = OriginTime(NOW_MS, ClockTrust.SYNCED if is_set else ClockTrust.UNSYNCED)
    found = why_set_aside(plays, screen, KNOWN, time, confirmed=confirmed)
    with mock.patch.object(plausibility, "_is_usual", lambda *_: False):
        assert why_set_aside(plays, screen, KNOWN, time, confirmed=confirmed) == found


def test_a_usual_play_is_told_at_once() -> None:
    with mock.patch.object(plausibility, "_contradictions", side_effect=AssertionError):
        assert why_set_aside([sent(0, {}), sent(1, {})], SCREEN, KNOWN, OriginTime(NOW_MS)) == [None, None]
