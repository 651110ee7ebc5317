"""The command `signage-player status`: asks the running player over its endpoint."""

import ssl
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
    try:
        return await _ask(configuration, url)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        reason = network_reason(error)
        raise SignageError(f"the player does not answer: {reason}. Is signage-player.service running?") from error


async def _ask(configuration: Configuration, url: str | None) -> dict[str, Any]:
    settings = configuration.settings
    endpoint = settings.endpoint
    host = "127.0.0.1" if endpoint.host in ("0.0.0.0", "::") else endpoint.host
    base = url or f"{'https' if endpoint.tls_key else 'http'}://{host}:{endpoint.port}"
    headers = {} if is_local(endpoint.host) else _authorization(settings.storage.state_dir)
    tls: ssl.SSLContext | bool = True
    if endpoint.tls_certificate is not None:  # the certificate may not name 127.0.0.1
        tls = ssl.create_default_context(cafile=endpoint.tls_certificate)
        tls.check_hostname = False
        tls.verify_flags &= ~ssl.VERIFY_X509_STRICT  # of Python 3.13: a certificate of one's own may fail it
    connector = aiohttp.TCPConnector(ssl=tls)
    async with aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers, connector=connector) as session:
        return {name: await _document(session, f"{base.rstrip('/')}/v1/{name}") for name in ("status", "now")}


async def _document(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url) as answer:
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


def status_text(status: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return both documents as lines of text."""
    sync = status["sync"]
    age = "never" if sync["age_s"] is None else f"{sync['age_s']:.0f} s ago"
    lines = [
        f"{status['name']} ({status['device'] or 'not paired'}), version {status['version']}",
        f"on air    {now['title'] or now['showing']}: {now['why']}",
        f"next      {now['next']['title'] or 'not decided yet'}",
        f"release   {sync['sequence'] or 'none'} of channel {status['channel'] or 'none'}, confirmed {age}",
        f"plays     {status['outbox_depth']} wait for delivery",
    ]
    if status["pairing_code"]:
        lines.append(f"pairing   {status['pairing_code']} (enter it in the console at {status['origin']})")
    return [*lines, *(f"problem   {sentence}" for sentence in status["problems"] or ["none"])]
