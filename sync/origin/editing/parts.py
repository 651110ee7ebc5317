"""A document of a plan taken apart: the fields of each part by its id, and the order of each list. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

Body = Mapping[str, Any]
"""A document or a part of one as JSON: what a person sends, or what is stored."""

NOT_EDITED = frozenset({"id", "warnings", "warnings_told"})
"""Fields of documents and parts that nobody edits."""


class Part(NamedTuple):
    """A part of a document by the list that it is in and its id."""

    list: str
    id: str


WHOLE = Part("", "")
"""The document itself, as the part that has its own fields."""


class PartList(NamedTuple):
    """A list of parts: of the document itself, or of one of its parts."""

    owner: Part
    name: str


@dataclass(frozen=True, slots=True)
class Structure:
    """What a document or a part consists of.

    `model` returns the model of one from its body; `lists` are the lists of parts in it; `inner` are the fields that
    have fields of their own, each of which is edited by itself.
    """

    model: Callable[[Body], type[BaseModel]]
    lists: Mapping[str, "Structure"] = field(default_factory=dict)
    inner: frozenset[str] = frozenset()

    def of_lists(self) -> Iterator[tuple[str, "Structure"]]:
        """Yield the lists of this structure and those of its parts, by name."""
        for name, structure in self.lists.items():
            yield name, structure
            yield from structure.of_lists()


@dataclass(frozen=True, slots=True)
class Parts:
    """A document: the fields of each part, and the ids of each list in their order."""

    fields: Mapping[Part, Body]
    orders: Mapping[PartList, tuple[str, ...]]

    def owners(self) -> dict[Part, Part]:
        """Return to which part each part belongs."""
        return {Part(name, id): owner for (owner, name), ids in self.orders.items() for id in ids}


def take_apart(structure: Structure, body: Body) -> Parts:
    """Return the parts of a stored document. What it does not say has the default; what nobody edits is left out."""
    fields: dict[Part, Body] = {}
    orders: dict[PartList, tuple[str, ...]] = {}
    _collect(structure, WHOLE, body, fields, orders)
    return Parts(fields, orders)


def _collect(
    structure: Structure, part: Part, body: Body, fields: dict[Part, Body], orders: dict[PartList, tuple[str, ...]]
) -> None:
    fields[part] = own_fields(structure, body)
    for name, inner in structure.lists.items():
        entries = body.get(name, ())
        orders[PartList(part, name)] = tuple(entry["id"] for entry in entries)
        for entry in entries:
            _collect(inner, Part(name, entry["id"]), entry, fields, orders)


def own_fields(structure: Structure, body: Body) -> Body:
    """Return all fields of a part without its lists, by their paths; those that `body` does not have are defaults."""
    defaults = _defaults(structure.model(body))
    found = {name: body.get(name, default) for name, default in defaults.items() if name not in structure.lists}
    return flat(structure, found) if structure.inner else found


def flat(structure: Structure, fields: Body) -> Body:
    """Return fields whose inner ones are named by their paths, as in `break_rule.ads`."""
    flattened: dict[str, Any] = {}
    for name, value in fields.items():
        if name in structure.inner:
            flattened |= {f"{name}.{inner}": one for inner, one in value.items()}
        else:
            flattened[name] = value
    return flattened


@cache
def _defaults(model: type[BaseModel]) -> Body:
    """Return the fields of a model that are edited, with their defaults; those that must be given have None."""
    known = ((name, info) for name, info in model.model_fields.items() if name not in NOT_EDITED)
    return {
        name: None if info.is_required() else to_jsonable_python(info.get_default(call_default_factory=True))
        for name, info in known
    }


def put_together(structure: Structure, parts: Parts, part: Part = WHOLE) -> dict[str, Any]:
    """Return the document, as a person would send it; each part has its id."""
    body: dict[str, Any] = {} if part is WHOLE else {"id": part.id}
    for path, value in parts.fields[part].items():
        name, _, inner = path.partition(".")
        if inner:
            body.setdefault(name, {})[inner] = value
        else:
            body[name] = value
    for name, below in structure.lists.items():
        ids = parts.orders.get(PartList(part, name), ())
        body[name] = [put_together(below, parts, Part(name, id)) for id in ids]
    return body
