"""What a person changes of a document: edits as values, and what they make of it. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sync.errors import Rejected
from sync.origin.editing.parts import WHOLE, Body, Part, PartList, Parts, Structure, own_fields
from sync.origin.planning.plan_fields import MAX_ITEMS


@dataclass(frozen=True, slots=True)
class Place:
    """Where parts go in their list: first, last, or directly behind one of them."""

    at: Literal["first", "last"] | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class SetFields:
    """Give these fields of each of these parts new values; without a list and ids: of the document itself."""

    fields: Body
    list: str = WHOLE.list
    ids: tuple[str, ...] = (WHOLE.id,)


@dataclass(frozen=True, slots=True)
class Add:
    """Add parts; `owner` is the id of the part whose list it is, None: that of the document."""

    list: str
    bodies: tuple[Body, ...]
    place: Place
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove parts, with all that is in them."""

    list: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """Move parts, which keep the order that they have among themselves; `owner` None: within their lists."""

    list: str
    ids: tuple[str, ...]
    place: Place
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Add a copy of each of these parts; without a place, behind the last one of them."""

    list: str
    ids: tuple[str, ...]
    place: Place = Place()
    owner: str | None = None


Edit = SetFields | Add | Remove | Move | Duplicate

MOST_PARTS = 5 * MAX_ITEMS
"""The most parts of a document while it is edited: more than any has, and few enough to be held in memory."""


@dataclass(frozen=True, slots=True)
class Edited:
    """What edits made of a document: its parts, those that were placed on purpose, and for each edit what it added."""

    parts: Parts
    moved: frozenset[Part]
    added: tuple[tuple[str, ...], ...]


def apply(structure: Structure, parts: Parts, edits: Sequence[Edit], new_id: Callable[[], str]) -> Edited:
    """Return what these edits make of a document, one after the other; `new_id` names what they add.

    Raises:
        Rejected: an edit names something that is not there; `fields` has which edit, and why.
    """
    bench = _Workbench(dict(structure.of_lists()), parts, new_id)
    added: list[tuple[str, ...]] = []
    for number, edit in enumerate(edits):
        bench.path = f"edits.{number}"
        added.append(tuple(bench.carry_out(edit)))
    return Edited(bench.result(), frozenset(bench.moved), tuple(added))


@dataclass(slots=True)
class _Workbench:
    """A document while it is edited."""

    structures: Mapping[str, Structure]
    before: Parts
    new_id: Callable[[], str]
    path: str = ""  # of the edit that is carried out
    moved: set[Part] = field(default_factory=set)
    fields: dict[Part, Body] = field(init=False)
    orders: dict[PartList, list[str]] = field(init=False)
    owners: dict[Part, Part] = field(init=False)

    def __post_init__(self) -> None:
        self.fields = dict(self.before.fields)
        self.orders = {place: list(ids) for place, ids in self.before.orders.items()}
        self.owners = self.before.owners()

    def result(self) -> Parts:
        return Parts(self.fields, {place: tuple(ids) for place, ids in self.orders.items()})

    def carry_out(self, edit: Edit) -> Iterable[str]:
        """Carry an edit out; return the ids of what it added."""
        match edit:
            case SetFields():
                for part in self._parts(edit.list, edit.ids):
                    self.fields[part] = {**self.fields[part], **edit.fields}
            case Remove():
                self._remove(self._parts(edit.list, edit.ids))
            case Move():
                self._move(edit)
            case Add():
                return self._insert(self._list(edit.list, edit.owner), edit.place, edit.bodies)
            case Duplicate():
                return self._duplicate(edit)
        return ()

    def _parts(self, name: str, ids: Iterable[str], field: str = "ids") -> list[Part]:
        found = [Part(name, id) for id in dict.fromkeys(ids)]
        missing = [part.id for part in found if part not in self.fields]
        if missing:
            raise self._wrong(field, f"there is nothing with the id {missing[0]} in {name}")
        return found

    def _list(self, name: str, owner: str | None) -> PartList:
        """Return the list `name` of the part with the id `owner`; None: of the document."""
        owners = (place for place in self.orders if place.name == name and place.owner.id == (owner or WHOLE.id))
        found = next(owners, None)
        if found is None:
            raise self._wrong("in", f"there is nothing with the id {owner or ''} that has {name}")
        return found

    def _remove(self, parts: Iterable[Part]) -> None:
        gone: dict[PartList, set[str]] = {}
        for part in parts:
            gone.setdefault(PartList(self.owners[part], part.list), set()).add(part.id)
            self._forget(part)
        for place, ids in gone.items():
            self.orders[place] = [id for id in self.orders[place] if id not in ids]

    def _forget(self, part: Part) -> None:
        del self.fields[part], self.owners[part]
        for place in [PartList(part, name) for name in self.structures[part.list].lists]:
            for id in self.orders.pop(place):
                self._forget(Part(place.name, id))

    def _move(self, edit: Move) -> None:
        parts = set(self._parts(edit.list, edit.ids))
        places = {place: ids for place, ids in self.orders.items() if place.name == edit.list}
        chosen = {place: [id for id in ids if Part(edit.list, id) in parts] for place, ids in places.items()}
        target = self._target(edit.list, edit.owner, edit.place)
        if target is not None:
            self._put(target, [id for ids in chosen.values() for id in ids], edit.place)
            return
        for place, ids in chosen.items():
            self._put(place, ids, edit.place)

    def _target(self, name: str, owner: str | None, place: Place) -> PartList | None:
        """Return the list that is named by its owner, or else by what is in it; None: neither is named."""
        if owner is not None:
            return self._list(name, owner)
        if place.after is None:
            return None
        return PartList(self.owners[self._parts(name, [place.after], "after")[0]], name)

    def _put(self, target: PartList, ids: Sequence[str], place: Place) -> None:
        """Take parts that are there out of their lists, and put them into this one."""
        if place.after in ids:
            raise self._wrong("after", f"{place.after} is one of those that move")
        moving = set(ids)
        for source in {PartList(self.owners[Part(target.name, id)], target.name) for id in ids}:
            self.orders[source] = [id for id in self.orders[source] if id not in moving]
        self._put_in(target, ids, place)
        self.moved |= {Part(target.name, id) for id in ids}

    def _put_in(self, target: PartList, ids: Sequence[str], place: Place) -> None:
        there = self.orders[target]
        if place.after is not None and place.after not in there:
            raise self._wrong("after", f"there is nothing with the id {place.after} in this list")
        start = len(there) if place.after is None else there.index(place.after) + 1
        start = 0 if place.at == "first" else start
        there[start:start] = ids
        self.owners |= {Part(target.name, id): target.owner for id in ids}

    def _duplicate(self, edit: Duplicate) -> list[str]:
        chosen = set(self._parts(edit.list, edit.ids))
        every = [Part(edit.list, id) for place, ids in self.orders.items() if place.name == edit.list for id in ids]
        originals = [part for part in every if part in chosen]
        target = self._target(edit.list, edit.owner, edit.place) or PartList(self.owners[originals[-1]], edit.list)
        place = edit.place
        if place == Place() and edit.owner is None:
            place = Place(after=originals[-1].id)
        return self._insert(target, place, [self._copied(part) for part in originals])

    def _copied(self, part: Part) -> Body:
        """Return what makes a copy of a part: its fields, and copies of the parts in it; without ids."""
        lists = {name: PartList(part, name) for name in self.structures[part.list].lists}
        inner = {name: [self._copied(Part(name, id)) for id in self.orders[place]] for name, place in lists.items()}
        return {**self.fields[part], **inner}

    def _insert(self, target: PartList, place: Place, bodies: Sequence[Body]) -> list[str]:
        ids = [self._make(Part(target.name, body.get("id") or self.new_id()), body) for body in bodies]
        self._put_in(target, ids, place)
        return ids

    def _make(self, part: Part, body: Body) -> str:
        """Add a part with all that is in it, but in no list yet; return its id."""
        if part in self.fields:
            raise self._wrong(part.list, f"the id {part.id} is used already: leave ids out of copies")
        if len(self.fields) >= MOST_PARTS:
            raise self._wrong(part.list, f"with all copies there are more than {MOST_PARTS} parts")
        structure = self.structures[part.list]
        self.fields[part] = own_fields(structure, body)
        for name in structure.lists:
            entries = body.get(name, ())
            ids = [self._make(Part(name, entry.get("id") or self.new_id()), entry) for entry in entries]
            self.orders[PartList(part, name)] = ids
            self.owners |= {Part(name, id): part for id in ids}
        return part.id

    def _wrong(self, name: str, why: str) -> Rejected:
        return Rejected(f"not accepted: {self.path}.{name}: {why}", fields={f"{self.path}.{name}": why})
