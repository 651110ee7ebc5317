"""What is right verifies, and says how much is proven: several screens, logs, keys and roots, gaps and clocks."""

import base64
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from sync.origin.proof.export.findings import Kind, LineTotals, Verification
from sync.origin.proof.export.records import PlayRecord
from sync.origin.proof.export.verification_text import verification_document, verification_lines
from sync.origin.proof.export.verifier import verify_export
from sync.origin.proof.export.writer import ExportLines
from sync.runtime.clock import ClockTrust
from sync.wire.device_reports import Outcome, ScreenState
from tests import TOP
from tests.origin.proof.export.signed_screens import BEGINS, CAMPAIGNS, ENDS, OPENING, Operator, SignedScreen
from tests.origin.proof.export.small_verifier import proven_plays


def shown(screen: SignedScreen, line: str) -> tuple[int, int, int]:
    plays = [play for log in screen.plays.values() for play in log if play["line"] == line]
    inside = [play for play in plays if str(BEGINS)[:19] <= play["started_at"].replace("T", " ")[:19] < str(ENDS)[:19]]
    complete = [play for play in inside if play["outcome"] == "complete"]
    return len(inside), len(complete), sum(play["rendered_ms"] for play in inside)


def proven(found: Verification, line: str) -> tuple[int, int, int]:
    totals = found.totals[line]
    return totals.plays, totals.complete, totals.rendered_ms


def kinds(found: Verification) -> list[Kind]:
    return [each.kind for each in found.findings]


def day(screen: SignedScreen) -> None:
    screen.show(240)


def screen_after(story: Callable[[SignedScreen], None], device: str = "lobby") -> SignedScreen:
    screen = SignedScreen(device)
    story(screen)
    return screen


@pytest.mark.parametrize("of", [{"campaign": "spring"}, {"line": "spring-a"}, {"device": "lobby"}])
def test_a_right_export_is_whole_and_says_what_was_played(of: dict[str, str]) -> None:
    screen, operator = screen_after(day), Operator()
    found = verify_export(operator.export(screen, **of), operator.fingerprint())
    assert (found.findings, found.verdict, found.complete_until) == ((), "whole", ENDS)
    assert proven(found, "spring-a") == shown(screen, "spring-a")
    lines = {"campaign": {"spring-a", "spring-b"}, "line": {"spring-a"}, "device": {*CAMPAIGNS, ""}}
    assert found.totals.keys() == next(lines[name] for name in of)
    assert found.screens == {"lobby": ENDS}


def test_nothing_of_others_is_in_an_export() -> None:
    screens = [screen_after(day, device) for device in ("lobby", "window")]
    raw = b"".join(Operator().export(*screens, campaign="spring"))
    assert b"spring" in raw
    assert b"rival" not in raw
    signed = b"".join(base64.b64decode(each) for each in re.findall(rb'"payload":"([^"]+)"', raw))
    assert b"rival" not in signed
    others = [play for screen in screens for log in screen.plays.values() for play in log if play["line"] == "rival-1"]
    assert not [play for play in others if f'"{play["take"]}"'.encode() in raw + signed]


def later_log(screen: SignedScreen) -> None:
    screen.show(100)
    screen.sign()
    screen.new_log()
    screen.show(140)


def later_key(screen: SignedScreen) -> None:
    screen.show(100)
    screen.new_key()
    screen.show(140)


def quiet_hour(screen: SignedScreen) -> None:
    screen.show(60)
    for _ in range(3):
        screen.now += timedelta(hours=1)
        screen.sign()


def first_day(screen: SignedScreen) -> None:
    screen.now = BEGINS + timedelta(minutes=10)
    screen.show(240)


@pytest.mark.parametrize(
    ("story", "notes"),
    [(later_log, [Kind.LOG_BEGAN]), (later_key, []), (quiet_hour, []), (first_day, [Kind.LOG_BEGAN])],
)
def test_what_happens_to_a_screen_leaves_an_export_whole(
    story: Callable[[SignedScreen], None], notes: list[Kind]
) -> None:
    screen, operator = screen_after(story), Operator()
    for of in ({"campaign": "spring"}, {"device": "lobby"}):
        found = verify_export(operator.export(screen, **of), operator.fingerprint())
        assert (kinds(found), found.verdict) == (notes, "whole")
        assert found.totals.get("spring-b") is None or proven(found, "spring-b") == shown(screen, "spring-b")


def test_several_screens_add_up() -> None:
    screens, operator = [screen_after(day, "window"), screen_after(later_log)], Operator()
    found = verify_export(operator.export(*screens, campaign="spring"), operator.fingerprint())
    assert found.verdict == "whole"
    assert found.totals["spring-a"].plays == sum(shown(screen, "spring-a")[0] for screen in screens)
    assert found.screens == {"lobby": ENDS, "window": ENDS}


@pytest.mark.parametrize("root_key", [False, True])
def test_the_first_root_leads_to_the_newest_one(root_key: bool) -> None:
    screen, operator = screen_after(day), Operator()
    for _ in range(3):
        operator.rotate(root_key=root_key)
    raw = operator.export(screen, campaign="spring")
    for version in (1, 2, 4):
        found = verify_export(raw, operator.fingerprint(version))
        assert (found.verdict, found.root_version) == ("whole", 4)


def before_the_key(screen: SignedScreen) -> None:
    for minute in range(90):
        screen.play(("spring-a", None, "rival-1")[minute % 3])
    screen.covered[screen.epoch] = 90
    screen.show(150)


def not_closed(screen: SignedScreen) -> None:
    screen.show(170)


def never_signed(screen: SignedScreen) -> None:
    for _ in range(150):
        screen.play("spring-a")


def key_lost(screen: SignedScreen) -> None:
    screen.show(100)
    screen.new_key(lost=True)
    screen.show(140)


def some_left_out(screen: SignedScreen) -> None:
    screen.show(150)
    for _ in range(5):
        screen.play("rival-1")
    screen.covered[screen.epoch] += 5
    screen.show(90)


@pytest.mark.parametrize(
    ("story", "gaps", "proven_minutes"),
    [
        (some_left_out, [Kind.LOG_SKIPPED], (60, 180)),
        (before_the_key, [Kind.UNSIGNED], (90, 180)),
        (not_closed, [Kind.UNSIGNED, Kind.INCOMPLETE], (60, 150)),
        (never_signed, [Kind.UNSIGNED, Kind.UNSIGNED], (0, 0)),
        (key_lost, [Kind.CHAIN_RESTARTED], (60, 180)),
    ],
)
def test_what_is_not_proven_is_told_and_counted_apart(
    story: Callable[[SignedScreen], None], gaps: list[Kind], proven_minutes: tuple[int, int]
) -> None:
    screen, operator = screen_after(story), Operator()
    found = verify_export(operator.export(screen, campaign="spring"), operator.fingerprint())
    assert found.verdict == "incomplete"
    assert list(dict.fromkeys(kinds(found))) == list(dict.fromkeys(gaps))
    plays = [play for log in screen.plays.values() for play in log if play["line"] in ("spring-a", "spring-b")]
    at = [(OPENING + timedelta(minutes=each)).isoformat()[:19] for each in proven_minutes]
    inside = [play for play in plays if at[0] <= play["started_at"][:19] < at[1]]
    assert sum(each.plays for each in found.totals.values()) == len(inside)
    until = {"not_closed": OPENING + timedelta(minutes=150), "never_signed": None}
    assert found.complete_until == until.get(story.__name__, ENDS)


def test_an_export_without_screens_proves_nothing() -> None:
    operator = Operator()
    found = verify_export(operator.export(campaign="spring"), operator.fingerprint())
    assert (found.verdict, kinds(found), found.complete_until) == ("incomplete", [Kind.INCOMPLETE], None)


def test_a_clock_that_nobody_set_is_told() -> None:
    screen, operator = SignedScreen("lobby", clock=ClockTrust.UNSYNCED), Operator()
    screen.show(120)
    screen.now -= timedelta(minutes=1)
    screen.sign()
    screen.now += timedelta(minutes=1)
    screen.show(120)
    found = verify_export(operator.export(screen, campaign="spring"), operator.fingerprint())
    assert (found.verdict, kinds(found)) == ("whole", [Kind.CLOCK_SET_BACK, Kind.CLOCK_UNSET])


def test_a_key_that_was_revoked_after_its_time_still_counts() -> None:
    screen, operator = screen_after(day), Operator()
    operator.revoked[screen.keys[0].id] = ENDS + timedelta(hours=2)
    assert verify_export(operator.export(screen, campaign="spring"), operator.fingerprint()).verdict == "whole"


def test_a_play_that_failed_or_that_nobody_may_have_seen_is_counted_as_such() -> None:
    screen, operator = SignedScreen("lobby", now=BEGINS), Operator()
    screen.play("spring-a", outcome=Outcome.FAILED, rendered_ms=0)
    screen.play("spring-a", screen=ScreenState.OFF)
    screen.play("spring-a", clock=ClockTrust.UNSYNCED)
    screen.now = ENDS
    screen.sign()
    found = verify_export(operator.export(screen, line="spring-a"), operator.fingerprint())
    assert found.totals["spring-a"] == LineTotals(3, 2, 120_000, screen_off=1, clock_unset=1)


def test_a_play_under_a_wrong_clock_counts_when_the_origin_says_by_its_word() -> None:
    off = timedelta(hours=5)
    screen, operator = SignedScreen("lobby", now=BEGINS - off, clock=ClockTrust.UNSYNCED), Operator()
    screen.show(30)
    screen.now, screen.clock = screen.now + off, ClockTrust.SYNCED
    screen.show(150)
    records = [
        one.model_copy(update={"corrected_ms": off // timedelta(milliseconds=1)})
        if isinstance(one, PlayRecord) and one.play["clock"] == "unsynced"
        else one
        for one in operator.records(screen, line="spring-a")
    ]
    written = ExportLines()
    raw = [*map(written.line, records), written.end(operator.online)]
    found = verify_export(raw, operator.fingerprint())
    early = [play for play in screen.plays[screen.epoch][:30] if play["line"] == "spring-a"]
    totals = found.totals["spring-a"]
    assert (totals.clock_unset, totals.clock_corrected) == (len(early), len(early))
    assert totals.plays == len(early) + shown(screen, "spring-a")[0]
    assert Kind.CLOCK_CORRECTED in kinds(found) and found.verdict == "whole"
    assert proven_plays(raw, operator.fingerprint())["spring-a"] == totals.plays
    assert f"{totals.clock_corrected} plays" in "".join(verification_lines(found))


def test_the_example_of_the_documentation_verifies_as_it_says() -> None:
    folder = Path(__file__).parent
    lines = (folder / "example.jsonl").read_bytes().splitlines(keepends=True)
    assert Operator().fingerprint() in (TOP / "docs/export-format.md").read_text()
    found = verification_document(verify_export(lines, Operator().fingerprint()))
    assert json.loads(json.dumps(found)) == json.loads((folder / "example.json").read_text())


def test_every_finding_is_documented() -> None:
    text = (TOP / "docs/export-format.md").read_text()
    table = text[text.index("## Findings") :]
    assert not [kind for kind in Kind if f"`{kind}`" not in table and f"`_{kind.rpartition('_')[2]}`" not in table]
