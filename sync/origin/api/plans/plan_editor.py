"""Edits documents of plans: reads what a person saw and what is stored now, merges, and stores; or tries again."""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from sync.errors import Conflict, Overloaded, Rejected, StaleVersion
from sync.origin.audit.changes import ThingKind
from sync.origin.editing.editor import by_ids, edited_draft, undone_draft
from sync.origin.editing.edits import Edit
from sync.origin.editing.kinds import EditedKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.audit.document_versions import DocumentVersions
from sync.origin.store.drafts.ready_versions import left_as_they_are
from sync.origin.store.spaces.visible_rows import check_role
from sync.roles import DEFAULT_SPACE, Role

_TRIES = 20  # another origin, or somebody who replaces the whole, may be faster each time

Draft = TypeVar("Draft", bound=BaseModel)
Stored = TypeVar("Stored", bound="StoredPlan")
DraftIn = TypeVar("DraftIn", contravariant=True)
StoredOut = TypeVar("StoredOut", covariant=True)

Body = Mapping[str, Any]


class StoredPlan(Protocol):
    """A stored document of a plan."""

    @property
    def version(self) -> int:
        """The number of its changes."""

    @property
    def ready_version(self) -> int | None:
        """The version that releases are made of, None: none was ever ready."""

    @property
    def space(self) -> str | None:
        """The space in which it lies, None: the default one."""

    def model_dump(self, *, mode: str, include: set[str]) -> dict[str, Any]:
        """Return it as JSON."""


class PlanStore(Protocol[DraftIn, StoredOut]):
    """A store of one kind of document."""

    async def get(self, document: str, /) -> StoredOut:
        """Return one; raises NotFound."""

    async def replace(self, document: str, draft: DraftIn, /, *, version: int) -> StoredOut:
        """Replace it by `draft`; raises NotFound, StaleVersion."""


@dataclass(frozen=True, slots=True)
class EditOutcome(Generic[Stored]):
    """What became of edits: the document as it is stored, on which version they were made, and what each one added."""

    stored: Stored
    made_on: int
    added: tuple[tuple[str, ...], ...] = ()


class PlanEditor(Generic[Draft, Stored]):
    """Edits one kind of document. Edits of one document are made one after the other."""

    def __init__(
        self,
        kind: EditedKind[Draft],
        thing: ThingKind,
        store: PlanStore[Draft, Stored],
        database: OriginDatabase,
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self.kind = kind
        self.thing = thing
        self._store = store
        self._versions = DocumentVersions(database)
        self._database = database
        self._new_id = new_id

    async def edit(self, document: str, seen: int, edits: Sequence[Edit]) -> EditOutcome[Stored]:
        """Make these edits of the version `seen`, together with what others changed since.

        If that is a draft, the outcome stays one, whoever edits: nobody has looked at both.

        Raises:
            NotFound: there is no such document.
            Forbidden: one may not change it.
            StaleVersion: the version `seen` is not kept any more.
            Clash: others changed the same.
            Rejected: an edit names what is not there, or what it makes is not valid.
            Overloaded: others are faster each time.
        """
        added: tuple[tuple[str, ...], ...] = ()

        async def work(now: Stored, body: Body) -> Draft:
            nonlocal added
            before = await self._seen(document, seen, now, body)
            made = await asyncio.to_thread(edited_draft, self.kind, before, body, edits, self._new_id, _names(now))
            added = made.added
            return made.draft

        stored, made_on = await self._change(document, work, seen)
        return EditOutcome(stored, made_on, added)

    async def undo(self, document: str, version: int) -> EditOutcome[Stored]:
        """Take back what `version` changed; of a draft that leaves a draft.

        Raises:
            NotFound: there is no such document.
            Forbidden: one may not change it.
            Conflict: nothing was before this version, or that is not kept any more; or something stands in the way.
            Overloaded: others are faster each time.
        """

        async def work(now: Stored, body: Body) -> Draft:
            before = await self._body_of(document, version - 1, now)
            after = body if version == now.version else await self._body_of(document, version, now)
            if before is None or after is None:
                raise Conflict(f"version {version} cannot be taken back: it, or the one before it, is not kept")
            return await asyncio.to_thread(undone_draft, self.kind, before, after, body, _names(now))

        stored, made_on = await self._change(document, work)
        return EditOutcome(stored, made_on)

    async def _seen(self, document: str, seen: int, now: Stored, body: Body) -> Body:
        if seen == now.version:
            return body
        before = await self._body_of(document, seen, now) if seen < now.version else None
        if before is None:
            raise StaleVersion(f"version {seen} is not known (any more): read it again", current=now.version)
        return before

    async def _body_of(self, document: str, version: int, now: Stored) -> Body | None:
        return await self._versions.body(self.thing, document, version, now=now.version)

    async def _change(self, document: str, work: Any, seen: int | None = None) -> tuple[Stored, int]:
        """Store what `work` makes of the document as it is stored now, and on which version it did.

        `seen` is the version that somebody edited, None: something is taken back.
        """
        async with self._database.turn_here(f"edit {self.thing} {document}"):
            for _ in range(_TRIES):
                now = await self._store.get(document)
                check_role(self.thing, document, now.space or DEFAULT_SPACE, Role.EDITOR, is_seen=True)
                body = await asyncio.to_thread(self._body, now)
                draft = await work(now, body)
                try:
                    with nullcontext() if seen == now.version else left_as_they_are(now.version, now.ready_version):
                        return await self._store.replace(document, draft, version=now.version), now.version
                except StaleVersion:
                    continue
                except Rejected as error:
                    if type(error) is not Rejected:
                        raise
                    named = by_ids(error, await asyncio.to_thread(draft.model_dump, mode="json"))
                    raise (Conflict(f"it cannot be as it was: {named}") if seen is None else named) from error
        raise Overloaded(f"{document} is changed all the time: try again in a moment")

    def _body(self, now: Stored) -> Body:
        return now.model_dump(mode="json", include=set(self.kind.draft.model_fields) - {"warnings", "warnings_told"})


def _names(now: object) -> Mapping[str, str]:
    """Return the names of the media in a document; a schedule has none."""
    return {id: fact.name for id, fact in getattr(now, "media", {}).items()}
