"""Exports plays with their proof for somebody who verifies them elsewhere: `GET /v1/plays/export`, line by line."""

import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from aiohttp import hdrs, web
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sync.errors import Conflict, Forbidden, NotFound, SignageError
from sync.http.bodies import read_query
from sync.http.operations import Operation
from sync.origin.api.lists import SEEN
from sync.origin.proof.export.records import (
    CertificateRecord,
    CheckpointRecord,
    ExportRecord,
    PlayRecord,
    Record,
    RootRecord,
    ScreenRecord,
)
from sync.origin.proof.export.writer import (
    CoveredRange,
    ExportLines,
    better_ends,
    needed_checkpoints,
    opening_records,
)
from sync.origin.publishing.keyring import Keyring
from sync.origin.store.proof.exported_plays import ExportedPlayStore, LogRange
from sync.origin.store.proof.names import NameStore
from sync.origin.store.proof.signed_logs import SignedLogStore
from sync.proof.checkpoint import CERTIFICATE_CAP_BYTES, Checkpoint, SignedRange, sign_certificate
from sync.runtime.clock import Clock, ClockTrust, unix_ms
from sync.runtime.threads import in_thread
from sync.trust.signing import SigningKey, open_envelope
from sync.wire.release import Envelope
from sync.wire.value_types import AskedInstant, Identifier

EXPORT_TYPE = "application/jsonl"
_WRITTEN_AT_ONCE = 64 * 1024
_CHECKPOINTS_AT_ONCE = 20  # of 10,000 lines each they take 30 MB
_MANY_PLAYS = 1_000  # a tree of more is made in a thread

log = logging.getLogger(__name__)


class ExportQuery(BaseModel):
    """Of what the export is: exactly one of the first three. `from` is included, `until` is not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    campaign: Identifier | None = None
    line: Identifier | None = None
    device: Identifier | None = None
    from_: AskedInstant = Field(alias="from")
    until: AskedInstant

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum(one is not None for one in (self.campaign, self.line, self.device)) != 1:
            raise ValueError("give exactly one of campaign, line and device")
        if self.until <= self.from_:
            raise ValueError("until must be after from")
        return self


@dataclass(frozen=True, slots=True)
class _Screen:
    """What an export has of a screen: the checkpoints at these places of its chain."""

    chain: Sequence[SignedRange]
    places: range

    def has(self, place: int, checkpoint: Checkpoint) -> bool:
        """Tell whether a checkpoint is still at its place: one that comes late moves those after it."""
        one = self.chain[place]
        return (one.number, one.log_epoch, one.last) == (checkpoint.number, checkpoint.log_epoch, checkpoint.last)

    @property
    def shown(self) -> range:
        """Return the places of those whose plays are in the export: not of the one where counting begins."""
        only_start = bool(self.places) and self.chain[self.places.start].number > 1
        return self.places[1:] if only_start else self.places

    @property
    def covered(self) -> list[LogRange]:
        """Return the parts of logs whose plays are in the export; those that follow each other are one."""
        parts: list[LogRange] = []
        for one in (self.chain[place] for place in self.shown):
            before = parts[-1] if parts else None
            if before is not None and (before.log_epoch, before.last + 1) == (one.log_epoch, one.first):
                parts[-1] = LogRange(one.log_epoch, before.first, one.last)
            else:
                parts.append(LogRange(one.log_epoch, one.first, one.last))
        return parts


class PlayExporter:
    """Writes exports."""

    def __init__(
        self, plays: ExportedPlayStore, signed: SignedLogStore, names: NameStore, keyring: Keyring, clock: Clock
    ) -> None:
        self._plays = plays
        self._signed = signed
        self._names = names
        self._keyring = keyring
        self._clock = clock

    async def export(self, query: ExportQuery) -> AsyncIterator[bytes]:
        """Return the lines of an export, one after the other.

        Raises:
            NotFound: no screen that one may see showed it in this time, or one may not see it.
            Forbidden: the screen showed campaigns that one may not see.
            StorageBroken: the online key is lost, so nothing can be signed.
        """
        roots, online = self._keyring.roots(), self._keyring.timestamp_key
        return self._lines(await self._begin(query), roots, online)

    async def _begin(self, query: ExportQuery) -> ExportRecord:
        times = unix_ms(query.from_), unix_ms(query.until)
        if query.device is not None:
            devices, lines = {query.device}, await self._lines_of_device(query.device, *times)
        else:
            lines = await self._plays.lines_of(query.campaign) if query.campaign else {str(query.line)}
            lines -= await self._plays.hidden(lines)
            devices = await self._plays.devices_of(lines, *times)
        names = await self._names.names("device", await self._plays.seen_devices(devices))
        if not names:
            raise NotFound("no screen showed this in this time: check its id, and the times")
        if await self._plays.hidden(lines):
            raise Forbidden("this screen showed campaigns of another space too: export a campaign or a line of yours")
        line_names = await self._names.names("line", lines)
        return ExportRecord(
            format=await self._format(names, *times),
            made_at=self._clock.now(),
            begins_at=query.from_,
            ends_at=query.until,
            campaign=query.campaign,
            line=query.line,
            device=query.device,
            lines={line: line_names.get(line, "") for line in sorted(lines)},
            screens=dict(sorted(names.items())),
        )

    async def _format(self, devices: Iterable[str], from_ms: int, until_ms: int) -> Literal[1, 2]:
        """Return the format by the two newest checkpoints of each log: now and then one counts all lines anyway."""
        for device in devices:
            screen = await self._screen(device, from_ms, until_ms)
            newest = {screen.chain[place].log_epoch: place for place in screen.places}
            for place in newest.values():
                last_two = range(max(screen.places.start, place - 1), place + 1)
                if any(one.only_changed for one, _ in await self._signed.checkpoints(device, last_two)):
                    return 2
        return 1

    async def _lines_of_device(self, device: str, from_ms: int, until_ms: int) -> set[str]:
        screen = await self._screen(device, from_ms, until_ms)
        parts = [*screen.covered, *await self._plays.ranges(device, from_ms, until_ms)]
        return {line for part in parts for line in await self._plays.lines_within(device, part)}

    async def _screen(self, device: str, from_ms: int, until_ms: int) -> _Screen:
        chain = await self._signed.chain(device)
        shown = [(one.log_epoch, one.first, one.last) for one in await self._plays.ranges(device, from_ms, until_ms)]
        places = needed_checkpoints(chain, shown, from_ms, until_ms)
        begins, ends = better_ends(chain, places, from_ms, until_ms)
        begin = await self._by_set_clock(device, begins, places.start)
        end = await self._by_set_clock(device, ends, places.stop - 1)
        return _Screen(chain, range(begin, end + 1))

    async def _by_set_clock(self, device: str, places: Sequence[int], otherwise: int) -> int:
        """Return the first of these places whose checkpoint is by a clock that a time service had set."""
        for place in places:
            found = await self._signed.checkpoints(device, range(place, place + 1))
            if any(one.clock is ClockTrust.SYNCED for one, _ in found):
                return place
        return otherwise

    async def _lines(self, begin: ExportRecord, roots: Sequence[Envelope], online: SigningKey) -> AsyncIterator[bytes]:
        lines = ExportLines()
        yield lines.line(begin)
        for root in roots:
            yield lines.line(RootRecord(envelope=root))
        for device in begin.screens:
            yield lines.line(ScreenRecord(device=device))
            for certificate in await self._signed.certificates(device):
                raw = sign_certificate(certificate, online)
                yield lines.line(CertificateRecord(envelope=open_envelope(raw, CERTIFICATE_CAP_BYTES)))
            async for record in self._records_of(device, begin):
                yield lines.line(record)
        yield lines.end(online)

    async def _records_of(self, device: str, begin: ExportRecord) -> AsyncIterator[Record]:
        """Yield the openings, checkpoints and plays of a screen."""
        from_ms, until_ms = unix_ms(begin.begins_at), unix_ms(begin.ends_at)
        screen, secrets = await self._screen(device, from_ms, until_ms), await self._signed.secrets(device)
        epochs = dict.fromkeys(part.log_epoch for part in screen.covered)
        for opening in opening_records({epoch: secrets[epoch] for epoch in epochs if epoch in secrets}, begin.lines):
            yield opening
        async for place, checkpoint, envelope in self._checkpoints(device, screen):
            yield CheckpointRecord(envelope=envelope)
            if place in screen.shown and checkpoint.size:
                secret = secrets.get(checkpoint.log_epoch, b"")
                async for record in self._plays_of(device, checkpoint, secret, begin):
                    yield record
        async for play in self._plays.beside(device, screen.covered, from_ms, until_ms):
            if begin.device is not None or play.document.get("line") in begin.lines:
                yield PlayRecord(play=dict(play.document), corrected_ms=play.corrected_ms)

    async def _checkpoints(self, device: str, screen: _Screen) -> AsyncIterator[tuple[int, Checkpoint, Envelope]]:
        """Yield the checkpoints of an export, with their places.

        Raises:
            Conflict: one came late meanwhile, and the others have moved.
        """
        for start in screen.places[::_CHECKPOINTS_AT_ONCE]:
            places = range(start, min(start + _CHECKPOINTS_AT_ONCE, screen.places.stop))
            found = await self._signed.checkpoints(device, places)
            for place, (checkpoint, envelope) in zip(places, found, strict=True):
                if not screen.has(place, checkpoint):
                    raise Conflict(f"what screen {device} signed has changed meanwhile: export again")
                yield place, checkpoint, envelope

    async def _plays_of(
        self, device: str, checkpoint: Checkpoint, secret: bytes, begin: ExportRecord
    ) -> AsyncIterator[PlayRecord]:
        part = LogRange(checkpoint.log_epoch, checkpoint.first, checkpoint.last)
        logged = await self._plays.logged(device, part)
        hashes = [play.hash for play in logged]
        if checkpoint.size > _MANY_PLAYS:
            covered = await in_thread(CoveredRange, checkpoint, secret, hashes)
        else:
            covered = CoveredRange(checkpoint, secret, hashes)
        shown = [play.sequence for play in logged if begin.device is not None or play.line in begin.lines]
        async for play in self._plays.plays(device, part.log_epoch, shown):
            yield covered.record(play.document, play.corrected_ms)


class PlayExportRoutes:
    """Serves exports."""

    def __init__(self, exporter: PlayExporter) -> None:
        self._exporter = exporter

    def operations(self) -> tuple[Operation, ...]:
        """Return what can be asked."""
        summary = "Export plays of a campaign, line or screen with their proof (docs/export-format.md)"
        return (
            Operation(
                "GET",
                "/v1/plays/export",
                self._export,
                summary,
                SEEN,
                answer=EXPORT_TYPE,
                query=ExportQuery,
                answer_headers=(hdrs.CONTENT_DISPOSITION,),
            ),
        )

    async def _export(self, request: web.Request) -> web.StreamResponse:
        query = read_query(request, ExportQuery)
        lines = await self._exporter.export(query)
        name = f"plays-{query.campaign or query.line or query.device}-{query.from_:%Y%m%d}.jsonl"
        answer = web.StreamResponse(headers={hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"'})
        answer.content_type = EXPORT_TYPE
        await answer.prepare(request)
        if request.method == hdrs.METH_HEAD:
            return answer
        try:
            await _send(answer, lines)
        except (ConnectionError, SignageError) as error:
            log.warning("export=%s is cut off, which its reader sees by the missing end: %s", name, error)
            if request.transport is not None:
                request.transport.abort()
        return answer


async def _send(answer: web.StreamResponse, lines: AsyncIterator[bytes]) -> None:
    waiting = bytearray()
    async for line in lines:
        waiting += line
        if len(waiting) >= _WRITTEN_AT_ONCE:
            await answer.write(bytes(waiting))
            waiting.clear()
    await answer.write(bytes(waiting))
    await answer.write_eof()
