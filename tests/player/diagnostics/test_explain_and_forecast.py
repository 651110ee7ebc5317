"""`explain` and `forecast` say what the director then does, and change nothing while they read."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from player.app.cli import main
from player.diagnostics.cli_report import explanation_text, forecast_text
from player.diagnostics.offline_view import read_decision_view
from player.endpoint.forecast_routes import ForecastRoutes
from player.evidence.ledger import open_ledger, read_ledger
from player.evidence.ledger_entries import TakeClosed
from player.evidence.ledger_owner import UNPAIRED
from player.evidence.quarantine import FAILURE_LIMIT
from player.settings.configuration import load_configuration
from sync.errors import StorageBroken
from sync.http.operations import Access, Needed, mount
from sync.http.problems import problem_middleware
from sync.programme.preview.decision_inputs import DecisionInputs
from sync.programme.preview.explanation import Explanation, explain
from sync.programme.preview.forecast import forecast
from sync.runtime.clock import ClockTrust
from sync.wire.release import Campaign, Daypart, LocalWindow
from tests.player.director.venue import (
    DEVICE,
    NOON,
    VenueClock,
    World,
    asset,
    campaign,
    item,
    open_world,
    playlist,
    release,
)
from tests.player.endpoint.test_endpoint import Session

ADS = (campaign("cola", share_ppm=250_000), campaign("juice"), campaign("bad"))
NIGHT = Daypart(id="n", name="Night", playlist="late", start="12:05", end="12:07")
LOOPS = (playlist("loop", item("red"), item("green"), item("blue", duration_ms=4_000)), playlist("late", item("night")))


async def view_of(world: World, seconds: float | None = None) -> DecisionInputs:
    """Read the world as `explain` does, over a connection of its own."""
    at = None if seconds is None else NOON + timedelta(seconds=seconds)
    async with read_ledger(world.path / "plays.db", DEVICE) as ledger:
        return await read_decision_view(world.cache, ledger, world.settings, world.clock, at)


def reasons(found: Explanation) -> dict[str, str]:
    verdicts = (*found.dayparts, *found.items, *found.ads)
    return {verdict.name: f"{'+' if verdict.on else '-'} {verdict.why}" for verdict in verdicts}


async def test_the_director_shows_what_was_forecast_over_dayparts_and_ad_breaks(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(*LOOPS, dayparts=(NIGHT,), ads=ADS))
        async with world.running():
            await world.advance(43)
            before = len(world.screen.changes)
            ahead = forecast(await view_of(world), 0.2, 1_000)
            last = [ad.name for ad in explain(await view_of(world)).ads if "it was chosen last" in ad.why]
            assert last == [slot.advertiser.lower() for slot in ahead.slots[:2] if slot.advertiser]
            await world.advance(12 * 60)
            shown = [world.name(take) for take in world.screen.changes[before - 1 :]]
        expected = [slot.title.lower().removesuffix(" spot") for slot in ahead.slots]
        assert expected[: len(shown)] == shown[: len(expected)]
        assert len(expected) > 60
        assert {slot.playlist for slot in ahead.slots} == {"Loop", "Late"}
        assert {slot.advertiser for slot in ahead.slots} == {None, "Cola", "Juice", "Bad"}
        starts = {slot.at for slot in ahead.slots if slot.playlist == "Late"}
        assert NOON + timedelta(minutes=5) <= min(starts) <= max(starts) < NOON + timedelta(minutes=7)


async def test_reading_changes_nothing_and_needs_no_lock(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(*LOOPS, ads=ADS))
        async with world.running():
            await world.advance(43)
            files = {path: _hash(path) for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".db-shm"}
            view = await view_of(world)
            assert forecast(view, 1, 1_000) == forecast(view, 1, 1_000)
            assert explain(view) == explain(await view_of(world))
            async with world.ledger._database.transaction():  # not even while the player writes
                assert explain(await view_of(world)) == explain(view)
        same = {path: _hash(path) for path in files if path.exists() and "plays.db" not in path.name}
        assert same == {path: files[path] for path in same}


async def test_an_explanation_says_why_one_daypart_is_on_air_and_the_others_are_not(tmp_path: Path) -> None:
    dayparts = (
        NIGHT,
        Daypart(id="a", name="Sale", playlist="loop", start="12:00", end="13:00", priority=5),
        Daypart(id="b", name="Copy", playlist="loop", start="12:00", end="13:00", priority=5),
        Daypart(id="c", name="Lost", playlist="gone"),
        Daypart(id="d", name="Past", playlist="loop", last_day=(NOON - timedelta(days=2)).date()),
        Daypart(id="e", name="Gone", playlist="over", priority=9),
    )
    async with open_world(tmp_path) as world:
        over = playlist("over", item("bad", ends_at=NOON))
        world.publish(release(*LOOPS, over, dayparts=dayparts))
        found = explain(await view_of(world, 6 * 60))
        assert (found.playlist, found.until) == ("Loop", NOON + timedelta(hours=1))
        assert reasons(found) | {"Red": "", "Green": "", "Blue": ""} == {
            "Sale": "+ daypart Sale, 12:00 to 13:00, priority 5; "
                    "nothing of Gone, which would come first, can be shown now",
            "Gone": f"- open, but nothing of its playlist can be shown: Bad: ended {NOON:%a %d %b %H:%M}",
            "Copy": "- open, but Sale of the same priority stands before it",
            "Night": "- open, but Sale has a higher priority (5, not 0)",
            "Lost": "- its playlist is not in the release",
            "Past": "- does not open in the next 8 days",
            "Red": "", "Green": "", "Blue": "",
        }  # fmt: skip
        assert reasons(explain(await view_of(world, 0)))["Night"] == "- closed until Mon 02 Mar 12:05"
        world.clock.trusted = ClockTrust.UNSYNCED
        early = explain(await view_of(world, -86_400 * 3))
        assert not early.timed
        assert reasons(early)["Sale"] == "- the clock is not set, so nothing with a time is shown"


async def test_an_explanation_says_which_ads_may_be_shown_and_why_others_may_not(tmp_path: Path) -> None:
    cola, juice, bad = ADS
    evenings = juice.lines[0].model_copy(update={"windows": (LocalWindow(start="18:00", end="22:00"),)})
    long = bad.lines[0].model_copy(update={"advertiser_gap": 0})
    ads: tuple[Campaign, ...] = (
        cola,
        juice.model_copy(update={"lines": (evenings,)}),
        bad.model_copy(update={"lines": (long,)}),
        campaign("one").model_copy(update={"starts_at": NOON + timedelta(hours=3)}),
        campaign("two").model_copy(update={"ends_at": NOON - timedelta(days=1)}),
        campaign("three", share_ppm=700_000),
    )
    async with open_world(tmp_path) as world:
        world.publish(release(*LOOPS, ads=ads), without=frozenset({asset("three").sha256}))
        async with world.ledger._database.transaction():
            for _ in range(FAILURE_LIMIT):
                failure = world.ledger.quarantine.record_failure(asset("bad").sha256, "no decoder", NOON)
            await world.ledger.quarantine.write(failure)
        found = explain(await view_of(world, 60))
        why = reasons(found)
        assert why["cola"] == "+ may be shown"
        assert why["juice"] == "- closed until Mon 02 Mar 18:00"
        assert why["bad"] == "- bad spot: in quarantine after 3 failures: no decoder"
        assert why["one"] == "- its flight starts Mon 02 Mar 15:00"
        assert why["two"] == "- its flight ended Sun 01 Mar 12:00"
        assert [ad.share for ad in found.ads if ad.name == "cola"] == [0.5]
        (warning,) = found.warnings
        assert warning.startswith("three (Three) bought 70 % of the slots and gets 50 %")
        assert found.next_ad in ("cola spot", "three spot")
        assert explain(await view_of(world, 3600)).ads[2].share  # the quarantine is over then


async def test_the_take_on_the_screen_and_the_loaded_one_come_first(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(*LOOPS))
        async with world.running():
            await world.advance(13)
            found = explain(await view_of(world))
            assert found.shown is not None
            assert (found.shown.title, found.following.title) == ("Green", "Blue")
            assert found.shown.until == world.director.now().until
            text = "\n".join(explanation_text(found))
            assert "on screen  Green, since 12:00:10" in text
            assert "next       Blue" in text
        await world.clock.advance(3600)  # the player was stopped, and its last take is over
        stale = explain(await view_of(world))
        assert stale.shown is None
        assert [slot.title for slot in forecast(await view_of(world), 1, 2).slots] == ["Blue", "Red"]


async def test_a_forecast_names_the_fallback_and_its_reason_when_there_is_nothing_to_show(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(dayparts=(), ads=ADS))
        ahead = forecast(await view_of(world), 1, 9)
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
    async with open_world(tmp_path, clock) as world:
        world.publish(release(*LOOPS, dayparts=(NIGHT,), ads=ADS))
        async with open_ledger(world.cache.state / "plays-unpaired.db", UNPAIRED, clock):
            pass
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_the_commands_print_text_or_json(device: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(device.rglob("*"))
    code, out, _ = run(capsys, "explain", "--at", "2026-03-02T12:06", "--json")
    found = Explanation.model_validate_json(out)
    assert (code, found.playlist, found.at) == (0, "Late", NOON - timedelta(minutes=54))  # time zone of the venue
    code, out, _ = run(capsys, "explain", "--at", "2026-03-02T12:06:00Z")
    assert (code, "items: 3 of 3 are in the rotation" in out, "Europe/Berlin" in out) == (0, True, True)
    assert "- Night: closed until Tue 03 Mar 12:05" in out
    code, out, _ = run(capsys, "forecast", "--hours", "0.1", "--json")
    assert (code, len(json.loads(out)["slots"]) > 20) == (0, True)
    code, out, _ = run(capsys, "forecast", "--most", "3")
    assert (code, len(out.splitlines())) == (0, 6)
    assert sorted(device.rglob("*")) == before


def test_a_failure_is_one_line(
    tmp_path: Path, device: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(capsys, "explain", "--at", "noon")[::2] == (
        1,
        "signage-player: 'noon' is not a time: write 2026-11-23T18:00 (time zone of the venue), "
        "or 2026-11-23T18:00Z (UTC)\n",
    )  # fmt: skip
    for at in ("0001-01-01T00:00", "9999-12-31T23:59"):
        assert run(capsys, "explain", "--at", at)[::2] == (
            1,
            f"signage-player: '{at}' is not in the years 1970 to 2999\n",
        )
    (device / "state/plays-unpaired.db").write_bytes(b"not a database" * 100)
    code, _, err = run(capsys, "forecast")
    assert (code, err.count("\n"), "plays-unpaired.db" in err) == (1, 1, True)
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path / "empty"))
    assert "there is no content in" in run(capsys, "explain")[2]


async def test_the_endpoint_serves_both_while_the_player_runs(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(*LOOPS, ads=ADS))
        session: Session | None = Session(world.ledger, world.director)
        configuration = load_configuration(None)
        app = web.Application(middlewares=[problem_middleware])
        mount(app, ForecastRoutes(world.cache, configuration, lambda: session, world.clock).operations(), _anyone)
        async with world.running(), TestClient(TestServer(app)) as client:
            await world.advance(43)
            answer = await (await client.get("/v1/explain")).json()
            assert (answer["playlist"], answer["shown"]["title"]) == ("Loop", world.director.now().title)
            ahead = await (await client.get("/v1/forecast?hours=0.5&most=7")).json()
            assert (len(ahead["slots"]), ahead["more"]) == (7, True)
            assert ahead["slots"][1]["title"] == world.director.now().next.title
            assert (await client.get("/v1/forecast?hours=1000")).status == 422
            for year, status in (("0001", 422), ("1970", 200), ("2999", 200), ("9999", 422)):
                assert (await client.get(f"/v1/explain?at={year}-06-30T12:06:00Z")).status == status
            session = None
            assert (await client.get("/v1/explain?at=2026-03-02T12:06:00Z")).status == 409


async def _anyone(request: web.Request, access: Needed) -> None:
    assert access is Access.READ


async def test_a_log_opened_for_reading_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "plays.db"
    async with open_ledger(path, DEVICE, VenueClock(NOON)), read_ledger(path, DEVICE) as ledger:
        assert ledger.device == DEVICE
        with pytest.raises(StorageBroken, match="cannot be written"):
            await ledger.write([TakeClosed("none")])


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
