"""Pure: a plan as it can be looked at before all of it is ready, and as if one playlist were on air for good."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from sync.origin.planning.campaigns import StoredCampaign
from sync.origin.planning.channel_plan import ChannelPlan
from sync.origin.planning.plan_fields import MediaFact, MediaUse
from sync.origin.planning.playlists import StoredPlaylist
from sync.origin.planning.schedules import LogoDraft, StoredSchedule

Use = TypeVar("Use", bound=MediaUse)


def with_only(plan: ChannelPlan, playlist: StoredPlaylist) -> ChannelPlan:
    """Return the plan as if only this playlist were on air, at all times; ads and overlays stay."""
    schedule = plan.schedule.model_copy(update={"default_playlist": playlist.id, "dayparts": ()})
    return replace(plan, schedule=schedule, playlists=(playlist,))


def without_unready(plan: ChannelPlan) -> ChannelPlan:
    """Return the plan without media that are not ready, and without what then shows nothing."""
    filled = tuple(_only_ready(one) for one in plan.playlists)
    playlists = tuple(one for one in filled if one.items)
    logos = {media for media, fact in plan.logos.items() if _is_ready(fact)}
    fallback = plan.fallback if plan.fallback is not None and _is_ready(plan.fallback) else None
    return replace(
        plan,
        schedule=_shows_only(plan.schedule, {one.id for one in playlists}, logos),
        playlists=playlists,
        campaigns=tuple(_with_ready_ads(plan.campaigns)),
        fallback=fallback,
        never=(),
    )


def _is_ready(fact: MediaFact) -> bool:
    return fact.url is not None or (fact.state == "ready" and fact.asset is not None)


def _ready_uses(uses: Sequence[Use], facts: Mapping[str, MediaFact]) -> tuple[Use, ...]:
    return tuple(one for one in uses if _is_ready(facts[one.media]))


def _only_ready(playlist: StoredPlaylist) -> StoredPlaylist:
    return playlist.model_copy(update={"items": _ready_uses(playlist.items, playlist.media)})


def _shows_only(schedule: StoredSchedule, playlists: set[str], logos: set[str]) -> StoredSchedule:
    default = schedule.default_playlist
    return schedule.model_copy(
        update={
            "default_playlist": default if default in playlists else None,
            "dayparts": tuple(part for part in schedule.dayparts if part.playlist in playlists),
            "overlays": tuple(one for one in schedule.overlays if not isinstance(one, LogoDraft) or one.media in logos),
        }
    )


def _with_ready_ads(campaigns: Sequence[StoredCampaign]) -> Iterator[StoredCampaign]:
    for campaign in campaigns:
        lines = [
            line.model_copy(update={"creatives": ready})
            for line in campaign.lines
            if (ready := _ready_uses(line.creatives, campaign.media))
        ]
        if lines:
            yield campaign.model_copy(update={"lines": tuple(lines)})
