"""Compiling is pure: same plan, same bytes; what can play and the assets it shows; or every reason why not."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.errors import Rejected
from sync.origin.planning.campaigns import CreativeDraft, LineDraft, StoredCampaign
from sync.origin.planning.channel_plan import ChannelPlan
from sync.origin.planning.plan_fields import MediaFact
from sync.origin.planning.playlists import PlaylistItem, StoredPlaylist
from sync.origin.planning.schedules import BreakDraft, DaypartDraft, StoredSchedule, WindowDraft
from sync.origin.publishing.release_compiler import PICTURE_MS, compile_release, plan_warnings
from sync.origin.publishing.release_serializer import dump_release
from sync.trust.acceptance import referenced_assets
from sync.wire.release import Asset, MediaKind, Release

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MOMENTS = st.sampled_from([None, NOW - timedelta(days=9), NOW, NOW + timedelta(days=9)])


def _ready(name: str) -> MediaFact:
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    video = name.endswith("4")
    asset = Asset(
        sha256=sha256,
        size_bytes=1 + len(name),
        index=sha256,
        kind=MediaKind.VIDEO if video else MediaKind.PICTURE,
        media_type="video/mp4" if video else "image/png",
        width=10,
        height=10,
        duration_ms=4000 if video else None,
    )
    return MediaFact(name=name, state="ready", asset=asset)


FACTS = {f"m{n}": _ready(f"clip{n}.mp4" if n % 2 else f"logo{n}.png") for n in range(8)}
MEDIA = st.sampled_from(sorted(FACTS))


@st.composite
def plans(draw: st.DrawFn) -> ChannelPlan:
    ids = count()
    playlists = tuple(_playlist(draw, ids, number) for number in range(draw(st.integers(1, 3))))
    named = st.sampled_from([playlist.id for playlist in playlists])
    dayparts = tuple(
        DaypartDraft(
            id=f"d{next(ids)}",
            name="Part",
            playlist=draw(named),
            priority=draw(st.integers(-3, 3)),
            last_day=draw(st.sampled_from([None, NOW.date() - timedelta(days=30), NOW.date()])),
        )
        for _ in range(draw(st.integers(0, 3)))
    )
    schedule = StoredSchedule(
        channel="main",
        version=1,
        sequence=0,
        zone="Europe/Berlin",
        default_playlist=draw(named),
        break_rule=BreakDraft(every_items=draw(st.integers(1, 9)), ads=draw(st.integers(1, 3))),
        fallback=None,
        dayparts=dayparts,
    )
    campaigns = tuple(_campaign(draw, ids, number) for number in range(draw(st.integers(0, 3))))
    fallback = draw(st.sampled_from([None, FACTS["m0"], FACTS["m2"]]))
    return ChannelPlan(schedule=schedule, playlists=playlists, campaigns=campaigns, fallback=fallback)


def _playlist(draw: st.DrawFn, ids: "count[int]", number: int) -> StoredPlaylist:
    items = tuple(
        PlaylistItem(
            id=f"i{next(ids)}",
            media=draw(MEDIA),
            title="Item",
            duration_ms=draw(st.sampled_from([None, 500, 9000])),
            ends_at=draw(MOMENTS),
        )
        for _ in range(draw(st.integers(1, 6)))
    )
    return StoredPlaylist(id=f"p{number}", version=1, updated_at=NOW, name="Lobby", items=items, media=FACTS)


def _campaign(draw: st.DrawFn, ids: "count[int]", number: int) -> StoredCampaign:
    lines = tuple(
        LineDraft(
            id=f"l{next(ids)}",
            name="Line",
            share_ppm=draw(st.sampled_from([None, 1, 300_000])),
            windows=draw(st.sampled_from([(), (WindowDraft(weekdays=(1,)),)])),
            creatives=tuple(
                CreativeDraft(id=f"c{next(ids)}", media=draw(MEDIA), title="Ad") for _ in range(draw(st.integers(1, 3)))
            ),
        )
        for _ in range(draw(st.integers(1, 2)))
    )
    return StoredCampaign(
        id=f"k{number}",
        version=1,
        updated_at=NOW,
        name="Booking",
        advertiser="Fizzo",
        starts_at=NOW - timedelta(days=30),
        ends_at=draw(st.sampled_from([NOW, NOW + timedelta(days=1)])),
        lines=lines,
        media=FACTS,
    )


@settings(max_examples=50, deadline=None)
@given(plans())
def test_a_release_lists_exactly_the_assets_it_shows_and_each_once(plan: ChannelPlan) -> None:
    release = compile_release(plan, created_at=NOW, now=NOW)
    listed = [asset.sha256 for asset in release.assets]
    assert listed == sorted(referenced_assets(release))
    known = {fact.asset for fact in FACTS.values()}
    assert set(release.assets) <= known


@settings(max_examples=50, deadline=None)
@given(plans())
def test_the_same_plan_is_the_same_bytes_in_whatever_order_it_was_read(plan: ChannelPlan) -> None:
    turned = ChannelPlan(
        schedule=plan.schedule,
        playlists=tuple(reversed(plan.playlists)),
        campaigns=tuple(reversed(plan.campaigns)),
        fallback=plan.fallback,
    )
    first = dump_release(compile_release(plan, created_at=NOW, now=NOW))
    assert dump_release(compile_release(turned, created_at=NOW, now=NOW)) == first


@settings(max_examples=50, deadline=None)
@given(plans())
def test_a_device_reads_what_was_written(plan: ChannelPlan) -> None:
    release = compile_release(plan, created_at=NOW, now=NOW)
    assert Release.model_validate_json(dump_release(release)[0]) == release


@settings(max_examples=50, deadline=None)
@given(plans())
def test_what_can_never_play_again_is_left_out_and_all_else_stays_in_order(plan: ChannelPlan) -> None:
    release = compile_release(plan, created_at=NOW, now=NOW)
    sent = {playlist.id: playlist for playlist in plan.playlists}
    for playlist in release.playlists:
        alive = [item.id for item in sent[playlist.id].items if item.ends_at is None or item.ends_at > NOW]
        assert [item.id for item in playlist.items] == alive
    assert {campaign.id for campaign in release.campaigns} == {one.id for one in plan.campaigns if one.ends_at > NOW}
    assert all(part.last_day is None or part.last_day >= NOW.date() for part in release.dayparts)
    on_air = {part.playlist for part in release.dayparts} | {release.default_playlist}
    assert {playlist.id for playlist in release.playlists} == on_air


@settings(max_examples=50, deadline=None)
@given(plans(), st.sets(MEDIA, min_size=1))
def test_it_is_refused_exactly_if_something_it_would_show_is_not_ready(plan: ChannelPlan, late: set[str]) -> None:
    waiting = {name: MediaFact(name=name, state="processing") if name in late else FACTS[name] for name in FACTS}
    held_up = ChannelPlan(
        schedule=plan.schedule,
        playlists=tuple(one.model_copy(update={"media": waiting}) for one in plan.playlists),
        campaigns=tuple(one.model_copy(update={"media": waiting}) for one in plan.campaigns),
        fallback=plan.fallback,
    )
    whole = compile_release(plan, created_at=NOW, now=NOW)
    shown = [item.asset for playlist in whole.playlists for item in playlist.items]
    shown += [one.asset for campaign in whole.campaigns for line in campaign.lines for one in line.creatives]
    missing = [one for one in shown if one in {FACTS[name].asset.sha256 for name in late}]  # type: ignore[union-attr]
    if missing:
        with pytest.raises(Rejected) as caught:
            compile_release(held_up, created_at=NOW, now=NOW)
        assert len(caught.value.fields) == len(missing)
    else:
        assert compile_release(held_up, created_at=NOW, now=NOW) == whole


def _plan(*items: PlaylistItem, media: dict[str, MediaFact] | None = None, fallback: str | None = None) -> ChannelPlan:
    playlist = StoredPlaylist(
        id="p", version=1, updated_at=NOW, name="Lobby", items=items, media=FACTS if media is None else media
    )
    schedule = StoredSchedule(channel="main", version=1, sequence=0, default_playlist="p")
    return ChannelPlan(schedule, (playlist,), (), FACTS[fallback] if fallback else None)


def test_a_zone_that_nobody_named_is_not_written_and_a_warning_where_local_times_are_used() -> None:
    playlist = StoredPlaylist(
        id="p", version=1, updated_at=NOW, name="P", items=(PlaylistItem(id="i", title="I", media="m0"),), media=FACTS
    )
    schedule = StoredSchedule(channel="main", version=1, sequence=0, default_playlist="p")
    plan = ChannelPlan(schedule=schedule, playlists=(playlist,), campaigns=(), fallback=None)
    release = compile_release(plan, created_at=NOW, now=NOW)
    assert b'"zone"' not in dump_release(release)[0]  # an older player refuses null, and takes UTC for none
    assert plan_warnings(release) == ()
    parts = tuple(DaypartDraft(id=name, name=name, playlist="p") for name in ("Lunch", "Late"))
    timed = replace(plan, schedule=schedule.model_copy(update={"dayparts": parts}))
    assert plan_warnings(compile_release(timed, created_at=NOW, now=NOW)) == (
        "channel main names no time zone: daypart Lunch and 1 more follow the zone that each screen's system is set "
        "to. Set the channel's zone.",
    )
    named = replace(timed, schedule=timed.schedule.model_copy(update={"zone": "Europe/Berlin"}))
    assert plan_warnings(compile_release(named, created_at=NOW, now=NOW)) == ()


def test_a_picture_stands_ten_seconds_if_nobody_said_and_a_video_plays_to_its_end() -> None:
    items = (PlaylistItem(id="a", media="m0", title="Logo"), PlaylistItem(id="b", media="m1", title="Clip"))
    release = compile_release(_plan(*items), created_at=NOW, now=NOW)
    assert [item.duration_ms for item in release.playlists[0].items] == [PICTURE_MS, None]


def test_the_reasons_are_words_a_person_understands() -> None:
    facts = {
        "m0": MediaFact(name="menu.webp", state="processing"),
        "m1": MediaFact(name="clip.mp4", state="failed", problem="This file is cut off."),
    }
    items = (PlaylistItem(id="a", media="m0", title="Menu"), PlaylistItem(id="b", media="m1", title="clip.mp4"))
    with pytest.raises(Rejected, match="channel main cannot be published: Menu") as caught:
        compile_release(_plan(*items, media=facts), created_at=NOW, now=NOW)
    assert caught.value.fields == {
        "playlists.p.items.0": "Menu (menu.webp) is not ready: it is still being processed",
        "playlists.p.items.1": "clip.mp4 is not ready: This file is cut off.",
    }


def test_an_empty_playlist_a_moving_fallback_and_a_channel_without_anything_are_refused() -> None:
    with pytest.raises(Rejected) as empty:
        compile_release(_plan(fallback="m1"), created_at=NOW, now=NOW)
    assert sorted(empty.value.fields) == ["fallback", "playlists.p.items"]
    bare = ChannelPlan(StoredSchedule(channel="main", version=1, sequence=0), (), (), None)
    with pytest.raises(Rejected) as nothing:
        compile_release(bare, created_at=NOW, now=NOW)
    assert list(nothing.value.fields) == ["default_playlist"]


def test_a_release_larger_than_devices_read_is_refused() -> None:
    items = tuple(PlaylistItem(id=f"i{n}", media="m0", title="x" * 200) for n in range(16_000))
    plan = _plan()
    long = plan.playlists[0].model_copy(update={"items": items})
    release = compile_release(ChannelPlan(plan.schedule, (long,), (), None), created_at=NOW, now=NOW)
    with pytest.raises(Rejected, match="remove items"):
        dump_release(release)
