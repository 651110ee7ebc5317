"""Makes drafts ready to go out."""

from collections.abc import Sequence
from operator import itemgetter

from sync.origin.audit.changes import ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.drafts.ready_versions import mark_ready


class ReadinessStore:
    """Stores which versions are ready."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def make_ready(self, documents: Sequence[tuple[ThingKind, str, int | None]]) -> list[int]:
        """Have the present version of each of these documents be its ready one, if it is this one (None: any).

        All of them or none, always in the same order; return the versions, by kind and id.

        Raises:
            NotFound: there is no such document, or it lies where one may not publish.
            StaleVersion: this is not its present version.
        """
        if not documents:
            return []
        async with self._database.writing() as connection:
            return [await mark_ready(connection, *document) for document in sorted(documents, key=itemgetter(0, 1))]
