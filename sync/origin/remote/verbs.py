"""Which commands the operations of an OpenAPI document make: `media list`, `playlists change`. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_PLANNED = {"channels", "media", "playlists", "publications", "releases", "reviews", "schedule", "uploads"}
REMOTE = frozenset({*_PLANNED, "audit", "history", "pairings", "reports", "spaces"})
"""Things that have commands over HTTP only; those of others are over HTTP with `--origin`."""

_BASES = {"GET": "show", "POST": "create", "PUT": "replace", "PATCH": "change", "DELETE": "remove"}
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Verb:
    """A command: its name, the operation that it calls, and the schema of the fields that this takes (none: {})."""

    name: str
    method: str
    path: str
    summary: str
    parameters: tuple[Mapping[str, Any], ...]
    fields: Mapping[str, Any]

    @property
    def is_versioned(self) -> bool:
        """Return whether it takes the version that one has seen."""
        return any(one["name"] == "If-Match" for one in self.parameters) and self.method != "GET"

    @property
    def needs_version(self) -> bool:
        """Return whether it is refused without that version."""
        return self.is_versioned and any(one["name"] == "If-Match" and one["required"] for one in self.parameters)

    def parameters_in(self, place: str) -> Iterator[Mapping[str, Any]]:
        """Yield its parameters in `path` or `query`."""
        return (one for one in self.parameters if one["in"] == place)


def is_remote(arguments: Sequence[str]) -> bool:
    """Return whether a command line is one of those over HTTP."""
    if not arguments:
        return False
    asks = any(one == "--origin" or one.startswith("--origin=") for one in arguments)
    return arguments[0] in REMOTE or asks


def verbs_of(thing: str, document: Mapping[str, Any]) -> list[Verb]:
    """Return the commands of a thing, such as `media`, by what an origin says of its operations.

    What only devices call, what is sent as bytes, and what belongs to a page that logged in has none.
    """
    schemas = document.get("components", {}).get("schemas", {})
    found = [
        Verb(
            name=_verb(method.upper(), path.split("/")[3:]),
            method=method.upper(),
            path=path,
            summary=one["summary"],
            parameters=tuple(one["parameters"]),
            fields=_fields(one, schemas),
        )
        for path, methods in document["paths"].items()
        if path.split("/")[1:3] == ["v1", thing]
        for method, one in methods.items()
        if method.upper() in _BASES and _is_for_people(one)
    ]
    return sorted(found, key=lambda one: one.name)


def _is_for_people(operation: Mapping[str, Any]) -> bool:
    sent = operation.get("requestBody", {}).get("content", {_JSON: {}})
    return any("token" in way for way in operation["security"]) and _JSON in sent


def _verb(method: str, parts: list[str]) -> str:
    """Return the name of a command by what follows the thing in its path."""
    words = [part for part in parts if not part.startswith("{")]
    is_of_one, is_action = bool(parts) and parts[-1].startswith("{"), bool(parts) and not parts[-1].startswith("{")
    base = "list" if method == "GET" and not is_of_one else _BASES[method]
    if method == "PATCH" and not is_of_one:
        base = "change-many"
    if is_action and (method == "GET" or (method == "POST" and parts[0].startswith("{"))):
        return "-".join(words)  # `uses`, `undo`
    return "-".join((*words, base))


def _fields(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    schema = operation.get("requestBody", {}).get("content", {}).get(_JSON, {}).get("schema", {})
    named = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
    properties: Mapping[str, Any] = named.get("properties", {})
    return {name: one for name, one in properties.items() if not name.startswith("warnings")}
