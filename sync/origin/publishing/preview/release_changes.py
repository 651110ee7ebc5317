"""Pure: what a release changes of the one before it, document by document and part by part, by name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync.origin.audit.changes import ThingKind
from sync.origin.audit.differences import Difference, DifferenceKind, differences
from sync.wire.release import Campaign, Playlist, Release
from sync.words.release_changes import RELEASE_CHANGES

_IS_OVER = "over"


@dataclass(frozen=True, slots=True)
class ReleaseChange:
    """One difference of a document: `kind`, `id` and `name` are those of the document. `is_over`: its end has come."""

    kind: ThingKind
    id: str
    name: str
    difference: Difference
    is_over: bool = False

    @property
    def text(self) -> str:
        """The change as an English sentence of `RELEASE_CHANGES`."""
        one = self.difference
        way = _IS_OVER if self.is_over else one.kind.value
        code = f"{'part' if one.part else 'document'}_{way}"
        fields = ", ".join(one.fields)
        return RELEASE_CHANGES.say(
            code, kind=self.kind.value, document=self.name, part=one.part, name=one.name, fields=fields
        )


def release_changes(before: Release | None, after: Release, now: datetime) -> Iterator[ReleaseChange]:
    """Yield what `after` changes: of the schedule with the settings of the channel, of playlists, then of campaigns.

    A playlist or campaign that is new, or not there any more, is one change.
    """
    if before is not None:
        old, new = _schedule(before), _schedule(after)
        for one in differences(ThingKind.SCHEDULE, old, new):
            yield _change(ThingKind.SCHEDULE, after.channel, after.channel, one, now)
    yield from _of_documents(ThingKind.PLAYLIST, before.playlists if before else (), after.playlists, now)
    yield from _of_documents(ThingKind.CAMPAIGN, before.campaigns if before else (), after.campaigns, now)


def _schedule(release: Release) -> dict[str, Any]:
    fields = {"zone", "default_playlist", "dayparts", "break_rule", "fallback", "overlays"}
    return release.model_dump(mode="json", include=fields)


def _of_documents(
    kind: ThingKind,
    before: Sequence[Playlist] | Sequence[Campaign],
    after: Sequence[Playlist] | Sequence[Campaign],
    now: datetime,
) -> Iterator[ReleaseChange]:
    old: Mapping[str, Playlist | Campaign] = {one.id: one for one in before}
    new = {one.id for one in after}
    for one in after:
        if one.id not in old:
            yield ReleaseChange(kind, one.id, one.name, Difference(DifferenceKind.ADDED))
        elif old[one.id] != one:
            found = differences(kind, old[one.id].model_dump(mode="json"), one.model_dump(mode="json"))
            yield from (_change(kind, one.id, one.name, each, now) for each in found)
    for gone in before:
        if gone.id not in new:
            over = isinstance(gone, Campaign) and gone.ends_at <= now
            yield ReleaseChange(kind, gone.id, gone.name, Difference(DifferenceKind.REMOVED), over)


def _change(kind: ThingKind, id: str, name: str, difference: Difference, now: datetime) -> ReleaseChange:
    ends, _ = difference.fields.get("ends_at", (None, None))
    removed = difference.kind is DifferenceKind.REMOVED
    return ReleaseChange(
        kind, id, name, difference, removed and ends is not None and datetime.fromisoformat(ends) <= now
    )
