"""Settings in layers, as pure functions: merge them, name the source of each field, compare them.

A field is named by its path, `section.key`. A later layer overrides an earlier one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from player.settings.model import Settings
from sync.wire.input.input_messages import rejected

Values = dict[str, Any]
"""Sections of fields, as read from TOML, JSON or the environment, before validation."""


class Source(StrEnum):
    """Where the value of a field comes from, weakest first."""

    DEFAULT = "default"
    FILE = "file"
    ACCEPTED = "accepted"  # a change over the endpoint
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Layer:
    """The values of one source."""

    source: Source
    values: Values


@dataclass(frozen=True, slots=True)
class Effective:
    """The settings in force, and the source of each field that is not a default."""

    settings: Settings
    sources: Mapping[str, Source]

    def source(self, path: str) -> Source:
        """Return the source of the field at `path`."""
        return self.sources.get(path, Source.DEFAULT)


def resolve(layers: Sequence[Layer]) -> Effective:
    """Merge `layers` over the defaults.

    Raises:
        Rejected: a field is unknown or wrong; `fields` names each.
    """
    sources = {path: layer.source for layer in layers for path in fields_by_path(layer.values)}
    try:
        return Effective(Settings.model_validate(_merged(layers)), sources)
    except ValidationError as error:
        raise rejected(error, Settings) from error


def leave_out_wrong_fields(layers: Sequence[Layer]) -> tuple[tuple[Layer, ...], tuple[str, ...]]:
    """Return `layers` without their wrong fields, and a sentence for each of these fields.

    The screen has to start: one wrong field never disables the others. `resolve` accepts the result.
    """
    valid = list(layers)
    left_out: list[str] = []
    while True:
        try:
            Settings.model_validate(_merged(valid))
            return tuple(valid), tuple(left_out)
        except ValidationError as error:
            path, reason = next(iter(rejected(error, Settings).fields.items()))
            section, key = _first_wrong_field(error)
            number, setting = _last_layer_with(valid, section, key), f"{section}.{key}".rstrip(".")
            why = reason if path == setting else f"{path}: {reason}"
            left_out.append(f"The setting {setting} from the {valid[number].source} is left out: {why}")
            valid[number] = Layer(valid[number].source, _without(valid[number].values, section, key))


def merge(target: Values, patch: Mapping[str, Any]) -> Values:
    """Return `target` changed by a JSON merge patch (RFC 7396): null removes a field, an object is merged."""
    merged = dict(target)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            current = merged.get(key)
            merged[key] = merge(current if isinstance(current, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def fields_by_path(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields by path; a section that is not a table counts as one field."""
    return dict(_iterate_fields(values))


def _iterate_fields(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for section, fields in values.items():
        if isinstance(fields, Mapping):
            yield from ((f"{section}.{key}", value) for key, value in fields.items())
        else:
            yield section, fields


def changed_fields(before: Settings, after: Settings) -> tuple[str, ...]:
    """Return the paths whose values differ, in the order of the settings."""
    old, new = fields_by_path(before.model_dump()), fields_by_path(after.model_dump())
    return tuple(path for path in new if old[path] != new[path])


def with_masked_secrets(settings: Settings) -> Values:
    """Return the settings as JSON types, with masked secrets."""
    values: Values = settings.model_dump(mode="json")
    return values


def _merged(layers: Sequence[Layer]) -> Values:
    values: Values = {}
    for layer in layers:
        values = merge(values, layer.values)
    return values


def _first_wrong_field(error: ValidationError) -> tuple[str, str]:
    """Return section and key of the first wrong field; the key is empty if the whole section is wrong."""
    section, key = (*map(str, error.errors(include_input=False, include_url=False)[0]["loc"][:2]), "")[:2]
    return section, key


def _last_layer_with(layers: Sequence[Layer], section: str, key: str) -> int:
    for number in reversed(range(len(layers))):
        fields = layers[number].values.get(section)
        if fields is not None and (not key or (isinstance(fields, Mapping) and key in fields)):
            return number
    raise ValueError(f"the default of {section}.{key} is wrong")


def _without(values: Values, section: str, key: str) -> Values:
    if not key:
        return {name: fields for name, fields in values.items() if name != section}
    return {**values, section: {name: value for name, value in values[section].items() if name != key}}
