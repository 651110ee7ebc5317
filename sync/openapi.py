"""Writes the OpenAPI document of a room's operations, from the same table that routes them."""

import json
from collections.abc import Iterable
from typing import Any

from openapi_pydantic import OpenAPI
from openapi_pydantic.util import PydanticSchema, construct_open_api_with_schema_class
from pydantic import BaseModel

from sync.web import PROBLEM_TYPE, Access, Operation


def describe(title: str, version: str, operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the operations."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation)
    document = OpenAPI.model_validate(
        {
            "info": {"title": title, "version": version},
            "paths": paths,
            "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        }
    )
    whole = construct_open_api_with_schema_class(document)
    described: dict[str, Any] = json.loads(whole.model_dump_json(by_alias=True, exclude_none=True))
    return described


def _describe(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "responses": {
            str(operation.status): {"description": "done", **_content(operation.gives)},
            "default": {"description": "an RFC 9457 problem", "content": {PROBLEM_TYPE: {}}},
        },
        "parameters": [
            {"name": part[1:-1].split(":")[0], "in": "path", "required": True, "schema": {"type": "string"}}
            for part in operation.path.split("/")
            if part.startswith("{")
        ],
    }
    if operation.takes is not None:
        described["requestBody"] = {"required": True, **_content(operation.takes)}
    if operation.access is not Access.OPEN:
        described["security"] = [{"token": []}]
    return described


def _content(model: type[BaseModel] | None) -> dict[str, Any]:
    if model is None:
        return {}
    return {"content": {"application/json": {"schema": PydanticSchema(schema_class=model)}}}
