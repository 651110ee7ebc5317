"""How often something happened within the last hour, from counters that only go up."""

from collections import deque

WINDOW_S = 3600.0


class LastHourCounts:
    """Remembers when each counter went up. All that it had counted when it was first seen counts as new."""

    def __init__(self) -> None:
        self._totals: dict[str, int] = {}
        self._rises: dict[str, deque[tuple[float, int]]] = {}  # when, and by how much

    def update(self, name: str, total: int, now_s: float) -> int:
        """Return by how much the counter `name` went up in the hour before `now_s`, with its present `total`."""
        rises = self._rises.setdefault(name, deque())
        if total > self._totals.get(name, 0):
            rises.append((now_s, total - self._totals.get(name, 0)))
        self._totals[name] = total
        while rises and rises[0][0] <= now_s - WINDOW_S:
            rises.popleft()
        return sum(rise for _, rise in rises)
