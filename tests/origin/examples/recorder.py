"""Asks an origin and writes down what was sent and answered, as examples that are the same each time."""

import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import hdrs
from jsonschema.validators import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from sqlalchemy import func, select

from sync.http.openapi import operation_id
from sync.origin.tables.audit import audit_entries
from tests.origin.audit.unrecorded import UNRECORDED
from tests.origin.running_origin import RunningOrigin

_TOLD_HEADERS = {"ETag", "Location", "Upload-Offset", "Upload-Length", "Upload-Expires", "Retry-After", "Link"}
_SENT_HEADERS = {
    "If-Match",
    "Upload-Length",
    "Upload-Offset",
    "Upload-Metadata",
    "Tus-Resumable",
    "Idempotency-Key",
    "X-HTTP-Method-Override",
}
_HEX = re.compile(r"[0-9a-f]{16,64}")
_BY_CHANCE = re.compile(r"(?<![\w+-])(?:[A-Za-z0-9_-]{43}|[A-Z2-7]{32}|[0-9a-f]{16,64})(?![\w+=-])")
_SHORT_HASH = re.compile(r"(?<=[Rr]elease )[0-9a-f]{8}\b")
_OFFERED_CODE = re.compile(r"^([0-9]{6}|[A-HJ-NP-Z2-9]{8}|[A-Z0-9]{4}(-[A-Z0-9]{4})+|[a-z0-9]{5}(-[a-z0-9]{5})+)$")
_STANDS_FOR: dict[str, Any] = {
    "size_bytes": 48_213,
    "asset_bytes": 48_213,
    "free_bytes": 52_613_349_376,
    "total_bytes": 63_278_391_296,
    "payload": "eyJjaGFubmVsIjoibWFpbiIsInNlcXVlbmNlIjoxfQ==",
    "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoi…",
    "attestationObject": "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVi…",
    "picture": "data:image/svg+xml;charset=utf-8,%3Csvg%20…",
    "user": {"displayName": "Anna", "id": "OTNiZDBjNmU1YjQ3YTFmMg", "name": "Anna"},
    "userHandle": "OTNiZDBjNmU1YjQ3YTFmMg",
    "signature": "c2lnbmVkIGJ5IGEga2V5IHRoYXQgZGV2aWNlcyB0cnVzdA==",
}
"""By their names: what is another thing each time, or with another version of a library."""
_LONGEST_TEXT, _MOST_ROWS = 400, 3


@dataclass
class Recorder:
    """Tells the story: `show` asks, holds the answer to the document, and writes both down."""

    server: RunningOrigin
    document: Mapping[str, Any]
    shown: dict[str, Any] = field(default_factory=dict)

    async def show(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = "",
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **ids: str,
    ) -> Any:
        """Call an operation by its path with names in braces; return what it answers.

        `token` is the administrator's unless another is given, None for nobody's. The first call of an operation is
        its example.
        """
        sent = dict(headers or {})
        bearer = self.server.writer if token == "" else token
        if bearer is not None:
            sent[hdrs.AUTHORIZATION] = f"Bearer {bearer}"
        if isinstance(body, dict | list):
            sent.setdefault(hdrs.CONTENT_TYPE, "application/json")
        data = json.dumps(body) if isinstance(body, dict | list) else body
        where = path.format(**ids)
        recorded = await self._entries()
        self.server.client.cookie_jar.clear()
        asked = self.server.client.request(method, self.server.url + where, params=query, headers=sent, data=data)
        async with asked as answer:
            raw = await answer.read()
            status, told, media_type = answer.status, answer.headers.copy(), answer.content_type
        assert status < 400, f"{method} {where}: {status} {raw[:2000]!r}"
        read = json.loads(raw) if media_type.endswith("json") and raw else None
        read = self.document if read == self.document else read
        self._hold(method, path, status, media_type, read)
        if method not in ("GET", "HEAD", "OPTIONS") and f"{method} {path}" not in UNRECORDED:
            rule = "an operation that changes something leaves an entry in the audit log (store/audit/record.py)"
            assert await self._entries() > recorded, f"{method} {path}: {rule}"
        example = {
            "request": _kept(
                path=where,
                ids={name: id for name, id in ids.items() if id},
                query=dict(query or {}),
                headers={name: value for name, value in sent.items() if name in _SENT_HEADERS},
                body=body if isinstance(body, dict | list) else None,
            ),
            "answer": _kept(
                status=status,
                headers={name: value for name, value in told.items() if name in _TOLD_HEADERS},
                type=media_type if raw else None,
                body=None if read is self.document else read if read is not None else _text(raw, media_type),
            ),
        }
        self.shown.setdefault(operation_id(method, path), example)
        return read if read is not None else (told if method != "GET" else raw)

    async def _entries(self) -> int:
        query = select(func.count()).select_from(audit_entries)
        async with self.server.database.reading() as connection:
            return await connection.scalar(query) or 0

    def _hold(self, method: str, path: str, status: int, media_type: str, read: Any) -> None:
        """Hold an answer to what the OpenAPI document says of it."""
        described = self.document["paths"][path][method.lower()]
        answers = described["responses"]
        assert str(status) in answers, f"{method} {path} answers {status}, which the document does not tell"
        content = answers[str(status)].get("content", {}).get(media_type)
        if read is None or content is None:
            return
        here = Resource.from_contents(self.document, default_specification=DRAFT202012)
        registry: Registry[Any] = Registry().with_resource("urn:api", here)
        schema = json.loads(json.dumps(content["schema"]).replace("#/components", "urn:api#/components"))
        faults = [one.message for one in Draft202012Validator(schema, registry=registry).iter_errors(read)]
        assert not faults, f"{method} {path}: {faults}"


def _text(raw: bytes, media_type: str) -> str | None:
    is_text = media_type.startswith("text/") or "jsonl" in media_type
    return raw.decode().partition("\n")[0] if is_text else None  # the first line says what it is


def _kept(**parts: Any) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if value not in (None, {}, [])}


def examples_of(shown: Mapping[str, Any], url: str) -> dict[str, Any]:
    """Return the examples with all that is made by chance replaced, so that they are the same each time."""
    steady = _Steady(url)
    return {name: steady.of(shown[name], name) for name in shown}


@dataclass
class _Steady:
    """Replaces what is made by chance; a name for it is made of where it was first seen, so others keep theirs."""

    url: str
    names: dict[str, str] = field(default_factory=dict)

    def of(self, value: Any, where: str) -> Any:
        if isinstance(value, dict):
            return {self._text(key, f"{where}.key"): self._member(key, one, where) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.of(one, f"{where}.{number}") for number, one in enumerate(value[:_MOST_ROWS])]
        return self._text(value, where) if isinstance(value, str) else value

    def _member(self, key: str, value: Any, where: str) -> Any:
        if key == "id" and isinstance(value, int):
            return 1  # of a log: what runs by itself may have written before or after it
        return _STANDS_FOR[key] if value and key in _STANDS_FOR else self.of(value, f"{where}.{key}")

    def _text(self, text: str, where: str) -> str:
        text = text.replace(self.url, "http://localhost:8090")
        text = _BY_CHANCE.sub(lambda found: self._name(found.group(), where), text)
        text = _SHORT_HASH.sub("0" * 8, text)
        text = _OFFERED_CODE.sub(lambda found: re.sub("[A-Za-z0-9]", "7", found.group()), text)
        return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"

    def _name(self, found: str, where: str) -> str:
        if len(set(found)) <= 2:
            return found  # made by nobody's chance: zeros, or a test's own
        if found not in self.names:
            digits = hashlib.sha256(where.encode()).hexdigest()
            self.names[found] = digits[: min(len(found), 43) if _HEX.fullmatch(found) is None else len(found)]
        return self.names[found]


@asynccontextmanager
async def recording(server: RunningOrigin) -> AsyncIterator[Recorder]:
    """Provide the recorder of an origin."""
    async with server.client.get(f"{server.url}/v1/openapi.json") as answer:
        yield Recorder(server, await answer.json())
