"""`explain` and `forecast`: what is told beforehand is what the director then does, read beside it without a trace."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from player.app.cli import main
from player.diagnostics.cli_report import explanation_text, forecast_text
from player.diagnostics.explanation import Explanation, explain
from player.diagnostics.forecast import forecast
from player.diagnostics.offline_view import DecisionView, read_decision_view
from player.endpoint.forecast_routes import ForecastRoutes
from player.evidence.identity import UNPAIRED
from player.evidence.ledger import open_ledger, read_ledger
from player.evidence.ledger_entries import TakeClosed
from player.evidence.quarantine import FAILURES
from player.settings.configuration import load_configuration
from sync.errors import StorageBroken
from sync.http.operations import Access, mount
from sync.http.problems import problem_middleware
from sync.runtime.clock import ClockTrust
from sync.wire.release import Campaign, Daypart, LocalWindow
from tests.player.director.venue import (
    DEVICE,
    NOON,
    VenueClock,
    World,
    a_world,
    asset,
    campaign,
    item,
    playlist,
    release,
)
from tests.player.endpoint.test_endpoint import Session

ADS = (campaign("cola", share_ppm=250_000), campaign("juice"), campaign("bad"))
NIGHT = Daypart(id="n", name="Night", playlist="late", start="12:05", end="12:07")
LOOPS = (playlist("loop", item("red"), item("green"), item("blue", duration_ms=4_000)), playlist("late", item("night")))


async def seen(world: World, seconds: float | None = None) -> DecisionView:
    """Look at the world from beside it, by a connection of our own."""
    at = None if seconds is None else NOON + timedelta(seconds=seconds)
    async with read_ledger(world.path / "plays.db", DEVICE) as ledger:
        return await read_decision_view(world.cache, ledger, world.settings, world.clock, at)


def whys(found: Explanation) -> dict[str, str]:
    return {one.name: f"{'+' if one.on else '-'} {one.why}" for one in (*found.dayparts, *found.items, *found.ads)}


async def test_a_forecast_is_what_the_director_shows_then_over_dayparts_and_breaks(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.publish(release(*LOOPS, dayparts=(NIGHT,), ads=ADS))
        async with world.running():
            await world.after(43)
            before = len(world.screen.picture)
            ahead = forecast(await seen(world), 0.2, 1_000)
            last = [ad.name for ad in explain(await seen(world)).ads if "it was chosen last" in ad.why]
            assert last == [slot.advertiser.lower() for slot in ahead.slots[:2] if slot.advertiser]
            await world.after(12 * 60)
            then = [world.name(one) for one in world.screen.picture[before - 1 :]]
        expected = [slot.title.lower().removesuffix(" spot") for slot in ahead.slots]
        assert expected[: len(then)] == then[: len(expected)]
        assert len(expected) > 60
        assert {slot.playlist for slot in ahead.slots} == {"Loop", "Late"}
        assert {slot.advertiser for slot in ahead.slots} == {None, "Cola", "Juice", "Bad"}
        starts = {slot.at for slot in ahead.slots if slot.playlist == "Late"}
        assert NOON + timedelta(minutes=5) <= min(starts) <= max(starts) < NOON + timedelta(minutes=7)


async def test_looking_changes_nothing_and_needs_no_lock(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.publish(release(*LOOPS, ads=ADS))
        async with world.running():
            await world.after(43)
            files = {path: _hash(path) for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".db-shm"}
            view = await seen(world)
            assert forecast(view, 1, 1_000) == forecast(view, 1, 1_000)
            assert explain(view) == explain(await seen(world))
            async with world.ledger._database.transaction():  # not even while the player writes
                assert explain(await seen(world)) == explain(view)
        same = {path: _hash(path) for path in files if path.exists() and "plays.db" not in path.name}
        assert same == {path: files[path] for path in same}


async def test_it_says_why_a_daypart_won_and_the_others_did_not(tmp_path: Path) -> None:
    dayparts = (
        NIGHT,
        Daypart(id="a", name="Sale", playlist="loop", start="12:00", end="13:00", priority=5),
        Daypart(id="b", name="Copy", playlist="loop", start="12:00", end="13:00", priority=5),
        Daypart(id="c", name="Lost", playlist="gone"),
        Daypart(id="d", name="Past", playlist="loop", last_day=(NOON - timedelta(days=2)).date()),
    )
    async with a_world(tmp_path) as world:
        world.publish(release(*LOOPS, dayparts=dayparts))
        found = explain(await seen(world, 6 * 60))
        assert (found.playlist, found.until) == ("Loop", NOON + timedelta(hours=1))
        assert whys(found) | {"Red": "", "Green": "", "Blue": ""} == {
            "Sale": "+ daypart Sale, 12:00 to 13:00, priority 5",
            "Copy": "- open, but Sale of the same priority comes first",
            "Night": "- open, but Sale has priority 5 over 0",
            "Lost": "- its playlist is not in the release",
            "Past": "- does not open in the next 8 days",
            "Red": "", "Green": "", "Blue": "",
        }  # fmt: skip
        assert whys(explain(await seen(world, 0)))["Night"] == "- closed until Mon 02 Mar 12:05"
        world.clock.trusted = ClockTrust.UNSYNCED
        early = explain(await seen(world, -86_400 * 3))
        assert not early.timed
        assert whys(early)["Sale"] == "- the clock is not set, so nothing bound to a time is on"


async def test_it_says_which_ads_may_be_shown_and_what_keeps_the_others_off(tmp_path: Path) -> None:
    cola, juice, bad = ADS
    evenings = juice.lines[0].model_copy(update={"windows": (LocalWindow(start="18:00", end="22:00"),)})
    long = bad.lines[0].model_copy(update={"advertiser_gap": 0})
    ads: tuple[Campaign, ...] = (
        cola,
        juice.model_copy(update={"lines": (evenings,)}),
        bad.model_copy(update={"lines": (long,)}),
        campaign("one").model_copy(update={"starts_at": NOON + timedelta(hours=3)}),
        campaign("two").model_copy(update={"ends_at": NOON - timedelta(days=1)}),
        campaign("three"),
    )
    async with a_world(tmp_path) as world:
        world.publish(release(*LOOPS, ads=ads), without=frozenset({asset("three").sha256}))
        async with world.ledger._database.transaction():
            for _ in range(FAILURES):
                setback = world.ledger.quarantine.note_failure(asset("bad").sha256, "no decoder", NOON)
            await world.ledger.quarantine.write(setback)
        found = explain(await seen(world, 60))
        said = whys(found)
        assert said["cola"] == "+ may be shown"
        assert said["juice"] == "- closed until Mon 02 Mar 18:00"
        assert said["bad"] == "- bad spot: set aside after failing 3 times: no decoder"
        assert said["one"] == "- its flight begins Mon 02 Mar 15:00"
        assert said["two"] == "- its flight ended Sun 01 Mar 12:00"
        assert [ad.share for ad in found.ads if ad.name == "cola"] == [0.5]
        assert found.warnings == (
            "line three-line should have 75.0% of the slots, but never follows itself: it gets half",
        )
        assert found.next_ad in ("cola spot", "three spot")
        assert explain(await seen(world, 3600)).ads[2].share  # the quarantine is over then


async def test_what_is_on_the_screen_and_what_stands_by_come_first(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.publish(release(*LOOPS))
        async with world.running():
            await world.after(13)
            found = explain(await seen(world))
            assert found.shown is not None
            assert (found.shown.title, found.following.title) == ("Green", "Blue")
            assert found.shown.until == world.director.now().until
            text = "\n".join(explanation_text(found))
            assert "on screen  Green, since 12:00:10" in text
            assert "next       Blue" in text
        await world.clock.advance(3600)  # the player is gone, and its last take with it
        stale = explain(await seen(world))
        assert stale.shown is None
        assert [slot.title for slot in forecast(await seen(world), 1, 2).slots] == ["Blue", "Red"]


async def test_nothing_to_show_is_forecast_as_the_fallback_with_its_reason(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.publish(release(dayparts=(), ads=ADS))
        ahead = forecast(await seen(world), 1, 9)
        assert [(slot.kind, slot.why) for slot in ahead.slots][:1] == [
            ("fallback", "no daypart is open, and no default playlist")
        ]
        assert "the fallback picture: no daypart is open" in "\n".join(forecast_text(ahead))


@pytest.fixture
async def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a state folder as a player leaves it."""
    for name, value in {"STORAGE__STATE_DIR": str(tmp_path), "VENUE__ZONE": "Europe/Berlin"}.items():
        monkeypatch.setenv(f"SIGNAGE_PLAYER__{name}", value)
    clock = VenueClock(NOON)
    async with a_world(tmp_path, clock) as world:
        world.publish(release(*LOOPS, dayparts=(NIGHT,), ads=ADS))
        async with open_ledger(world.cache.state / "plays-unpaired.db", UNPAIRED, clock):
            pass
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_from_the_command_line_both_are_words_or_json(device: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(device.rglob("*"))
    code, out, _ = run(capsys, "explain", "--at", "2026-03-02T12:06", "--json")
    found = Explanation.model_validate_json(out)
    assert (code, found.playlist, found.at) == (0, "Late", NOON - timedelta(minutes=54))  # by the venue's clock
    code, out, _ = run(capsys, "explain", "--at", "2026-03-02T12:06:00Z")
    assert (code, "items: 3 of 3 turn" in out, "Europe/Berlin" in out) == (0, True, True)
    assert "- Night: closed until Tue 03 Mar 12:05" in out
    code, out, _ = run(capsys, "forecast", "--hours", "0.1", "--json")
    assert (code, len(json.loads(out)["slots"]) > 20) == (0, True)
    code, out, _ = run(capsys, "forecast", "--most", "3")
    assert (code, len(out.splitlines())) == (0, 6)
    assert sorted(device.rglob("*")) == before


def test_what_cannot_be_told_is_one_line(
    tmp_path: Path, device: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(capsys, "explain", "--at", "noon")[::2] == (
        1, "signage-player: 'noon' is no instant: write it as 2026-11-23T18:00 (the venue's clock), or with Z\n"
    )  # fmt: skip
    (device / "state/plays-unpaired.db").write_bytes(b"not a database" * 100)
    code, _, err = run(capsys, "forecast")
    assert (code, err.count("\n"), "plays-unpaired.db" in err) == (1, 1, True)
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path / "empty"))
    assert "holds no content" in run(capsys, "explain")[2]


async def test_the_endpoint_tells_both_from_the_player_at_work(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.publish(release(*LOOPS, ads=ADS))
        session: Session | None = Session(world.ledger, world.director)
        configuration = load_configuration(None)
        app = web.Application(middlewares=[problem_middleware])
        mount(app, ForecastRoutes(world.cache, configuration, lambda: session, world.clock).operations(), _anybody)
        async with world.running(), TestClient(TestServer(app)) as client:
            await world.after(43)
            answer = await (await client.get("/v1/explain")).json()
            assert (answer["playlist"], answer["shown"]["title"]) == ("Loop", world.director.now().title)
            ahead = await (await client.get("/v1/forecast?hours=0.5&most=7")).json()
            assert (len(ahead["slots"]), ahead["more"]) == (7, True)
            assert ahead["slots"][1]["title"] == world.director.now().next.title
            assert (await client.get("/v1/forecast?hours=1000")).status == 422
            session = None
            assert (await client.get("/v1/explain?at=2026-03-02T12:06:00Z")).status == 409


async def _anybody(request: web.Request, access: Access) -> None:
    assert access is Access.READ


async def test_a_log_opened_beside_its_writer_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "plays.db"
    async with open_ledger(path, DEVICE, VenueClock(NOON)), read_ledger(path, DEVICE) as ledger:
        assert ledger.device == DEVICE
        with pytest.raises(StorageBroken, match="readonly"):
            await ledger.write([TakeClosed("none")])


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
