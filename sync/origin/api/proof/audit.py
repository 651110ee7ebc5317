"""The audit over HTTP at `/v1/plays/audit`: whether each device's chain of plays is whole, and where it is not."""

from dataclasses import asdict
from datetime import timedelta
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from sync.http.bodies import json_answer, read_query
from sync.http.operations import Operation
from sync.origin.api.lists import SEEN
from sync.origin.proof.chain_audit import (
    AcceptedPlay,
    AuditFinding,
    BrokenLink,
    ImplausiblePlay,
    Kind,
    OddCheckpoint,
    PlayLog,
    SequenceConflict,
    audit_chains,
)
from sync.origin.proof.csv_export import csv_of
from sync.origin.store.proof.device_logs import DeviceLogStore
from sync.origin.store.proof.signed_logs import SignedLogStore
from sync.runtime.clock import Clock, instant, unix_ms
from sync.wire.value_types import AskedInstant, Identifier, Instant, Wire

DEFAULT_PERIOD = timedelta(days=31)
DEFAULT_PERIOD_OF_ALL = timedelta(days=1)  # a month of one device takes a second or two, and there are many devices
AHEAD = timedelta(days=1)  # a device's clock may be ahead
MOST_FINDINGS = 1_000
FINDING_COLUMNS = ("at", "device", "kind", "log_epoch", "sequence", "until", "missing", "detail")


class AuditQuery(BaseModel):
    """Which plays to check: started from `from` (included) to `until` (not included).

    Default: the last 31 days of one device, or the last day of all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: Identifier | None = None
    from_: AskedInstant | None = Field(None, alias="from")
    until: AskedInstant | None = None
    format: Literal["json", "csv"] = "json"


class FindingView(Wire):
    """One finding. `missing`: how many plays a gap lacks."""

    kind: Kind
    device: str
    log_epoch: str
    sequence: int
    until: int
    missing: int
    at: Instant
    detail: str


class ChainView(Wire):
    """The plays of one device. `whole`: nothing is missing, forked or in conflict.

    `checkpoints`: so many signed checkpoints of the period do not fit. `signed_until`: when the newest one was signed,
    None if there is none. `implausible`: so many plays of the period cannot be what happened; they are in no sum.
    """

    device: str
    logs: int
    plays: int
    missing: int
    forks: int
    conflicts: int
    resets: int
    implausible: int
    checkpoints: int = 0
    signed_until: Instant | None = None
    whole: bool


class AuditView(Wire):
    """All devices that sent plays, and the findings of the period. `more`: there are more findings than listed."""

    from_at: Instant
    until_at: Instant
    devices: tuple[ChainView, ...]
    findings: tuple[FindingView, ...]
    more: bool


class AuditRoutes:
    """Serves the audit. It is computed from the plays each time."""

    def __init__(self, store: DeviceLogStore, signed: SignedLogStore, clock: Clock) -> None:
        self._store = store
        self._signed = signed
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """Return what can be asked."""
        path = "/v1/plays/audit"
        return (
            Operation(
                "GET",
                path,
                self._show,
                "Check the chains of plays",
                SEEN,
                answer=AuditView,
                query=AuditQuery,
                other_types=("text/csv",),
            ),
        )

    async def _odd_checkpoints(self, device: str | None, from_ms: int, until_ms: int, most: int) -> list[OddCheckpoint]:
        span = device, from_ms, until_ms, most
        misfits = [
            OddCheckpoint(name, epoch, first, last, at_ms, finding)
            for name, epoch, first, last, at_ms, finding in await self._signed.misfits(*span)
        ]
        others = [
            OddCheckpoint(name, epoch, first, last, at_ms, _other_play(number, last, is_here=is_here))
            for name, epoch, first, last, at_ms, number, is_here in await self._signed.other_plays(*span)
        ]
        return misfits + others

    async def _show(self, request: web.Request) -> web.Response:
        query = read_query(request, AuditQuery)
        now, usual = query.until or self._clock.now(), DEFAULT_PERIOD if query.device else DEFAULT_PERIOD_OF_ALL
        view = await self._audit(query.device, query.from_ or now - usual, query.until or now + AHEAD)
        if query.format == "csv":
            rows = (finding.model_dump(mode="json") for finding in view.findings)
            return web.Response(text=csv_of(rows, FINDING_COLUMNS), content_type="text/csv", charset="utf-8")
        return json_answer(view)

    async def _audit(self, device: str | None, start: Instant, until: Instant) -> AuditView:
        span = (device, unix_ms(start), unix_ms(until), MOST_FINDINGS + 1)
        logs = [PlayLog(*row) for row in await self._store.logs(device)]
        breaks = [BrokenLink(*row) for row in await self._store.breaks(*span)]
        clashes = [SequenceConflict(*row) for row in await self._store.conflicts(*span)]
        odd = [ImplausiblePlay(*row) for row in await self._store.judged("set_aside", *span)]
        accepted = [AcceptedPlay(*row) for row in await self._store.judged("accepted", *span)]
        checkpoints = await self._odd_checkpoints(*span)
        every = audit_chains(logs, breaks, clashes, odd, accepted, checkpoints)
        signed_until = await self._signed.signed_until(device)
        found = [one for one in every if span[1] <= one.at_ms < span[2]]
        devices = sorted({log.device for log in logs})
        return AuditView(
            from_at=start,
            until_at=until,
            devices=tuple(_chain_view(name, logs, found, signed_until.get(name)) for name in devices),
            findings=tuple(_finding_view(one) for one in found[:MOST_FINDINGS]),
            more=max(len(found), len(checkpoints), len(breaks), len(clashes), len(odd), len(accepted)) > MOST_FINDINGS,
        )


def _other_play(number: int, last: int, *, is_here: bool) -> str:
    if is_here:
        return f"checkpoint {number} is over another play {last} than is here: one of them was changed, or is a copy's"
    return f"play {last} is not here, though checkpoint {number} is over it: it was lost, or was never sent"


def _chain_view(device: str, logs: list[PlayLog], found: list[AuditFinding], signed_ms: int | None) -> ChainView:
    own = [log for log in logs if log.device == device]
    mine = [one for one in found if one.device == device]
    kinds = [one.kind for one in mine]
    return ChainView(
        device=device,
        logs=len(own),
        plays=sum(log.plays for log in own),
        missing=sum(one.missing for one in mine),
        forks=kinds.count("fork") + kinds.count("overlap"),
        conflicts=kinds.count("conflict"),
        resets=kinds.count("reset"),
        implausible=kinds.count("implausible"),
        checkpoints=kinds.count("checkpoint"),
        signed_until=None if signed_ms is None else instant(signed_ms),
        whole=all(kind in ("reset", "implausible", "accepted") for kind in kinds),
    )


def _finding_view(one: AuditFinding) -> FindingView:
    own = asdict(one)
    return FindingView(at=instant(own.pop("at_ms")), missing=one.missing, **own)
