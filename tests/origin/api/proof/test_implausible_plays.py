"""Plays that cannot be what happened: taken as evidence, in no sum, and named with the reason."""

import asyncio
import csv
import hashlib
import io
import sqlite3
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from sync.origin.persistence.data_folder import DataFolder
from sync.origin.planning.channel_plan import ReleaseRecord
from sync.origin.planning.release_contents import contents_of
from sync.origin.proof.plausibility import (
    DAY_MS,
    TOLERANCE_MS,
    UNCONFIRMED,
    OriginTime,
    ScreenFacts,
    why_set_aside,
)
from sync.origin.sent_plays.sent_play import Span
from sync.origin.store.proof.play_contexts import PlaySender, Question
from sync.origin.store.proof.plays import PlayFilter, PlayStore
from sync.origin.store.releases import ReleaseStore
from sync.origin.wiring.origin import open_origin
from sync.runtime.clock import unix_ms
from sync.wire.content_paths import release_path
from sync.wire.device_reports import Play
from sync.wire.release import Asset, Campaign, Creative, Item, Line, MediaKind, Playlist, Release
from sync.words.plays import PLAY_REASONS
from tests.fakes import FakeClock
from tests.origin.api.proof.test_audit import audited
from tests.origin.api.proof.test_plays import bring, kept, statuses
from tests.origin.running_origin import EPOCH, RunningOrigin, play, settings_in
from tests.released import DUMPS

MORNING = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
FILM, PICTURE, STRANGE = "a" * 64, "b" * 64, "c" * 64


def release(channel: str = "main", line: str = "mornings", *, created_at: datetime = MORNING) -> Release:
    def asset(sha256: str, kind: MediaKind, duration_ms: int | None) -> Asset:
        return Asset(
            sha256=sha256, size_bytes=1, index=sha256, kind=kind, media_type="video/mp4", width=1, height=1,
            duration_ms=duration_ms,
        )  # fmt: skip

    spot = Creative(id="spot", title="Spot", asset=FILM)
    campaign = Campaign(
        id="spring", name="Spring", advertiser="Tea", starts_at=created_at, ends_at=created_at + timedelta(days=9),
        lines=(Line(id=line, name="Mornings", creatives=(spot,)),),
    )  # fmt: skip
    return Release(
        channel=channel,
        created_at=created_at,
        playlists=(Playlist(id="loop", name="Loop", items=(Item(id="news", title="News", asset=PICTURE),)),),
        campaigns=(campaign,),
        assets=(asset(FILM, MediaKind.VIDEO, 10_000), asset(PICTURE, MediaKind.PICTURE, None)),
    )


def reason(why: str) -> str:
    return why.replace("?", UNCONFIRMED)


async def publish(server: RunningOrigin, folder: Path, content: Release, *, as_earlier_version: bool = False) -> str:
    """Publish `content`; an earlier version of the origin left what it shows only in its file."""
    await server.ask("PUT", f"/v1/schedule/{content.channel}", server.writer, {"zone": "Europe/Berlin"})
    raw = content.model_dump_json().encode()
    sha256 = hashlib.sha256(raw).hexdigest()
    store = ReleaseStore(server.database)
    newest = await store.latest(content.channel)
    record = ReleaseRecord(
        content.channel,
        newest.sequence + 1 if newest else 1,
        sha256,
        len(raw),
        unix_ms(content.created_at),
        1,
        1,
        2,
        None,
    )
    await store.add(record, [] if as_earlier_version else contents_of(content))
    if as_earlier_version:
        async with server.database.writing() as connection:
            await connection.execute(text("UPDATE releases SET named = false"))
        DataFolder(folder).put(release_path(sha256), raw)
    return sha256


def ad(device: str, number: int, release: str, **changes: Any) -> dict[str, Any]:
    return play(
        device, number, **{"release": release, "asset": FILM, "creative": "spot", "expected_ms": 10_000, **changes}
    )


def at(started_at: str, ended_at: str, **changes: Any) -> dict[str, Any]:
    return {"started_at": started_at, "ended_at": ended_at, **changes}


def since_boot(from_s: int, until_s: int, boot_id: str = "b" * 32) -> dict[str, Any]:
    return {"boot_id": boot_id, "mono_start_ms": from_s * 1000, "mono_end_ms": until_s * 1000}


EARLIER = {"started_at": "2026-03-02T08:00:00Z", "ended_at": "2026-03-02T08:00:10Z"}

TABLE: tuple[tuple[dict[str, Any], str], ...] = (
    (EARLIER, ""),
    ({"outcome": "partial", "rendered_ms": 10_999}, ""),  # a slow machine, and a player of an earlier version
    ({"kind": "item", "asset": PICTURE, "item": "news", "line": None, "campaign": None, "creative": None}, ""),
    ({"outcome": "interrupted", "rendered_ms": 0}, ""),
    (at("2026-03-02T07:00:10Z", "2026-03-02T07:00:00Z"), "it ended before it started"),
    (at("2026-03-02T07:00:10Z", "1970-01-01T00:00:00Z"), "it ended before it started"),
    (at("2029-03-02T07:00:00Z", "2029-03-02T07:00:10Z"), "?its time had not come yet when it was sent"),
    (at("9999-12-31T23:59:00Z", "9999-12-31T23:59:10Z"), "?its time had not come yet when it was sent"),
    (at("2026-03-02T07:00:00Z", "2029-03-02T07:00:10Z"), "?its time had not come yet when it was sent"),
    (at("1970-01-01T00:00:00Z", "1970-01-01T00:00:10Z"), "?it is older than the pairing of its screen"),
    (at("0001-01-01T00:00:00Z", "0001-01-01T00:00:10Z"), "?it is older than the pairing of its screen"),
    (
        at("2026-03-01T13:00:00Z", "2026-03-01T13:00:10Z", release="later"),
        "?it is older than the release that it names",
    ),
    (
        at("2026-03-02T07:10:00Z", "2026-03-02T07:10:04Z", rendered_ms=33_906),
        "it says 33.9 s on the screen, but its clock allows 4.0 s",
    ),
    (
        at("2026-03-02T07:11:00Z", "2026-03-02T07:11:34Z", rendered_ms=33_906, expected_ms=4_000),
        "it says 33.9 s on the screen, but its item lasts 4.0 s",
    ),
    (
        at("2026-03-02T07:12:00Z", "2026-03-02T07:14:00Z", rendered_ms=120_000, expected_ms=120_000),
        "it says 120.0 s on the screen, but its release allows 10.0 s",
    ),
    (
        at("2026-03-02T07:15:00Z", "2026-03-02T07:15:10Z", rendered_ms=800),
        "it says complete, but was on for 0.8 s of 10.0 s",
    ),
    ({"asset": STRANGE}, f"?no release of channel main shows asset {STRANGE[:16]} as line mornings"),
    ({"line": "evenings"}, f"?no release of channel main shows asset {FILM[:16]} as line evenings"),
    ({"campaign": "autumn"}, f"?no release of channel main shows asset {FILM[:16]} as line mornings"),
    ({"creative": "other"}, f"?no release of channel main shows asset {FILM[:16]} as line mornings"),
    ({"item": "news"}, f"?no release of channel main shows asset {FILM[:16]} as line mornings"),
    ({"asset": PICTURE}, f"?no release of channel main shows asset {PICTURE[:16]} as line mornings"),
    (
        {"release": STRANGE, "line": "evenings"},
        f"?release {STRANGE[:16]} is unknown, and none of its channels shows asset {FILM[:16]} as line evenings",
    ),
    (
        at("2026-03-02T07:20:00Z", "2026-03-02T07:20:10Z", release=STRANGE),  # one that a restored origin has lost
        "",
    ),
    ({"release": "other", "line": "foreign"}, "?its release is of channel other, in which its screen never was"),
    (at("2026-03-02T07:59:55Z", "2026-03-02T08:00:05Z"), "another play of this screen has the same time"),
    (
        at("2026-03-02T08:00:02Z", "2026-03-02T08:00:08Z", rendered_ms=6_000, outcome="partial"),
        "another play of this screen has the same time",
    ),
    (at("2026-03-02T07:59:00Z", "2026-03-02T08:59:00Z"), "another play of this screen has the same time"),
    (at("2026-03-02T08:00:10Z", "2026-03-02T08:00:20Z"), ""),
    (at("2026-03-02T07:30:00Z", "2026-03-02T07:30:10Z", **since_boot(20, 30)), ""),
    (at("2026-03-02T07:30:10Z", "2026-03-02T07:30:20Z", **since_boot(30, 40)), ""),
    (
        at("2026-03-02T07:31:10Z", "2026-03-02T07:31:20Z", **since_boot(25, 35)),
        "another play of this screen has the same time since its machine started",
    ),
    (
        at("2026-03-02T07:32:00Z", "2026-03-02T07:32:10Z", **since_boot(60, 50)),
        "it ended before it started, by the clock since its machine started",
    ),
    (
        at("2026-03-02T07:32:00Z", "2026-03-02T07:32:10Z", **since_boot(50, 54)),
        "it says 10.0 s on the screen, but the clock since its machine started allows 4.0 s",
    ),
    (
        at("2026-03-02T07:32:00Z", "2026-03-02T07:33:00Z", **since_boot(50, 60)),
        "it took 60.0 s, but 10.0 s by the clock since its machine started",
    ),
    (at("2026-03-02T07:31:00Z", "2026-03-02T07:31:10Z", **since_boot(20, 30, boot_id="c" * 32)), ""),
    (  # its last picture stayed until the next one was ready
        at("2026-03-02T07:34:00Z", "2026-03-02T07:34:30Z", frames_shown=250, **since_boot(100, 130)), "",
    ),
    (  # its clock was set back into used time
        at("2026-03-02T07:35:00Z", "2026-03-02T07:35:02Z", clock_back_ms=8_000, **since_boot(200, 210)), "",
    ),
    (at("2026-03-02T07:36:00Z", "2026-03-02T07:36:10Z", frames_shown=11_001), "it says 11001 pictures in 10.0 s"),
    (at("2026-03-02T07:36:00Z", "2026-03-02T07:36:10Z", frames_shown=2_400, frames_lost=3), ""),
    (
        at("2026-03-02T07:37:00Z", "2026-03-02T07:37:10Z", frames_shown=0),
        "it says 10.0 s on the screen, but none of its pictures was shown",
    ),
    (at("2026-03-02T07:38:00Z", "2026-03-02T07:38:00Z", frames_shown=0, outcome="interrupted", rendered_ms=0), ""),
)  # fmt: skip
"""What a play says beside what `ad` says, and why it is set aside; empty: it counts, `?`: a person may overrule it."""


@pytest.mark.parametrize("batches", [1, len(TABLE)], ids=["in one batch", "one by one"])
async def test_what_cannot_have_happened_is_taken_as_evidence_and_is_in_no_sum(
    server: RunningOrigin, tmp_path: Path, clock: FakeClock, batches: int
) -> None:
    contents = (release(), release("other", "foreign"), release(created_at=MORNING + timedelta(hours=8)))
    names = {
        name: await publish(server, tmp_path, each) for name, each in zip(("", "other", "later"), contents, strict=True)
    }
    device, token = await server.pair()
    plays = [
        ad(device, number, **{**changes, "release": names.get(changes.get("release", ""), STRANGE)})
        for number, (changes, _) in enumerate(TABLE, start=1)
    ]
    size = len(plays) // batches
    answers = [await bring(server, token, *plays[first : first + size]) for first in range(0, len(plays), size)]
    receipts = [receipt for answer in answers for receipt in answer.document["receipts"]]
    assert [receipt["status"] for receipt in receipts] == ["accepted"] * len(plays)
    expected = [f"set aside: {reason(why)}" if why else "" for _, why in TABLE]
    assert [receipt["detail"] for receipt in receipts] == expected
    assert answers[-1].document["high_water"] == len(plays)

    counted = sum(not why for _, why in TABLE)
    for by, wanted in (("device", {device: counted}), ("line", {"mornings": counted - 1}), ("item", {"news": 1})):
        document = (await server.ask("GET", f"/v1/plays/summary?by={by}", server.reader)).document
        assert {each["id"]: each["plays"] for each in document["sums"]} == wanted
        assert document["set_aside"] == len(plays) - counted

    assert len(await kept(server, "?set_aside=false")) == counted
    page = (await server.ask("GET", "/v1/plays?set_aside=true", server.reader)).document
    told = {one["sequence"]: one["reason"] for one in page["set_aside"]}
    assert told == {number: reason(why) for number, (_, why) in enumerate(TABLE, start=1) if why}
    for one in page["set_aside"]:
        assert PLAY_REASONS.say(one["reason_told"]["code"], **one["reason_told"]["values"]) == one["reason"]
    text = (await server.ask("GET", "/v1/plays?format=csv", server.reader)).text
    assert {
        int(row["sequence"]): row["set_aside"] for row in csv.DictReader(io.StringIO(text)) if row["set_aside"]
    } == told

    document = await audited(server, f"device={device}")
    named = {one["sequence"]: one["detail"] for one in document["findings"] if one["kind"] == "implausible"}
    assert named == {number: f"play {number} is set aside and in no sum: {why}" for number, why in told.items()}
    assert document["devices"][0]["implausible"] == len(told)
    again = await bring(server, token, *plays)
    assert set(statuses(again)) == {"duplicate"}

    note = "seen by the manager of the shop"
    accept = {"device": device, "log_epoch": EPOCH, "sequence": 1, "until": len(plays), "note": note}
    assert (await server.ask("POST", "/v1/plays/accepted", server.reader, accept)).status == 403
    done = (await server.ask("POST", "/v1/plays/accepted", server.writer, accept)).document
    unconfirmed = {number for number, (_, why) in enumerate(TABLE, start=1) if why.startswith("?")}
    refused = {one["sequence"]: one["reason"] for one in done["refused"]}
    same_time = "another play of this screen has the same time"
    assert {*done["accepted"], *(number for number, why in refused.items() if why == same_time)} >= unconfirmed
    assert len(await kept(server, "?set_aside=false")) == counted + len(done["accepted"])
    document = await audited(server, f"device={device}")
    named = {one["sequence"]: one["detail"] for one in document["findings"] if one["kind"] == "accepted"}
    assert set(named) == set(done["accepted"]) and document["devices"][0]["implausible"] == len(refused)
    assert all("by the key" in how and note in how and "unconfirmed: " in how for how in named.values())


@pytest.mark.parametrize("forgotten", [False, True], ids=["of an earlier version", "lost by a restored database"])
async def test_what_a_release_shows_is_learned_from_its_file(
    server: RunningOrigin, tmp_path: Path, forgotten: bool
) -> None:
    name = await publish(server, tmp_path, release(), as_earlier_version=True)
    if forgotten:
        await publish(server, tmp_path, release(created_at=MORNING + timedelta(hours=1)))
        async with server.database.writing() as connection:
            await connection.execute(text("DELETE FROM releases WHERE sha256 = :name"), {"name": name})
    device, token = await server.pair()
    answer = await bring(server, token, ad(device, 1, name), ad(device, 2, name, line="evenings"))
    assert [receipt["detail"] != "" for receipt in answer.document["receipts"]] == [False, True]


async def test_a_release_whose_file_is_gone_is_not_held_against_its_plays(
    server: RunningOrigin, tmp_path: Path
) -> None:
    name = await publish(server, tmp_path, release(), as_earlier_version=True)
    (tmp_path / "content" / release_path(name)).unlink()
    device, token = await server.pair()
    answer = await bring(server, token, ad(device, 1, name, line="evenings"))
    assert answer.document["receipts"][0]["detail"] == ""


async def test_a_screen_that_was_moved_delivers_what_it_played_before(server: RunningOrigin, tmp_path: Path) -> None:
    before, after = await publish(server, tmp_path, release()), await publish(server, tmp_path, release("other"))
    device, token = await server.pair()
    moved = await server.ask("PATCH", f"/v1/devices/{device}", server.writer, {"channel": "other"})
    assert moved.status == 200, moved.text
    answer = await bring(server, token, ad(device, 1, before), ad(device, 2, after))
    assert [receipt["detail"] for receipt in answer.document["receipts"]] == ["", ""]


async def test_plays_after_a_clock_was_set_back_count_as_long_as_there_was_time_for_them(server: RunningOrigin) -> None:
    """A clock was set back into time that a play has already: what follows has none of its own."""
    device, token = await server.pair()
    back = at("2026-03-02T08:00:10Z", "2026-03-02T08:00:10Z")
    answer = await bring(
        server,
        token,
        play(device, 1, **EARLIER),
        play(device, 2, **back, clock_back_ms=10_000),
        play(device, 3, **back, clock_back_ms=10_000),
        play(device, 4, **at("2026-03-02T08:00:10Z", "2026-03-02T08:00:16Z"), clock_back_ms=4_000),
        play(device, 5, **back, clock_back_ms=8_000),
        play(device, 6, **back, clock_back_ms=20 * DAY_MS, rendered_ms=10 * DAY_MS),
        play(device, 7, **back, clock_back_ms=8 * DAY_MS, rendered_ms=8 * DAY_MS),
    )
    too_much = "set aside: the plays of its screen add up to more than the time there was"
    too_long = "set aside: it says 10.0 s on the screen, but its clock allows 8.0 s"
    assert [one["detail"] for one in answer.document["receipts"]] == ["", "", "", "", too_long, too_much, ""]
    answer = await bring(server, token, play(device, 8, **back, clock_back_ms=DAY_MS, rendered_ms=DAY_MS))
    assert [one["detail"] for one in answer.document["receipts"]] == [too_much]


async def test_of_plays_that_come_at_once_one_has_the_time(server: RunningOrigin) -> None:
    device, token = await server.pair()
    for first in range(1, 40, 4):
        plays = [play(device, number, **EARLIER) for number in range(first, first + 4)]
        await asyncio.gather(*(bring(server, token, each) for each in plays))
    assert len(await kept(server, "?set_aside=false")) == 1


async def test_what_is_not_stored_takes_no_time_from_others(server: RunningOrigin) -> None:
    device, token = await server.pair()
    other = at("2026-03-02T09:00:40Z", "2026-03-02T09:00:50Z")
    answer = await bring(server, token, play(device, 1), play(device, 1, **other), play(device, 4))
    assert statuses(answer) == ["accepted", "conflict", "accepted"]
    assert [receipt["detail"] for receipt in answer.document["receipts"]] == ["", "", ""]


async def test_a_database_of_an_earlier_version_counts_on(tmp_path: Path, clock: FakeClock) -> None:
    connection, device, then_ms = sqlite3.connect(tmp_path / "origin.db"), "d" * 32, 1_795_000_000_000
    connection.executescript(DUMPS[0].read_text())
    connection.close()
    async with open_origin(settings_in(tmp_path), clock) as origin:
        store = PlayStore(origin.keys._database)
        assert [total["plays"] for total in await store.totals(PlayFilter(), "line")] == [1]
        [known] = await store.context([Question(device, [(then_ms - 1_000, then_ms + 5_000)], {}, [])])
        assert known.sender == PlaySender(then_ms, None, published=True)
        assert known.taken == [(then_ms, then_ms)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 120), st.integers(0, 40)), max_size=8), max_size=12))
def test_plays_that_count_never_have_the_same_time(batches: list[list[tuple[int, int]]]) -> None:
    counted = list[Span]()
    for batch in batches:
        plays = [a_play(MORNING + timedelta(seconds=start / 4), length / 4) for start, length in batch]
        spans = [(unix_ms(one.started_at), unix_ms(one.ended_at)) for one in plays]
        taken = {span for _, until in spans for span in [one for one in sorted(counted) if one[0] < until][-2:]}
        facts = ScreenFacts(0, None, shown=None, taken=sorted(taken), spare_ms={})
        reasons = why_set_aside(plays, facts, {}, OriginTime(unix_ms(MORNING)))
        counted += [span for span, reason in zip(spans, reasons, strict=True) if reason is None]
    for one, other in combinations(sorted(counted), 2):
        assert min(one[1], other[1]) - other[0] <= TOLERANCE_MS, (one, other)


def a_play(started_at: datetime, seconds: float) -> Play:
    ended_at = started_at + timedelta(seconds=seconds)
    times = {"started_at": started_at.isoformat(), "ended_at": ended_at.isoformat()}
    return Play.model_validate(play("d", 1, **times, rendered_ms=0, outcome="partial"))
