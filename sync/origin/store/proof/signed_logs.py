"""The tables of what screens signed: checkpoints of their logs, stored once each, and what exports show of them."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
)

from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.proof.device_keys import DeviceKeyStore, newest
from sync.origin.tables.plays import plays
from sync.origin.tables.signing import checkpoints, log_secrets
from sync.proof.chain import Misfit, Neighbour, Surroundings
from sync.proof.checkpoint import Certificate, Checkpoint, SignedRange
from sync.runtime.clock import instant, unix_ms
from sync.wire.release import Envelope


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint that the `serial`th key of its device signed; `hash` is of the signed bytes.

    `secret` is that of its log epoch, in hex.
    """

    checkpoint: Checkpoint
    hash: str
    envelope: Envelope
    serial: int
    secret: str


Judge = Callable[[Surroundings], tuple[Misfit, str] | None]
"""Returns what does not fit, as a kind and as a sentence."""


class SignedLogStore:
    """Stores checkpoints as evidence: they are inserted, and never change."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database
        self._keys = DeviceKeyStore(database)

    async def add(
        self, device: str, signed: SignedCheckpoint, judge: Judge, now_ms: int
    ) -> tuple[bool, tuple[Misfit, str] | None]:
        """Store a checkpoint; return whether it is new, and what does not fit with those before it."""
        async with self._database.turn(f"checkpoints of {device}"):
            return await self._database.write(lambda connection: _add(connection, device, signed, judge, now_ms))

    async def missing(self, device: str, limit: int) -> list[tuple[int, int]]:
        """Return the numbers that the newest chain lacks below its newest one, as first and last, the lowest first."""
        numbers = await self._database.read(lambda connection: connection.scalars(_NUMBERS, {"device": device}).all())
        gaps = [(before + 1, number - 1) for before, number in pairwise([0, *numbers]) if number > before + 1]
        return gaps[:limit]

    async def certificates(self, device: str) -> Sequence[Certificate]:
        """Return the newest certificate of each key that a device had."""
        found = newest(await self._keys.certificates(device))
        return [
            Certificate(
                device=device,
                key=one.key,
                public_key=one.public_key,
                serial=one.serial,
                issued_at=instant(one.issued_ms),
                revoked_at=None if one.revoked_ms is None else instant(one.revoked_ms),
            )
            for one in found.values()
        ]

    async def chain(self, device: str) -> Sequence[SignedRange]:
        """Return what the checkpoints of a device cover, in the order in which it signed them, without forks."""
        own = checkpoints.c
        query = _in_order(select(own.number, own.log_epoch, own.first, own.last, own.at_ms), device)
        async with self._database.reading() as connection:
            return [SignedRange(*row) for row in await connection.execute(query)]

    async def checkpoints(self, device: str, places: range) -> Sequence[tuple[Checkpoint, Envelope]]:
        """Return the checkpoints at these places of the chain."""
        query = _in_order(select(checkpoints.c.envelope), device).offset(places.start).limit(len(places))
        async with self._database.reading() as connection:
            envelopes = [Envelope.model_validate(one) for one in await connection.scalars(query)]
        return [(Checkpoint.model_validate_json(base64.b64decode(one.payload)), one) for one in envelopes]

    async def secrets(self, device: str) -> Mapping[str, bytes]:
        """Return the secret of each log epoch of a device."""
        query = select(log_secrets.c.log_epoch, log_secrets.c.secret).where(log_secrets.c.device_id == device)
        async with self._database.reading() as connection:
            return {epoch: bytes.fromhex(secret) for epoch, secret in await connection.execute(query)}

    async def signed_until(self, device: str | None) -> dict[str, int]:
        """Return of each device when it signed its newest checkpoint (Unix ms)."""
        query = select(checkpoints.c.device_id, func.max(checkpoints.c.at_ms)).group_by(checkpoints.c.device_id)
        async with self._database.reading() as connection:
            return {name: at_ms for name, at_ms in await connection.execute(_of(query, device))}

    async def misfits(self, device: str | None, from_ms: int, until_ms: int, limit: int) -> list[tuple[Any, ...]]:
        """Return what does not fit of the checkpoints that were signed in this time, the newest first.

        Each as device, log epoch, first and last play, when (Unix ms), and a sentence.
        """
        own = checkpoints.c
        columns = (own.device_id, own.log_epoch, own.first, own.last, own.at_ms, own.finding)
        query = select(*columns).where(own.kind.is_not(None), own.at_ms >= from_ms, own.at_ms < until_ms)
        async with self._database.reading() as connection:
            found = await connection.execute(_of(query, device).order_by(own.at_ms.desc()).limit(limit))
            return [tuple(row) for row in found]

    async def other_plays(self, device: str | None, from_ms: int, until_ms: int, limit: int) -> list[tuple[Any, ...]]:
        """Return the checkpoints of this time whose last play is here with another hash, or not at all.

        Each as device, log epoch, first and last play, when (Unix ms), its number, and whether the play is here.
        """
        own = checkpoints.c
        same = and_(
            plays.c.device_id == own.device_id, plays.c.log_epoch == own.log_epoch, plays.c.sequence == own.last
        )
        columns = (own.device_id, own.log_epoch, own.first, own.last, own.at_ms, own.number, plays.c.hash.is_not(None))
        query = select(*columns).outerjoin(plays, same).where(own.at_ms >= from_ms, own.at_ms < until_ms)
        query = query.where(own.last >= own.first, or_(plays.c.hash.is_(None), plays.c.hash != own.play_hash))
        async with self._database.reading() as connection:
            found = await connection.execute(_of(query, device).order_by(own.at_ms.desc()).limit(limit))
            return [tuple(row) for row in found]


def _of(query: Select[Any], device: str | None) -> Select[Any]:
    return query if device is None else query.where(checkpoints.c.device_id == device)


def _in_order(query: Select[Any], device: str) -> Select[Any]:
    """Select the chains of a device, the oldest first; of a fork what came first."""
    own = checkpoints.c
    unforked = query.where(own.device_id == device, or_(own.kind.is_(None), own.kind != "fork"))
    return unforked.order_by(own.chain, own.number)


def _add(
    connection: Connection, device: str, signed: SignedCheckpoint, judge: Judge, now_ms: int
) -> tuple[bool, tuple[Misfit, str] | None]:
    checkpoint = signed.checkpoint
    asked = {
        "device": device,
        "hash": signed.hash,
        "previous": checkpoint.previous,
        "number": checkpoint.number,
        "epoch": checkpoint.log_epoch,
        "serial": signed.serial,
    }
    if (row := connection.execute(_KNOWN, asked).first()) is not None:
        return False, None if row.kind is None else (Misfit(row.kind), row.finding)
    asked["chain"] = chain = _chain_of(connection, asked)
    wrong = judge(_surroundings(connection, asked))
    kind, finding = wrong or (None, None)
    values = {**_row(device, signed, now_ms), "chain": chain, "kind": kind, "finding": finding}
    connection.execute(_NEW, values)
    if connection.execute(_SECRET, asked).first() is None:
        secret = {"device_id": device, "log_epoch": checkpoint.log_epoch, "secret": signed.secret}
        connection.execute(_NEW_SECRET, secret)
    return True, wrong


def _chain_of(connection: Connection, asked: Mapping[str, Any]) -> int:
    """Return the chain of a checkpoint: the serial of the key that began it."""
    serial: int = asked["serial"]
    if asked["number"] == 1:
        return serial
    return connection.scalar(_CHAIN_BEFORE, asked) or connection.scalar(_NEWEST_CHAIN, asked) or serial


def _surroundings(connection: Connection, asked: Mapping[str, Any]) -> Surroundings:
    found = connection.execute(_BEFORE, asked).one()
    around = [Neighbour(*row) for row in connection.execute(_NEAR, asked)]
    covered = connection.scalar(_COVERED, asked)
    return Surroundings(around, found[1] if covered is None else covered, found[0] or 0)


_own = checkpoints.c
_of_device = _own.device_id == bindparam("device")
_of_chain = (_of_device, _own.chain == bindparam("chain", type_=Integer))
_number: BindParameter[int] = bindparam("number", type_=BigInteger)
_KNOWN = select(_own.kind, _own.finding).where(_of_device, _own.hash == bindparam("hash"))
_CHAIN_BEFORE = select(_own.chain).where(_of_device, _own.hash == bindparam("previous"))
_NEWEST_CHAIN = (
    select(_own.chain)
    .where(_of_device, _own.serial <= bindparam("serial", type_=Integer))
    .order_by(_own.chain.desc())
    .limit(1)
)
_NEAR = select(_own.number, _own.hash, _own.previous).where(*_of_chain, _own.number.between(_number - 1, _number + 1))
_BEFORE = select(
    func.max(_own.serial), func.max(_own.last).filter(_own.log_epoch == bindparam("epoch", type_=String))
).where(*_of_chain, _own.number < _number)
_COVERED = select(_own.last).where(
    *_of_chain, _own.hash == bindparam("previous"), _own.log_epoch == bindparam("epoch", type_=String)
)
_SECRET = select(log_secrets.c.secret).where(
    log_secrets.c.device_id == bindparam("device"), log_secrets.c.log_epoch == bindparam("epoch")
)
_newest_chain = select(func.max(_own.chain)).where(_of_device).scalar_subquery()
_NUMBERS = select(_own.number).where(_of_device, _own.chain == _newest_chain).distinct().order_by(_own.number)
_NEW, _NEW_SECRET = insert(checkpoints), insert(log_secrets)
"""Made once: to make a statement costs several times what it costs to execute it."""


def _row(device: str, signed: SignedCheckpoint, now_ms: int) -> dict[str, Any]:
    checkpoint = signed.checkpoint
    return {
        "device_id": device,
        "hash": signed.hash,
        "number": checkpoint.number,
        "previous": checkpoint.previous,
        "log_epoch": checkpoint.log_epoch,
        "first": checkpoint.first,
        "last": checkpoint.last,
        "play_hash": checkpoint.hash,
        "at_ms": unix_ms(checkpoint.at),
        "serial": signed.serial,
        "envelope": signed.envelope.model_dump(mode="json"),
        "received_ms": now_ms,
    }
