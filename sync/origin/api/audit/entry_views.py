"""Entries of the audit log as the API answers them: codes with named fields, and a sentence."""

from typing import Any, Literal

from sync.origin.api.lists import ListPage
from sync.origin.audit.differences import Difference
from sync.origin.audit.sentences import sentence
from sync.origin.store.audit.audit_log import AuditEntry
from sync.runtime.clock import instant
from sync.wire.value_types import Instant, Wire


class ActorView(Wire):
    """Who did it, and from which address; empty: not known. `command line`: on the machine of the origin."""

    kind: Literal["person", "key", "device", "command line", "origin", "unknown"]
    id: str
    name: str
    address: str


class FieldView(Wire):
    """A field that changed; None: it was not set, or the part was not there."""

    before: Any = None
    after: Any = None


class DifferenceView(Wire):
    """A part that differs, such as an item, by its id; without a `part` it is the document itself.

    `code` is part and way (`item.added`, `item.moved`, `changed`). `within`: the line of a creative. `place_before` and
    `place_after` count from 0 in the list of the part.
    """

    code: str
    part: str
    id: str
    name: str
    within: str
    media: str
    place_before: int | None
    place_after: int | None
    fields: dict[str, FieldView]


class AuditEntryView(Wire):
    """One change of one thing. `code` is its kind and action (`playlist.changed`), `text` the same as a sentence.

    What has versions names those before and after; of anything else `before` and `after` have the fields that changed.
    """

    id: int
    at: Instant
    code: str
    kind: str
    action: str
    thing: str
    name: str
    actor: ActorView
    version_before: int | None
    version_after: int | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    text: str


class HistoryEntryView(AuditEntryView):
    """The same with how the two versions differ: the first 200 parts, and how many more there are.

    None: there are not two versions to compare, or one of them is not kept any more.
    """

    differences: tuple[DifferenceView, ...] | None
    more: int


class AuditPage(ListPage):
    """Changes, newest first."""

    entries: tuple[AuditEntryView, ...]


class ThingHistory(ListPage):
    """Changes of one thing, newest first."""

    history: tuple[HistoryEntryView, ...]


def entry_view(entry: AuditEntry) -> AuditEntryView:
    """Return an entry as it is answered."""
    return AuditEntryView(**_fields(entry))


def history_view(entry: AuditEntry) -> HistoryEntryView:
    """Return an entry of the history of a thing as it is answered."""
    shown = None if entry.differs is None else tuple(map(difference_view, entry.differs))
    return HistoryEntryView(**_fields(entry), differences=shown, more=entry.more)


def _fields(entry: AuditEntry) -> dict[str, Any]:
    change, actor = entry.change, entry.actor
    return {
        "id": entry.id,
        "at": instant(entry.at_ms),
        "code": f"{change.kind}.{change.action}".replace(" ", "_"),
        "kind": change.kind.value,
        "action": change.action.value,
        "thing": change.id,
        "name": change.name,
        "actor": ActorView(kind=actor.kind.value, id=actor.id, name=actor.name, address=actor.address),
        "version_before": change.version_before,
        "version_after": change.version_after,
        "before": change.before,
        "after": change.after,
        "text": sentence(actor, change.kind, change.name, change.action, entry.differs or (), entry.more),
    }


def difference_view(one: Difference) -> DifferenceView:
    """Return a difference as it is told."""
    return DifferenceView(
        code=f"{one.part}.{one.kind}" if one.part else one.kind.value,
        part=one.part,
        id=one.id,
        name=one.name,
        within=one.within,
        media=one.media,
        place_before=one.place[0],
        place_after=one.place[1],
        fields={name: FieldView(before=before, after=after) for name, (before, after) in one.fields.items()},
    )
