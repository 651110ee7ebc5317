"""An origin on a real socket with real files, and how tests talk to it."""

import io
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from multidict import CIMultiDict

from sync.http.listener import serve_http
from sync.http.problems import PROBLEM_TYPE
from sync.origin.http.auth import make_key
from sync.origin.persistence.database import OriginDatabase
from sync.origin.settings.model import OriginConfiguration, OriginStorageSettings, PipelineSettings, ServerSettings
from sync.origin.wiring.origin import Origin, open_origin
from sync.roles import Role
from sync.runtime.clock import Clock
from sync.trust.signing import pairing_code
from sync.wire.device_reports import play_hash
from sync.wire.release import Envelope
from tests.origin.empty_database import lay_database

EPOCH = "0123456789abcdef" * 2
ZERO = "0" * 64


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer; `document` is its JSON, None when it has none."""

    status: int
    document: Any
    headers: CIMultiDict[str]
    text: str


@dataclass
class RunningOrigin:
    """A listening origin with a full key, `writer`, and a read-only one, `reader`."""

    origin: Origin
    url: str
    client: ClientSession
    writer: str
    reader: str

    @property
    def database(self) -> OriginDatabase:
        return self.origin.keys._database

    async def ask(
        self, method: str, path: str, token: str | None = None, body: object = None, **options: Any
    ) -> Answer:
        """Ask, and hold every error to being a problem document."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= options.pop("headers", {})
        if body is not None:
            options["data"] = body if isinstance(body, bytes | str | io.BytesIO) else json.dumps(body)
        async with self.client.request(method, self.url + path, headers=headers, **options) as answer:
            text = await answer.text()
            kind = answer.content_type
            document: Any = json.loads(text) if text and kind.endswith("json") else None
            if answer.status >= 400 and method != "HEAD":
                assert kind == PROBLEM_TYPE, f"{method} {path} answered {answer.status} as {kind}: {text}"
                assert document["status"] == answer.status
                assert {"type", "title", "detail", "instance"} <= set(document)
            return Answer(answer.status, document, answer.headers.copy(), text)

    async def make_channel(self, channel: str) -> None:
        """Make a channel that plays nothing, unless it is there."""
        assert (await self.ask("PUT", f"/v1/schedule/{channel}", self.writer, {})).status in (201, 428)

    async def pair(self, name: str = "window", channel: str = "main") -> tuple[str, str]:
        """Pair a device by its code; return its id and token."""
        if channel != "main":
            await self.make_channel(channel)
        secret = secrets.token_hex(32)
        asked = await self.ask("POST", "/v1/pairings", body={"name": name, "secret": secret})
        code = pairing_code(Envelope.model_validate(asked.document["root"]), secret)
        approved = await self.ask("POST", "/v1/devices", self.writer, {"code": code, "channel": channel})
        assert approved.status == 201
        polled = await self.ask("GET", f"/v1/pairings/{asked.document['pairing']}", secret)
        return polled.document["device"], polled.document["token"]


def settings_in(folder: Path, **sections: Any) -> OriginConfiguration:
    """Return settings of an origin in `folder` on any free port."""
    storage = OriginStorageSettings(data_dir=folder, reserve_bytes=0)
    return OriginConfiguration(
        server=ServerSettings(port=0), storage=storage, **{"pipeline": PipelineSettings(priority="normal"), **sections}
    )


@asynccontextmanager
async def running_origin(settings: OriginConfiguration, clock: Clock) -> AsyncIterator[RunningOrigin]:
    """Open an origin and listen; its services are not running."""
    server = settings.server
    lay_database(settings.storage.data_dir)
    async with (
        open_origin(settings, clock) as origin,
        serve_http(origin.app, server.host, server.port) as url,
        ClientSession() as client,
    ):
        _, writer = await make_key(origin.keys, clock, "writer", Role.ADMINISTRATOR)
        _, reader = await make_key(origin.keys, clock, "reader", Role.VIEWER)
        yield RunningOrigin(origin, url, client, writer, reader)


def play(device: str, number: int, **changes: Any) -> dict[str, Any]:
    """Return a play as a device sends it, its hash right."""
    began = datetime(2026, 3, 2, 9, 0, tzinfo=UTC) + timedelta(seconds=10 * number)
    document: dict[str, Any] = {
        "device": device,
        "log_epoch": EPOCH,
        "sequence": number,
        "take": f"take-{number}",
        "kind": "ad",
        "release": ZERO,
        "asset": ZERO,
        "title": "Iced mint tea",
        "campaign": "spring",
        "line": "mornings",
        "started_at": began.isoformat().replace("+00:00", "Z"),
        "ended_at": (began + timedelta(seconds=10)).isoformat().replace("+00:00", "Z"),
        "zone": "Europe/Berlin",
        "rendered_ms": 10_000,
        "outcome": "complete",
        "previous_hash": ZERO,
    }
    document |= changes
    return {"hash": play_hash(document["previous_hash"], document), **document}
