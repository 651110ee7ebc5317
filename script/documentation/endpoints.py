"""The pages of the two HTTP APIs, from their OpenAPI documents."""

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiohttp import hdrs
from aiohttp.test_utils import TestClient, TestServer
from markdown import table
from models import model_section, type_text

from player.endpoint.auth import COOKIE
from player.endpoint.forecast_routes import ForecastRoutes
from player.endpoint.routes import EndpointRoutes
from player.endpoint.websocket import LiveSocket
from sync.http.openapi import openapi_document
from sync.http.operations import Operation
from sync.origin.settings.model import OriginConfiguration, OriginStorageSettings
from sync.origin.wiring.origin import open_origin
from sync.runtime.clock import SystemClock


def device_page() -> str:
    """Return the page of the device's endpoint."""
    routes = (EndpointRoutes, ForecastRoutes, LiveSocket)
    operations = [operation for kind in routes for operation in _operations(kind)]
    return _page("HTTP API of the device", openapi_document("Signage player", "", operations, cookie=COOKIE))


def _operations(kind: Any) -> Iterable[Operation]:
    found: Iterable[Operation] = kind.__new__(kind).operations()  # the table asks no collaborator for anything
    return found


def origin_page() -> str:
    """Return the page of the origin."""
    return _page("HTTP API of the origin", asyncio.run(origin_document()))


async def origin_document() -> Mapping[str, Any]:
    """Return the OpenAPI document of an origin."""
    with TemporaryDirectory() as folder:
        settings = OriginConfiguration(storage=OriginStorageSettings(data_dir=Path(folder)))
        async with (
            open_origin(settings, SystemClock()) as origin,
            TestClient(TestServer(origin.app)) as client,
            client.get("/v1/openapi.json", headers={hdrs.HOST: "localhost"}) as answer,
        ):
            document: Mapping[str, Any] = await answer.json()
            return document


def _page(title: str, document: Mapping[str, Any]) -> str:
    intro = (
        "Errors are RFC 9457 problem documents (`application/problem+json`). What a call needs is sent as "
        "`Authorization: Bearer …`: the `token` of a person or program, of at least the role before it, that of a "
        "`device`, or the secret of a `pairing`. "
        "A page that logged in sends its cookie. What answers GET answers HEAD and OPTIONS too. The machine-readable "
        "form is `/v1/openapi.json`.\n"
    )
    rows = [
        (f"`{method.upper()} {path}`", one["summary"], _needed(one), _sent(one), _answered(one))
        for path, methods in sorted(document["paths"].items())
        for method, one in methods.items()
    ]
    schemas = document["components"]["schemas"]
    models = "\n".join(model_section(name, schemas[name]) for name in sorted(schemas))
    calls = table(("call", "what it does", "needs", "takes", "answers"), rows)
    return f"# {title}\n\n{intro}\n{calls}\n## Documents\n\n{models}"


def _sent(operation: Mapping[str, Any]) -> str:
    inputs = [f"`{one['name']}` ({one['in']})" for one in operation.get("parameters", ()) if one["in"] != "path"]
    body = operation.get("requestBody")
    return ", ".join([_types(body), *inputs] if body else inputs)


def _answered(operation: Mapping[str, Any]) -> str:
    answers = [(status, one) for status, one in operation["responses"].items() if "$ref" not in one]
    _, first = answers[0]
    return f"{', '.join(status for status, _ in answers)} {_types(first)}".strip()


def _types(body: Mapping[str, Any]) -> str:
    """Return the model of a body, or its media types."""
    return " or ".join(
        type_text(one["schema"]) if "$ref" in one["schema"] else f"`{media_type}`"
        for media_type, one in body.get("content", {}).items()
    )


_HERE: list[tuple[str, list[str]]] = [("nothing on this machine", [])]


def _needed(operation: Mapping[str, Any]) -> str:
    ways: list[Mapping[str, list[str]]] = [way for way in operation["security"] if "session" not in way]
    return " or ".join(" ".join((*roles, name)) for way in ways for name, roles in way.items() or _HERE)
