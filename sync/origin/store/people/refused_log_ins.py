"""Writes into the audit log that log-ins are refused, or slowed down after too many tries."""

from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.audit.record import record

NOBODY = "an account that is not there"
"""What a name is called that nobody has: people type their passwords into the wrong field."""


class RefusedLogInStore:
    """Stores them."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def add(self, person: tuple[str, str] | None, action: Action) -> None:
        """Record that who acts is refused as a person (id and name), or as nobody who is known."""
        id, name = person or ("", NOBODY)
        async with self._database.writing() as connection:
            record(connection, AuditedChange(ThingKind.PERSON, id, name, action))
