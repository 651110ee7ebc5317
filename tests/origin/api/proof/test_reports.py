"""Reports: what was booked, promised and delivered, the same numbers in JSON, CSV and on the command line."""

import asyncio
import csv
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from sqlalchemy import insert

from sync.origin.app import cli, report_commands
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.planning.channel_plan import ReleaseRecord
from sync.origin.planning.release_contents import contents_of
from sync.origin.proof.delivery import ReportBy
from sync.origin.store.heartbeats.heartbeats import HeartbeatStore
from sync.origin.store.proof.history import HistoryStore
from sync.origin.store.releases import ReleaseStore
from sync.origin.store.reports.billable_rules import note_rules
from sync.origin.tables.plans import campaigns, lines
from sync.origin.tables.signing import device_keys
from sync.runtime.clock import unix_ms
from sync.wire.content_paths import release_path
from sync.wire.device_reports import HistoryRecord
from sync.wire.release import Asset, BreakRule, Campaign, Creative, Item, Line, MediaKind, Playlist, Release
from tests.fakes import FakeClock
from tests.origin.api.proof.test_history import record
from tests.origin.api.proof.test_plays import bring, statuses
from tests.origin.running_origin import RunningOrigin, play

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # when the tests begin, 13:00 in Berlin
FILM, PICTURE = "a" * 64, "b" * 64
DAY = "first_day=2026-03-02&last_day=2026-03-02"


def the_release() -> Release:
    """Return one with an ad of 10 s after each picture of 10 s: 180 ads an hour, 45 of them of line `quarter`."""

    def asset(sha256: str, kind: MediaKind, duration_ms: int | None) -> Asset:
        return Asset(
            sha256=sha256, size_bytes=1, index=sha256, kind=kind, media_type="video/mp4", width=1, height=1,
            duration_ms=duration_ms,
        )  # fmt: skip

    def booked(name: str, share_ppm: int | None) -> Line:
        return Line(
            id=name, name=name, share_ppm=share_ppm, creatives=(Creative(id=f"{name}-1", title="T", asset=FILM),)
        )

    parts = (("quarter", 250_000), ("rest", None), ("other", None))
    sold = tuple(
        Campaign(
            id=f"of-{name}", name=name, advertiser=name, starts_at=NOON, ends_at=NOON + timedelta(days=9),
            lines=(booked(name, share),),
        )
        for name, share in parts
    )  # fmt: skip
    items = (Item(id="news", title="News", asset=PICTURE, duration_ms=10_000),)
    return Release(
        channel="main",
        created_at=NOON,
        zone="Europe/Berlin",
        playlists=(Playlist(id="loop", name="Loop", items=items),),
        default_playlist="loop",
        break_rule=BreakRule(every_items=1, ads=1),
        campaigns=sold,
        assets=(asset(FILM, MediaKind.VIDEO, 10_000), asset(PICTURE, MediaKind.PICTURE, None)),
    )


async def publish(server: RunningOrigin, folder: Path, release: Release) -> str:
    await server.ask("PUT", "/v1/schedule/main", server.writer, {"zone": "Europe/Berlin"})
    raw = release.model_dump_json().encode()
    sha256 = hashlib.sha256(raw).hexdigest()
    DataFolder(folder).put(release_path(sha256), raw)
    record = ReleaseRecord("main", 1, sha256, len(raw), unix_ms(release.created_at), 1, 1, 2, None)
    await ReleaseStore(server.database).add(record, contents_of(release))
    async with server.database.writing() as connection:
        for name in ("quarter", "rest"):  # the third one was deleted since
            own = {"name": f"={name} of all", "advertiser": "A", "starts_ms": 0, "ends_ms": 1, "version": 1}
            await connection.execute(insert(campaigns).values(id=f"of-{name}", updated_ms=0, **own))
            terms = {"category": "", "weight": 1, "windows": [], "category_gap": 0, "advertiser_gap": 0}
            await connection.execute(
                insert(lines).values(id=name, campaign_id=f"of-{name}", position=0, name=f"={name}", **terms)
            )
    return sha256


@pytest.fixture
async def device(server: RunningOrigin, tmp_path: Path, clock: FakeClock) -> str:
    """A screen that was paired two hours ago, and what it delivered: 20 plays are billed of 31."""
    sha256 = await publish(server, tmp_path, the_release())
    device, token = await server.pair()
    began, number = clock.now(), 0
    await clock.advance(7_200)

    def of(count: int, **changes: Any) -> list[dict[str, Any]]:
        nonlocal number
        found = []
        for _ in range(count):
            number += 1
            at = began + timedelta(seconds=20 * number)
            found.append(play(device, number, **{
                "started_at": at.isoformat(), "ended_at": (at + timedelta(seconds=10)).isoformat(), "release": sha256,
                "asset": FILM, "campaign": "of-quarter", "line": "quarter", "creative": "quarter-1",
                "expected_ms": 10_000, "screen": "on", "clock": "synced", **changes,
            }))  # fmt: skip
        return found

    cut = {"rendered_ms": 2_000, "outcome": "failed"}
    plays = [
        *of(18), *of(2, screen="unknown"), *of(5, screen="off"), *of(3, **cut), *of(2, clock="unsynced"),
        *of(1, line="rest", campaign="of-rest", creative="rest-1"),
        *of(1, line=None, campaign=None, creative=None, kind="item", asset=PICTURE, item="news", expected_ms=10_000),
    ]  # fmt: skip
    assert set(statuses(await bring(server, token, *plays))) == {"accepted"}
    return device


async def asked(server: RunningOrigin, path: str) -> dict[str, Any]:
    answer = await server.ask("GET", f"/v1/reports/{path}", server.reader)
    assert answer.status == 200, answer.text
    return dict(answer.document)


async def test_a_line_is_told_what_it_bought_what_it_got_and_why_not_more(server: RunningOrigin, device: str) -> None:
    report = await asked(server, f"line?{DAY}")
    rows = {row["id"]: row for row in report["rows"]}
    assert (
        set(rows) == {"quarter", "rest", "other"}
        and rows["quarter"]["name"] == "=quarter"
        and not rows["other"]["name"]
    )
    row = rows["quarter"]
    assert (row["plays"], row["delivered"], row["screen_unknown"], row["unknown"]) == (30, 20, 2, 0)
    assert row["aside"] == {"clock_unset": 2, "failed": 3, "screen_off": 5}
    assert abs(row["expected"] - 90) <= 2 and abs(row["contracted"] - 90) <= 0.5
    assert row["pace"] == pytest.approx(20 / row["expected"], abs=1e-3)
    causes = row["causes"]
    assert (causes["screen_off"], causes["failed"], causes["set_aside"]) == (5, 3, 2)
    assert (causes["offline"], causes["not_heard"]) == (0, 0) and causes["other"] > 50  # its history says nothing
    assert row["shortfall"] == pytest.approx(row["contracted"] - 20, abs=0.01)
    for each in (*report["rows"], report["total"]):
        assert sum(each["causes"].values()) == pytest.approx(each["shortfall"], abs=0.05)
    assert (report["default_rule"], report["rules"], report["judgement"]) == ("complete(tol_ms=500)", [], 1)
    assert report["days_promised"] == {"main": 1}
    async with server.database.writing() as connection:
        await note_rules(connection, {"quarter": {"kind": "on_render"}}, 0)
    changed = await asked(server, f"line?{DAY}")
    after = {row["id"]: row for row in changed["rows"]}["quarter"]
    assert (after["delivered"], after["rule_versions"]) == (23, [1])  # two seconds are enough now
    assert changed["rules"] == [{"line": "quarter", "version": 1, "rule": "on_render(2 s)"}]


async def test_screens_without_a_key_are_named_until_they_have_one(server: RunningOrigin, device: str) -> None:
    report = await asked(server, f"line?{DAY}")
    screen = {"device": device, "name": report["unsigned"][0]["name"], "until": None}
    assert (report["unsigned"], report["unsigned_screens"]) == ([screen], 1)
    issued_ms = unix_ms(NOON + timedelta(hours=1))
    key = {"number": 1, "serial": 1, "key": "k", "public_key": "p", "issued_ms": issued_ms, "certificate": {}}
    async with server.database.writing() as connection:
        await connection.execute(insert(device_keys).values(device_id=device, **key))
    report = await asked(server, f"line?{DAY}")
    assert report["unsigned"] == [screen | {"until": "2026-03-02T13:00:00.000Z"}]
    assert (await asked(server, "line?first_day=2026-03-03&last_day=2026-03-03"))["unsigned"] == []


async def test_why_a_screen_showed_nothing_is_what_its_history_says(server: RunningOrigin, device: str) -> None:
    times = ("13:30 screen off", "13:40 screen on", "14:00 player stopped", "14:20 player started")
    rows = [(f"2026-03-02T{time}:00+01:00", *what) for time, *what in map(str.split, times)]
    told = [record(device, nth, kind, state, at=at) for nth, (at, kind, state) in enumerate(rows, 1)]
    records = [(HistoryRecord.model_validate(one), one) for one in told]
    assert await HistoryStore(server.database).insert(device, records, 0) == ["accepted"] * 4
    store, silent_ms = HeartbeatStore(server.database), unix_ms(NOON + timedelta(minutes=100))
    store.hold(device, {}, silent_ms)
    await store.write()
    assert await store.lose(device, silent_ms, silent_ms + 20 * 60_000)
    for by in get_args(ReportBy):
        report = await asked(server, f"{by}?{DAY}&line=quarter")
        causes = report["total"]["causes"]
        # It was promised 45 plays an hour, and delivered five more to a dark screen while its history said "on".
        assert causes["screen_off"] == pytest.approx(5 + 7.5, abs=0.5), by
        assert (causes["offline"], causes["not_heard"]) == pytest.approx((15, 15), abs=1), by
        assert sum(row["causes"]["offline"] for row in report["rows"]) == pytest.approx(causes["offline"], abs=0.02)
    store.hold(device, {}, silent_ms + 20 * 60_000)
    await store.write()
    causes = (await asked(server, f"line?{DAY}&line=quarter"))["total"]["causes"]
    assert (causes["offline"], causes["not_heard"]) == (pytest.approx(30, abs=1), 0)  # it is back, without a reason
    causes = (await asked(server, f"line?{DAY}&line=quarter&device=another"))["total"]["causes"]
    assert not any(causes.values())


async def test_all_reports_have_one_total(server: RunningOrigin, device: str) -> None:
    reports = {by: await asked(server, f"{by}?{DAY}") for by in get_args(ReportBy)}
    for by, report in reports.items():
        for field in ("delivered", "screen_unknown", "plays", "aside"):
            assert report["total"][field] == reports["line"]["total"][field], (by, field)
        assert report["total"]["plays"] == 31 == sum(row["plays"] for row in report["rows"])
        assert report["total"]["expected"] == pytest.approx(reports["line"]["total"]["expected"], abs=0.1)
    names = {by: [(row["id"], row["name"]) for row in report["rows"]] for by, report in reports.items()}
    assert names["hour"] == [("13", "13:00"), ("14", "14:00")]
    assert (names["day"], names["device"]) == ([("2026-03-02", "Monday")], [(device, "window")])


async def test_json_csv_and_command_line_have_the_same_numbers(
    server: RunningOrigin,
    device: str,
    clock: FakeClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    document = await asked(server, f"line?{DAY}&campaign=of-quarter&device={device}")
    text = (await server.ask("GET", f"/v1/reports/line?{DAY}&campaign=of-quarter&format=csv", server.reader)).text
    line, total = csv.DictReader(io.StringIO(text))
    assert (line["name"], line["rule"], line["aside"]) == (
        "'=quarter", "complete(tol_ms=500)", "clock_unset=2 failed=3 screen_off=5"
    )  # fmt: skip
    for row, written in ((document["rows"][0], line), (document["total"], total)):
        for field in ("contracted", "expected", "delivered", "pace", "shortfall", "screen_unknown", "plays"):
            assert float(written[field]) == row[field], field
        assert {cause: float(written[cause]) for cause in row["causes"]} == row["causes"]
    for module in (cli, report_commands):
        monkeypatch.setattr(module, "SystemClock", lambda: clock)
    days = ("--first-day", "2026-03-02", "--last-day", "2026-03-02", "--data-dir", str(tmp_path))
    command = ["report", "line", *days, "--campaign", "of-quarter"]
    assert await asyncio.to_thread(cli.main, [*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == document
    assert await asyncio.to_thread(cli.main, [*command, "--csv"]) == 0
    assert capsys.readouterr().out.splitlines() == text.splitlines()
    assert await asyncio.to_thread(cli.main, command) == 0
    told = capsys.readouterr().out
    assert "=quarter: 20 billed of 30 plays" in told and "not billed: 2 clock unset, 3 failed, 5 screen off" in told


QUESTIONS = {
    "planet": 404,
    "line?first_day=2026-03-02&last_day=2026-03-01": 422,
    "line?first_day=2024-03-02&last_day=2026-03-01": 422,
    "line?first_day=0001-01-01": 422,
    "line?last_day=9999-12-31": 422,
    "line?first_day=yesterday": 422,
    "line?campaign=a%20b": 422,
    "line?format=xml": 422,
    "line?more=1": 422,
    "line": 200,
    "day?first_day=2999-12-31&last_day=2999-12-31": 200,
    "hour?first_day=1970-01-01&last_day=1970-01-01": 200,
    "line?line=nobody&device=nobody&campaign=nobody": 200,
}


async def test_odd_questions_are_answered_or_refused_in_words(server: RunningOrigin) -> None:
    for path, status in QUESTIONS.items():
        answer = await server.ask("GET", f"/v1/reports/{path}", server.reader)
        assert answer.status == status, (path, answer.text)
        if status == 200:
            assert answer.document["rows"] == [] and answer.document["total"]["expected"] is None


async def test_a_screen_is_promised_nothing_before_it_is_paired_and_after_it_is_removed(
    server: RunningOrigin, device: str, clock: FakeClock
) -> None:
    before = (await asked(server, f"device?{DAY}"))["total"]["expected"]
    assert (await server.ask("DELETE", f"/v1/devices/{device}", server.writer)).status == 204
    await clock.advance(3_600)
    after = await asked(server, f"device?{DAY}")
    assert after["total"]["expected"] == before == pytest.approx(360, abs=2)
    assert [row["plays"] for row in after["rows"]] == [31]  # its plays stay


async def test_without_its_file_a_promise_stays_as_it_was_counted(
    server: RunningOrigin, device: str, tmp_path: Path
) -> None:
    before = await asked(server, f"line?{DAY}")
    for file in (tmp_path / "content/releases").iterdir():
        file.unlink()
    assert (await asked(server, f"line?{DAY}"))["rows"] == before["rows"]
