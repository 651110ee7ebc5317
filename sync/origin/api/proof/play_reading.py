"""People read plays: as they were sent, as sums by what was played, and those that contradict each other."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from aiohttp import web
from pydantic import Field

from sync.http.bodies import json_answer, read_query
from sync.http.operations import Operation
from sync.origin.api.lists import LINKS, SEEN, ListQuery, cursor_text, link_header
from sync.origin.persistence.lists import CONFLICTS, PLAYS
from sync.origin.proof.csv_export import PLAY_COLUMNS, SUM_COLUMNS, csv_of
from sync.origin.store.proof.names import NameStore
from sync.origin.store.proof.plays import GroupBy, PagedPlay, PlayFilter, PlayStore
from sync.runtime.clock import instant, unix_ms
from sync.wire.value_types import AskedInstant, Identifier, Instant, Wire
from sync.words.plays import PLAY_REASONS
from sync.words.sentences import Told


class SetAside(Wire):
    """A play that cannot be what happened, and why: it is kept, and is in no sum."""

    device: str
    log_epoch: str
    sequence: int
    reason: str
    reason_told: Told = Told()


class CorrectedPlay(Wire):
    """When a play was whose clock nobody had set: `offset_ms` after the times that it names."""

    device: str
    log_epoch: str
    sequence: int
    started_at: Instant
    ended_at: Instant
    offset_ms: int


class PlaysPage(Wire):
    """Plays as they were sent, newest first; `next` asks for older ones, `set_aside` tells which do not count.

    `corrected` tells which ones were at another time than they say; they stand where they belong.
    """

    plays: tuple[dict[str, Any], ...]
    next: str | None
    set_aside: tuple[SetAside, ...] = ()
    corrected: tuple[CorrectedPlay, ...] = ()


class PlaySum(Wire):
    """How often one thing was played, and for how long."""

    id: str
    name: str = ""  # empty: what has this id was deleted
    plays: int
    complete: int
    rendered_ms: int
    first_ms: int
    last_ms: int


class PlaySums(Wire):
    """The sums, the most played first. `set_aside`: so many plays are in none of them."""

    sums: tuple[PlaySum, ...]
    set_aside: int = 0


class PlayConflicts(Wire):
    """Plays with the sequence of another play: never counted, kept for inspection; `next` asks for older ones."""

    plays: tuple[dict[str, Any], ...]
    next: str | None = None


class PlayQuery(ListQuery):
    """Which plays to return. `from` is included, `until` is not. `set_aside`: only those that do not count, or do."""

    device: Identifier | None = None
    line: Identifier | None = None
    campaign: Identifier | None = None
    item: Identifier | None = None
    kind: Literal["item", "ad"] | None = None
    from_: AskedInstant | None = Field(None, alias="from")
    until: AskedInstant | None = None
    set_aside: bool | None = None
    after: str | None = None
    format: Literal["json", "csv"] = "json"
    by: GroupBy = "line"

    def filter(self) -> PlayFilter:
        """Return the filter for the store."""
        return PlayFilter(
            device=self.device,
            line=self.line,
            campaign=self.campaign,
            item=self.item,
            kind=self.kind,
            from_ms=None if self.from_ is None else unix_ms(self.from_),
            until_ms=None if self.until is None else unix_ms(self.until),
            set_aside=self.set_aside,
        )


class PlayPageQuery(PlayQuery):
    """Which plays to return, and in which order."""

    sort: Literal["started_at", "-started_at"] = "-started_at"


class PlayReadingRoutes:
    """Serves plays to people."""

    def __init__(self, store: PlayStore, names: NameStore) -> None:
        self._store = store
        self._names = names

    def operations(self) -> tuple[Operation, ...]:
        """Return what can be read."""
        path = "/v1/plays"
        return (
            Operation(
                "GET",
                path,
                self._page,
                "Read plays, newest first",
                SEEN,
                answer=PlaysPage,
                query=PlayPageQuery,
                other_types=("text/csv",),
                answer_headers=("X-Next", *LINKS),
            ),
            Operation(
                "GET",
                f"{path}/summary",
                self._sums,
                "Sums of plays",
                SEEN,
                answer=PlaySums,
                query=PlayQuery,
                other_types=("text/csv",),
            ),
            Operation(
                "GET",
                f"{path}/conflicts",
                self._conflicts,
                "Plays set aside",
                SEEN,
                answer=PlayConflicts,
                query=PlayQuery,
                answer_headers=LINKS,
            ),
        )

    async def _page(self, request: web.Request) -> web.StreamResponse:
        query = read_query(request, PlayPageQuery)
        page = await self._store.page(query.filter(), query.page(PLAYS))
        plays, following, links = page.items, cursor_text(page.next), link_header(request, page)
        if query.format == "csv":
            rows = await self._named([_record(play) for play in plays])
            return _csv(rows, PLAY_COLUMNS, {"X-Next": following, **links} if following else links)
        odd = tuple(_set_aside(play.body, play.set_aside) for play in plays if play.set_aside)
        moved = tuple(_corrected(play) for play in plays if play.offset_ms is not None)
        sent = tuple(dict(play.body) for play in plays)
        answer = json_answer(PlaysPage(plays=sent, next=following, set_aside=odd, corrected=moved))
        answer.headers.update(links)
        return answer

    async def _sums(self, request: web.Request) -> web.Response:
        query = read_query(request, PlayQuery)
        rows = await self._store.totals(query.filter(), query.by)
        names = await self._names.names(query.by, (row["id"] for row in rows))
        sums = tuple(PlaySum(name=names.get(row["id"], ""), **row) for row in rows)
        if query.format == "csv":
            timed = [one.model_dump() | {"first_at": _at(one.first_ms), "last_at": _at(one.last_ms)} for one in sums]
            return _csv(timed, SUM_COLUMNS, {})
        return json_answer(PlaySums(sums=sums, set_aside=await self._store.count_set_aside(query.filter())))

    async def _named(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for field in ("device", "campaign", "line", "creative"):
            names = await self._names.names(field, (row.get(field) for row in rows))
            rows = [row | {f"{field}_name": names.get(row.get(field) or "")} for row in rows]
        return rows

    async def _conflicts(self, request: web.Request) -> web.Response:
        query = read_query(request, PlayQuery)
        page = await self._store.conflicts(query.device, query.page(CONFLICTS))
        answer = json_answer(PlayConflicts(plays=page.items, next=cursor_text(page.next)))
        answer.headers.update(link_header(request, page))
        return answer


def _csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], headers: Mapping[str, str]) -> web.Response:
    return web.Response(text=csv_of(rows, columns), content_type="text/csv", charset="utf-8", headers=headers)


def _at(ms: int) -> str:
    return instant(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _set_aside(body: Mapping[str, Any], reason: str) -> SetAside:
    return SetAside(
        device=body["device"],
        log_epoch=body["log_epoch"],
        sequence=body["sequence"],
        reason=reason,
        reason_told=PLAY_REASONS.told(reason),
    )


def _record(play: PagedPlay) -> dict[str, Any]:
    if play.offset_ms is None:
        return {**play.body, "set_aside": play.set_aside}
    right = {"corrected_start": _at(play.started_ms), "clock_offset_ms": play.offset_ms}
    return {**play.body, "set_aside": play.set_aside, **right}


def _corrected(play: PagedPlay) -> CorrectedPlay:
    started_at, ended_at = instant(play.started_ms), instant(play.ended_ms or play.started_ms)
    key = {name: play.body[name] for name in ("device", "log_epoch", "sequence")}
    return CorrectedPlay(**key, started_at=started_at, ended_at=ended_at, offset_ms=play.offset_ms or 0)
