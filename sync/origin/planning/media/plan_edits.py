"""Pure: plans without some media, or with another one in place of one."""

from collections.abc import Mapping

from sync.origin.planning.campaigns import CampaignDraft, LineDraft, StoredCampaign
from sync.origin.planning.playlists import PlaylistDraft, StoredPlaylist
from sync.origin.planning.schedules import LogoDraft, OverlayDraft, ScheduleDraft, StoredSchedule

Instead = Mapping[str, str | None]
"""By the id of a media: what comes in its place; None: nothing does. What is not named stays."""


def playlist_with(playlist: StoredPlaylist, instead: Instead) -> PlaylistDraft:
    """Return the playlist as it becomes; it may be empty."""
    kept = ((item, instead.get(item.media, item.media)) for item in playlist.items)
    items = tuple(item.model_copy(update={"media": media}) for item, media in kept if media is not None)
    return PlaylistDraft(name=playlist.name, items=items)


def campaign_with(campaign: StoredCampaign, instead: Instead) -> CampaignDraft | None:
    """Return the campaign as it becomes, without lines that would show nothing; None if no line is left."""
    lines = tuple(found for line in campaign.lines if (found := _line_with(line, instead)) is not None)
    fields = {name: getattr(campaign, name) for name in CampaignDraft.model_fields if name not in ("lines", "warnings")}
    return CampaignDraft(**fields, lines=lines) if lines else None


def _line_with(line: LineDraft, instead: Instead) -> LineDraft | None:
    kept = ((one, instead.get(one.media, one.media)) for one in line.creatives)
    creatives = tuple(one.model_copy(update={"media": media}) for one, media in kept if media is not None)
    return line.model_copy(update={"creatives": creatives}) if creatives else None


def schedule_with(schedule: StoredSchedule, instead: Instead) -> ScheduleDraft:
    """Return the schedule as it becomes: without a fallback picture or logo in whose place nothing comes."""
    names = [name for name in ScheduleDraft.model_fields if name not in ("fallback", "overlays", "warnings")]
    fields = {name: getattr(schedule, name) for name in names}
    fallback = None if schedule.fallback is None else instead.get(schedule.fallback, schedule.fallback)
    overlays = tuple(found for one in schedule.overlays if (found := _overlay_with(one, instead)) is not None)
    return ScheduleDraft(**fields, fallback=fallback, overlays=overlays)


def _overlay_with(overlay: OverlayDraft, instead: Instead) -> OverlayDraft | None:
    if not isinstance(overlay, LogoDraft):
        return overlay
    media = instead.get(overlay.media, overlay.media)
    return None if media is None else overlay.model_copy(update={"media": media})
