"""Lists on the wire whose newer entries an older reader leaves out, and tells of, instead of refusing all of it.

Only who reads with a list as pydantic's context gets that: without one, every entry has to be right.
"""

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, ValidationError, ValidationInfo, ValidatorFunctionWrapHandler, WrapValidator

_REFERENCES = {"id", "sha256", "asset", "index"}
"""What names something is the same in every version: a wrong one is no news, but a fault or an attack."""

_NAMES = ("sha256", "title", "name", "id")
_LONGEST = 80  # letters of what somebody else wrote

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An entry of the list `among` that was not understood: what it goes by, and what of it is unknown."""

    among: str
    name: str
    unknown: str

    def __str__(self) -> str:
        return f"{self.name} among {self.among} ({self.unknown})"


def _understood(value: Any, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    if info.context is None:
        return read(value)
    try:
        return read(value)
    except ValidationError as error:
        if any(fault["loc"] and fault["loc"][-1] in _REFERENCES for fault in error.errors(include_url=False)):
            raise
        info.context.append(LeftOut(info.field_name or "entries", _name(value), _unknown(error)))
        return None


def _name(value: Any) -> str:
    told = (value.get(key) for key in _NAMES) if isinstance(value, dict) else ()
    return next((name[:_LONGEST] for name in told if isinstance(name, str)), "something")


def _unknown(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    if "discriminator" in first.get("ctx", {}):
        return f"kind {str(first['ctx'].get('tag'))[:_LONGEST]}"
    where = ".".join(str(part) for part in first["loc"])
    return f"{where} {str(first['input'])[:_LONGEST]}"


def _present(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(entry for entry in entries if entry is not None)


Known = Annotated[tuple[Annotated[Entry, WrapValidator(_understood)], ...], AfterValidator(_present)]
"""Entries of one type, those left out that are not understood."""
