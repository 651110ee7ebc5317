"""Releases over HTTP: publish a channel, bring back what it showed before, list its releases, pin those to be kept."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from sync.errors import NotFound, Rejected
from sync.http.bodies import json_answer, read_json
from sync.http.operations import InSpaces, Operation
from sync.origin.api.lists import SEEN, ListPage, list_operation
from sync.origin.api.plans.ready_routes import PATHS
from sync.origin.audit.changes import ThingKind
from sync.origin.persistence.lists import RELEASES
from sync.origin.persistence.pages import Page, PageRequest
from sync.origin.planning.channel_plan import ReleaseRecord, WaitingDraft
from sync.origin.publishing.publisher import Publication, Publisher
from sync.origin.retention.policy import RetentionRule
from sync.origin.store.drafts.readiness import ReadinessStore
from sync.origin.store.releases import ListedRelease, ReleaseStore
from sync.roles import Role
from sync.runtime.clock import instant
from sync.wire.value_types import Identifier, Instant, Request, Wire
from sync.words.sentences import Told
from sync.words.warnings import WARNINGS

SMALL_BODY_BYTES = 16 * 1024
MOST_DIGITS = 18


class PlanName(Request):
    """A playlist, schedule (by its channel) or campaign."""

    kind: Literal["playlist", "schedule", "campaign"]
    id: Identifier


class DraftView(Wire):
    """A draft that no release has; `ready_version`: what releases are made of instead, null: it was never ready."""

    kind: Literal["playlist", "schedule", "campaign"]
    id: str
    name: str
    version: int
    ready_version: int | None = None


class PublishRequest(Request):
    """The channel to publish, and a note for people. `with` are drafts that are made ready by it, if it is published.

    With `again`, the sequence of an earlier release, what that showed comes back as a new release; the plan stays.
    """

    channel: Identifier
    note: Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)] | None = None
    again: Annotated[int, Field(ge=1, lt=10**MOST_DIGITS)] | None = None
    drafts: tuple[PlanName, ...] = Field((), alias="with", max_length=100)


class PinRequest(Request):
    """Whether the files of a release are kept for ever, so that it can come back."""

    pinned: bool


class ReleaseView(Wire):
    """One release. `asset_bytes`: what a new device downloads for it; `size_bytes`: the release file itself.

    `again`: the earlier release that came back in it. `publication`: the planned one that made it. `kept`: its files
    are there, so it can come back; at least until `kept_until`, null: as long as it is pinned or among the newest
    releases of its channel. A screen that has it keeps it longer.
    """

    channel: str
    sequence: int
    sha256: str
    size_bytes: int
    created_at: Instant
    items: int
    ads: int
    asset_bytes: int
    note: str | None = None
    again: int | None = None
    pinned: bool = False
    publication: str | None = None
    kept: bool = True
    kept_until: Instant | None = None


class PublishedView(ReleaseView):
    """The release in force. `unchanged`: it was in force before, only its signature is new.

    `warnings`: what a planner should know, though it is published. `plan_differs`: publishing the plan would change
    what is shown now, for an earlier release came back. `left_out`: drafts that it does not have.
    """

    unchanged: bool
    left_out: tuple[DraftView, ...] = ()
    plan_differs: bool = False
    warnings: tuple[str, ...] = ()
    warnings_told: tuple[Told, ...] = ()
    issued_at: Instant
    expires_at: Instant


class ReleaseList(ListPage):
    """A page of releases."""

    releases: tuple[ReleaseView, ...]


class ReleaseRoutes:
    """Serves releases; `rule` says how long their files are kept. Calls `changed(topic, id)` of drafts made ready."""

    def __init__(
        self,
        publisher: Publisher,
        store: ReleaseStore,
        readiness: ReadinessStore,
        rule: RetentionRule,
        changed: Callable[[str, str], None],
    ) -> None:
        self._changed = changed
        self._publisher = publisher
        self._readiness = readiness
        self._store = store
        self._rule = rule

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        many, one, publisher = "/v1/releases", "/v1/releases/{channel}/{sequence}", InSpaces(Role.PUBLISHER)
        publish, asked = "Publish a channel, or bring back an earlier release", PublishRequest
        pin, published = "Pin a release, or unpin it", "Published releases, newest first"
        return (
            Operation("POST", many, self._publish, publish, publisher, asked, PublishedView, 201, also=(200,)),
            list_operation(many, published, RELEASES, ReleaseList, self._page, access=SEEN),
            Operation("PATCH", one, self._pin, pin, publisher, PinRequest, ReleaseView),
        )

    async def _publish(self, request: web.Request) -> web.Response:
        asked = await read_json(request, PublishRequest, cap_bytes=SMALL_BODY_BYTES)
        if asked.again is not None and asked.drafts:
            wrong = "an earlier release comes back as it was: leave out with, or again"
            raise Rejected(wrong, fields={"with": wrong})
        await self._store.check_role(asked.channel, Role.PUBLISHER)
        if asked.again is None:
            done, differs = await self._publish_with(asked), False
        else:
            done = await self._publisher.bring_back(asked.channel, asked.again, asked.note)
            differs = await self._publisher.plan_differs(asked.channel)
        return json_answer(_published(done, differs), status=200 if done.unchanged else 201)

    async def _publish_with(self, asked: PublishRequest) -> Publication:
        taken = await self._readiness.present_drafts((ThingKind(one.kind), one.id) for one in asked.drafts)
        done = await self._publisher.publish(asked.channel, asked.note, taken=taken)
        for kind, id in taken:
            self._changed(PATHS[kind][0], id)
        return done

    async def _pin(self, request: web.Request) -> web.Response:
        asked = await read_json(request, PinRequest, cap_bytes=SMALL_BODY_BYTES)
        channel, sequence = request.match_info["channel"], request.match_info["sequence"]
        if not (sequence.isascii() and sequence.isdecimal() and len(sequence) <= MOST_DIGITS):
            raise NotFound(f"{sequence} is not the sequence of a release")
        await self._store.check_role(channel, Role.PUBLISHER)
        await self._publisher.pin(channel, int(sequence), asked.pinned)
        [view] = await self._views([await self._store.listed_one(channel, int(sequence), self._rule.previous)])
        return json_answer(view)

    async def _page(self, asked: PageRequest) -> Page[ReleaseView]:
        page = await self._store.listed(asked, self._rule.previous)
        views = await self._views(page.items)
        return Page(tuple(views), page.next, page.previous, page.total)

    async def _views(self, listed: Sequence[ListedRelease]) -> list[ReleaseView]:
        return await asyncio.to_thread(lambda: [self._view(one) for one in listed])

    def _view(self, listed: ListedRelease) -> ReleaseView:
        record, until_ms = listed.record, None
        kept = self._publisher.has_files(record)
        if kept and not record.pinned and listed.unneeded_ms is not None:
            until_ms = listed.unneeded_ms + self._rule.grace_ms
        return _view(record).model_copy(
            update={"kept": kept, "kept_until": None if until_ms is None else instant(until_ms)}
        )


def _view(record: ReleaseRecord) -> ReleaseView:
    own = {name: getattr(record, name) for name in ReleaseRecord.__dataclass_fields__ if name != "created_ms"}
    return ReleaseView(created_at=instant(record.created_ms), **own)


def draft_views(waiting: Iterable[WaitingDraft]) -> tuple[DraftView, ...]:
    """Return drafts as they are told."""
    return tuple(DraftView.model_validate(asdict(one)) for one in waiting)


def _published(done: Publication, plan_differs: bool) -> PublishedView:
    return PublishedView(
        **_view(done.record).model_dump(),
        unchanged=done.unchanged,
        plan_differs=plan_differs,
        warnings=done.warnings,
        warnings_told=tuple(map(WARNINGS.told, done.warnings)),
        left_out=draft_views(done.left_out),
        issued_at=done.timestamp.issued_at,
        expires_at=done.timestamp.expires_at,
    )
