"""Campaigns, as sent and as stored: lines and creatives."""

from typing import Annotated

from pydantic import AfterValidator, FailFast, Field, StringConstraints, field_validator

from sync.origin.planning.billable_rule import DEFAULT_RULE, BillableRule
from sync.origin.planning.plan_fields import (
    MAX_CREATIVES,
    MAX_LINES,
    MAX_WINDOWS,
    Document,
    Draft,
    End,
    MediaUse,
    not_empty,
)
from sync.origin.planning.schedules import WindowDraft
from sync.wire.release import WholeShare
from sync.wire.value_types import Identifier, Instant, Name, Request
from sync.words.sentences import Told


class CreativeDraft(MediaUse):
    """What a line shows."""


class LineDraft(Request):
    """One deliverable of a campaign; for `share_ppm` and the gaps see `sync.wire.release.Line`."""

    id: Identifier | None = None
    name: Name
    creatives: Annotated[
        tuple[CreativeDraft, ...], FailFast(), AfterValidator(not_empty), Field(max_length=MAX_CREATIVES)
    ]
    category: Annotated[str, StringConstraints(max_length=64, strip_whitespace=True)] = ""
    share_ppm: Annotated[int, Field(ge=1, le=WholeShare)] | None = None
    weight: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    windows: Annotated[tuple[WindowDraft, ...], FailFast(), Field(max_length=MAX_WINDOWS)] = ()
    category_gap: Annotated[int, Field(ge=0, le=100)] = 1
    advertiser_gap: Annotated[int, Field(ge=0, le=100)] = 1
    billable_rule: BillableRule = DEFAULT_RULE


class CampaignDraft(Draft):
    """An advertiser's booking as a person sends it; without a channel it runs on all of them.

    `warnings` say in the answer to a change what it cannot get; what is sent of them is ignored.
    `warnings_told` has their codes and values, in the same order.
    """

    name: Name
    advertiser: Name
    channel: Identifier | None = None
    starts_at: Instant
    ends_at: End
    lines: Annotated[tuple[LineDraft, ...], FailFast(), AfterValidator(not_empty), Field(max_length=MAX_LINES)]
    warnings: tuple[str, ...] = ()
    warnings_told: tuple[Told, ...] = ()

    @field_validator("lines")
    @classmethod
    def _within_all_slots(cls, lines: tuple[LineDraft, ...]) -> tuple[LineDraft, ...]:
        if sum(line.share_ppm or 0 for line in lines) > WholeShare:
            raise ValueError(f"all shares together are more than all ad slots ({WholeShare} ppm)")
        return lines


class StoredCampaign(CampaignDraft, Document):
    """A campaign as it is stored."""


class OutlinedLine(LineDraft):
    """A line for which nobody has chosen creatives yet."""

    creatives: Annotated[tuple[CreativeDraft, ...], FailFast(), Field(max_length=MAX_CREATIVES)] = ()


class OutlinedCampaign(CampaignDraft):
    """A booking while somebody types it: its lines may be without creatives."""

    lines: Annotated[tuple[OutlinedLine, ...], FailFast(), AfterValidator(not_empty), Field(max_length=MAX_LINES)]
