"""Runs one device session after another.

The director of a session starts at once, from the disk. The connection to the origin follows when the device is
paired. Another origin in the settings ends the connection; another device id ends the session. The screen goes on
meanwhile.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from player.app.device_session import DeviceSession, OriginConnection, SessionBuilder
from player.settings.configuration import Configuration
from player.settings.model import Settings
from sync.device.pairing import ShowCode
from sync.device.store.membership import DeviceMembership
from sync.runtime.waiting import wait_unless

log = logging.getLogger(__name__)

Supervised = Callable[[str, Callable[[], Awaitable[None]]], Coroutine[Any, Any, None]]
"""Runs a service by name and restarts it when it fails, until it is cancelled."""


class CurrentSession:
    """The session that runs now. The runner alone replaces the value; everybody else calls for it."""

    def __init__(self) -> None:
        self.value: DeviceSession | None = None

    def __call__(self) -> DeviceSession | None:
        """Return the session; None while the player starts or becomes another device."""
        return self.value

    def is_blank(self) -> bool:
        """Return whether an operator wants the screen blank."""
        return self.value is not None and self.value.director.now().showing == "blank"


class SessionRunner:
    """A service; `show_code` shows a pairing code on the screen."""

    def __init__(
        self,
        builder: SessionBuilder,
        current: CurrentSession,
        configuration: Configuration,
        supervised: Supervised,
        show_code: ShowCode,
    ) -> None:
        self._builder = builder
        self._current = current
        self._configuration = configuration
        self._supervised = supervised
        self._show_code = show_code
        self._settings = configuration.settings  # those of the connection
        self._reconnect = asyncio.Event()

    def wake(self) -> None:
        """Apply changed settings or limits: all is decided again, and another origin is connected."""
        if _connection_settings(self._configuration.settings) != _connection_settings(self._settings):
            self._reconnect.set()
        if self._current.value is not None:
            self._current.value.director.wake()
            if (connection := self._current.value.connection) is not None:
                connection.syncer.limits_changed()

    def reconnect(self) -> None:
        """Connect anew: the membership on the disk is another one."""
        self._reconnect.set()

    async def run(self) -> None:
        """Run sessions until cancelled."""
        while True:
            async with self._builder.session() as session:
                self._current.value = session
                try:
                    await self._run_session(session)
                finally:
                    self._current.value = None

    async def _run_session(self, session: DeviceSession) -> None:
        """Run the director and the connection; return when this device has another id."""
        other_device = asyncio.Event()

        async def connect() -> None:
            await self._connect(session)
            other_device.set()
            await asyncio.Event().wait()  # a service ends only by cancellation

        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._supervised("director", session.director.run)),
                group.create_task(self._supervised("history", session.history.run)),
                group.create_task(self._supervised("membership", connect)),
                group.create_task(self._supervised("signer", session.signer.run)),
            ]
            await other_device.wait()
            for task in tasks:
                task.cancel()

    async def _connect(self, session: DeviceSession) -> None:
        """Run one connection after another; return when this device has another id at the origin."""
        while True:
            self._reconnect.clear()
            self._settings = self._configuration.settings
            membership = await wait_unless(self._membership(session), self._reconnect.wait())
            if membership is None:
                continue
            if membership.device != session.ledger.device:
                log.info("device=%s starts a session", membership.device)
                return
            async with self._builder.connection(self._settings, membership, session) as connection:
                self._current.value = replace(session, connection=connection)
                try:
                    await wait_unless(self._run_connection(connection), self._reconnect.wait())
                finally:
                    self._current.value = session

    async def _membership(self, session: DeviceSession) -> DeviceMembership:
        def show_code(code: str | None) -> None:
            self._current.value = replace(session, pairing_code=code)
            self._show_code(code)

        return await self._builder.membership(self._settings, show_code)

    async def _run_connection(self, connection: OriginConnection) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._supervised("syncer", connection.syncer.run))
            group.create_task(self._supervised("exchange", connection.contact.exchange.run))
            group.create_task(self._supervised("live connection", connection.contact.live.run))
            group.create_task(self._supervised("on air", connection.on_air.run))
            group.create_task(self._supervised("certification", connection.certification.run))
            group.create_task(self._supervised("history delivery", connection.history.run))
            group.create_task(self._supervised("checkpoints", connection.checkpoints.run))


def _connection_settings(settings: Settings) -> object:
    """Return what a connection depends on; exchanges read their period anew each time."""
    return settings.origin.model_copy(update={"heartbeat_s": 0.0}), settings.storage.reserve_bytes
