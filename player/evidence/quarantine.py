"""Which assets failed on this device, and which are left alone for a while because of it (SQL over `plays.db`).

A failing item is skipped at once; at its third failure in a row the asset is quarantined, longer each time. It comes
back when that time is over. New bytes are another asset, so a repaired file is never held back by its past.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync.runtime.sqlite import Database

QUARANTINE_SCHEMA = """
-- Assets that failed and did not play since.
CREATE TABLE quarantine (
    asset TEXT PRIMARY KEY,       -- SHA-256 of its bytes
    failures INTEGER NOT NULL,    -- in a row
    until_ms INTEGER NOT NULL,    -- Unix milliseconds when it may be tried again; 0 below the limit
    reason TEXT NOT NULL          -- of the latest failure, in the decoder's words
) STRICT;
"""
"""The table of this store, for the database it lives in to create."""

FAILURES = 3
"""So many failures in a row quarantine an asset."""

FIRST = timedelta(minutes=10)
"""How long the first quarantine lasts; each further failure doubles it."""

LONGEST = timedelta(days=1)
"""The longest an asset is left alone."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Setback:
    """An asset that failed `failures` times in a row; `until_ms` 0: it is still tried."""

    asset: str
    failures: int
    until_ms: int
    reason: str


class Quarantine:
    """Failures by asset, read once and kept in memory: asking is free."""

    def __init__(self, database: Database, setbacks: dict[str, Setback]) -> None:
        self._database = database
        self._setbacks = setbacks

    @classmethod
    async def load(cls, database: Database) -> "Quarantine":
        """Read what is known of earlier failures."""
        rows = await database.rows("SELECT asset, failures, until_ms, reason FROM quarantine")
        return cls(database, {row["asset"]: Setback(*row) for row in rows})

    def holds(self, asset: str, at: datetime) -> bool:
        """Tell whether an asset must not be tried at `at`; a clock that went back far lifts it."""
        setback = self._setbacks.get(asset)
        left_ms = setback.until_ms - _ms(at) if setback else 0
        return 0 < left_ms <= LONGEST // timedelta(milliseconds=1)

    def known(self) -> list[Setback]:
        """Return all assets that failed and did not play since."""
        return list(self._setbacks.values())

    def held(self, at: datetime) -> list[Setback]:
        """Return the assets in quarantine at `at`."""
        return [setback for setback in self._setbacks.values() if self.holds(setback.asset, at)]

    def note_failure(self, asset: str, reason: str, at: datetime) -> Setback:
        """Count a failure that was the media's own; `write` makes it outlive the player."""
        failures = self._setbacks[asset].failures + 1 if asset in self._setbacks else 1
        until_ms = 0
        if failures >= FAILURES:
            rest = min(LONGEST, FIRST * 2 ** min(failures - FAILURES, 16))
            until_ms = _ms(at + rest)
            log.warning("asset=%s quarantined for %s after %d failures: %s", asset, rest, failures, reason)
        self._setbacks[asset] = Setback(asset, failures, until_ms, reason)
        return self._setbacks[asset]

    def note_success(self, asset: str) -> Setback | None:
        """Forget the failures of an asset that played; None if there were none, else what to `write`."""
        known = self._setbacks.pop(asset, None)
        return Setback(asset, 0, 0, "") if known else None

    async def write(self, setback: Setback) -> None:
        """Keep a setback, or forget it at 0 failures, inside the caller's transaction."""
        if setback.failures == 0:
            await self._database.execute("DELETE FROM quarantine WHERE asset = :asset", {"asset": setback.asset})
            return
        row = {"asset": setback.asset, "failures": setback.failures, "reason": setback.reason}
        statement = "INSERT OR REPLACE INTO quarantine VALUES (:asset, :failures, :until_ms, :reason)"
        await self._database.execute(statement, {**row, "until_ms": setback.until_ms})


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
