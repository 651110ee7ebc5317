"""Pure: turns a channel's plan into a release, or says everything that is missing for it.

The same plan at the same moments gives the same bytes. What can never play again (a campaign that ended, an item or
daypart past its last day) is left out with its assets, so that devices need not keep it.
"""

from collections.abc import Iterator, Mapping, Set
from datetime import date, datetime, timedelta

from sync.errors import Rejected
from sync.origin.planning.campaigns import LineDraft, StoredCampaign
from sync.origin.planning.channel_plan import ChannelPlan, WaitingDraft
from sync.origin.planning.plan_fields import MediaFact, MediaUse
from sync.origin.planning.playlists import PlaylistItem, StoredPlaylist
from sync.origin.planning.schedules import DaypartDraft, LogoDraft
from sync.wire.overlay import Logo, Overlay, Ticker
from sync.wire.release import (
    Asset,
    BreakRule,
    Campaign,
    Creative,
    Daypart,
    Item,
    Line,
    LocalWindow,
    MediaKind,
    Playlist,
    Release,
    Stream,
)
from sync.wire.stream_url import stream_name

PICTURE_MS = 10_000  # how long a picture is shown if its item does not say
_LAST_DAY_OVER = timedelta(days=3)  # by then a day is over in every time zone, with a window past midnight too

_STAND_IN = Asset(
    sha256="0" * 64,
    size_bytes=1,
    index="0" * 64,
    kind=MediaKind.PICTURE,
    media_type="image/png",
    width=1,
    height=1,
)


class _UsedMedia:
    """The assets and streams that a release uses; `problems` says by field which media are not ready."""

    def __init__(self) -> None:
        self.assets: dict[str, Asset] = {}
        self.streams: dict[str, Stream] = {}
        self.problems: dict[str, str] = {}

    def resolve(self, field: str, title: str | None, fact: MediaFact) -> Asset | Stream:
        """Return the asset or stream of a media and remember it.

        If it is not ready, remember why, and return a stand-in: the release then is good for being looked at alone.
        """
        if fact.url is not None:
            stream = Stream(sha256=stream_name(fact.url), url=fact.url)
            return self.streams.setdefault(stream.sha256, stream)
        if fact.state == "ready" and fact.asset is not None:
            self.assets[fact.asset.sha256] = fact.asset
            return fact.asset
        why = fact.problem or "it failed" if fact.state == "failed" else "it is still being processed"
        shown = fact.name if title in (None, fact.name) else f"{title} ({fact.name})"
        self.problems[field] = f"{shown} is not ready: {why}"
        return self.assets.setdefault(_STAND_IN.sha256, _STAND_IN)


def compile_release(plan: ChannelPlan, *, created_at: datetime, now: datetime) -> Release:
    """Return the release of a plan, created at `created_at`, without what is over at `now`.

    Raises:
        Rejected: something is missing or not ready; `fields` names each by its place in the plan.
    """
    release, problems = release_as_far_as_possible(plan, created_at=created_at, now=now)
    _refuse(plan.schedule.channel, problems)
    return release


def release_as_far_as_possible(
    plan: ChannelPlan, *, created_at: datetime, now: datetime
) -> tuple[Release, dict[str, str]]:
    """Return what would be the release of a plan, and by field what stands in its way.

    With such problems it is no release to publish: media that are not ready have a stand-in.
    """
    used, schedule = _UsedMedia(), plan.schedule
    dayparts = tuple(_daypart(part) for part in schedule.dayparts if not is_over(part.last_day, now))
    on_air = {part.playlist for part in dayparts} | {schedule.default_playlist}
    playlists = [
        _playlist(one, used, now) for one in sorted(plan.playlists, key=lambda one: one.id) if one.id in on_air
    ]
    booked = [one for one in sorted(plan.campaigns, key=lambda one: one.id) if one.ends_at > now]
    campaigns = [_campaign(one, used) for one in booked]
    fallback = None if plan.fallback is None else _fallback(plan.fallback, used)
    overlays = tuple(_overlays(plan, used, now))
    used.problems.update(_missing_plans(plan, on_air))
    release = Release(
        channel=schedule.channel,
        created_at=created_at,
        zone=schedule.zone,
        default_playlist=schedule.default_playlist,
        playlists=tuple(playlists),
        dayparts=dayparts,
        campaigns=tuple(campaigns),
        break_rule=BreakRule(every_items=schedule.break_rule.every_items, ads=schedule.break_rule.ads),
        assets=tuple(used.assets[name] for name in sorted(used.assets)),
        streams=tuple(used.streams[name] for name in sorted(used.streams)),
        fallback=fallback,
        overlays=overlays,
    )
    return release, _as_seen(plan, used.problems)


def _missing_plans(plan: ChannelPlan, on_air: Set[str | None]) -> Iterator[tuple[str, str]]:
    """Yield what its schedule shows and cannot be shown, by field."""
    channel, there = plan.schedule.channel, {one.id for one in plan.playlists}
    if not on_air & there:
        yield "default_playlist", "nothing is ever on air: name a default playlist, or make a daypart"
    for gone in on_air - {None} - there:
        yield (
            f"playlists.{gone}",
            f"the schedule of {channel} shows a playlist that was removed: make a newer version of it ready",
        )
    for one in plan.never:
        if one.kind == "schedule" or one.id in on_air:
            yield f"{one.kind}s.{one.id}", _never_ready(one, channel)


def plan_warnings(release: Release) -> tuple[str, ...]:
    """Return what a planner should know of a release that can be published all the same; with what to do."""
    windows = [f"daypart {part.name}" for part in release.dayparts]
    windows += [f"ad line {line.name}" for one in release.campaigns for line in one.lines if line.windows]
    if release.zone or not windows:
        return ()
    first = windows[0] + (f" and {len(windows) - 1} more follow" if len(windows) > 1 else " follows")
    return (
        f"channel {release.channel} names no time zone: {first} the zone that each screen's system is set to. "
        "Set the channel's zone.",
    )


def seen_part(release: Release, campaigns: Set[str] | None) -> Release:
    """Return a release as those know it who see these campaigns only (None: all)."""
    if campaigns is None:
        return release
    return release.model_copy(update={"campaigns": tuple(one for one in release.campaigns if one.id in campaigns)})


def _as_seen(plan: ChannelPlan, problems: dict[str, str]) -> dict[str, str]:
    """Return problems without the names of campaigns of which nothing is told."""
    hidden = tuple(f"campaigns.{one.id}." for one in plan.campaigns if not plan.is_seen(one.id))
    told = {field: why for field, why in problems.items() if not field.startswith(hidden)}
    if len(told) == len(problems):
        return problems
    return told | {"campaigns": "a campaign of another space cannot be shown: ask an administrator"}


def _never_ready(one: WaitingDraft, channel: str) -> str:
    take = f'publish with "with": [{{"kind": "{one.kind}", "id": "{one.id}"}}], or have it made ready first'
    if one.kind == "schedule":
        return f"the schedule of {channel} is a draft that was never ready: {take}"
    return f"the schedule of {channel} shows the {one.kind} {one.name}, a draft that was never ready: {take}"


def _refuse(channel: str, problems: Mapping[str, str]) -> None:
    if problems:
        first = "; ".join(list(problems.values())[:3]) + ("; and more" if len(problems) > 3 else "")
        raise Rejected(f"channel {channel} cannot be published: {first}", fields=problems)


def is_over(last_day: date | None, now: datetime) -> bool:
    """Return whether a daypart with this last day is over in every time zone."""
    return last_day is not None and last_day < (now - _LAST_DAY_OVER).date()


def _daypart(part: DaypartDraft) -> Daypart:
    return Daypart(
        id=part.id or "",
        name=part.name,
        playlist=part.playlist,
        weekdays=part.weekdays,
        start=part.start,
        end=part.end,
        priority=part.priority,
        first_day=part.first_day,
        last_day=part.last_day,
    )


def _playlist(playlist: StoredPlaylist, used: _UsedMedia, now: datetime) -> Playlist:
    if not playlist.items:
        used.problems[f"playlists.{playlist.id}.items"] = f"the playlist {playlist.name} is empty"
    return Playlist(id=playlist.id, name=playlist.name, items=tuple(_items(playlist, used, now)))


def _items(playlist: StoredPlaylist, used: _UsedMedia, now: datetime) -> Iterator[Item]:
    for number, item in enumerate(playlist.items):
        if item.ends_at is not None and item.ends_at <= now:
            continue
        asset = used.resolve(f"playlists.{playlist.id}.items.{number}", item.title, playlist.media[item.media])
        yield _item(item, item.title or playlist.media[item.media].name, asset)


def _item(item: PlaylistItem, title: str, asset: Asset | Stream) -> Item:
    return Item(
        id=item.id or "",
        title=title,
        asset=asset.sha256,
        duration_ms=_duration_ms(item, asset),
        loop=item.loop,
        fit=item.fit,
        background=item.background,
        volume=item.volume,
        at_end=item.at_end,
        starts_at=item.starts_at,
        ends_at=item.ends_at,
        ends_with_budget=item.ends_with_budget,
    )


def _duration_ms(shown: MediaUse, asset: Asset | Stream) -> int | None:
    return PICTURE_MS if shown.duration_ms is None and _is_picture(asset) else shown.duration_ms


def _is_picture(asset: Asset | Stream) -> bool:
    return isinstance(asset, Asset) and asset.kind is MediaKind.PICTURE


def _campaign(campaign: StoredCampaign, used: _UsedMedia) -> Campaign:
    return Campaign(
        id=campaign.id,
        name=campaign.name,
        advertiser=campaign.advertiser,
        starts_at=campaign.starts_at,
        ends_at=campaign.ends_at,
        lines=tuple(_lines(campaign, used)),
    )


def _lines(campaign: StoredCampaign, used: _UsedMedia) -> Iterator[Line]:
    for at, line in enumerate(campaign.lines):
        field = f"campaigns.{campaign.id}.lines.{at}"
        creatives = tuple(_creatives(field, line, campaign.media, used))
        if creatives:
            yield _line(line, creatives)


def _line(line: LineDraft, creatives: tuple[Creative, ...]) -> Line:
    return Line(
        id=line.id or "",
        name=line.name,
        creatives=creatives,
        category=line.category,
        share_ppm=line.share_ppm,
        weight=line.weight,
        windows=tuple(LocalWindow(weekdays=w.weekdays, start=w.start, end=w.end) for w in line.windows),
        category_gap=line.category_gap,
        advertiser_gap=line.advertiser_gap,
    )


def _creatives(field: str, line: LineDraft, facts: Mapping[str, MediaFact], used: _UsedMedia) -> Iterator[Creative]:
    for number, creative in enumerate(line.creatives):
        path = f"{field}.creatives.{number}"
        title = creative.title or facts[creative.media].name
        asset = used.resolve(path, title, facts[creative.media])
        if isinstance(asset, Stream) and creative.duration_ms is None:
            used.problems[path] = f"{title} is a stream: as an ad it needs a duration"
        else:
            yield Creative(
                id=creative.id or "",
                title=title,
                asset=asset.sha256,
                duration_ms=_duration_ms(creative, asset),
                fit=creative.fit,
                background=creative.background,
                volume=creative.volume,
            )


def _fallback(fact: MediaFact, used: _UsedMedia) -> str | None:
    asset = used.resolve("fallback", None, fact)
    if not _is_picture(asset):
        used.problems["fallback"] = f"{fact.name} is not a picture: choose a picture as the fallback"
    return asset.sha256


def _overlays(plan: ChannelPlan, used: _UsedMedia, now: datetime) -> Iterator[Overlay]:
    for number, draft in enumerate(plan.schedule.overlays):
        if draft.ends_at is not None and draft.ends_at <= now:
            continue
        style = draft.model_dump(exclude={"id", "media"})
        if not isinstance(draft, LogoDraft):
            yield Ticker(id=draft.id or "", **style)
            continue
        fact, field = plan.logos[draft.media], f"overlays.{number}"
        asset = used.resolve(field, None, fact)
        if not _is_picture(asset):
            used.problems[field] = f"{fact.name} is not a picture: choose a picture as the logo"
        else:
            yield Logo(id=draft.id or "", asset=asset.sha256, **style)
