"""By how many plays lines are off from their shares, before and after each play, and when other lines come on air."""

from collections.abc import Mapping

from sync.programme.ad_shares import ONE_PLAY


class ShareError:
    """Counts exactly what each line is due in the slots that were filled, and what it got."""

    def __init__(self) -> None:
        self.worst = 0.0
        self.worst_line = ""
        self._slots = 0
        self._shares: Mapping[str, int] = {}
        self._due: dict[str, tuple[int, int]] = {}  # by line: what it was due, less what it got, at a slot

    def on_air(self, shares: Mapping[str, int]) -> None:
        """From now on lines have these shares; the others are due nothing."""
        for line in self._shares.keys() - shares.keys():
            self._look(line)
        self._due |= {line: (self._owed(line), self._slots) for line in self._shares.keys() | shares.keys()}
        self._shares = dict(shares)

    def gone(self, lines: set[str]) -> None:
        """Forget lines that left the release; their accounts are over."""
        for line in lines & self._due.keys():
            self._look(line)
            del self._due[line]
        self._shares = {line: share for line, share in self._shares.items() if line not in lines}

    def played(self, line: str) -> None:
        """Count a slot that was given to a line."""
        self._look(line)
        self._slots += 1
        owed = self._owed(line) - ONE_PLAY
        self._due[line] = (owed, self._slots)
        self._look(line)

    def filled(self) -> None:
        """Count a slot that was given to a line that is not counted."""
        self._slots += 1

    def close(self) -> None:
        """Look at all lines at the end."""
        for line in self._due:
            self._look(line)

    def _owed(self, line: str) -> int:
        owed, slot = self._due.get(line, (0, self._slots))
        return owed + self._shares.get(line, 0) * (self._slots - slot)

    def _look(self, line: str) -> None:
        off = abs(self._owed(line)) / ONE_PLAY
        if off > self.worst:
            self.worst, self.worst_line = off, line
