"""What entries of the audit log say: which kind of thing changed, and what was done to it. Codes are never renamed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ThingKind(StrEnum):
    """What changes. A schedule has the id of its channel."""

    PLAYLIST = "playlist"
    SCHEDULE = "schedule"
    CAMPAIGN = "campaign"
    MEDIA = "media"  # a stream, too
    FOLDER = "folder"  # of media


class Action(StrEnum):
    """What is done to a thing."""

    CREATED = "created"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class AuditedChange:
    """One change of one thing.

    What has versions says which one was before and which is after. Of anything else `before` and `after` have the
    fields that changed, as JSON; never a secret.
    """

    kind: ThingKind
    id: str
    name: str
    action: Action
    version_before: int | None = None
    version_after: int | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
