"""Edits as a person sends them: a model for each, made from the models of what it edits."""

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, FailFast, Field, create_model, model_validator

from sync.origin.editing.edits import Add, Duplicate, Edit, Move, Place, Remove, SetFields
from sync.origin.editing.parts import NOT_EDITED, Body
from sync.origin.planning.plan_fields import MAX_ITEMS
from sync.wire.value_types import Identifier, Request

MOST_EDITS = 1_000

_PARTS = frozenset({"items", "dayparts", "overlays", "lines", "creatives"})

Ids = Annotated[tuple[Identifier, ...], FailFast(), Field(min_length=1, max_length=MAX_ITEMS)]


class Fields(Request):
    """Fields that get new values: only those that are sent."""

    def sent(self) -> Body:
        """Return them as JSON; fields of fields by their paths."""
        inner = {name: value for name, value in self if name in self.model_fields_set and isinstance(value, Fields)}
        found = self.model_dump(mode="json", include=self.model_fields_set - set(inner))
        for name, fields in inner.items():
            found |= {f"{name}.{path}": value for path, value in fields.sent().items()}
        return found


class _Edit(Request):
    """An edit; `do` says what it does, and after the first underscore with which list."""

    do: str

    def edit(self) -> Edit:
        """Return it as a value."""
        raise NotImplementedError

    def _list(self) -> str:
        return str(self.do).partition("_")[2]

    def _owner(self) -> str | None:
        return getattr(self, "line", None)


class _Change(_Edit):
    """Gives fields of the document, or of several parts, new values."""

    set: Fields

    def edit(self) -> Edit:
        ids = getattr(self, "ids", None)
        return SetFields(self.set.sent()) if ids is None else SetFields(self.set.sent(), self._list(), ids)


class _Remove(_Edit):
    """Takes parts out, with all that is in them."""

    ids: Ids

    def edit(self) -> Edit:
        return Remove(self._list(), self.ids)


class _Placed(_Edit):
    """Puts parts `at` the beginning or the end of their list, or directly behind the part `after`."""

    at: Literal["first", "last"] | None = None
    after: Identifier | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.at is not None and self.after is not None:
            raise ValueError("give at or after, not both")
        return self

    def _place(self) -> Place:
        return Place(self.at, self.after)


class _Add(_Placed):
    """Adds parts; without a place at the end."""

    parts: tuple[Any, ...]

    def edit(self) -> Edit:
        return Add(
            self._list(), tuple(part.model_dump(mode="json") for part in self.parts), self._place(), self._owner()
        )


class _Move(_Placed):
    """Moves parts, which keep the order among themselves; without a place to the end."""

    ids: Ids

    def edit(self) -> Edit:
        return Move(self._list(), self.ids, self._place(), self._owner())


class _Duplicate(_Placed):
    """Adds copies of parts; without a place behind the last one of them."""

    ids: Ids

    def edit(self) -> Edit:
        return Duplicate(self._list(), self.ids, self._place(), self._owner())


class EditsIn(Request):
    """What a person changes of a document."""

    edits: tuple[Any, ...]

    def values(self) -> tuple[Edit, ...]:
        """Return the edits as values, in their order."""
        return tuple(one.edit() for one in self.edits)


@dataclass(frozen=True, slots=True)
class ListModels:
    """What a person sends about a list: whole parts, and fields of them. `owned`: it is the list of a line."""

    name: str
    part: Any
    fields: type[Fields]
    owned: bool = False


def partial(title: str, *models: type[BaseModel], **inner: type[Fields]) -> type[Fields]:
    """Return a model of which any fields of these models can be sent; `inner` are those that have fields themselves."""
    known: dict[str, Any] = {}
    for model in models:
        for name, info in model.model_fields.items():
            if name not in NOT_EDITED | _PARTS | {"kind"}:
                kind = Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
                known[name] = (inner.get(name, kind), Field(default_factory=lambda: None))
    return create_model(
        title, __base__=Fields, __doc__="Fields that get new values: only those that are sent.", **known
    )


def _many(model: Any) -> Any:
    return tuple[model, ...]


def _exactly(word: str) -> Any:
    return Literal[word]


def edits_model(title: str, fields: type[Fields], *lists: ListModels) -> type[EditsIn]:
    """Return the model of a request that edits one kind of document."""
    change: Any = create_model(f"Set{title}", __base__=_Change, do=(_exactly("set"), ...), set=(fields, ...))
    kinds = [change, *(model for one in lists for model in _models(one))]
    one: Any = Annotated[reduce(or_, kinds), Field(discriminator="do")]
    many: Any = Annotated[_many(one), FailFast(), Field(min_length=1, max_length=MOST_EDITS)]
    return create_model(f"{title}Edits", __base__=EditsIn, edits=(many, ...))


def _models(one: ListModels) -> list[Any]:
    """Return the models of the edits of one list."""
    name, title = one.name, one.name.capitalize()
    parts: Any = Annotated[_many(one.part), FailFast(), Field(min_length=1, max_length=MAX_ITEMS)]
    owner: dict[str, Any] = {"line": (Identifier | None, None)} if one.owned else {}
    needed: dict[str, Any] = {"line": (Identifier, ...)} if one.owned else {}
    bases: dict[str, tuple[type[_Edit], dict[str, Any]]] = {
        "change": (_Change, {"ids": (Ids, ...), "set": (one.fields, ...)}),
        "add": (_Add, {"parts": (parts, ...), **needed}),
        "remove": (_Remove, {}),
        "move": (_Move, owner),
        "duplicate": (_Duplicate, owner),
    }
    return [
        create_model(
            f"{verb.capitalize()}{title}",
            __base__=base,
            __doc__=base.__doc__,
            do=(_exactly(f"{verb}_{name}"), ...),
            **more,
        )
        for verb, (base, more) in bases.items()
    ]
