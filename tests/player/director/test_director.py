"""The director with real SQLite files: what was on the screen, and what the ledger says about it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from player.programme.proof_of_play import verify_chain
from player.settings.model import AudioSettings, PlaybackSettings, QuietHours, Settings, VenueSettings
from sync.runtime.clock import ClockTrust
from sync.wire.device_reports import Outcome, PlayKind
from sync.wire.release import Asset, Daypart, Fit
from tests.player.director.fake_screen import FakeScreen
from tests.player.director.venue import NOON, VenueClock, asset, campaign, item, open_world, playlist, release


def long(asset: Asset) -> Asset:
    return asset.model_copy(update={"duration_ms": 3_600_000})


async def test_items_follow_each_other_and_each_is_a_play(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"), item("green"), item("blue"))))
        async with world.running():
            await world.advance(35)
            assert world.shown() == ["red", "green", "blue", "red"]
            assert world.director.now().title == "Red"
            assert world.director.now().next.title == "Green"
            assert world.director.now().next.readiness == "ready"
        plays = await world.plays()
        assert [play.title for play in plays] == ["Red", "Green", "Blue", "Red"]
        assert [play.outcome for play in plays] == [Outcome.COMPLETE] * 3 + [Outcome.PARTIAL]
        assert [play.rendered_ms for play in plays] == [10_000, 10_000, 10_000, 5_000]
        assert plays[-1].reason == "stopped"
        assert [play.started_at for play in plays] == [NOON + timedelta(seconds=10 * n) for n in range(4)]
        verify_chain(plays)
        assert await world.ledger.open_takes() == []


async def test_a_broadcast_day_is_what_was_scheduled_and_all_of_it_is_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("player.director.take_tracker._TICK_S", 600.0)  # 17,280 ticks would be most of the test
    day = playlist("day", item("day", duration_ms=300_000), item("red", duration_ms=240_000))
    night = playlist("night", item("night", duration_ms=600_000))
    parts = (Daypart(id="open", name="Open", playlist="day", start="08:00", end="20:00"),)
    content = release(night, day, dayparts=parts, ads=(campaign("cola", seconds=60), campaign("juice", seconds=60)))
    midnight = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)  # 00:00 in Berlin
    async with open_world(tmp_path, VenueClock(midnight)) as world:
        world.settings = Settings(venue=VenueSettings(zone="Europe/Berlin"))
        world.publish(content.model_copy(update={"assets": tuple(long(a) for a in content.assets)}))
        async with world.running():
            await world.clock.advance_to(midnight + timedelta(hours=24))
        plays = await world.plays()
    verify_chain(plays)
    assert [play.sequence for play in plays] == list(range(1, len(plays) + 1))
    for before, after in pairwise(plays):
        assert before.ended_at == after.started_at, "a gap, or two at once"
    opens, closes = midnight + timedelta(hours=8), midnight + timedelta(hours=20)
    for play in plays:
        if play.item in ("day", "red"):
            assert opens <= play.started_at and play.ended_at <= closes
        if play.item == "night":
            assert play.ended_at <= opens or play.started_at >= closes
    cut = [play for play in plays if play.outcome is not Outcome.COMPLETE]
    assert {play.reason for play in cut} <= {"daypart", "stopped"} and len(cut) <= 3
    ads = [play.advertiser for play in plays if play.kind is PlayKind.AD]
    assert len(ads) > 100 and abs(ads.count("Cola") - ads.count("Juice")) <= 1
    assert plays[0].zone == "Europe/Berlin"


async def test_an_item_is_cut_when_its_daypart_ends_unless_it_may_finish(tmp_path: Path) -> None:
    for at_end, second_play in (("cut", 15), ("finish", 20)):
        parts = (Daypart(id="day", name="Day", playlist="day", start="12:00", end="12:01"),)
        content = release(playlist("night", item("night")), playlist("day", item("day", at_end=at_end)), dayparts=parts)
        async with open_world(tmp_path / at_end, VenueClock(NOON + timedelta(seconds=45))) as world:
            world.publish(content)
            async with world.running():
                await world.advance(30)
            assert world.shown()[:3] == ["day", "day", "night"]
            assert world.screen.changes[2].at == NOON + timedelta(seconds=45 + second_play)
            plays = await world.plays()
            assert plays[1].reason == ("daypart" if at_end == "cut" else "eof")
            assert plays[0].playlist == "day" and plays[2].playlist == "night"


@pytest.mark.parametrize(("at_end", "left_at_s", "reason"), [("cut", 15, "daypart"), ("finish", 20, "eof")])
async def test_an_item_leaves_when_its_own_time_ends(tmp_path: Path, at_end: str, left_at_s: int, reason: str) -> None:
    ends = NOON + timedelta(seconds=15)
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red", ends_at=ends, at_end=at_end))))
        async with world.running():
            await world.advance(30)
            assert world.screen.changes[-1].picture == "fallback"
            assert world.director.now().why == "nothing of playlist Loop can be shown now"
        plays = await world.plays()
        assert [play.rendered_ms for play in plays] == [10_000, 1000 * (left_at_s - 10)]
        assert plays[-1].reason == reason


async def test_a_new_release_moves_the_end_of_the_item_on_air(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"), item("blue"))))
        async with world.running():
            await world.advance(3)
            soon = NOON + timedelta(seconds=6)
            world.publish(release(playlist("loop", item("red", ends_at=soon), item("blue"))))
            await world.wake()
            await world.advance(4)
            assert world.shown() == ["red", "blue"]
            assert world.screen.changes[1].at == soon


async def test_a_stream_without_a_length_has_nothing_to_finish(tmp_path: Path) -> None:
    ends = NOON + timedelta(seconds=15)
    async with open_world(tmp_path) as world:
        content = release(playlist("loop", item("red", ends_at=ends, at_end="finish"), item("blue")))
        endless = tuple(each.model_copy(update={"duration_ms": None}) for each in content.assets)
        world.publish(content.model_copy(update={"assets": endless}))
        async with world.running():
            await world.advance(16)
            assert world.shown() == ["red", "blue"]


async def test_an_item_that_cannot_be_opened_is_skipped_at_once_and_quarantined_the_third_time(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"), item("bad"), item("blue"))))
        world.screen.unplayable.add(world.media("bad"))
        async with world.running():
            await world.advance(75)
            assert world.shown() == ["red", "blue"] * 4
            bad = [shot for shot in world.screen.prerolls if shot.path == world.media("bad")]
            assert len(bad) == 3
            (held,) = world.ledger.quarantine.quarantined(world.clock.now())
            assert held.asset == asset("bad").sha256 and held.failures == 3
            world.screen.unplayable.clear()
            await world.advance(600)
            assert "bad" in world.shown()
            assert world.ledger.quarantine.quarantined(world.clock.now()) == []
        assert "bad" not in [play.item for play in (await world.plays())[:60]]


async def test_an_item_that_fails_on_air_is_followed_at_once_and_recorded_as_failed(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"), item("blue"))))
        async with world.running():
            await world.advance(4)
            world.screen.fail("no more frames")
            await world.clock.run_ready()
            assert world.shown() == ["red", "blue"]
            await world.advance(4)
            world.screen.lose_deck()
            await world.clock.until_idle()
            assert world.shown() == ["red", "blue", "red"]
        plays = await world.plays()
        assert [(play.outcome, play.reason, play.rendered_ms) for play in plays[:2]] == [
            (Outcome.FAILED, "no more frames", 4_000),
            (Outcome.FAILED, "killed", 4_000),
        ]
        assert [(s.asset, s.failures) for s in world.ledger.quarantine.failures()] == [(asset("red").sha256, 1)]


@pytest.mark.parametrize(
    ("stumble", "suspected"),
    [
        (lambda screen: screen.fail("no more frames"), True),
        (lambda screen: screen.lose_deck(), True),
        (lambda screen: screen.finish(), True),  # its end came 6 s too early
        (lambda screen: setattr(screen, "still_ms", 2_000), True),
        (lambda screen: setattr(screen, "still_ms", 300), False),
        (lambda screen: None, False),
    ],
    ids=["failed", "deck lost", "too short", "stood still", "hardly stood", "right"],
)
async def test_the_file_of_what_does_not_play_as_it_should_is_suspect(
    tmp_path: Path, stumble: Callable[[FakeScreen], None], suspected: bool
) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"), item("bad"))))
        world.screen.unplayable.add(world.media("bad"))
        async with world.running():
            await world.advance(4)
            assert list(world.cache.media.suspects) == [asset("bad").sha256]  # it cannot be opened
            stumble(world.screen)
            await world.advance(8)
            assert (asset("red").sha256 in world.cache.media.suspects) is suspected


async def test_a_deck_that_dies_while_prerolling_costs_no_item_its_turn(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"), item("blue"))))
        world.screen.decks_to_lose = 1
        async with world.running():
            await world.advance(12)
            assert world.shown() == ["red", "blue"]
            assert world.ledger.quarantine.failures() == []


async def test_when_nothing_can_be_shown_the_fallback_is_until_something_can(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("one"), item("two"))))
        world.screen.unplayable |= {world.media("one"), world.media("two")}
        async with world.running():
            await world.advance(5)
            assert world.shown() == ["fallback"]
            assert world.director.now().showing == "fallback"
            assert "nothing of playlist Loop" in world.director.now().why
            assert len(world.screen.prerolls) == 6
            await world.advance(300)
            assert len(world.screen.prerolls) == 6, "retries are bounded"
            world.publish(release(playlist("loop", item("red"))))
            await world.wake()
            assert world.shown() == ["fallback", "red"]


async def test_many_broken_items_are_tried_at_a_bounded_rate(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        content = release(playlist("loop", *(item("bad", id=f"bad-{n}", title="Bad") for n in range(40))))
        many = tuple(asset(f"bad-{n}") for n in range(40))
        items = tuple(item("bad", id=f"bad-{n}", asset=each.sha256) for n, each in enumerate(many))
        content = content.model_copy(update={"assets": many, "playlists": (playlist("loop", *items),)})
        world.publish(content)
        world.screen.unplayable |= {world.media(f"bad-{n}") for n in range(40)}
        async with world.running():
            await world.advance(30)
            assert 10 <= len(world.screen.prerolls) <= 16
            assert world.shown() == ["fallback"]


async def test_while_all_files_are_gone_it_is_said_once_and_what_comes_back_is_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_world(tmp_path) as world:
        gone = [asset(name).sha256 for name in ("red", "blue")]
        world.publish(release(playlist("loop", item("red"), item("blue"))), without=frozenset(gone))
        async with world.running():
            await world.advance(300)
            assert caplog.text.count("is not on this device") == 2
            assert world.shown() == ["fallback"] and "nothing of playlist Loop" in world.director.now().why
            Path(world.media("blue")).write_bytes(b"media")
            await world.advance(60)
            assert world.shown()[:2] == ["fallback", "blue"]
            assert world.ledger.quarantine.failures() == [] and gone[0] in world.cache.media.missed


async def test_without_content_the_fallback_shows_until_some_arrives(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world, world.running():
        assert world.shown() == ["fallback"]
        assert world.director.now().why == "there is no content yet"
        world.publish(release(playlist("loop", item("red"))))
        await world.wake()
        assert world.shown() == ["fallback", "red"]


async def test_an_item_without_its_file_is_skipped(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("bad"), item("red"))), without=frozenset({asset("bad").sha256}))
        async with world.running():
            await world.advance(5)
            assert world.shown() == ["red"]


async def test_a_new_release_starts_at_the_next_item(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"), item("green"))))
        async with world.running():
            await world.advance(5)
            new = world.publish(release(playlist("loop", item("red"), item("blue"))))
            await world.wake()
            await world.advance(10)
            assert world.shown() == ["red", "blue"]
            assert world.screen.changes[1].at == NOON + timedelta(seconds=10)
            assert world.director.now().release == new
        first, second = await world.plays()
        assert first.release != second.release == new


async def test_an_item_whose_asset_left_the_release_is_cut_at_once(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"))))
        async with world.running():
            await world.advance(5)
            world.publish(release(playlist("loop", item("blue"))))
            await world.wake()
            assert world.shown() == ["red", "blue"]
        assert [(play.outcome, play.reason) for play in (await world.plays())[:1]] == [(Outcome.PARTIAL, "release")]


async def test_a_wake_up_without_a_difference_changes_nothing(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"), item("blue"))))
        async with world.running():
            await world.advance(5)
            before = len(world.screen.prerolls)
            for _ in range(3):
                await world.wake()
            await world.advance(4)
            assert world.shown() == ["red"] and len(world.screen.prerolls) == before


async def test_without_a_trusted_clock_timed_content_waits(tmp_path: Path) -> None:
    parts = (Daypart(id="day", name="Day", playlist="day"),)
    content = release(playlist("night", item("night")), playlist("day", item("day")), dayparts=parts)
    clock = VenueClock(datetime(1970, 1, 2, tzinfo=UTC))
    clock.trusted = ClockTrust.UNSYNCED
    async with open_world(tmp_path, clock) as world:
        world.publish(content)
        async with world.running():
            await world.advance(12)
            assert set(world.shown()) == {"night"} and not world.director.now().timed
            clock.step_wall((NOON - clock.now()).total_seconds())
            clock.trusted = ClockTrust.SYNCED
            await world.advance(10)
            assert world.shown()[-1] == "day" and world.director.now().timed
        plays = await world.plays()
        assert plays[0].clock is ClockTrust.UNSYNCED and plays[-1].clock is ClockTrust.SYNCED
        assert all(play.rendered_ms <= 10_000 for play in plays)


async def test_a_restart_goes_on_after_the_item_that_was_on(tmp_path: Path) -> None:
    clock = VenueClock(NOON)
    shown = []
    for _ in range(3):
        async with open_world(tmp_path, clock) as world:
            world.publish(release(playlist("loop", item("red"), item("green"), item("blue"))))
            async with world.running():
                await world.advance(12)
            shown += world.shown()
            assert world.ledger.problem == ""
    assert shown == ["red", "green", "blue", "red", "green", "blue"]


async def test_the_loss_of_the_hidden_deck_changes_nothing_on_the_screen_and_its_item_is_shown(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"), item("green"), item("blue"))))
        async with world.running():
            await world.advance(4)
            world.screen.lose_next()
            await world.clock.until_idle()
            assert world.shown() == ["red"] and world.director.now().next.readiness == "ready"
            await world.advance(8)
            assert world.shown() == ["red", "green"]
            assert world.screen.changes[1].at == NOON + timedelta(seconds=10)
            assert world.ledger.quarantine.failures() == []
        assert len(await world.plays()) == 2


async def test_the_item_on_air_plays_to_its_end_before_the_fallback_when_nothing_may_follow(tmp_path: Path) -> None:
    ends = (NOON + timedelta(seconds=15)).isoformat()
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red", ends_at=ends, at_end="finish"))))
        async with world.running():
            await world.advance(19)
            assert world.shown() == ["red", "red"]
            await world.advance(2)
            assert world.shown() == ["red", "red", "fallback"]
            assert world.screen.changes[2].at == NOON + timedelta(seconds=20)
        assert [play.reason for play in await world.plays()] == ["eof", "eof"]


async def test_the_fallback_follows_a_daypart_that_nothing_follows_to_the_second(tmp_path: Path) -> None:
    parts = (Daypart(id="day", name="Day", playlist="day", start="12:00", end="12:01"),)
    content = release(playlist("day", item("day")), dayparts=parts).model_copy(update={"default_playlist": None})
    async with open_world(tmp_path, VenueClock(NOON + timedelta(seconds=45))) as world:
        world.publish(content)
        async with world.running():
            await world.advance(20)
            assert world.shown() == ["day", "day", "fallback"]
            assert world.screen.changes[2].at == NOON + timedelta(seconds=60)
            assert world.director.now().why == "no daypart is open, and no default playlist"
            await world.clock.advance_to(NOON + timedelta(days=1, seconds=1))
            assert world.shown() == ["day", "day", "fallback", "day"]
            assert world.screen.changes[3].at == NOON + timedelta(days=1)
        assert [play.reason for play in await world.plays()] == ["eof", "daypart", "stopped"]


async def test_a_director_that_starts_again_replaces_what_it_finds_on_the_screen(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"), item("green"))))
        async with world.running():
            await world.advance(4)
        async with world.running():
            await world.clock.run_ready()
            assert world.shown() == ["red", "green"]
        assert [(play.item, play.rendered_ms) for play in await world.plays()] == [("red", 4_000)]


async def test_an_unknown_zone_is_reported_and_utc_is_used(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"))).model_copy(update={"zone": "Mars/Olympus"}))
        async with world.running():
            await world.advance(1)
            assert world.shown() == ["red"]
            assert world.director.now().problems == (
                "the release's time zone 'Mars/Olympus' is unknown here: UTC is used",
            )
        assert [play.zone for play in await world.plays()] == ["UTC"]


async def test_a_zone_that_nobody_named_is_that_of_the_machine_and_reported_where_local_times_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("player.director.scene_loader.system_zone", lambda: "Asia/Tokyo")
    evening = Daypart(id="evening", name="Evening", playlist="late", start="21:00", end="22:00")  # NOON is 21:00 there
    content = release(playlist("loop", item("red")), playlist("late", item("blue")), dayparts=(evening,))
    async with open_world(tmp_path) as world:
        world.publish(content.model_copy(update={"zone": None}))
        async with world.running():
            await world.advance(1)
            assert world.shown() == ["blue"]
            assert world.director.now().problems == (
                "Dayparts and ad windows follow Asia/Tokyo, the zone of this machine, because channel main names no "
                "time zone: set the channel's zone, or venue.zone.",
            )
            world.publish(content.model_copy(update={"zone": None, "dayparts": ()}))
            await world.wake()
            await world.advance(1)
            assert world.director.now().problems == ()
        assert {play.zone for play in await world.plays()} == {"Asia/Tokyo"}


async def test_settings_apply_from_the_next_item_on(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"), item("blue"))))
        async with world.running():
            await world.advance(3)
            world.settings = Settings(playback=PlaybackSettings(volume=30))
            await world.wake()
            await world.advance(9)
        first, second = (change.shot for change in world.screen.changes)
        assert first and second and (first.volume, second.volume) == (100, 30)
        assert world.shown() == ["red", "blue"]


async def test_settings_and_quiet_hours_change_the_volume_at_once_and_for_the_next_item(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red", volume=50), item("blue"))))
        async with world.running():
            await world.advance(3)
            quiet = AudioSettings(quiet_hours=(QuietHours(start="12:00", end="12:01"), QuietHours(start="12:02")))
            world.settings = Settings(playback=PlaybackSettings(volume=40), audio=quiet)
            await world.wake()  # 12:00:03
            assert [volume for _, volume in world.screen.tuned] == [0]
            await world.advance(58)  # over 12:01
            assert [volume for _, volume in world.screen.tuned] == [0, 20]
            await world.advance(2)
            world.settings = Settings()
            await world.wake()
            assert [volume for _, volume in world.screen.tuned] == [0, 20, 50]
            await world.advance(10)
        red, *_, blue = (change.shot for change in world.screen.changes)
        assert red and blue and (red.volume, blue.volume) == (50, 100)


async def test_items_without_fit_or_background_use_those_of_the_settings(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        says = item("green", fit="fill", background="#ffffff")
        world.publish(release(playlist("loop", item("red"), says)))
        async with world.running():
            await world.advance(12)
            world.settings = Settings(playback=PlaybackSettings(fit=Fit.COVER, background="#102030"))
            await world.wake()
            await world.advance(10)
        shots = [change.shot for change in world.screen.changes if change.shot]
        assert [(shot.fit, shot.background) for shot in shots] == [
            (Fit.CONTAIN, "#000000"),
            (Fit.FILL, "#ffffff"),
            (Fit.COVER, "#102030"),
        ]
