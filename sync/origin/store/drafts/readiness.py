"""Makes drafts ready to go out."""

from collections.abc import Sequence

from sync.origin.audit.changes import ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.deadlocks import again_if_deadlocked
from sync.origin.store.drafts.ready_versions import mark_ready

_ORDER = (ThingKind.SCHEDULE, ThingKind.CAMPAIGN, ThingKind.PLAYLIST)
"""In this order who saves one of them locks what it uses."""


class ReadinessStore:
    """Stores which versions are ready."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    @again_if_deadlocked
    async def make_ready(self, documents: Sequence[tuple[ThingKind, str, int | None]]) -> list[int]:
        """Have the present version of each of these documents be its ready one, if it is this one (None: any).

        All of them or none, always in the same order; return the versions, schedules first, then campaigns, each by id.

        Raises:
            NotFound: there is no such document, or it lies where one may not publish.
            StaleVersion: this is not its present version.
        """
        if not documents:
            return []
        async with self._database.writing() as connection:
            return [await mark_ready(connection, *document) for document in sorted(documents, key=_place)]


def _place(document: tuple[ThingKind, str, int | None]) -> tuple[int, str]:
    kind, id, _ = document
    return _ORDER.index(kind), id
