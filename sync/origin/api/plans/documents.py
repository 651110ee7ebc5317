"""Playlists and campaigns over HTTP: versioned documents, each changed as a whole in one transaction."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from aiohttp import hdrs, web
from pydantic import BaseModel

from sync.http.bodies import json_answer, read_json, read_query, requested_version, require_version
from sync.http.forwarded import location
from sync.http.operations import InSpaces, Operation
from sync.origin.api.lists import SEEN, ListPage, list_operation
from sync.origin.api.plans.saved_versions import SavedAs, SavedNew, WhichVersion
from sync.origin.persistence.lists import CAMPAIGNS, PLAYLISTS
from sync.origin.persistence.pages import ListRule, Page, PageRequest
from sync.origin.planning.campaigns import CampaignDraft, StoredCampaign
from sync.origin.planning.plan_fields import MOST_VALUES, Document
from sync.origin.planning.playlists import PlaylistDraft, StoredPlaylist
from sync.origin.store.playlists import PlaylistSummary
from sync.roles import Role

BODY_CAP_BYTES = 8 * 1024 * 1024  # 10,000 items with long titles


class PlaylistList(ListPage):
    """A page of playlists, without their items."""

    playlists: tuple[PlaylistSummary, ...]


class CampaignList(ListPage):
    """A page of campaigns, with their lines."""

    campaigns: tuple[StoredCampaign, ...]


Draft = TypeVar("Draft", bound=BaseModel)
Stored = TypeVar("Stored", bound=Document)


@dataclass(frozen=True, slots=True)
class DocumentKind(Generic[Draft, Stored]):
    """One kind of document. `topic` is its path, its key in lists and the topic of its hints."""

    topic: str
    one: str
    parts: str
    draft: type[Draft]
    stored: type[Stored]
    listed: type[ListPage]
    rule: ListRule


PLAYLIST_KIND = DocumentKind("playlists", "playlist", "items", PlaylistDraft, StoredPlaylist, PlaylistList, PLAYLISTS)
CAMPAIGN_KIND = DocumentKind("campaigns", "campaign", "lines", CampaignDraft, StoredCampaign, CampaignList, CAMPAIGNS)

DraftIn = TypeVar("DraftIn", contravariant=True)
StoredOut = TypeVar("StoredOut", covariant=True)


class DocumentStore(Protocol[DraftIn, StoredOut]):
    """A store of one kind of document; every change is one transaction."""

    async def page(self, asked: PageRequest, /) -> Page[Any]:
        """Return a page of them."""

    async def create(self, draft: DraftIn, space: str | None, /) -> StoredOut:
        """Store a new one in this space, None: in the one where one may."""

    async def get(self, document: str, /) -> StoredOut:
        """Return one; raises NotFound."""

    async def replace(self, document: str, draft: DraftIn, /, *, version: int) -> StoredOut:
        """Replace it by `draft`; raises NotFound, StaleVersion."""

    async def remove(self, document: str, /, *, version: int | None) -> None:
        """Remove it; raises NotFound, StaleVersion, Conflict that names its users."""


class PlanDocumentRoutes(Generic[Draft, Stored]):
    """Serves one kind of document. Calls `changed(topic, id)` after each stored change; `warned` adds its warnings.

    `ready` reads the ready version.
    """

    def __init__(
        self,
        kind: DocumentKind[Draft, Stored],
        store: DocumentStore[Draft, Stored],
        changed: Callable[[str, str], None],
        warned: Callable[[Stored], Awaitable[Stored]] | None = None,
        *,
        ready: Callable[[str], Awaitable[Stored]],
    ) -> None:
        self._kind = kind
        self._ready = ready
        self._store = store
        self._changed = changed
        self._warned = warned

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        kind = self._kind
        many, one, draft, stored = f"/v1/{kind.topic}", f"/v1/{kind.topic}/{{id}}", kind.draft, kind.stored
        editor, whole = InSpaces(Role.EDITOR), f"{kind.one} and its {kind.parts}"
        page = self._store.page
        return (
            list_operation(many, f"{kind.topic.capitalize()}, by name", kind.rule, kind.listed, page, access=SEEN),
            Operation(
                "POST",
                many,
                self._create,
                f"Create a {kind.one}",
                editor,
                draft,
                stored,
                201,
                query=SavedNew,
                answer_headers=(hdrs.LOCATION,),
            ),
            Operation("GET", one, self._read, f"A {whole}", SEEN, answer=stored, query=WhichVersion),
            Operation(
                "PUT",
                one,
                self._replace,
                f"Replace a {whole}",
                editor,
                draft,
                stored,
                needed_headers=(hdrs.IF_MATCH,),
                query=SavedAs,
            ),
            Operation(
                "DELETE", one, self._remove, f"Remove a {kind.one}", editor, status=204, headers=(hdrs.IF_MATCH,)
            ),
        )

    async def _create(self, request: web.Request) -> web.Response:
        space = read_query(request, SavedNew).space
        created = await self._store.create(await self._draft(request), space)
        answer = await self._changed_answer(created, status=201)
        answer.headers["Location"] = location(request, f"/v1/{self._kind.topic}/{created.id}")
        return answer

    async def _read(self, request: web.Request) -> web.Response:
        asked = read_query(request, WhichVersion).version
        found = await self._store.get(request.match_info["id"])  # or one may not see it
        if asked is not None:
            found = await self._ready(request.match_info["id"])
        return await asyncio.to_thread(json_answer, found, version=found.version)

    async def _replace(self, request: web.Request) -> web.Response:
        version = require_version(request)
        draft = await self._draft(request)
        return await self._changed_answer(await self._store.replace(request.match_info["id"], draft, version=version))

    async def _remove(self, request: web.Request) -> web.Response:
        document = request.match_info["id"]
        await self._store.remove(document, version=requested_version(request))
        self._changed(self._kind.topic, document)
        return web.Response(status=204)

    async def _draft(self, request: web.Request) -> Draft:
        return await read_json(request, self._kind.draft, cap_bytes=BODY_CAP_BYTES, most_values=MOST_VALUES)

    async def _changed_answer(self, stored: Stored, *, status: int = 200) -> web.Response:
        self._changed(self._kind.topic, stored.id)
        if self._warned is not None:
            stored = await self._warned(stored)
        return await asyncio.to_thread(json_answer, stored, status=status, version=stored.version)
