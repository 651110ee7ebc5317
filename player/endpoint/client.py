"""The commands `status`, `let-through` and `rotate-key` of `signage-player`: they ask it over its endpoint."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from player.endpoint.auth import TOKEN_FILE, is_local
from player.settings.configuration import Configuration
from player.settings.setting_sources import STATE
from sync.errors import SignageError
from sync.runtime.os_messages import network_reason, os_reason

_TIMEOUT = aiohttp.ClientTimeout(total=10)


async def ask_player(configuration: Configuration, url: str | None) -> dict[str, Any]:
    """Return the documents `status` and `now` of the player at `url`, or at the address in the settings.

    Raises:
        SignageError: it does not answer, or refuses the request.
    """
    local = is_local(configuration.settings.endpoint.host)
    async with _session(configuration, url, token=not local) as (session, base):
        return {name: await _document(session, "GET", f"{base}/v1/{name}") for name in ("status", "now")}


async def let_through(configuration: Configuration, url: str | None, release: str | None) -> dict[str, Any]:
    """Have a release fetched whatever the budget of the month, and return what the month had; None: the waiting one.

    Raises:
        SignageError: the player does not answer, or refuses the request.
    """
    async with _session(configuration, url, token=True) as (session, base):
        return dict(await _document(session, "POST", f"{base}/v1/let-through", {"release": release}))


async def rotate_key(configuration: Configuration, url: str | None) -> dict[str, Any]:
    """Replace the key with which plays are signed, and return how it stands.

    Raises:
        SignageError: the player does not answer, or refuses the request.
    """
    async with _session(configuration, url, token=True) as (session, base):
        return dict(await _document(session, "POST", f"{base}/v1/rotate-key"))


@asynccontextmanager
async def _session(
    configuration: Configuration, url: str | None, *, token: bool
) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """Open a session with the player, with its token if one is needed; yields the address, too."""
    settings = configuration.settings
    endpoint = settings.endpoint
    host = "127.0.0.1" if endpoint.host in ("0.0.0.0", "::") else endpoint.host
    base = url or f"{'https' if endpoint.tls_key else 'http'}://{host}:{endpoint.port}"
    headers = _authorization(settings.storage.state_dir) if token else {}
    tls: ssl.SSLContext | bool = True
    if endpoint.tls_certificate is not None:  # the certificate may not name 127.0.0.1
        tls = ssl.create_default_context(cafile=endpoint.tls_certificate)
        tls.check_hostname = False
        tls.verify_flags &= ~ssl.VERIFY_X509_STRICT  # of Python 3.13: a certificate of one's own may fail it
    connector = aiohttp.TCPConnector(ssl=tls)
    try:
        async with aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers, connector=connector) as session:
            yield session, base.rstrip("/")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        reason = network_reason(error)
        raise SignageError(f"the player does not answer: {reason}. Is signage-player.service running?") from error


async def _document(session: aiohttp.ClientSession, method: str, url: str, body: Any = None) -> Any:
    async with session.request(method, url, json=body) as answer:
        document = await answer.json(content_type=None)
        if answer.status != 200:
            raise SignageError(f"{url} answered {answer.status}: {document.get('detail', '')}")
        return document


def _authorization(state_dir: Path) -> dict[str, str]:
    try:
        return {"Authorization": f"Bearer {(state_dir / STATE / TOKEN_FILE).read_text().strip()}"}
    except OSError as error:
        reason = os_reason(error)
        raise SignageError(f"the token of the endpoint cannot be read: {reason}. Run the command as root") from error
