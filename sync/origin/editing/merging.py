"""Merges what two people made of one document, each from the version that they saw. Pure.

People who change different parts, or different fields of one part, never clash. What both changed alike is no clash
either. Where it is one, the merge has what the others made of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from sync.origin.editing.orders import merged_order, moved, predecessors
from sync.origin.editing.parts import WHOLE, Body, Part, PartList, Parts

PLACE = "place"
"""The field that a clash names where both moved a part; its values are the ids of the parts behind which it stands."""


@dataclass(frozen=True, slots=True)
class FieldClash:
    """What two people made of a field of a part: `seen` before, `theirs` and `yours`.

    Without a field it is the part itself that one of them took out, and the other one changed: its values are its
    fields, None where it is not there.
    """

    part: Part
    field: str | None
    seen: Any
    theirs: Any
    yours: Any


@dataclass(frozen=True, slots=True)
class Merge:
    """Both changes together, as far as they agree, and where they do not."""

    parts: Parts
    clashes: tuple[FieldClash, ...]


def merge(seen: Parts, yours: Parts, theirs: Parts, placed: Set[Part] = frozenset()) -> Merge:
    """Return what you and others made of the document that you saw; `placed` are parts that you moved on purpose."""
    sides = _Sides(seen, yours, theirs)
    clashes: list[FieldClash] = []
    fields: dict[Part, Body] = {}
    for part in dict.fromkeys((*theirs.fields, *yours.fields)):
        found, clashing = sides.fields_of(part)
        clashes += clashing
        if found is not None:
            fields[part] = found
    owners = sides.owners_of(fields, clashes)
    orders = {place: sides.order_of(place, owners, placed, clashes) for place in sides.lists() if place.owner in fields}
    return Merge(Parts(fields, orders), tuple(clashes))


class _Sides:
    """What was seen of a document, and what you and others made of it."""

    def __init__(self, seen: Parts, yours: Parts, theirs: Parts) -> None:
        self._seen, self._yours, self._theirs = seen, yours, theirs
        self._owners = (seen.owners(), yours.owners(), theirs.owners())

    def lists(self) -> Iterator[PartList]:
        yield from dict.fromkeys((*self._theirs.orders, *self._yours.orders))

    def fields_of(self, part: Part) -> tuple[Body | None, list[FieldClash]]:
        """Return the fields that a part has now, None if it is gone, and where both sides differ."""
        seen, yours, theirs = (one.fields.get(part) for one in (self._seen, self._yours, self._theirs))
        if yours == theirs:
            return theirs, []
        if yours is not None and theirs is not None:
            return _merged_fields(part, seen or {}, yours, theirs)
        if seen is None:  # one of both added it
            return theirs if yours is None else yours, []
        seen_owner, _, their_owner = (owners.get(part) for owners in self._owners)
        is_unwanted = theirs == seen and their_owner == seen_owner if yours is None else yours == seen
        return (None, []) if is_unwanted else (theirs, [FieldClash(part, None, seen, theirs, yours)])

    def owners_of(self, fields: Mapping[Part, Body], clashes: list[FieldClash]) -> Mapping[Part, Part]:
        """Return to which part each part belongs now; note what is in a part that one side took out."""
        found: dict[Part, Part] = {}
        known = {clash.part for clash in clashes}
        for part in fields:
            if part == WHOLE:
                continue
            seen, yours, theirs = (owners.get(part) for owners in self._owners)
            owner = theirs if yours in (seen, None, theirs) or theirs not in (seen, None) else yours
            if len({seen, yours, theirs} - {None}) == 3:
                clashes.append(FieldClash(part, "in", *(one and one.id for one in (seen, theirs, yours))))
            assert owner is not None, "each part that is there is in a list of one side"
            found[part] = owner
            if owner not in fields and owner not in known:
                known.add(owner)
                sides = (one.fields.get(owner) for one in (self._seen, self._theirs, self._yours))
                clashes.append(FieldClash(owner, None, *sides))
        return found

    def order_of(
        self, place: PartList, owners: Mapping[Part, Part], on_purpose: Set[Part], clashes: list[FieldClash]
    ) -> tuple[str, ...]:
        """Return the order of a list now; note what both sides moved to different places."""
        seen, yours, theirs = (one.orders.get(place, ()) for one in (self._seen, self._yours, self._theirs))
        gone = {id for id in theirs if owners.get(Part(place.name, id)) != place.owner}
        if yours == seen:
            return tuple(id for id in theirs if id not in gone)
        purposely = {id for id in yours if Part(place.name, id) in on_purpose}
        here = {id for id in yours if owners.get(Part(place.name, id)) == place.owner}
        by_you = (purposely & set(seen) | moved(_without(seen, purposely), _without(yours, purposely))) & here
        by_both = by_you & moved(seen, theirs)
        steady = set(theirs) & here & set(seen) - by_you - moved(seen, theirs)
        yours_behind, theirs_behind, seen_behind = (predecessors(ids, steady) for ids in (yours, theirs, seen))
        for id in sorted(by_both):
            if yours_behind[id] != theirs_behind[id]:
                values = (seen_behind[id], theirs_behind[id], yours_behind[id])
                clashes.append(FieldClash(Part(place.name, id), PLACE, *values))
        placed = (by_you - by_both) | (here - set(seen) - set(theirs))
        return tuple(merged_order(yours, theirs, placed, gone))


def _merged_fields(part: Part, seen: Body, yours: Body, theirs: Body) -> tuple[Body, list[FieldClash]]:
    """Return the fields of a part that both have, each by whoever changed it, and those that both changed."""
    found, clashes = dict(theirs), list[FieldClash]()
    for name, value in yours.items():
        before, other = seen.get(name), theirs.get(name)
        if value == other or (seen and value == before):
            continue
        if seen and other == before:
            found[name] = value
        else:
            clashes.append(FieldClash(part, name, before, other, value))
    return found, clashes


def _without(ids: Iterable[str], left_out: Set[str]) -> list[str]:
    return [id for id in ids if id not in left_out]
