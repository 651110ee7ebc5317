"""What this origin writes itself into the history of a device, inside the transaction of the change."""

from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.persistence.history_tables import history
from sync.wire.device_reports import HistoryKind


async def write_event(
    connection: AsyncConnection, device: str, kind: HistoryKind, state: str, now_ms: int, **more: Any
) -> None:
    """Add a row of now; `more` is its body, `at_ms` another instant."""
    at_ms = more.pop("at_ms", now_ms)
    row = {"device_id": device, "kind": kind.value, "state": state, "at_ms": at_ms, "clock": "", "body": more}
    await connection.execute(insert(history).values(**row, received_ms=now_ms))
