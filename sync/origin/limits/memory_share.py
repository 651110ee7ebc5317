"""Memory that several jobs share: each begins when there is enough for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class MemoryShare:
    """So many bytes for all jobs together. One that wants more than that gets all of them, and is alone."""

    def __init__(self, total_bytes: int) -> None:
        self._total_bytes = max(1, total_bytes)  # where nothing is free, each job is alone
        self._free_bytes = self._total_bytes
        self._order = asyncio.Lock()  # whoever waits for much is not overtaken for ever by those that want little
        self._returned = asyncio.Event()

    @asynccontextmanager
    async def taken(self, wanted_bytes: int) -> AsyncIterator[None]:
        """Wait until so much is free, in the order of those that ask, and take it for a while."""
        taken_bytes = min(wanted_bytes, self._total_bytes)
        async with self._order:
            while self._free_bytes < taken_bytes:
                self._returned.clear()
                await self._returned.wait()
            self._free_bytes -= taken_bytes
        try:
            yield
        finally:
            self._free_bytes += taken_bytes
            self._returned.set()
