"""What this origin writes itself into the history of a device, inside the transaction of the change."""

from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.tables.history import history
from sync.wire.device_reports import HistoryKind


def event_row(device: str, kind: HistoryKind, state: str, now_ms: int, **more: Any) -> dict[str, Any]:
    """Return a row of the table `history`; `more` is its body, `at_ms` another instant than now."""
    at_ms = more.pop("at_ms", now_ms)
    row = {"device_id": device, "kind": kind.value, "state": state, "at_ms": at_ms, "clock": "", "body": more}
    return {**row, "received_ms": now_ms}


async def write_event(
    connection: AsyncConnection, device: str, kind: HistoryKind, state: str, now_ms: int, **more: Any
) -> None:
    """Add the `event_row` of these values."""
    await connection.execute(insert(history).values(**event_row(device, kind, state, now_ms, **more)))
