"""Tells once that the system has no descriptor or memory left, and once that it has, however many requests fail."""

import errno
import logging

from sync.runtime.clock import SystemClock
from sync.runtime.os_messages import os_reason

QUIET_S = 10.0
"""How long nothing may fail until it is over."""

_REASONS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})

log = logging.getLogger(__name__)


class Shortage:
    """The shortage of this process, whose limits hold for all of its servers together."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._failed_s: float | None = None

    def is_cause(self, error: OSError) -> bool:
        """Return whether an error comes from a shortage, which is told then."""
        if error.errno not in _REASONS:
            return False
        if self._failed_s is None:
            log.warning("requests and connections fail, and are tried again: %s", os_reason(error))
        self._failed_s = self._clock.monotonic()
        return True

    def worked(self) -> None:
        """Tell that it is over, once nothing has failed for a while."""
        if self._failed_s is not None and self._clock.monotonic() - self._failed_s > QUIET_S:
            self._failed_s = None
            log.info("requests and connections work again")


SHORTAGE = Shortage()
