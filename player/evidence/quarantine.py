"""The assets that failed on this device, and those in quarantine because of it (SQL over `plays.db`).

A failing item is skipped at once. The third failure in a row quarantines its asset, each further one for twice as
long. When that time is over the asset is tried again. A repaired file is another asset: it plays at once.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync.runtime.clock import unix_ms
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
"""The table of this store; the database it belongs to creates it."""

FAILURE_LIMIT = 3
"""So many failures in a row quarantine an asset."""

FIRST_QUARANTINE = timedelta(minutes=10)
"""How long the first quarantine lasts; each further failure doubles it."""

LONGEST_QUARANTINE = timedelta(days=1)
"""The longest quarantine."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AssetFailure:
    """An asset that failed `failures` times in a row; `until_ms` 0: it is not in quarantine."""

    asset: str
    failures: int
    until_ms: int
    reason: str


class Quarantine:
    """Failures by asset; read once, then kept in memory."""

    def __init__(self, database: Database, failures: dict[str, AssetFailure]) -> None:
        self._database = database
        self._failures = failures

    @classmethod
    async def load(cls, database: Database) -> "Quarantine":
        """Read the earlier failures."""
        rows = await database.rows("SELECT asset, failures, until_ms, reason FROM quarantine")
        return cls(database, {row["asset"]: AssetFailure(*row) for row in rows})

    def move_to(self, other: "Quarantine") -> None:
        """Use the database of another one from now on; assets that failed meanwhile keep what was counted since."""
        self._failures = other._failures | self._failures
        self._database = other._database

    def contains(self, asset: str, at: datetime) -> bool:
        """Return whether an asset must not be tried at `at`. A clock that was set far back ends a quarantine."""
        failure = self._failures.get(asset)
        left_ms = failure.until_ms - unix_ms(at) if failure else 0
        return 0 < left_ms <= LONGEST_QUARANTINE // timedelta(milliseconds=1)

    def failures(self) -> list[AssetFailure]:
        """Return all assets that failed and have not played since."""
        return list(self._failures.values())

    def quarantined(self, at: datetime) -> list[AssetFailure]:
        """Return the assets in quarantine at `at`."""
        return [failure for failure in self._failures.values() if self.contains(failure.asset, at)]

    def record_failure(self, asset: str, reason: str, at: datetime) -> AssetFailure:
        """Count a failure of the media itself; return what to `write`."""
        count = self._failures[asset].failures + 1 if asset in self._failures else 1
        until_ms = 0
        if count >= FAILURE_LIMIT:
            length = min(LONGEST_QUARANTINE, FIRST_QUARANTINE * 2 ** min(count - FAILURE_LIMIT, 16))
            until_ms = unix_ms(at + length)
            log.warning("asset=%s quarantined for %s after %d failures: %s", asset, length, count, reason)
        self._failures[asset] = AssetFailure(asset, count, until_ms, reason)
        return self._failures[asset]

    def record_success(self, asset: str) -> AssetFailure | None:
        """Forget the failures of an asset that played; return what to `write`, None if there were none."""
        known = self._failures.pop(asset, None)
        return AssetFailure(asset, 0, 0, "") if known else None

    async def write(self, failure: AssetFailure) -> None:
        """Store the failures of an asset, or remove them at 0, inside the caller's transaction."""
        if failure.failures == 0:
            await self._database.execute("DELETE FROM quarantine WHERE asset = :asset", {"asset": failure.asset})
            return
        row = {"asset": failure.asset, "failures": failure.failures, "reason": failure.reason}
        statement = "INSERT OR REPLACE INTO quarantine VALUES (:asset, :failures, :until_ms, :reason)"
        await self._database.execute(statement, {**row, "until_ms": failure.until_ms})
