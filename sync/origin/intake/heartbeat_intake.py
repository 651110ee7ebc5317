"""Takes heartbeats in: each is answered from memory, as far as nothing has to be asked, and written with others."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import ValidationError
from pydantic_core import from_json

from sync.errors import StorageBroken, StorageFull, TooLarge
from sync.origin.intake.heartbeat_watch import HeartbeatWatch
from sync.origin.live.screens import Screens
from sync.origin.live.severity import severity_of
from sync.origin.store.heartbeats.heartbeats import HeartbeatStore
from sync.recurring_problem import RecurringProblem
from sync.runtime.clock import Clock, unix_ms
from sync.wire.device_reports import Heartbeat, HeartbeatAnswer, ReleaseLetThrough
from sync.wire.value_types import Sha256, Wire

WRITE_EVERY_S = 1.0
"""How long a heartbeat is only in memory. Other origins on the same database know it after that, and one write."""

LARGEST_LETTERS = 128 * 1024
"""The longest heartbeat that is held, written out; one that comes by itself has at most 64 KiB."""

log = logging.getLogger(__name__)


class BudgetWait(Wire):
    """A release for whose media a device has spent the bytes of its month. `asked`: a person let it through.

    `done`: the device says that it fetches it whatever its budget.
    """

    release: Sha256
    month: str
    state: Literal["waits", "asked", "done"]


class HeartbeatIntake:
    """Takes heartbeats; a service writes them. `wanted` is the `ReleaseLetThrough` that a person wants of a device."""

    def __init__(
        self,
        store: HeartbeatStore,
        watch: HeartbeatWatch,
        screens: Screens,
        wanted: Callable[[str], Mapping[str, Any] | None],
        clock: Clock,
    ) -> None:
        self._store = store
        self._watch = watch
        self._screens = screens
        self._wanted = wanted
        self._clock = clock
        starts, ends = "heartbeats are not written, but held in memory", "heartbeats are written again"
        self._problem = RecurringProblem(clock, log, starts, ends, logging.ERROR)

    async def submit(self, device: str, heartbeat: Heartbeat) -> HeartbeatAnswer | None:
        """Take a heartbeat; return what to answer, None: nothing.

        Raises:
            TooLarge: it is not held, for each device has one in memory.
        """
        text = heartbeat.model_dump_json()  # with null for infinity and NaN, which PostgreSQL refuses
        if len(text) > LARGEST_LETTERS:
            raise TooLarge(f"a heartbeat of {len(text)} letters is over the limit of {LARGEST_LETTERS}")
        self._store.hold(device, from_json(text), unix_ms(self._clock.now()), severity_of(heartbeat))
        self._screens.reported(device, heartbeat)
        answer = await self._watch.heard(device, heartbeat)
        wait = budget_wait(heartbeat, self._wanted(device))
        if wait is None or wait.state != "asked":
            return answer
        through = ReleaseLetThrough(release=wait.release, month=wait.month)
        return (answer or HeartbeatAnswer()).model_copy(update={"let_through": through})

    async def run(self) -> None:
        """Write what came, until cancelled."""
        while True:
            await self._clock.sleep(WRITE_EVERY_S)
            try:
                await self._store.write()
            except (StorageFull, StorageBroken) as error:
                self._problem.occurred(str(error))
            else:
                self._problem.cleared()


def budget_wait(heartbeat: Heartbeat, wanted: Mapping[str, Any] | None) -> BudgetWait | None:
    """Return what a device does not fetch because the bytes of its month are spent; `wanted`: what a person wants.

    None also for an older player, which cannot be told, and does not say what it let through.
    """
    health = heartbeat.health
    release = heartbeat.preparing or (heartbeat.release if heartbeat.coming else None)
    through = health.get("month_let_through")
    if release is None or health.get("month_spent") is not True or through is None:
        return None
    try:
        this = ReleaseLetThrough.model_validate({"release": release, "month": health.get("month")})
    except ValidationError:  # a device may say anything
        return None
    asked = wanted == this.model_dump()
    return BudgetWait(
        release=release, month=this.month, state="done" if through == release else "asked" if asked else "waits"
    )
