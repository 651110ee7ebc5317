"""Says in plain words what a field takes, from the JSON schema of its model: kind, range, unit, length, choices."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

Schema = Mapping[str, Any]
"""A node of a JSON schema."""

_FORMATS = {
    "date-time": "a date and time with its time zone, such as 2026-11-23T18:00:00Z",
    "date": "a date such as 2026-11-23",
    "time": "a time such as 18:00:00",
    "duration": "a length of time such as PT30S",
    "uri": "an address such as https://signage.example.com",
    "uuid": "an id such as 3f2a1c00-0000-4000-8000-000000000000",
    "path": "the path of a file or folder",
    "password": "text",
}
PATTERNS = {
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$": "1 to 64 letters, digits, dots, dashes or underscores, "
    "the first a letter or digit",
    r"^[^\x00-\x1f\x7f]+$": "one line of text",
    r"^[0-9a-f]{64}$": "a SHA-256 of 64 hexadecimal digits in lower case",
    r"^[0-9a-f]{32}$": "32 hexadecimal digits in lower case",
    r"^[\x21-\x7e]+$": "an address without spaces, such as https://example.com/live.m3u8",
    r"^[\x21-\x7e]{1,512}$": "a token of at most 512 ASCII characters, without spaces",
    r"^#[0-9a-fA-F]{6}$": "a colour such as #1a2b3c",
    r"^([01]\d|2[0-3]):[0-5]\d$": "a time of day from 00:00 to 23:59",
    r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$": "a time of day from 00:00 to 24:00",
    r"^(DEBUG|INFO|WARNING|ERROR)$": "DEBUG, INFO, WARNING or ERROR",
    r"^[a-z][a-z0-9_]{0,31}$": "a word of at most 32 lower-case letters, digits and underscores, the first a letter",
    r"^[0-9]{1,6}x[0-9]{1,6}$": "width and height in pixels, such as 1920x1080",
    r"^[0-9]{4}-[0-9]{2}$": "a month such as 2026-11",
    r"^[A-Za-z0-9+/]{43}=$": "32 bytes in base64",
    r"^[^\x00-\x1f\x7f]*$": "one line of text, or none",
    r"^[^\x00-\x1f\x7f,]+$": "one line of text without commas",
    r"^[A-Za-z0-9._-]{1,64}(,[A-Za-z0-9._-]{1,64}){0,99}$": "at most 100 ids with commas between them",
    r"^(playlist|schedule|campaign):[A-Za-z0-9._-]{1,64}(,(playlist|schedule|campaign):[A-Za-z0-9._-]{1,64}){0,99}$": (
        "at most 100 plans with commas between them, such as playlist:lunch"
    ),
    r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$": "a day and a time of day such as 2026-11-23T18:00",
    r"^(/([A-Za-z0-9_.-]+/)+)?$": 'a path that begins and ends with "/", or ""',
}
"""What each pattern of our models asks for."""

_UNITS = {
    "ms": "milliseconds",
    "s": "seconds",
    "bytes": "bytes",
    "percent": "percent",
    "volume": "percent",
    "ppm": "parts per million",
    "lufs": "LUFS",
    "pixels": "pixels",
    "edge": "pixels",
}
"""The unit of a number by the last word of its field's name."""


def expected(node: Schema, name: str) -> str:
    """Return what a field takes, to follow "Give"."""
    if "const" in node or "enum" in node:
        return listed((json.dumps(value) for value in node.get("enum", [node.get("const")])), "or")
    if "anyOf" in node:
        return listed((expected(choice, name) for choice in node["anyOf"]), "or")
    kind = node.get("type")
    if kind in ("integer", "number"):
        return _expected_number(node, "a whole number" if kind == "integer" else "a number", name)
    if kind == "string":
        return _expected_text(node)
    if kind == "array":
        return _counted("a list", node.get("minItems"), node.get("maxItems"), "entries")
    if "oneOf" in node:
        return "a group of fields"
    names = list(node.get("properties", {}))[:3]
    group = f"a group of fields, such as {listed(names)}" if names else "a group of fields"
    return {"boolean": "true or false", "null": "nothing", "object": group}.get(str(kind), "a value of the right kind")


def _expected_number(node: Schema, noun: str, name: str) -> str:
    unit = _UNITS.get(name.rpartition("_")[2])
    noun = f"{noun} in {unit}" if unit else noun
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None and high is not None:
        return f"{noun} from {low} to {high}"
    bounds = {"minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most",
        "exclusiveMaximum": "less than", "multipleOf": "a multiple of"}  # fmt: skip
    limits = [f"{words} {node[bound]}" for bound, words in bounds.items() if bound in node]
    return ", ".join((noun, " and ".join(limits))) if limits else noun


def _expected_text(node: Schema) -> str:
    words = _FORMATS.get(node.get("format", "")) or PATTERNS.get(node.get("pattern", "")) or "text"
    if words in ("text", PATTERNS[r"^[^\x00-\x1f\x7f]+$"]):
        return _counted(words, node.get("minLength"), node.get("maxLength"), "characters")
    return words


def _counted(noun: str, least: int | None, most: int | None, unit: str) -> str:
    if least is not None and most is not None:
        return f"{noun} of {least} to {most} {unit}"
    if least is not None:
        return f"{noun} of at least {least} {unit}"
    return noun if most is None else f"{noun} of at most {most} {unit}"


def listed(names: Iterable[str], last: str = "and") -> str:
    """Return names as a sentence lists them: "a", "a and b", "a, b and c"."""
    *most, final = names
    return f"{', '.join(most)} {last} {final}" if most else final


def resolved(root: Schema, node: Schema) -> Schema:
    """Follow references; of a choice with null return the other one."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return resolved(root, root.get("$defs", {}).get(name, {}))
    present = [choice for choice in node.get("anyOf", ()) if choice.get("type") != "null"]
    return resolved(root, present[0]) if len(present) == 1 else node
