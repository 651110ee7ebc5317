"""Makes the drafts of playlist, schedule and campaigns from the plan of a folder, as pure functions.

What is stored keeps its ids: the items of a playlist by their media, the dayparts by their name, a line and its
creatives by the name of the campaign. What the plan does not mention stays as it was.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from sync.errors import Rejected
from sync.origin.planning.billable_rule import DEFAULT_RULE
from sync.origin.planning.campaigns import CampaignDraft, CreativeDraft, LineDraft, StoredCampaign
from sync.origin.planning.file_names import same_name, shown_name
from sync.origin.planning.folder_plan import FileEntry, FolderAd, FolderLogo, FolderPlan
from sync.origin.planning.plan_fields import MediaUse
from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem, StoredPlaylist
from sync.origin.planning.schedules import (
    DaypartDraft,
    LogoDraft,
    OverlayDraft,
    ScheduleDraft,
    StoredSchedule,
    TickerDraft,
)
from sync.wire.input.input_messages import one_line, rejected

_FAR_AHEAD = datetime(2100, 1, 1, tzinfo=UTC)

Draft = TypeVar("Draft", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class FolderMedia:
    """The media of a file or stream of the folder; `picture`: it has no end of its own."""

    id: str
    name: str
    picture: bool


MediaByName = Mapping[str, FolderMedia]
"""The media of each file and stream, by its name or address as it stands in the plan."""


def check_drafts(
    channel: str, name: str, plan: FolderPlan, campaigns: Mapping[str, StoredCampaign], now: datetime
) -> None:
    """Check all that can be checked before the media are there, so that nothing is taken in for a wrong plan.

    `campaigns` are those that the ads would change, by `same_name` of their name.

    Raises:
        Rejected: a draft would be wrong.
    """
    entries = [entry.file_or_url for _, entry in plan.entries()] + [file for _, file in plan.named_files()]
    unknown = {key: FolderMedia(id="0", name=key, picture=True) for key in entries}
    playlist_draft(name, plan, unknown, None)
    schedule_draft(plan, "0", unknown, None)
    for ad in plan.ads:
        campaign_draft(channel, ad, plan, unknown, campaigns.get(same_name(ad.name)), now)


def playlist_draft(name: str, plan: FolderPlan, media: MediaByName, stored: StoredPlaylist | None) -> PlaylistDraft:
    """Return the playlist of the folder.

    Raises:
        Rejected: it would be wrong.
    """
    spare: dict[str, list[str]] = {}
    for item in stored.items if stored is not None else ():
        spare.setdefault(item.media, []).append(item.id or "")

    def make() -> PlaylistDraft:
        return PlaylistDraft(name=name, items=tuple(_items(plan, media, spare)))

    return _checked("the playlist", PlaylistDraft, make)


def _items(plan: FolderPlan, media: MediaByName, spare: Mapping[str, list[str]]) -> Iterator[PlaylistItem]:
    for entry in plan.items or ():
        ids = spare.get(media[entry.file_or_url].id, [])
        own = _media_use(entry, plan, media).model_copy(update={"id": ids.pop(0) if ids else None})
        extra = entry.model_dump(include={"loop", "at_end", "starts_at", "ends_at", "ends_with_budget"})
        yield PlaylistItem(**own.model_dump(), **extra)


def schedule_draft(plan: FolderPlan, playlist: str, media: MediaByName, stored: StoredSchedule | None) -> ScheduleDraft:
    """Return the channel's schedule with this folder's part.

    Raises:
        Rejected: it would be wrong.
    """
    before = ScheduleDraft() if stored is None else draft_of(stored)
    return _checked("the schedule", ScheduleDraft, lambda: _schedule(plan, playlist, media, before))


def draft_of(stored: StoredSchedule) -> ScheduleDraft:
    """Return a stored schedule as the draft that would leave it as it is."""
    return ScheduleDraft(**{name: getattr(stored, name) for name in ScheduleDraft.model_fields})


def _schedule(plan: FolderPlan, playlist: str, media: MediaByName, before: ScheduleDraft) -> ScheduleDraft:
    own = [part for part in before.dayparts if part.playlist == playlist]
    ids = {part.name: part.id for part in own}
    parts = [
        DaypartDraft(id=ids.pop(part.name, None), playlist=playlist, **part.model_dump()) for part in plan.dayparts
    ]
    by_default = plan.default if plan.default is not None else not plan.dayparts
    left = None if before.default_playlist == playlist else before.default_playlist
    return ScheduleDraft(
        zone=plan.zone or before.zone,
        default_playlist=playlist if by_default else left,
        break_rule=plan.break_rule or before.break_rule,
        fallback=before.fallback if plan.fallback is None else media[plan.fallback].id,
        dayparts=(*(part for part in before.dayparts if part.playlist != playlist), *parts),
        overlays=before.overlays if plan.overlays is None else tuple(_overlays(plan, media, before)),
    )


def _overlays(plan: FolderPlan, media: MediaByName, before: ScheduleDraft) -> Iterator[OverlayDraft]:
    """Yield the plan's overlays. The first ticker keeps the id of the first ticker before, and so on."""
    ids = {kind: [one.id for one in before.overlays if one.kind == kind] for kind in ("ticker", "logo")}
    for overlay in plan.overlays or ():
        own = ids[overlay.kind].pop(0) if ids[overlay.kind] else None
        if isinstance(overlay, FolderLogo):
            yield LogoDraft(id=own, media=media[overlay.file].id, **overlay.model_dump(exclude={"file"}))
        else:
            yield TickerDraft(id=own, **overlay.model_dump())


def campaign_draft(
    channel: str, ad: FolderAd, plan: FolderPlan, media: MediaByName, stored: StoredCampaign | None, now: datetime
) -> CampaignDraft:
    """Return the ad as a campaign with one line.

    Raises:
        Rejected: it would be wrong; it ends before it starts, for example.
    """
    ids = {} if stored is None else {creative.media: creative.id for creative in stored.lines[0].creatives}
    line_id = None if stored is None else stored.lines[0].id
    rule = DEFAULT_RULE if stored is None else stored.lines[0].billable_rule  # set by a person: a folder has none
    terms = ad.model_dump(include={"category", "share_ppm", "weight", "windows", "category_gap", "advertiser_gap"})

    def make() -> CampaignDraft:
        uses = (_media_use(creative, plan, media) for creative in ad.creatives)
        own = tuple(CreativeDraft(**one.model_dump(exclude={"id"}), id=ids.pop(one.media, None)) for one in uses)
        return CampaignDraft(
            name=ad.name,
            advertiser=ad.advertiser,
            channel=channel,
            starts_at=ad.starts_at or (now if stored is None else stored.starts_at),
            ends_at=ad.ends_at or _FAR_AHEAD,
            lines=(LineDraft(id=line_id, name=ad.name, creatives=own, billable_rule=rule, **terms),),
        )

    return _checked(f"the ad {ad.name}", CampaignDraft, make)


def _media_use(entry: FileEntry, plan: FolderPlan, media: MediaByName) -> MediaUse:
    known = media[entry.file_or_url]
    title = entry.title or shown_name(known.name if entry.file is None else PurePath(entry.file).stem)
    return MediaUse(
        media=known.id,
        title=None if title == known.name else title,  # as it is stored
        duration_ms=entry.duration_ms or (plan.duration_ms if known.picture else None),
        fit=entry.fit or plan.fit,
        background=entry.background or plan.background,
        volume=plan.volume if entry.volume is None else entry.volume,
    )


def _checked(what: str, model: type[Draft], make: Callable[[], Draft]) -> Draft:
    try:
        return make()
    except ValidationError as error:
        wrong = rejected(error, model)
        raise Rejected(f"{what} of this folder would be wrong: {one_line(wrong)}", fields=wrong.fields) from error
