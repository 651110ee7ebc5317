"""Starts that failed are counted on the disk: a player that fails at its start tries less and less often, and says why.

Each start is recorded before anything can fail, and forgotten once it has lasted a minute. So one that was killed or
hung counts too. Starts of another boot do not count: somebody may switch a device off and on.
"""

import logging
import traceback
from asyncio import Event, create_task, wait
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from player.platform.code_version import CODE, code_version
from player.settings.configuration import Configuration
from sync.errors import SignageError, StorageBroken, StorageFull
from sync.runtime.clock import Clock, boot_id
from sync.runtime.durable_files import read_file, write_unflushed
from sync.runtime.supervisor import Restarts, supervise
from sync.runtime.systemd import notify
from sync.wire.value_types import Instant, Wire

FILE = "failed_starts.json"
"""The name of the record in the state folder."""

LASTED_S = 60.0  # a start that lasted so long is a good one
_AT_ONCE = 3  # so many starts in a row may fail before the next one waits
_FIRST_WAIT_S, _LONGEST_WAIT_S = 5.0, 300.0
_LOOK_EVERY_S = 1.0
_EXTEND = "EXTEND_TIMEOUT_USEC=30000000"  # systemd ends a start that takes too long
_CAP_BYTES = 64 * 1024
_LONGEST_REASON = 500
_NO_REASON = "it ended and gave no reason: see the log of the system"

Service = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


class FailedStarts(Wire):
    """How often a player of this code failed at its start since this boot, when last and why.

    `pending`: one more start began, and is not known to be good.
    """

    boot: str
    code: str
    times: Annotated[int, Field(ge=0)]
    at: Instant
    reason: str
    pending: bool = False

    def __str__(self) -> str:
        times = "once" if self.times == 1 else f"{self.times} times in a row"
        return f"failed {times} at its start, last at {self.at:%Y-%m-%d %H:%M:%S} UTC: {self.reason}"

    def wait_s(self) -> float:
        """Return how long the next start waits."""
        over = self.times - _AT_ONCE
        return min(_FIRST_WAIT_S * 2.0 ** min(over, 20), _LONGEST_WAIT_S) if over >= 0 else 0.0


def record_path(configuration: Configuration) -> Path:
    """Return where the record is."""
    return configuration.settings.storage.state_dir / "state" / FILE


def read_failed_starts(path: Path) -> FailedStarts | None:
    """Return the starts that failed in a row; None if there are none, they are of another boot, or unreadable."""
    found = _read(path)
    return found if found and found.times else None


def _read(path: Path) -> FailedStarts | None:
    try:
        raw = read_file(path, _CAP_BYTES)
        found = FailedStarts.model_validate_json(raw) if raw else None
    except (StorageBroken, ValidationError):
        return None
    return found if found and found.boot == boot_id() else None


def _failed_before(path: Path) -> FailedStarts | None:
    """Return the starts that failed before the one of this process: what is pending ended unseen."""
    found = _read(path)
    if found is None or not found.pending:
        return found
    return found.model_copy(update={"times": found.times + 1, "reason": _NO_REASON, "pending": False})


async def wait_for_turn(configuration: Configuration, clock: Clock, stopping: Event) -> None:
    """Wait as long as the starts that failed before demand, until the player is to stop or its code is another one.

    Meanwhile it says why, as far as the program can.

    Raises:
        SignageError: the program was updated meanwhile, and only a new process can load that.
    """
    failed = _failed_before(record_path(configuration))
    wait_s = failed.wait_s() if failed and failed.code == CODE else 0.0
    if not wait_s:
        return
    words = f"it {failed}; the next try is in {wait_s:.0f} s, or at once when the program is another one"
    log.error("%s", words)
    notify(f"STATUS={words}")
    ends_s = clock.monotonic() + wait_s
    telling = [create_task(supervise(*each, clock, Restarts())) for each in _notices(configuration, str(failed), clock)]
    try:
        while clock.monotonic() < ends_s and not stopping.is_set():
            notify(_EXTEND)
            await clock.sleep(_LOOK_EVERY_S)
            if code_version() != CODE:
                raise SignageError("the program was updated meanwhile: the next start is of the new one")
    finally:
        for task in telling:
            task.cancel()
        await wait(telling)


def _notices(configuration: Configuration, words: str, clock: Clock) -> Iterator[tuple[str, Service]]:
    """Yield what says it, by name; what of it cannot be imported says nothing."""

    async def serve() -> None:
        from player.endpoint.notice import serve_notice

        await serve_notice(configuration.settings.endpoint, f"The player {words}.")

    async def report() -> None:
        from player.app.notices import report_notice

        await report_notice(configuration, f"The player {words}.", clock)

    yield "page", serve
    yield "heartbeat", report


class StartRecord:
    """This start, in the record; made by `counted`. `earlier` are those that failed before it."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self.earlier = _failed_before(path)
        self._before = self.earlier.times if self.earlier and self.earlier.code == CODE else 0

    def begin(self) -> None:
        """Record that this start has begun."""
        self._save(0, self.earlier.reason if self.earlier else "", pending=True)

    def good(self) -> None:
        """Forget the starts that failed."""
        self._before = 0
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def failed(self, reason: str) -> None:
        """Record that this start failed."""
        self._save(1, reason)

    def restore(self) -> None:
        """Let this start not count."""
        self._write(self.earlier) if self.earlier else self.good()

    def _save(self, more: int, reason: str, *, pending: bool = False) -> None:
        times, at = self._before + more, self._clock.now()
        reason = reason[:_LONGEST_REASON]
        self._write(FailedStarts(boot=boot_id(), code=CODE, times=times, at=at, reason=reason, pending=pending))

    def _write(self, record: FailedStarts) -> None:
        with suppress(StorageFull, StorageBroken):  # then nothing waits
            write_unflushed(self._path, record.model_dump_json().encode())  # it is of this boot only


@contextmanager
def counted(path: Path, clock: Clock) -> Iterator[StartRecord]:
    """Count this start as failed until it is `good`, or ends without a fault of the program."""
    record = StartRecord(path, clock)
    record.begin()
    try:
        yield record
    except SignageError:  # such as no X server: that is said elsewhere, and tried at once
        record.restore()
        raise
    except Exception as error:
        record.failed(_reason(error))
        raise
    record.good()


def _reason(error: BaseException) -> str:
    """Return the innermost error and where it was raised."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    where = traceback.extract_tb(error.__traceback__)[-1:]
    place = "".join(f" ({Path(each.filename).name}, line {each.lineno})" for each in where)
    return f"{type(error).__name__}: {error}{place}"
