"""Tells once that something ran out, and once that it is there again, however many requests fail."""

import errno
import logging

from sync.runtime.clock import SystemClock
from sync.runtime.os_messages import os_reason

QUIET_S = 10.0
"""How long nothing may happen until it is over."""

_REASONS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})

log = logging.getLogger(__name__)


class RepeatedEvent:
    """What strangers can cause again and again, and the log has twice: when it begins and when it is over."""

    def __init__(self, is_over: str) -> None:
        self._clock = SystemClock()
        self._is_over = is_over
        self._last_s: float | None = None

    def happened(self, what: str) -> None:
        """Tell it if that is new."""
        if self._last_s is None:
            log.warning(what)
        self._last_s = self._clock.monotonic()

    def did_not_happen(self) -> None:
        """Tell that it is over, once it has not happened for a while."""
        if self._last_s is not None and self._clock.monotonic() - self._last_s > QUIET_S:
            self._last_s = None
            log.info(self._is_over)


class Shortage(RepeatedEvent):
    """The shortage of this process, whose limits hold for all of its servers together."""

    def __init__(self) -> None:
        super().__init__("requests and connections work again")

    def is_cause(self, error: OSError) -> bool:
        """Return whether an error comes from a shortage, which is told then."""
        if error.errno in _REASONS:
            self.happened(f"requests and connections fail, and are tried again: {os_reason(error)}")
        return error.errno in _REASONS


SHORTAGE = Shortage()
