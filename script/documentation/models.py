"""Writes the fields of a model, from its JSON schema."""

from collections.abc import Mapping
from typing import Any

from markdown import table


def model_section(name: str, schema: Mapping[str, Any]) -> str:
    """Return the section of one model: its meaning and its fields."""
    text = f"### {name}\n\n{schema.get('description', '')}\n"
    if "enum" in schema:
        return f"{text}\nOne of {', '.join(f'`{value}`' for value in schema['enum'])}.\n"
    required = set(schema.get("required", ()))
    rows = [
        (f"`{field}`", type_text(one), "yes" if field in required else "", one.get("description", ""))
        for field, one in schema.get("properties", {}).items()
    ]
    return f"{text}\n{table(('field', 'type', 'always there', 'meaning'), rows)}"


def type_text(schema: Mapping[str, Any]) -> str:
    """Return the type of a field in words, with links to other models and with bounds."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(type_text(one) for one in schema[several])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"list of {type_text(schema['items'])}" if "items" in schema else "list"
    return f"{schema.get('type', 'any')}{_bounds(schema)}"


def _bounds(schema: Mapping[str, Any]) -> str:
    if "format" in schema:
        return f" ({schema['format']})"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None and high is None:
        return ""
    return f" ({'' if low is None else low}…{'' if high is None else high})"
