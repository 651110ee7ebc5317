"""The table of requests with an idempotency key: what became of each is kept for a day."""

import asyncio
import secrets
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Rejected, RepeatedRequest
from sync.origin.persistence.database import IN_EACH_CHANGE, OriginDatabase, insertion
from sync.origin.tables.audit import idempotent_requests
from sync.runtime.clock import Clock, unix_ms

KEPT_MS = 24 * 3_600_000
LEASE_MS = 30_000
"""After this time another process may answer a request that has changed nothing: who began may be dead."""

_COLUMNS = idempotent_requests.c
_IN_WORK = "a request with this Idempotency-Key is being answered: repeat it in a moment"
_NOT_KEPT = (
    "a request with this Idempotency-Key was carried out, and its answer is not kept, for it has a secret, or was lost "
    "when the origin stopped: read what it changed before it is sent again with another key"
)


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """The answer that a request got at first."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that is to be answered now, by nobody else."""

    id: str
    name: str

    def note_change(self, connection: Connection) -> None:
        """Note in a transaction that the request changes something.

        Raises:
            RepeatedRequest: another process answers the request meanwhile.
        """
        own = (_COLUMNS.id == self.id, _COLUMNS.attempt == self.name)
        noted = connection.execute(update(idempotent_requests).where(*own).values(has_changed=True))
        if noted.rowcount == 0:
            raise RepeatedRequest(_IN_WORK, retry_after_s=1.0)


class IdempotentRequestStore:
    """Stores which requests were answered, and how."""

    def __init__(self, database: OriginDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._process = secrets.token_hex(8)

    async def begin(self, id: str, fingerprint: str) -> Attempt | FirstAnswer:
        """Return the answer that this request got at first, or what is needed to answer it now.

        Raises:
            Rejected: another request had this key.
            RepeatedRequest: it is being answered, or its answer is kept nowhere.
        """
        now_ms, attempt = unix_ms(self._clock.now()), Attempt(id, f"{self._process}-{secrets.token_hex(8)}")
        new = {"id": id, "fingerprint": fingerprint, "expires_ms": now_ms + KEPT_MS, "has_changed": False}
        held = {"attempt": attempt.name, "begun_ms": now_ms}
        async with self._database.writing() as connection:
            await connection.execute(delete(idempotent_requests).where(_COLUMNS.expires_ms < now_ms))
            insert = insertion(idempotent_requests, connection.dialect.name).values(**new, **held)
            if (await connection.execute(insert.on_conflict_do_nothing())).rowcount:
                return attempt
            query = select(idempotent_requests).where(_COLUMNS.id == id).with_for_update()
            row = (await connection.execute(query)).mappings().one_or_none()
            if row is None:  # the first one was refused and forgotten at this moment
                raise RepeatedRequest(_IN_WORK, retry_after_s=1.0)
            if row["fingerprint"] != fingerprint:
                raise _other_request()
            if row["status"] is not None:
                return FirstAnswer(row["status"], row["headers"], zlib.decompress(row["body"]))
            if not self._is_given_up(connection, row, now_ms):
                raise RepeatedRequest(_IN_WORK, retry_after_s=1.0)
            if row["has_changed"]:
                raise RepeatedRequest(_NOT_KEPT)
            await connection.execute(update(idempotent_requests).where(_COLUMNS.id == id).values(**held))
            return attempt

    def _is_given_up(self, connection: AsyncConnection, row: RowMapping, now_ms: int) -> bool:
        """Return whether nobody answers it any more; a file of SQLite has one process at a time."""
        is_ours = row["attempt"].startswith(self._process)
        return row["begun_ms"] + LEASE_MS <= now_ms or (connection.dialect.name == "sqlite" and not is_ours)

    @contextmanager
    def noting_changes(self, attempt: Attempt) -> Iterator[None]:
        """Note what is changed inside the block as changes of the request; not what its tasks go on to do later."""
        is_answered = False
        token = IN_EACH_CHANGE.set(lambda connection, _: None if is_answered else attempt.note_change(connection))
        try:
            yield
        finally:
            is_answered = True
            IN_EACH_CHANGE.reset(token)

    async def keep(self, attempt: Attempt, answer: FirstAnswer) -> None:
        """Keep the answer for who repeats the request."""
        body = await asyncio.to_thread(zlib.compress, answer.body)
        values = {"status": answer.status, "headers": dict(answer.headers), "body": body}
        own = (_COLUMNS.id == attempt.id, _COLUMNS.attempt == attempt.name)
        async with self._database.writing() as connection:
            await connection.execute(update(idempotent_requests).where(*own).values(**values))

    async def give_up(self, attempt: Attempt) -> None:
        """Say that the request is answered, and that its answer is kept nowhere."""
        own = (_COLUMNS.id == attempt.id, _COLUMNS.attempt == attempt.name)
        async with self._database.writing() as connection:
            await connection.execute(update(idempotent_requests).where(*own).values(begun_ms=0))

    async def forget_unless_changed(self, attempt: Attempt) -> bool:
        """Forget a request that changed nothing, so that it can be sent again; return whether it changed something."""
        own = (_COLUMNS.id == attempt.id, _COLUMNS.attempt == attempt.name, _COLUMNS.has_changed.is_(False))
        async with self._database.writing() as connection:
            return (await connection.execute(delete(idempotent_requests).where(*own))).rowcount == 0


def _other_request() -> Rejected:
    why = "another request was sent with this key: each request needs a key of its own"
    return Rejected(f"Idempotency-Key: {why}", fields={"Idempotency-Key": why})
