"""How two versions of a playlist, schedule or campaign differ: part by part, by the ids of the parts. Pure.

A version is the document as it was sent, as JSON, with the ids that its parts got: what `document_versions` keeps.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sync.origin.audit.changes import ThingKind


class DifferenceKind(StrEnum):
    """How a part differs."""

    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"  # to another place among its neighbours
    CHANGED = "changed"  # in its fields


@dataclass(frozen=True, slots=True)
class PartRule:
    """A list of parts in a document: its field, what one is called, which field names it, and the lists in each."""

    field: str
    part: str
    named_by: str
    inner: tuple["PartRule", ...] = ()


PARTS: Mapping[ThingKind, tuple[PartRule, ...]] = {
    ThingKind.PLAYLIST: (PartRule("items", "item", "title"),),
    ThingKind.SCHEDULE: (PartRule("dayparts", "daypart", "name"), PartRule("overlays", "overlay", "text")),
    ThingKind.CAMPAIGN: (PartRule("lines", "line", "name", (PartRule("creatives", "creative", "title"),)),),
}
"""The parts of each kind of document."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One part that differs, or the document itself: then `part` is empty.

    `within` is the part that has it, such as the line of a creative. `name` is empty where the part has none of its
    own: then it is that of its `media`. `place` is its index in its list before and after, None where it is not there.
    `fields` has the values before and after of each field that changed; of a part that was added or removed all of
    them, with None on the other side. A part that was moved and changed has two differences.
    """

    kind: DifferenceKind
    part: str = ""
    id: str = ""
    name: str = ""
    within: str = ""
    media: str = ""
    place: tuple[int | None, int | None] = (None, None)
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


def differences(kind: ThingKind, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return how `after` differs from `before`: first its own fields, then part by part in the order of the document.

    What was removed comes after what is there. No parts at all before: all were added.
    """
    rules = PARTS[kind]
    own = _changed_fields(before, after, rules)
    head = (Difference(DifferenceKind.CHANGED, fields=own),) if own else ()
    return head + tuple(_of_parts(rules, before, after, ""))


def _of_parts(
    rules: Sequence[PartRule], before: Mapping[str, Any], after: Mapping[str, Any], within: str
) -> Iterator[Difference]:
    for rule in rules:
        yield from _of_list(rule, before.get(rule.field) or (), after.get(rule.field) or (), within)


def _of_list(
    rule: PartRule, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], within: str
) -> Iterator[Difference]:
    old, new = ({one["id"]: (place, one) for place, one in enumerate(parts)} for parts in (before, after))
    moved = moved_places([old[id][0] for id in new if id in old])
    for id, (place, part) in new.items():
        if id not in old:
            fields = {name: (None, value) for name, value in _own_fields(part, rule.inner).items()}
            yield _difference(DifferenceKind.ADDED, rule, part, within, (None, place), fields)
        else:
            yield from _of_part(rule, old[id], (place, part), within, is_moved=old[id][0] in moved)
    for id, (place, part) in old.items():
        if id not in new:
            fields = {name: (value, None) for name, value in _own_fields(part, rule.inner).items()}
            yield _difference(DifferenceKind.REMOVED, rule, part, within, (place, None), fields)


def _of_part(
    rule: PartRule,
    old: tuple[int, Mapping[str, Any]],
    new: tuple[int, Mapping[str, Any]],
    within: str,
    *,
    is_moved: bool,
) -> Iterator[Difference]:
    (old_place, before), (new_place, after) = old, new
    place = (old_place, new_place)
    if is_moved:
        yield _difference(DifferenceKind.MOVED, rule, after, within, place)
    if fields := _changed_fields(before, after, rule.inner):
        yield _difference(DifferenceKind.CHANGED, rule, after, within, place, fields)
    yield from _of_parts(rule.inner, before, after, after["id"])


def _name(rule: PartRule, part: Mapping[str, Any]) -> str:
    return str(part.get(rule.named_by) or part.get("kind") or "")


def _difference(
    kind: DifferenceKind,
    rule: PartRule,
    part: Mapping[str, Any],
    within: str,
    place: tuple[int | None, int | None],
    fields: Mapping[str, tuple[Any, Any]] | None = None,
) -> Difference:
    name, media = _name(rule, part), part.get("media") or ""
    return Difference(kind, rule.part, part["id"], name, within, media, place, fields or {})


def _own_fields(document: Mapping[str, Any], rules: Sequence[PartRule]) -> dict[str, Any]:
    lists = {rule.field for rule in rules}
    return {name: value for name, value in document.items() if name not in lists and name != "id"}


def _changed_fields(
    before: Mapping[str, Any], after: Mapping[str, Any], rules: Sequence[PartRule]
) -> dict[str, tuple[Any, Any]]:
    old, new = _own_fields(before, rules), _own_fields(after, rules)
    names = [*new, *(name for name in old if name not in new)]
    return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}


def moved_places(places: Sequence[int]) -> set[int]:
    """Return the fewest of these different places that have to be taken out for the others to be in order."""
    ends, previous = list[int](), dict[int, int]()
    for place in places:
        length = bisect_left(ends, place)
        ends[length : length + 1] = [place]
        if length:
            previous[place] = ends[length - 1]
    kept, last = set[int](), ends[-1] if ends else None
    while last is not None:
        kept.add(last)
        last = previous.get(last)
    return set(places) - kept
