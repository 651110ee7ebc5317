"""The commands `signage-player status` and `let-through`: they ask the running player over its endpoint."""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

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


def status_text(status: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return both documents as lines of text."""
    sync = status["sync"]
    age = "never" if sync["age_s"] is None else f"{sync['age_s']:.0f} s ago"
    lines = [
        f"{status['name']} ({status['device'] or 'not paired'}), version {status['version']}",
        f"on air    {now['title'] or now['showing']}: {now['why']}",
        f"next      {now['next']['title'] or 'not decided yet'}",
        f"release   {sync['sequence'] or 'none'} of channel {status['channel'] or 'none'}, confirmed {age}",
        *_sync_lines(status),
        f"plays     {status['outbox_depth']} wait for delivery",
        f"sync      {sync['state']}{': ' + sync['waiting_for'] if sync.get('waiting_for') else ''}",
        *([f"month     {month_text(status['traffic'])}"] if "traffic" in status else []),
    ]
    if status["pairing_code"]:
        lines.append(f"pairing   {status['pairing_code']} (enter it in the console at {status['origin']})")
    return [*lines, *(f"problem   {sentence}" for sentence in status["problems"] or ["none"])]


def _sync_lines(status: dict[str, Any]) -> Iterator[str]:
    """Yield what is coming, from where, under which limits, and what room there is; of older players what they tell."""
    sync, zone = status["sync"], ZoneInfo(status["zone"])
    for release in sync.get("releases", ()):
        if release["state"] != "active":
            name = f"{release['sequence']} " if release["sequence"] else ""
            progress = _progress(sync, zone) if release["release"] else ""
            yield f"coming    {name}{release['state']}{progress}{release['why'] and ': '}{release['why']}"
    if sync.get("coming") and not sync["preparing"]:
        yield f"mending  {_progress(sync, zone)}"
    for late in (sync.get("coming") or {}).get("late", ()):
        yield f"late      {late['what']}, {_local(late['at'], zone)}"
    for source in sync.get("sources", ()):
        rate = f", {source['bytes_s'] / 1000:,.0f} kB/s a connection" if source["bytes_s"] else ""
        came = f"{source['received_bytes'] / 1e6:,.0f} MB{rate}, {source['errors']} errors"
        yield f"source    {source['name']} {source['url']}: {came}{source['problem'] and ': '}{source['problem']}"
    if limits := sync.get("limits"):
        rates = [(limits["all_kbit_s"], ""), (limits["line_kbit_s"], " over the line")]
        texts = [
            f"{rate:,.0f} kbit/s{where}" if rate else f"no media{where}" for rate, where in rates if rate is not None
        ]
        until = f" until {_local(limits['until'], zone)}" if limits["until"] else ""
        yield f"limits    {', '.join(texts) or 'none'}{until}"
    if "reserve_bytes" in sync and status["health"].get("disk_free_bytes") is not None:
        free, spare = status["health"]["disk_free_bytes"] / 1e6, sync["spare_bytes"] / 1e6
        reserve = sync["reserve_bytes"] / 1e6
        yield f"space     {free:,.0f} MB free, {reserve:,.0f} MB stay free, {spare:,.0f} MB go when room is needed"
    yield f"trust     {sync['trust'] or 'all documents are accepted'}"


def _progress(sync: dict[str, Any], zone: ZoneInfo) -> str:
    if (coming := sync["coming"]) is None:
        return ""
    rate = f", {sync['bytes_s'] / 1000:,.0f} kB/s" if sync["bytes_s"] else ""
    ready = f"ready at {_local(coming['ready_at'], zone)}" if coming["ready_at"] else "ready at a time not known yet"
    return f" {coming['bytes_done'] / 1e6:,.0f} of {coming['bytes_to_do'] / 1e6:,.0f} MB{rate}, {ready}"


def _local(at: str, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(at).astimezone(zone):%a %d %b %H:%M}"


def month_text(traffic: dict[str, Any]) -> str:
    """Return what a month had, and its budget, in one line."""
    used = f"{(traffic['sent_bytes'] + traffic['received_bytes']) / 1e6:,.0f} MB in {traffic['month']}"
    streams = f", {traffic['stream_bytes'] / 1e6:,.0f} MB of them streams" if traffic["stream_bytes"] else ""
    if traffic["budget_bytes"] is None:
        return used + streams
    budget = f", the budget is {traffic['budget_bytes'] / 1e6:,.0f} MB"
    ends = traffic["goes_on_at"]
    until = f"{datetime.fromisoformat(ends):%Y-%m-%d %H:%M} UTC" if ends else "the next month"
    spent = f", spent until {until}" if traffic["spent"] else ""
    through = f", release {traffic['let_through'][:8]} needs none" if traffic["let_through"] else ""
    return used + streams + budget + spent + through
