"""Runs the origin: listens, supervises its services, notifies systemd, and ends within three seconds of a signal."""

import asyncio
import fcntl
import gc
import logging
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from sync.errors import Conflict, StorageBroken
from sync.http.listener import RESERVED_DESCRIPTORS, serve_http
from sync.origin.console.server import has_libraries
from sync.origin.http.auth import make_first_key
from sync.origin.http.device_budget import DeviceBudget
from sync.origin.ingest.chunker import describe_chunker, divides_by_content
from sync.origin.settings.model import OriginConfiguration
from sync.origin.wiring.origin import Origin, open_origin
from sync.runtime.clock import Clock, SystemClock
from sync.runtime.os_messages import os_reason
from sync.runtime.supervisor import supervise
from sync.runtime.systemd import Watchdog, notify, watchdog_interval_s
from sync.wire.settings_section import SHORTEST_ENROLMENT_KEY

_YOUNG = 10_000
"""Objects that may be new before the collector looks for circles among them: a group of plays has as many, no circle
among them, and looking after each 700 costs 5 % of the processor."""

_MIDDLE, _FULL = 3, 1_000
"""A look through the middle-aged objects comes after so many through the new ones: after ten, with 10,000 sockets, one
took some 0.3 s of the processor. One through all comes after so many of those; with 10,000 sockets it stops all other
work for a second, which after a hundred of them was every eight minutes. What it finds is little."""

_MOST_DESCRIPTORS = 65_536  # LimitNOFILE in systemd/signage-origin.service

log = logging.getLogger(__name__)


async def serve(settings: OriginConfiguration, announce: Callable[[str], None], clock: Clock | None = None) -> None:
    """Serve until SIGTERM or SIGINT; `announce` gets the address, at the very first start the first key, and the page.

    Raises:
        Rejected: the origin cannot listen on this address.
        Conflict: another origin uses this data_dir.
        StorageBroken: data_dir or the database cannot be used.
    """
    _raise_descriptor_limit()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    clock = clock or SystemClock()
    budget = DeviceBudget.of_this_process()
    limits = budget.limits(RESERVED_DESCRIPTORS)
    with _locked_data_dir(settings):
        async with (
            open_origin(settings, clock) as origin,
            serve_http(origin.app, settings.server.host, settings.server.port, limits=limits) as url,
        ):
            token = await make_first_key(origin.keys, clock)
            announce(f"listening on {url}")
            if token is not None:
                announce(f"first key (may do everything, shown only this once): {token}")
            if (page := page_here(url)) is not None:
                announce(f"on this machine, open {page} in a browser")
            if settings.publish.enrolment_key and not settings.publish.usable_enrolment_key:
                log.error(
                    "publish.enrolment_key is not used, and screens show a code: it is too short; "
                    "give the origin and the players the same key of at least %d letters",
                    SHORTEST_ENROLMENT_KEY,
                )
            if not divides_by_content():
                log.warning("media are divided %s", describe_chunker())
            if not has_libraries():
                log.warning("the console at /console/ stays empty: run script/libraries, then start again")
            log.info("origin started data_dir=%s %s", settings.storage.data_dir, budget.told(limits))
            await _run(origin, clock, stop)


def page_here(url: str) -> str | None:
    """Return the address of the console by the name `localhost`, which passkeys need; None: it is not on loopback."""
    parts = urlsplit(url)
    is_here = parts.hostname in ("127.0.0.1", "::1", "0.0.0.0", "::", "localhost")
    return f"http://localhost:{parts.port}/" if is_here else None


def _raise_descriptor_limit() -> None:
    """Use as many descriptors as the system allows, but no more than the unit; shells begin with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


async def _run(origin: Origin, clock: Clock, stop: asyncio.Event) -> None:
    services = dict(origin.services)
    if (interval_s := watchdog_interval_s()) is not None:
        services["watchdog"] = Watchdog(interval_s, clock).run
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(supervise(name, run, clock, origin.restarts)) for name, run in services.items()]
        gc.set_threshold(_YOUNG, _MIDDLE, _FULL)
        gc.freeze()  # what is imported stays: a full collection over it would stop the loop for 65 to 130 ms each time
        notify("READY=1")
        await stop.wait()
        notify("STOPPING=1")
        log.info("origin stops")
        for task in tasks:
            task.cancel()


@contextmanager
def _locked_data_dir(settings: OriginConfiguration) -> Iterator[None]:
    """Lock the data_dir, unless a database server lets several origins share the work."""
    if settings.storage.database_url:
        yield
        return
    data_dir = settings.storage.data_dir
    descriptor = _open_lock(data_dir)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise Conflict(f"another origin already uses {data_dir}; stop it, or choose another data_dir") from error
    try:
        yield
    finally:
        os.close(descriptor)  # this unlocks; the file stays, else two origins could lock two files of the same name


def _open_lock(data_dir: Path) -> int:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        return os.open(data_dir / "origin.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageBroken(f"{data_dir} cannot be used: {os_reason(error)}") from error
