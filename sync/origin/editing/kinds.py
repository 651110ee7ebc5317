"""The structures of the documents that are edited, and the models of what a person sends about each. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel

from sync.origin.editing.parts import Body, Structure
from sync.origin.editing.requests import EditsIn, ListModels, edits_model, partial
from sync.origin.planning.campaigns import CampaignDraft, CreativeDraft, LineDraft
from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.planning.schedules import BreakDraft, DaypartDraft, LogoDraft, OverlayDraft, ScheduleDraft, TickerDraft

Draft = TypeVar("Draft", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class EditedKind(Generic[Draft]):
    """A kind of document: its structure, what a person sends of the whole of it, and of edits."""

    structure: Structure
    draft: type[Draft]
    edits: type[EditsIn]


def _always(model: type[BaseModel], lists: Mapping[str, Structure] | None = None, *inner: str) -> Structure:
    return Structure(lambda _: model, lists or {}, frozenset(inner))


def _overlay_model(body: Body) -> type[BaseModel]:
    return LogoDraft if body.get("kind") == "logo" else TickerDraft


_PLAYLIST = _always(PlaylistDraft, {"items": _always(PlaylistItem)})
_SCHEDULE = _always(
    ScheduleDraft, {"dayparts": _always(DaypartDraft), "overlays": Structure(_overlay_model)}, "break_rule"
)
_CAMPAIGN = _always(CampaignDraft, {"lines": _always(LineDraft, {"creatives": _always(CreativeDraft)})})

_ITEMS = ListModels("items", PlaylistItem, partial("ItemFields", PlaylistItem))
_DAYPARTS = ListModels("dayparts", DaypartDraft, partial("DaypartFields", DaypartDraft))
_OVERLAYS = ListModels("overlays", OverlayDraft, partial("OverlayFields", TickerDraft, LogoDraft))
_LINES = ListModels("lines", LineDraft, partial("LineFields", LineDraft))
_CREATIVES = ListModels("creatives", CreativeDraft, partial("CreativeFields", CreativeDraft), owned=True)

_PLAYLIST_FIELDS = partial("PlaylistFields", PlaylistDraft)
_SCHEDULE_FIELDS = partial("ScheduleFields", ScheduleDraft, break_rule=partial("BreakFields", BreakDraft))
_CAMPAIGN_FIELDS = partial("CampaignFields", CampaignDraft)

PLAYLIST_EDITS = EditedKind(_PLAYLIST, PlaylistDraft, edits_model("Playlist", _PLAYLIST_FIELDS, _ITEMS))
SCHEDULE_EDITS = EditedKind(_SCHEDULE, ScheduleDraft, edits_model("Schedule", _SCHEDULE_FIELDS, _DAYPARTS, _OVERLAYS))
CAMPAIGN_EDITS = EditedKind(_CAMPAIGN, CampaignDraft, edits_model("Campaign", _CAMPAIGN_FIELDS, _LINES, _CREATIVES))
