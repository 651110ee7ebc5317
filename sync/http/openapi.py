"""Makes the OpenAPI document from the table of operations that also routes them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from sync.http.operations import Access, Operation
from sync.http.problems import PROBLEM_TYPE

_Use = tuple[type[BaseModel], Literal["validation", "serialization"]]


def openapi_document(title: str, version: str, operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the operations."""
    known = tuple(operations)
    schemas, shared = models_json_schema(_model_uses(known), ref_template="#/components/schemas/{model}")
    paths: dict[str, dict[str, Any]] = {}
    for operation in known:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation, schemas)
    return {
        "openapi": "3.1.1",
        "info": {"title": title, "version": version},
        "servers": [{"url": ".."}],  # relative to this document, so that it is right under a path of a proxy
        "paths": paths,
        "components": {
            "schemas": shared.get("$defs", {}),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _model_uses(operations: Iterable[Operation]) -> list[_Use]:
    uses: dict[_Use, None] = {}  # an ordered set
    for operation in operations:
        if operation.body is not None:
            uses[operation.body, "validation"] = None
        if operation.answer is not None:
            uses[operation.answer, "serialization"] = None
    return list(uses)


def _describe(operation: Operation, schemas: Mapping[Any, Any]) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "done"}
    if operation.answer is not None:
        done["content"] = _json(schemas[operation.answer, "serialization"])
    described: dict[str, Any] = {
        "summary": operation.summary,
        "responses": {
            str(operation.status): done,
            "default": {"description": "an RFC 9457 problem", "content": {PROBLEM_TYPE: {}}},
        },
        "parameters": [*_parameters(operation)],
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _json(schemas[operation.body, "validation"])}
    if operation.access is not Access.OPEN:
        described["security"] = [{"token": []}]
    return described


def _parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for part in operation.path.split("/"):
        if part.startswith("{"):
            yield {"name": part[1:-1].split(":")[0], "in": "path", "required": True, "schema": {"type": "string"}}
    if operation.query is not None:
        schema = operation.query.model_json_schema()
        for name, field in schema["properties"].items():
            yield {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": field}
    for name in operation.headers:
        yield {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
