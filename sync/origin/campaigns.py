"""Campaigns over HTTP: list, make, read, replace and remove, each change atomic with its lines and creatives."""

from collections.abc import Callable

from aiohttp import web

from sync.origin.plans import CampaignDraft, StoredCampaign
from sync.origin.store.campaigns import CampaignStore
from sync.web import Access, Operation, give, if_match, must_match, read_json
from sync.wire import Wire

BODY_CAP_BYTES = 8 * 1024 * 1024


class CampaignList(Wire):
    """All campaigns by name, whole."""

    campaigns: tuple[StoredCampaign, ...]


class Campaigns:
    """What people do with campaigns; `changed("campaigns", id)` follows each committed change."""

    def __init__(self, store: CampaignStore, changed: Callable[[str, str], None]) -> None:
        self._store = store
        self._changed = changed

    def operations(self) -> tuple[Operation, ...]:
        """Return what can be called."""
        many, one = "/v1/campaigns", "/v1/campaigns/{id}"
        draft, stored = CampaignDraft, StoredCampaign
        return (
            Operation("GET", many, self._list, "All campaigns", Access.READ, gives=CampaignList),
            Operation("POST", many, self._make, "Make a campaign", Access.WRITE, draft, stored, 201),
            Operation("GET", one, self._read, "A campaign with its lines", Access.READ, gives=stored),
            Operation("PUT", one, self._replace, "Replace a campaign and its lines", Access.WRITE, draft, stored),
            Operation("DELETE", one, self._remove, "Remove a campaign", Access.WRITE, status=204),
        )

    async def _list(self, request: web.Request) -> web.Response:
        return give(CampaignList(campaigns=await self._store.every()))

    async def _make(self, request: web.Request) -> web.Response:
        draft = await read_json(request, CampaignDraft, cap_bytes=BODY_CAP_BYTES)
        made = await self._store.make(draft)
        self._changed("campaigns", made.id)
        answer = give(made, status=201, version=made.version)
        answer.headers["Location"] = f"/v1/campaigns/{made.id}"
        return answer

    async def _read(self, request: web.Request) -> web.Response:
        found = await self._store.get(request.match_info["id"])
        return give(found, version=found.version)

    async def _replace(self, request: web.Request) -> web.Response:
        version = must_match(request)
        draft = await read_json(request, CampaignDraft, cap_bytes=BODY_CAP_BYTES)
        kept = await self._store.replace(request.match_info["id"], draft, version=version)
        self._changed("campaigns", kept.id)
        return give(kept, version=kept.version)

    async def _remove(self, request: web.Request) -> web.Response:
        campaign_id = request.match_info["id"]
        await self._store.remove(campaign_id, version=if_match(request))
        self._changed("campaigns", campaign_id)
        return web.Response(status=204)
