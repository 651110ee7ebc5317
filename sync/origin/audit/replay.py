"""What the audit log makes of each thing when its entries are replayed from the first to the last. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sync.origin.audit.changes import Action, AuditedChange, ThingKind

Thing = tuple[ThingKind, str]


@dataclass(slots=True)
class Replayed:
    """One thing after all its entries.

    `versions` are those it had since it was made, in order; `gaps` are sentences about entries that do not follow each
    other.
    """

    name: str = ""
    is_there: bool = True
    versions: list[int] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


def replay(changes: Iterable[AuditedChange]) -> Mapping[Thing, Replayed]:
    """Return what these entries, oldest first, make of each thing; what came before the first one is not known."""
    things: dict[Thing, Replayed] = {}
    for change in changes:
        if change.action is Action.CREATED or (change.kind, change.id) not in things:
            things[change.kind, change.id] = Replayed()
        _apply(things[change.kind, change.id], change)
    return things


def _apply(thing: Replayed, change: AuditedChange) -> None:
    thing.name, thing.is_there = change.name, change.action is not Action.REMOVED
    before, after = change.version_before, change.version_after
    if before is not None and before not in thing.versions[-1:]:
        if thing.versions:
            thing.gaps.append(f"version {before} was changed, and the one before that is {thing.versions[-1]}")
        thing.versions.append(before)
    if after is not None:
        thing.versions.append(after)
