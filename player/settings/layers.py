"""Settings in layers, as pure functions: lay them over each other, say where each field came from, compare, merge.

A field is named by its dotted path, `section.key`. Later layers win.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from player.settings.model import Settings
from sync.wire.input_messages import rejected

Values = dict[str, Any]
"""Sections of fields, as read from TOML, JSON or the environment, not yet validated."""


class Source(StrEnum):
    """Where a field's value came from, weakest first."""

    DEFAULT = "default"
    FILE = "file"
    ACCEPTED = "accepted"  # a change the endpoint took
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Layer:
    """What one source says."""

    source: Source
    values: Values


@dataclass(frozen=True, slots=True)
class Effective:
    """What counts: the settings, and the source of each field that is not a default."""

    settings: Settings
    sources: Mapping[str, Source]

    def source(self, path: str) -> Source:
        """Return where the field at `path` came from."""
        return self.sources.get(path, Source.DEFAULT)


def resolve(layers: Sequence[Layer]) -> Effective:
    """Lay `layers` over the defaults.

    Raises:
        Rejected: a field is unknown or wrong; `fields` names each.
    """
    sources = {path: layer.source for layer in layers for path in leaves(layer.values)}
    try:
        return Effective(Settings.model_validate(_laid(layers)), sources)
    except ValidationError as error:
        raise rejected(error, Settings) from error


def rescue(layers: Sequence[Layer]) -> tuple[tuple[Layer, ...], tuple[str, ...]]:
    """Return what is good of `layers`, which `resolve` takes, and a sentence for each field left out.

    A screen has to start with what it has: one wrong field never costs the others.
    """
    kept = list(layers)
    left_out: list[str] = []
    while True:
        try:
            Settings.model_validate(_laid(kept))
            return tuple(kept), tuple(left_out)
        except ValidationError as error:
            path, reason = next(iter(rejected(error, Settings).fields.items()))
            section, key = _holder(error)
            number = _last_with(kept, section, key)
            left_out.append(f"The setting {path} from the {kept[number].source} is left out: {reason}")
            kept[number] = Layer(kept[number].source, _without(kept[number].values, section, key))


def merge(target: Values, patch: Mapping[str, Any]) -> Values:
    """Return `target` changed by a JSON merge patch (RFC 7396): null removes, an object goes into depth."""
    merged = dict(target)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            below = merged.get(key)
            merged[key] = merge(below if isinstance(below, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def leaves(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields by dotted path; a section that is not a table counts as one wrong field."""
    return dict(_leaves(values))


def _leaves(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for section, fields in values.items():
        if isinstance(fields, Mapping):
            yield from ((f"{section}.{key}", value) for key, value in fields.items())
        else:
            yield section, fields


def changed(before: Settings, after: Settings) -> tuple[str, ...]:
    """Return the paths whose values differ, in the order of the settings."""
    old, new = leaves(before.model_dump()), leaves(after.model_dump())
    return tuple(path for path in new if old[path] != new[path])


def shown(settings: Settings) -> Values:
    """Return settings fit for people's eyes: JSON types, secrets masked."""
    values: Values = settings.model_dump(mode="json")
    return values


def _laid(layers: Sequence[Layer]) -> Values:
    values: Values = {}
    for layer in layers:
        values = merge(values, layer.values)
    return values


def _holder(error: ValidationError) -> tuple[str, str]:
    """Return the section and the field that hold the first fault; the field is empty if the section is the fault."""
    section, key = (*map(str, error.errors(include_input=False, include_url=False)[0]["loc"][:2]), "")[:2]
    return section, key


def _last_with(layers: Sequence[Layer], section: str, key: str) -> int:
    for number in reversed(range(len(layers))):
        fields = layers[number].values.get(section)
        if fields is not None and (not key or (isinstance(fields, Mapping) and key in fields)):
            return number
    raise ValueError(f"the default of {section}.{key} is wrong")


def _without(values: Values, section: str, key: str) -> Values:
    if not key:
        return {name: fields for name, fields in values.items() if name != section}
    return {**values, section: {name: value for name, value in values[section].items() if name != key}}
