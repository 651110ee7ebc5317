"""The thread of the browser: Playwright keeps an event loop running, which other tests may not find in theirs."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_NAME = "browser"


class BrowserThread:
    """Runs work in one thread; work that is there already runs at once."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=_NAME)

    def run(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, and raise what it raises."""
        if threading.current_thread().name.startswith(_NAME):
            return work()
        return self._pool.submit(work).result()

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown()
