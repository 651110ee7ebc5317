"""Reviews over HTTP: an editor asks for one, a publisher sees, comments, approves or returns it."""

from collections.abc import Callable
from typing import Annotated

from aiohttp import web
from pydantic import StringConstraints

from sync.http.bodies import json_answer, read_json
from sync.http.operations import InSpaces, Operation
from sync.http.problems import Handler
from sync.origin.api.lists import SEEN, ListPage, list_operation
from sync.origin.api.plans.ready_routes import PATHS
from sync.origin.audit.changes import ThingKind
from sync.origin.persistence.lists import REVIEWS
from sync.origin.store.drafts.reviews import Review, ReviewState, ReviewStore
from sync.roles import Role
from sync.runtime.clock import instant
from sync.wire.value_types import Instant, Request, Wire

_BODY_BYTES = 16 * 1024
Text = Annotated[str, StringConstraints(min_length=1, max_length=2_000, strip_whitespace=True)]


class ReviewRequest(Request):
    """What the person who asks, or who ends a review, says about it."""

    text: Text | None = None


class ReviewComment(Request):
    """What somebody says about a draft."""

    text: Text


class RemarkView(Wire):
    """What somebody said about a draft."""

    by: str
    at: Instant
    text: str


class ReviewView(Wire):
    """A review of `version` of a playlist, campaign or schedule (by its channel).

    `current_version` is the newest one: a higher one was changed after the review was asked for; null: it was removed.
    """

    id: str
    kind: ThingKind
    document: str
    name: str
    version: int
    current_version: int | None = None
    state: ReviewState
    asked_by: str
    asked_at: Instant
    ended_by: str | None = None
    ended_at: Instant | None = None
    remarks: tuple[RemarkView, ...] = ()


class ReviewList(ListPage):
    """A page of reviews, the newest first."""

    reviews: tuple[ReviewView, ...]


class ReviewRoutes:
    """Serves reviews. Calls `changed("reviews", id)` after each stored change, and for what became ready."""

    def __init__(self, store: ReviewStore, changed: Callable[[str, str], None]) -> None:
        self._store = store
        self._changed = changed

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        many, one, view = "/v1/reviews", "/v1/reviews/{id}", ReviewView
        approve, back = "Approve a review: its version is ready", "Return a review: its version stays a draft"
        ended, editor, publisher = ReviewRequest, InSpaces(Role.EDITOR), InSpaces(Role.PUBLISHER)
        asks = (
            Operation(
                "POST",
                f"/v1/{topic}/{{{key}}}/review",
                self._asking(kind, key),
                f"Ask for a review of the newest version of a {kind}",
                editor,
                ReviewRequest,
                view,
                201,
            )
            for kind, (topic, key) in PATHS.items()
        )
        return (
            *asks,
            list_operation(many, "Reviews of drafts", REVIEWS, ReviewList, self._store.page, _view, SEEN),
            Operation("POST", f"{one}/comment", self._comment, "Comment on a review", editor, ReviewComment, view),
            Operation("POST", f"{one}/approve", self._ending(ReviewState.APPROVED), approve, publisher, ended, view),
            Operation("POST", f"{one}/return", self._ending(ReviewState.RETURNED), back, publisher, ended, view),
        )

    def _asking(self, kind: ThingKind, key: str) -> Handler:
        async def ask(request: web.Request) -> web.StreamResponse:
            asked = await read_json(request, ReviewRequest, cap_bytes=_BODY_BYTES)
            return self._told(await self._store.ask(kind, request.match_info[key], asked.text), status=201)

        return ask

    async def _comment(self, request: web.Request) -> web.Response:
        asked = await read_json(request, ReviewComment, cap_bytes=_BODY_BYTES)
        return self._told(await self._store.remark(request.match_info["id"], asked.text))

    def _ending(self, state: ReviewState) -> Handler:
        async def end(request: web.Request) -> web.StreamResponse:
            asked = await read_json(request, ReviewRequest, cap_bytes=_BODY_BYTES)
            ended = await self._store.end(request.match_info["id"], state, asked.text)
            if state is ReviewState.APPROVED:
                self._changed(PATHS[ended.kind][0], ended.document)
            return self._told(ended)

        return end

    def _told(self, review: Review, *, status: int = 200) -> web.Response:
        self._changed("reviews", review.id)
        return json_answer(_view(review), status=status)


def _view(review: Review) -> ReviewView:
    same = ("id", "kind", "document", "name", "version", "current_version", "state", "asked_by", "ended_by")
    return ReviewView(
        asked_at=instant(review.asked_ms),
        ended_at=None if review.ended_ms is None else instant(review.ended_ms),
        remarks=tuple(RemarkView(by=one.by, at=instant(one.at_ms), text=one.text) for one in review.remarks),
        **{name: getattr(review, name) for name in same},
    )
