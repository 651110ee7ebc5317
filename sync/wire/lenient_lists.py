"""Lists whose unknown entries an older reader leaves out and reports, instead of refusing the whole document.

This happens only if the reader passes a list as pydantic's context. Without one, every entry must be valid.
"""

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    FailFast,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import ErrorDetails

from sync.wire.value_types import printable

_REFERENCES = {"id", "sha256", "asset", "index"}
"""Fields that name something are the same in every version. A wrong one is a fault or an attack, not a new feature."""

_SECRET = {"url"}  # may hold a password
_NAMES = ("sha256", "title", "name", "id")
_LONGEST = 80  # characters of a foreign text
MOST_LEFT_OUT = 1_000  # more are refused, because checking megabytes of wrong entries takes minutes

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An unknown entry of the list `list_name`: its name, and the part of it that is unknown."""

    list_name: str
    name: str
    unknown: str

    def __str__(self) -> str:
        return f"{self.name} among {self.list_name} ({self.unknown})"


def _read_entry(value: Any, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    if info.context is None:
        return read(value)
    try:
        return read(value)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        if len(info.context) >= MOST_LEFT_OUT or any(map(_is_fault, faults)):
            raise
        info.context.append(LeftOut(info.field_name or "entries", _name(value), _unknown_part(faults[0])))
        return None


def _is_fault(fault: ErrorDetails) -> bool:
    """Tell whether the entry is wrong in every version: a wrong name, or a contradiction in itself."""
    if not fault["loc"]:
        return fault["type"] == "value_error"
    return fault["loc"][-1] in _REFERENCES


def _name(value: Any) -> str:
    candidates = (value.get(key) for key in _NAMES) if isinstance(value, dict) else ()
    return next((_shown(name) for name in candidates if isinstance(name, str)), "something")


def _unknown_part(fault: ErrorDetails) -> str:
    if "discriminator" in fault.get("ctx", {}):
        return f"kind {_shown(fault['ctx'].get('tag'))}"
    where = ".".join(str(part) for part in fault["loc"])
    if where in _SECRET or isinstance(fault["input"], list | dict):
        return where
    return f"{where} {_shown(fault['input'])}".strip()


def _shown(value: object) -> str:
    return printable(str(value), _LONGEST)


def _present(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(entry for entry in entries if entry is not None)


LenientList = Annotated[tuple[Annotated[Entry, WrapValidator(_read_entry)], ...], FailFast(), AfterValidator(_present)]
"""Entries of one type; unknown ones are left out."""
