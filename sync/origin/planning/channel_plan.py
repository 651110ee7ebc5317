"""The whole plan of a channel, as it is compiled into a release, and the record of a published release."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sync.origin.planning.campaigns import StoredCampaign
from sync.origin.planning.plan_fields import MediaFact
from sync.origin.planning.playlists import StoredPlaylist
from sync.origin.planning.schedules import StoredSchedule


@dataclass(frozen=True, slots=True)
class WaitingDraft:
    """A draft that no release has yet; `ready_version` is what has gone out or can, None: it was never ready."""

    kind: str  # playlist, schedule or campaign; a schedule has the id and name of its channel
    id: str
    name: str
    version: int
    ready_version: int | None


@dataclass(frozen=True, slots=True)
class ChannelPlan:
    """Everything a release of one channel is made from, read at one moment.

    `fallback` has the facts about the fallback media, `logos` about the media of logos, by id. `left_out` are the
    drafts of what it is made of, `never` those that it needs all the same, for they were never ready. What is told of
    it names of campaigns `seen_campaigns` only; None: all.
    """

    schedule: StoredSchedule
    playlists: tuple[StoredPlaylist, ...]
    campaigns: tuple[StoredCampaign, ...]
    fallback: MediaFact | None
    logos: Mapping[str, MediaFact] = field(default_factory=dict)
    left_out: tuple[WaitingDraft, ...] = ()
    never: tuple[WaitingDraft, ...] = ()
    seen_campaigns: frozenset[str] | None = None

    @property
    def has_hidden(self) -> bool:
        """Whether there is a campaign in it of which nothing is told."""
        return self.seen_campaigns is not None and not self.seen_campaigns.issuperset(one.id for one in self.campaigns)

    def is_seen(self, campaign: str) -> bool:
        """Return whether something is told of a campaign."""
        return self.seen_campaigns is None or campaign in self.seen_campaigns


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """One release that was published; `asset_bytes` is what a device without any content downloads for it.

    `again`: the earlier release that came back in it. `pinned`: a person wants its files kept. `publication`: the
    planned one that made it.
    """

    channel: str
    sequence: int
    sha256: str
    size_bytes: int
    created_ms: int
    items: int
    ads: int
    asset_bytes: int
    note: str | None
    again: int | None = None
    pinned: bool = False
    publication: str | None = None
