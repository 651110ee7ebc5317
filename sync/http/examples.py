"""An example of each operation: what was sent and answered once, for the OpenAPI document."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Examples = Mapping[str, Mapping[str, Any]]
"""By the id of its operation: `request` (path, query, headers, body) and `answer` (status, headers, type, body)."""


def read_examples(file: Path) -> Examples:
    """Return the examples of a file."""
    found: Examples = json.loads(file.read_text())
    return found


def add_example(described: dict[str, Any], example: Mapping[str, Any]) -> None:
    """Put an example into the description of its operation: beside each parameter, the body and the answer."""
    request, answer = example["request"], example["answer"]
    given = {**request.get("query", {}), **request.get("headers", {}), **request.get("ids", {})}
    for parameter in described["parameters"]:
        if parameter["name"] in given:
            parameter["example"] = given[parameter["name"]]
    _fill(described.get("requestBody", {}), request)
    _fill(described["responses"].get(str(answer["status"]), {}), answer)


def _fill(holder: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    for media_type, content in holder.get("content", {}).items():
        if "body" in told and told.get("type", media_type) == media_type:
            content["example"] = told["body"]
