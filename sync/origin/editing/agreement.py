"""What two people who clash agree on: each other difference from what was seen, and who made it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sync.origin.editing.merging import Merge
from sync.origin.editing.parts import Part, Parts


class Side(StrEnum):
    """Who made a difference."""

    YOURS = "yours"
    THEIRS = "theirs"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Agreement:
    """A difference from what was seen; without a field the part itself, None where it is not there."""

    part: Part
    field: str | None
    seen: Any
    value: Any
    by: Side


def agreements(seen: Parts, yours: Parts, theirs: Parts, merge: Merge) -> Iterator[Agreement]:
    """Yield what both changes agree on. Where parts stand in their lists is left out."""
    clashing = {(clash.part, clash.field) for clash in merge.clashes}
    for part in dict.fromkeys((*seen.fields, *merge.parts.fields)):
        before, now = seen.fields.get(part), merge.parts.fields.get(part)
        if before == now or (part, None) in clashing:
            continue
        if before is None or now is None:
            yield Agreement(part, None, before, now, _side(yours.fields.get(part), theirs.fields.get(part), before))
            continue
        own, other = yours.fields.get(part, before), theirs.fields.get(part, before)
        for name, value in now.items():
            if value != before.get(name) and (part, name) not in clashing:
                by = _side(own.get(name), other.get(name), before.get(name))
                yield Agreement(part, name, before.get(name), value, by)


def _side(yours: Any, theirs: Any, seen: Any) -> Side:
    if yours == theirs:
        return Side.BOTH
    return Side.THEIRS if yours == seen else Side.YOURS
