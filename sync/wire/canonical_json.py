"""The one text of JSON that hashes are over: ASCII with sorted keys and no spaces."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

_PLAIN = {str, int, bool}
_PLAIN_OR_LISTS = {*_PLAIN, list}


def canonical_json(fields: Mapping[str, Any]) -> bytes:
    """Return sorted fields as canonical JSON.

    `to_json` takes half the time, and writes the same but for what is not ASCII, and numbers with a point.
    """
    values = fields.values()
    lists = [value for value in values if type(value) is list]
    if _PLAIN_OR_LISTS.issuperset(map(type, values)) and all(_PLAIN.issuperset(map(type, each)) for each in lists):
        try:
            text = to_json(fields)
        except PydanticSerializationError:  # half of a surrogate pair
            text = b"\x7f"
        if text.isascii() and b"\x7f" not in text:
            return text
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
