"""Makes the OpenAPI document from the table of operations that also routes them."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Literal

from aiohttp import hdrs
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from sync.http.conditional import READS
from sync.http.examples import Examples, add_example
from sync.http.operations import IDEMPOTENCY_KEY, Access, InSpaces, Needed, Operation
from sync.http.problems import PROBLEM_TYPE, Problem
from sync.roles import Role
from sync.wire.value_types import Identifier

_Use = tuple[type[BaseModel], Literal["validation", "serialization"]]
_Schemas = Mapping[Any, Any]

_TOKEN, _DEVICE, _SESSION, _PAIRING = "token", "device", "session", "pairing"
_CREDENTIALS: dict[Access, tuple[str, ...]] = {
    Access.OPEN: (),
    Access.OPEN_HERE: ("", _TOKEN, _SESSION),
    Access.PAIRING: (_PAIRING,),
    Access.DEVICE: (_DEVICE,),
    Access.ANY_TOKEN: (_TOKEN, _SESSION, _DEVICE),
    Access.READ: (_TOKEN, _SESSION),
    Access.WRITE: (_TOKEN, _SESSION),
}
_BEARERS = {
    _TOKEN: "The key of a person or program; on a device, the token of its endpoint",
    _DEVICE: "The token that a device got when it was paired",
    _PAIRING: "The secret that a device made for its pairing",
}
_JSON = "application/json"
_BYTES = {"type": "string", "format": "binary"}
_TEXT = {"type": "string"}
_PATH_PARTS = {"channel": TypeAdapter(Identifier).json_schema()}
_HEADERS: dict[str, dict[str, Any]] = {
    hdrs.IF_MATCH: {"type": "string", "pattern": '^"?[0-9]{1,18}"?$'},
    "Tus-Resumable": {"type": "string", "enum": ["1.0.0"]},
    "Upload-Offset": {"type": "integer", "minimum": 0},
    "Upload-Length": {"type": "integer", "minimum": 1},
    "X-HTTP-Method-Override": {"type": "string", "enum": ["PATCH", "HEAD", "DELETE"]},
}
_SAFE = (hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS)


def openapi_document(
    title: str,
    version: str,
    operations: Iterable[Operation],
    *,
    cookie: str,
    reads_are_open: bool = False,
    examples: Examples | None = None,
) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the operations.

    `cookie` is the one of pages that logged in. `reads_are_open`: nobody needs a token to read.
    `examples` are those of the operations, as far as there are some.
    """
    known = tuple(operations)
    schemas, shared = models_json_schema(_model_uses(known), ref_template="#/components/schemas/{model}")
    models: dict[str, Any] = shared["$defs"]
    for name, model in models.items():  # generators name classes by it, and what is read and written may differ
        model["title"] = name.replace("-", "")
    paths: dict[str, dict[str, Any]] = {}
    for operation in known:
        described = _describe(operation, schemas)
        if reads_are_open and operation.access is Access.READ:
            described["security"].insert(0, {})
        if examples and (example := examples.get(described["operationId"])):
            add_example(described, example)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    bearers = {name: {"type": "http", "scheme": "bearer", "description": what} for name, what in _BEARERS.items()}
    content = {PROBLEM_TYPE: {"schema": schemas[Problem, "serialization"]}}
    return {
        "openapi": "3.1.1",
        "info": {"title": title, "version": version, "description": "What answers GET answers HEAD and OPTIONS too."},
        "servers": [{"url": ".."}],  # relative to this document, so that it is right under a path of a proxy
        "paths": paths,
        "components": {
            "schemas": models,
            "responses": {"Problem": {"description": "An RFC 9457 problem", "content": content}},
            "securitySchemes": {**bearers, _SESSION: {"type": "apiKey", "in": "cookie", "name": cookie}},
        },
    }


def _model_uses(operations: Iterable[Operation]) -> list[_Use]:
    uses: dict[_Use, None] = {(Problem, "serialization"): None}  # an ordered set
    for operation in operations:
        if isinstance(operation.body, type):
            uses[operation.body, "validation"] = None
        if isinstance(operation.answer, type):
            uses[operation.answer, "serialization"] = None
    return list(uses)


def _describe(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation_id(operation.method, operation.path),
        "summary": operation.summary,
        "security": _security(operation.access),
        "parameters": [*_parameters(operation)],
        "responses": {str(status): one for status, one in sorted(_responses(operation, schemas).items())},
    }
    if isinstance(operation.access, InSpaces) or operation.access is Access.ANY_TOKEN:
        described["x-in-spaces"] = True
    described["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
    if operation.body is not None:
        content = _content(operation.body, schemas, "validation")
        described["requestBody"] = {"required": isinstance(operation.body, type), "content": content}
    return described


def _security(access: Needed) -> list[dict[str, list[str]]]:
    """Return the ways to be let in; beside each the role that it needs, as OpenAPI 3.1 has it."""
    if isinstance(access, InSpaces):
        access = access.role
    if isinstance(access, Role):
        return [{_TOKEN: [str(access)]}, {_SESSION: [str(access)]}]
    return [{name: []} if name else {} for name in _CREDENTIALS[access]]


def operation_id(method: str, path: str) -> str:
    """Return the method and the path of an operation in words: `get_media_by_id_thumbnail`."""
    words = re.sub(r"\{(\w+)\}", r"by_\1", path.removeprefix("/v1"))
    return "_".join((method.lower(), *re.split(r"\W", words.strip("/") or "page")))


def _responses(operation: Operation, schemas: _Schemas) -> dict[int, dict[str, Any]]:
    problems = {status: {"$ref": "#/components/responses/Problem"} for status in _problem_statuses(operation)}
    done: dict[str, Any] = {}
    if operation.answer is not None:
        done["content"] = _content(operation.answer, schemas, "serialization")
        done["content"] |= {media_type: {"schema": _TEXT} for media_type in operation.other_types}
    names = {*operation.answer_headers, *((hdrs.ETAG,) if _has_etag(operation) else ())}
    if names:
        done["headers"] = {str(name): {"schema": _TEXT} for name in sorted(names)}
    answers = {status: {"description": HTTPStatus(status).phrase, **done} for status in operation.statuses}
    if _is_conditional(operation):
        answers[304] = {"description": HTTPStatus(304).phrase, "headers": {str(hdrs.ETAG): {"schema": _TEXT}}}
    return problems | answers


def _problem_statuses(operation: Operation) -> Iterator[int]:
    """Yield the problems that its description makes possible; `default` stands for all others."""
    for is_possible, statuses in _PROBLEMS:
        if is_possible(operation):
            yield from statuses


def _has_etag(operation: Operation) -> bool:
    """Return whether its answers have an ETag: documents with a version do."""
    fields = operation.answer.model_fields if isinstance(operation.answer, type) else {}
    is_versioned = "version" in fields and fields["version"].annotation is int
    return is_versioned or hdrs.ETAG in operation.answer_headers


def _is_conditional(operation: Operation) -> bool:
    return _has_etag(operation) and operation.method == hdrs.METH_GET


_PROBLEMS: tuple[tuple[Callable[[Operation], bool], tuple[int, ...]], ...] = (
    (lambda one: True, (403,)),  # also for a foreign page or host name
    (lambda one: one.access is not Access.OPEN, (401,)),
    (lambda one: "{" in one.path, (404,)),
    (lambda one: one.body is not None, (400, 408, 413, 415, 422)),
    (lambda one: one.query is not None, (422,)),
    (lambda one: one.method not in _SAFE, (409,)),
    (lambda one: hdrs.RANGE in one.headers, (416,)),
    (lambda one: hdrs.IF_MATCH in (*one.headers, *one.needed_headers), (412, 422, 428)),
    (lambda one: "Tus-Resumable" in one.needed_headers, (412,)),
    (_is_conditional, (412,)),
)


def _parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", operation.path):
        yield {"name": name, "in": "path", "required": True, "schema": _PATH_PARTS.get(name, _TEXT)}
    if operation.query is not None:
        schema = operation.query.model_json_schema()
        for name, field in schema["properties"].items():
            yield {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": _one(field)}
    for name in (*operation.needed_headers, *operation.headers):
        needed = name in operation.needed_headers
        yield {"name": str(name), "in": "header", "required": needed, "schema": _HEADERS.get(name, _TEXT)}
    if operation.takes_idempotency_key:
        yield {"name": IDEMPOTENCY_KEY, "in": "header", "required": False, "schema": _TEXT}
    for name in READS if _is_conditional(operation) else ():
        yield {"name": str(name), "in": "header", "required": False, "schema": _TEXT}


def _one(field: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a value in an address: it can be left out, but there is no null."""
    kinds = [kind for kind in field.get("anyOf", ()) if kind != {"type": "null"}]
    bare = {key: value for key, value in field.items() if key not in ("anyOf", "title") and value is not None}
    return bare | (kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {})


def _content(what: type[BaseModel] | str, schemas: _Schemas, use: str) -> dict[str, Any]:
    if isinstance(what, str):
        schema = _BYTES if not what.startswith("text/") else _TEXT
        return {what: {"schema": {"type": "object"} if what == _JSON else schema}}
    return {_JSON: {"schema": schemas[what, use]}}
