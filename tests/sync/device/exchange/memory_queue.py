"""A queue of plays in memory, as the outbox is one on disk."""

import asyncio
from collections.abc import Sequence

from sync.device.store.outbox import QueuedPlay, RefusedPlay


class MemoryQueue:
    """What waits, by sequence from 1."""

    def __init__(self) -> None:
        self.waiting: list[QueuedPlay] = []
        self.refused: list[RefusedPlay] = []
        self._made = 0
        self._more = asyncio.Event()

    def add(self, count: int, reason: str = "eof", text: str = "") -> None:
        for _ in range(count):
            self._made += 1
            body = {"sequence": self._made, "log_epoch": "0" * 32, "reason": reason, "title": text}
            self.waiting.append(QueuedPlay(self._made, body))
        self._more.set()

    async def wait_for_more(self, than: int) -> None:
        while len(self.waiting) <= than:
            self._more.clear()
            await self._more.wait()

    async def batch(self, limit: int) -> list[QueuedPlay]:
        return self.waiting[:limit]

    async def acknowledge(self, sequences: Sequence[int]) -> None:
        self.waiting = [one for one in self.waiting if one.sequence not in sequences]

    async def refuse(self, refusals: Sequence[RefusedPlay]) -> None:
        self.refused += refusals
        await self.acknowledge([one.sequence for one in refusals])

    async def queue_again(self, first: int, last: int) -> int:
        return 0

    async def has_conflicts(self) -> bool:
        return any(one.status == "conflict" for one in self.refused)

    async def prune(self, before_ms: int) -> int:
        return 0
