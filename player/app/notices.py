"""Tells the origin why this player does not run: while it waits because it fails at its start."""

import asyncio

from player import __version__
from player.app.device_session import network_of
from player.protocol.problems import ProblemCode, ToldProblem, problem_fields
from player.settings.configuration import Configuration
from sync.device.origin_client import open_client
from sync.device.store.content_store import ContentStore
from sync.device.store.membership import load_membership
from sync.runtime.clock import Clock
from sync.wire.device_reports import Heartbeat


async def report_notice(configuration: Configuration, words: str, clock: Clock) -> None:
    """Send heartbeats that say it to the origin that this device belongs to; it goes on needing its releases."""
    settings, content = configuration.settings, ContentStore(configuration.settings.storage.state_dir)
    url, membership = str(settings.origin.url), load_membership(content)
    if membership is None or membership.origin.rstrip("/") != url.rstrip("/"):
        await asyncio.Event().wait()
        return
    active = content.pointer()
    async with open_client(url, membership.token, network_of(settings, clock)) as client:
        while True:
            heartbeat = Heartbeat(
                at=clock.now(),
                version=__version__,
                period_s=settings.origin.heartbeat_s,
                release=active.release if active else None,
                preparing=content.pending(),
                sequence=active.sequence if active else None,
                **problem_fields([ToldProblem(ProblemCode.FAILED_STARTS, words)]),
            )
            await client.post_heartbeat(heartbeat)
            await clock.sleep(settings.origin.heartbeat_s)
