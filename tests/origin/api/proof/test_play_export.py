"""Exports of plays from a real origin over HTTP and on the command line, verified by the fingerprint of its root."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import ClientError
from sqlalchemy import insert

from sync.errors import NotFound, Rejected, StorageBroken
from sync.origin.api.proof import play_export
from sync.origin.app import proof_commands
from sync.origin.app.cli import parser
from sync.origin.proof.export.findings import Kind, LineTotals, Verification
from sync.origin.proof.export.verifier import verify_export
from sync.origin.store.proof import exported_plays
from sync.origin.tables.releases import release_contents
from sync.proof.checkpoint import Checkpoint
from sync.proof.key_request import request_key
from sync.runtime.clock import ClockTrust
from sync.wire.device_reports import Outcome
from sync.wire.release import Envelope
from tests.fakes import FakeClock
from tests.origin.api.proof.test_checkpoints import Screen
from tests.origin.api.proof.test_history import at, record, tell
from tests.origin.proof.export.signed_screens import BEGINS, CAMPAIGNS, ENDS, OPENING, SignedScreen
from tests.origin.running_origin import Answer, RunningOrigin
from tests.player.evidence.plays import log_plays

PERIOD = f"from={BEGINS:%Y-%m-%dT%H:%M:%SZ}&until={ENDS:%Y-%m-%dT%H:%M:%SZ}"


async def screens(server: RunningOrigin, *, signed: bool = True) -> list[SignedScreen]:
    """Pair two screens, and have them deliver what they played and signed."""
    await name_lines(server)
    found = []
    for name in ("lobby", "window"):
        device, token = await server.pair(name)
        screen = SignedScreen(device)
        screen.show(120)
        if name == "lobby":
            screen.new_log()
            screen.new_key()
        screen.show(90)
        await deliver(server, screen, token, signed=signed)
        found.append(screen)
    return found


async def deliver(server: RunningOrigin, screen: SignedScreen, token: str, *, signed: bool = True) -> None:
    """Send plays, keys and checkpoints as a screen does."""
    for log in screen.plays.values():
        answer = await server.ask("POST", "/v1/plays", token, {"plays": log})
        assert {each["status"] for each in answer.document["receipts"]} == {"accepted"}
    for before, key in pairwise([None, *screen.keys] if signed else ()):
        assert key is not None
        request = request_key(screen.device, key, OPENING, before).model_dump()
        assert (await server.ask("PUT", "/v1/device/key", token, request)).status == 200
    sent = [
        {"envelope": envelope.model_dump(), "secret": screen.secret(checkpoint.log_epoch).hex()}
        for checkpoint, envelope in (screen.signed if signed else ())
    ]
    answer = await server.ask("POST", "/v1/checkpoints", token, {"checkpoints": sent})
    assert {each["status"] for each in answer.document["receipts"]} <= {"stored"}


async def name_lines(server: RunningOrigin) -> None:
    """Have the origin know the lines of campaigns from a release."""
    rows = [
        {"channel_id": "main", "asset": "", "item": "", "campaign": campaign, "line": line, "creative": ""}
        for line, campaign in CAMPAIGNS.items()
    ]
    async with server.database.writing() as connection:
        await connection.execute(insert(release_contents), [row | {"longest_ms": 0} for row in rows])


async def exported(server: RunningOrigin, of: str) -> Answer:
    return await server.ask("GET", f"/v1/plays/export?{of}&{PERIOD}", server.reader)


def verified(server: RunningOrigin, text: str) -> Verification:
    lines = text.encode().splitlines(keepends=True)
    return verify_export(lines, server.origin.pairings.fingerprint())


def shown(screens: Sequence[SignedScreen], *lines: str | None) -> int:
    starts = f"{BEGINS:%Y-%m-%dT%H:%M:%S}", f"{ENDS:%Y-%m-%dT%H:%M:%S}"
    plays = [play for screen in screens for log in screen.plays.values() for play in log if play["line"] in lines]
    return sum(starts[0] <= play["started_at"][:19] < starts[1] for play in plays)


async def test_an_export_over_http_is_whole_and_has_nothing_of_others(server: RunningOrigin) -> None:
    signed = await screens(server)
    for of, lines, played_on in (
        ("campaign=spring", ("spring-a", "spring-b"), signed),
        ("line=rival-1", ("rival-1",), signed),
        (f"device={signed[0].device}", (*CAMPAIGNS, None), signed[:1]),
    ):
        answer = await exported(server, of)
        assert answer.headers["Content-Type"] == "application/jsonl"
        found = verified(server, answer.text)
        assert found.verdict == "whole", found.findings
        assert {line: sums.plays for line, sums in found.totals.items()} == {
            line or "": shown(played_on, line) for line in lines
        }
        assert found.screens.keys() == {screen.device for screen in played_on}
        assert ("rival" in answer.text) is ("rival-1" in lines)


@pytest.mark.parametrize(
    ("logs", "format"),
    [([(True, 200)], 2), ([(True, 120), (False, 90)], 2), ([(False, 200)], 1), ([(False, 220), (True, 60)], 1)],
)
async def test_the_format_is_that_of_the_checkpoints_in_the_export(
    server: RunningOrigin, logs: list[tuple[bool, int]], format: int
) -> None:
    """Logs of some minutes, whose checkpoints count what played only, or all lines."""
    await name_lines(server)
    device, token = await server.pair()
    screen = SignedScreen(device)
    for place, (screen.only_changed, minutes) in enumerate(logs):
        if place:
            screen.new_log()
        screen.show(minutes)
    await deliver(server, screen, token)
    text = (await exported(server, "campaign=spring")).text
    assert (json.loads(text.splitlines()[0])["format"], verified(server, text).verdict) == (format, "whole")


async def test_what_is_not_signed_is_exported_and_proves_nothing(
    server: RunningOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exported_plays, "_AT_ONCE", 7)
    signed = await screens(server, signed=False)
    found = verified(server, (await exported(server, "campaign=spring")).text)
    assert (found.verdict, found.totals) == ("incomplete", {})
    assert found.unproven == shown(signed, "spring-a", "spring-b")
    assert {each.kind for each in found.findings} == {Kind.UNSIGNED}


async def test_plays_that_the_origin_lacks_are_missed(server: RunningOrigin) -> None:
    await name_lines(server)
    device, token = await server.pair("lobby")
    screen = SignedScreen(device)
    screen.show(200)
    (log,) = screen.plays.values()
    lost = next(play for play in log[100:110] if play["line"] == "rival-1")
    log.remove(lost)
    await deliver(server, screen, token)
    found = verified(server, (await exported(server, "campaign=spring")).text)
    assert found.first_fault is not None
    assert found.first_fault.kind is Kind.PATH_MISSING
    found = verified(server, (await exported(server, "line=rival-1")).text)
    assert Kind.PLAYS_MISSING in {each.kind for each in found.findings}


REFUSED = [
    (f"campaign=nobody&{PERIOD}", 404, "no screen showed this"),
    (f"device=nobody&{PERIOD}", 404, "no screen showed this"),
    (PERIOD, 422, "exactly one"),
    (f"campaign=spring&line=spring-a&{PERIOD}", 422, "exactly one"),
    ("campaign=spring&from=2026-03-02T00:00:00Z", 422, "until"),
    ("campaign=spring&from=2026-03-02T00:00:00Z&until=2026-03-01T00:00:00Z", 422, "after"),
    (f"campaign=../x&{PERIOD}", 422, "campaign"),
]


async def test_what_cannot_be_exported_is_told(server: RunningOrigin) -> None:
    for query, status, text in REFUSED:
        answer = await server.ask("GET", f"/v1/plays/export?{query}", server.reader)
        assert (answer.status, text in answer.text) == (status, True), query


async def test_an_export_that_cannot_go_on_is_cut_off(server: RunningOrigin, monkeypatch: pytest.MonkeyPatch) -> None:
    await screens(server)

    async def broken(*_: object) -> AsyncIterator[Mapping[str, object]]:
        raise StorageBroken("the database is locked")
        yield {}

    monkeypatch.setattr(server.origin.exporter._plays, "beside", broken)
    with pytest.raises(ClientError):
        await exported(server, "campaign=spring")
    assert (await server.ask("GET", "/v1/plays", server.reader)).status == 200


async def test_a_checkpoint_that_comes_late_meanwhile_cuts_an_export_off(
    server: RunningOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    await screens(server)
    store = server.origin.exporter._signed
    checkpoints = store.checkpoints

    async def late(device: str, places: range) -> Sequence[tuple[Checkpoint, Envelope]]:
        return await checkpoints(device, range(places.start - 1, places.stop - 1))

    monkeypatch.setattr(store, "checkpoints", late)
    with pytest.raises(ClientError):
        await exported(server, "campaign=spring")


async def test_devices_and_strangers_get_no_export(server: RunningOrigin) -> None:
    _, token = await server.pair("lobby")
    assert (await server.ask("GET", f"/v1/plays/export?campaign=spring&{PERIOD}")).status == 401
    assert (await server.ask("GET", f"/v1/plays/export?campaign=spring&{PERIOD}", token)).status == 403
    await screens(server)
    head = await server.ask("HEAD", f"/v1/plays/export?campaign=spring&{PERIOD}", server.reader)
    assert (head.status, head.text) == (200, "")
    assert head.headers["Content-Disposition"] == 'attachment; filename="plays-spring-20260302.jsonl"'


async def test_the_command_writes_a_new_file_that_verifies(server: RunningOrigin, tmp_path: Path) -> None:
    await screens(server)
    file = tmp_path / "spring.jsonl"
    times = ["--from", f"{BEGINS:%Y-%m-%dT%H:%M:%SZ}", "--until", f"{ENDS + timedelta(hours=9):%Y-%m-%dT%H:%M:%SZ}"]
    options = parser().parse_args(["plays", "export", str(file), "--campaign", "spring", *times])
    await proof_commands.export(server.origin, options)
    found = verified(server, file.read_text())
    assert (found.verdict, found.complete_until) == ("incomplete", OPENING + timedelta(minutes=210))
    written = file.read_bytes()
    with pytest.raises(Rejected, match="exists already"):
        await proof_commands.export(server.origin, options)
    assert file.read_bytes() == written


async def test_a_command_that_fails_leaves_no_file(server: RunningOrigin, tmp_path: Path) -> None:
    file = tmp_path / "spring.jsonl"
    times = ["--from", "2026-03-02T00:00:00Z", "--until", "2026-03-03T00:00:00Z"]
    options = parser().parse_args(["plays", "export", str(file), "--device", "nobody", *times])
    with pytest.raises(NotFound):
        await proof_commands.export(server.origin, options)
    assert not file.exists()


async def test_an_export_of_many_parts_is_read_in_small_ones(
    server: RunningOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exported_plays, "_AT_ONCE", 7)
    monkeypatch.setattr(play_export, "_WRITTEN_AT_ONCE", 100)
    monkeypatch.setattr(play_export, "_MANY_PLAYS", 5)
    monkeypatch.setattr(play_export, "_CHECKPOINTS_AT_ONCE", 2)
    signed = await screens(server)
    found = verified(server, (await exported(server, f"device={signed[0].device}")).text)
    assert (found.verdict, found.totals[""].plays) == ("whole", shown(signed[:1], None))


async def test_plays_that_a_set_clock_moved_count_in_an_export_as_in_the_report(server: RunningOrigin) -> None:
    await name_lines(server)
    device, token = await server.pair()
    off = timedelta(hours=5)
    screen = SignedScreen(device, now=BEGINS - off, clock=ClockTrust.UNSYNCED)
    screen.show(30)
    wrong, screen.now, screen.clock = screen.now, screen.now + off, ClockTrust.SYNCED
    screen.show(150)
    await deliver(server, screen, token)
    started = {"log_epoch": screen.epoch, "at": at(BEGINS - off), "clock": "unsynced"}
    set_at = {"log_epoch": screen.epoch, "at": at(wrong + off), "utc_before": at(wrong), "plays": 30}
    records = record(device, 1, "player", "started", **started), record(device, 2, "clock", "synchronised", **set_at)
    await tell(server, token, *records)
    found = verified(server, (await exported(server, "line=spring-a")).text)
    totals = found.totals["spring-a"]
    early = sum(play["line"] == "spring-a" for play in screen.plays[screen.epoch][:30])
    assert (totals.clock_corrected, totals.clock_unset) == (early, early)
    assert totals.plays == early + shown([screen], "spring-a")
    path = f"/v1/plays/summary?by=line&line=spring-a&{PERIOD}"
    (sums,) = (await server.ask("GET", path, server.reader)).document["sums"]
    assert sums["plays"] == totals.plays


async def test_what_a_real_log_signed_over_a_real_wire_is_whole(
    server: RunningOrigin, tmp_path: Path, clock: FakeClock
) -> None:
    screen = Screen(tmp_path / "screen", server, *await server.pair(), clock)
    await screen.certify()
    begins = clock.now()
    async with screen.log() as (ledger, signer):
        await signer.sign_if_due()
        await log_plays(ledger, 7, line="spring-a")
        await signer.sign_if_due(at_once=True)
        await log_plays(ledger, 5, after=7, line="rival-1")
        await log_plays(ledger, 3, after=12, line="spring-a", outcome=Outcome.FAILED)
        clock.step_wall(3600)
        await signer.close()
        await screen.deliver(ledger, signer)
    period = f"from={begins:%Y-%m-%dT%H:%M:%SZ}&until={begins + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}"
    answer = await server.ask("GET", f"/v1/plays/export?line=spring-a&{period}", server.reader)
    found = verified(server, answer.text)
    assert (found.verdict, [each.kind for each in found.findings]) == ("whole", [Kind.LOG_BEGAN])
    assert found.totals == {"spring-a": LineTotals(10, 7, 100_000, clock_unset=10)}
