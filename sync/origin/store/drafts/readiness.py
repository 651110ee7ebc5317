"""Makes drafts ready to go out."""

from collections.abc import Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.audit.changes import ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.deadlocks import again_if_deadlocked
from sync.origin.store.drafts.ready_versions import TakenDrafts, mark_ready, mark_version_ready, present_drafts
from sync.roles import Role

_ORDER = (ThingKind.SCHEDULE, ThingKind.CAMPAIGN, ThingKind.PLAYLIST)
"""In this order who saves one of them locks what it uses."""


class ReadinessStore:
    """Stores which versions are ready."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def present_drafts(
        self, documents: Iterable[tuple[ThingKind, str]], role: Role = Role.PUBLISHER
    ) -> TakenDrafts:
        """Return the present version of each of these documents, so that a release takes them along.

        Raises:
            NotFound: there is no such document, or it lies where one does not have this role.
        """
        async with self._database.reading() as connection:
            return await present_drafts(connection, documents, role)

    @again_if_deadlocked
    async def make_ready(self, documents: Sequence[tuple[ThingKind, str, int | None]]) -> list[int]:
        """Have the present version of each of these documents be its ready one, if it is this one (None: any).

        All of them or none, always in the same order; return the versions, schedules first, then campaigns, each by id.

        Raises:
            NotFound: there is no such document.
            Forbidden: one may not publish it, or it would show in channels which one may not change.
            StaleVersion: this is not its present version.
        """
        if not documents:
            return []
        async with self._database.writing() as connection:
            return [await mark_ready(connection, *document) for document in sorted(documents, key=_place)]


async def make_taken_ready(connection: AsyncConnection, taken: TakenDrafts) -> None:
    """Have these versions be ready ones, in the transaction of the release that takes them along.

    Raises:
        NotFound: one of them was removed meanwhile, or lies where one may not publish.
    """
    for kind, id, version in sorted(((*one, version) for one, version in taken.items()), key=_place):
        await mark_version_ready(connection, kind, id, version)


def _place(document: tuple[ThingKind, str, int | None]) -> tuple[int, str]:
    kind, id, _ = document
    return _ORDER.index(kind), id
