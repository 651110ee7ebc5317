"""The tables of what screens signed: checkpoints of their logs, stored once each, and what exports show of them."""

import base64
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
)

from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.days.given_rows import Addition, GivenRows
from sync.origin.store.proof.device_keys import DeviceKeyStore, IssuedCertificate, newest
from sync.origin.store.spaces.visible_rows import of_seen_device
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

Outcome = tuple[bool, tuple[Misfit, str] | None]
"""Whether a checkpoint is new, and what does not fit."""


class NewCheckpoint(NamedTuple):
    """A checkpoint that came, and what judges it."""

    signed: SignedCheckpoint
    judge: Judge


@dataclass(frozen=True, slots=True)
class AddedCheckpoints:
    """What came of the checkpoints of a device, in their order, and whether its newest chain lacks some."""

    outcomes: Sequence[Outcome]
    behind: bool


class SignedLogStore:
    """Stores checkpoints as evidence: they are inserted, and never change."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database
        self._keys = DeviceKeyStore(database)

    def turn_here(self, device: str) -> AbstractAsyncContextManager[None]:
        """Let this origin take one delivery of a device at a time, as `add` wants it."""
        return self._database.turn_here(_turn_of(device))

    async def add(self, deliveries: Mapping[str, Sequence[NewCheckpoint]], now_ms: int) -> dict[str, AddedCheckpoints]:
        """Store the checkpoints of devices, in their order, all in one transaction; the caller has their turns here."""
        turns = [_turn_of(device) for device in deliveries]
        async with self._database.turns_among_origins(turns) as turn:
            return await turn.access.write(lambda connection: _add(connection, deliveries, now_ms))

    async def missing(self, device: str, limit: int) -> list[tuple[int, int]]:
        """Return the numbers that the newest chain lacks below its newest one, as first and last, the lowest first."""
        numbers = await self._database.read(lambda connection: connection.scalars(_NUMBERS, {"device": device}).all())
        gaps = [(before + 1, number - 1) for before, number in pairwise([0, *numbers]) if number > before + 1]
        return gaps[:limit]

    async def certificates(self, device: str) -> Sequence[Certificate]:
        """Return the newest certificate of each key that a device had."""
        return (await self.certificates_of([device]))[device]

    async def certificates_of(self, devices: Collection[str]) -> dict[str, Sequence[Certificate]]:
        """Do so for several devices."""
        found = await self._keys.certificates_of(devices)
        return {device: [*map(_certificate, newest(found.get(device, ())).values())] for device in devices}

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


def _certificate(one: IssuedCertificate) -> Certificate:
    return Certificate(
        device=one.device,
        key=one.key,
        public_key=one.public_key,
        serial=one.serial,
        issued_at=instant(one.issued_ms),
        revoked_at=None if one.revoked_ms is None else instant(one.revoked_ms),
    )


def _turn_of(device: str) -> str:
    return f"checkpoints of {device}"


def _of(query: Select[Any], device: str | None) -> Select[Any]:
    """Select what is of a device, or of all that one may see."""
    query = query.where(of_seen_device(checkpoints.c.device_id))
    return query if device is None else query.where(checkpoints.c.device_id == device)


def _in_order(query: Select[Any], device: str) -> Select[Any]:
    """Select the chains of a device, the oldest first; of a fork what came first."""
    own = checkpoints.c
    unforked = query.where(own.device_id == device, or_(own.kind.is_(None), own.kind != "fork"))
    return unforked.order_by(own.chain, own.number)


def _add(
    connection: Connection, deliveries: Mapping[str, Sequence[NewCheckpoint]], now_ms: int
) -> dict[str, AddedCheckpoints]:
    outcomes = {device: list[Outcome]() for device in deliveries}
    for nth in range(max(map(len, deliveries.values()), default=0)):  # each is judged by those before it
        these = {device: each[nth] for device, each in deliveries.items() if nth < len(each)}
        for device, outcome in _add_one_each(connection, these, now_ms).items():
            outcomes[device].append(outcome)
    dialect = connection.dialect.name
    rows = connection.execute(_counts(dialect), _DEVICES.values(dialect, [(device,) for device in deliveries]))
    behind = {device for device, newest_one, count in rows if newest_one != count}
    return {device: AddedCheckpoints(each, device in behind) for device, each in outcomes.items()}


def _add_one_each(connection: Connection, new: Mapping[str, NewCheckpoint], now_ms: int) -> dict[str, Outcome]:
    """Add a checkpoint of each of these devices."""
    chains, outcomes = _chains(connection, new)
    added = {device: new[device] for device in chains}
    known, rows = _surroundings(connection, added, chains), list[tuple[Any, ...]]()
    for device, (signed, judge) in added.items():
        wrong = judge(known[device])
        outcomes[device] = True, wrong
        kind, finding = wrong or (None, None)
        rows.append(_row(device, signed, now_ms, chains[device], kind, finding))
    _NEW.add(connection, rows)
    secrets = [(device, one.signed.checkpoint.log_epoch, one.signed.secret) for device, one in added.items()]
    _NEW_SECRETS.add(connection, secrets)
    return outcomes


def _chains(connection: Connection, new: Mapping[str, NewCheckpoint]) -> tuple[dict[str, int], dict[str, Outcome]]:
    """Return the chain of each new one, the serial of the key that began it, and what came of those that are here."""
    asked = [
        (device, one.hash, one.checkpoint.previous, one.checkpoint.number, one.serial)
        for device, (one, _) in new.items()
    ]
    chains, outcomes, dialect = dict[str, int](), dict[str, Outcome](), connection.dialect.name
    for device, is_here, kind, finding, chain in connection.execute(_chain_of(dialect), _ASKED.values(dialect, asked)):
        if is_here is None:
            chains[device] = chain
        else:
            outcomes[device] = False, None if kind is None else (Misfit(kind), finding)
    return chains, outcomes


def _surroundings(
    connection: Connection, new: Mapping[str, NewCheckpoint], chains: Mapping[str, int]
) -> dict[str, Surroundings]:
    asked = [
        (device, chains[device], one.checkpoint.previous, one.checkpoint.number, one.checkpoint.log_epoch)
        for device, (one, _) in new.items()
    ]
    if not asked:
        return {}
    dialect = connection.dialect.name
    values, near = _IN_CHAINS.values(dialect, asked), dict[str, list[Neighbour]]()
    for device, *neighbour in connection.execute(_near(dialect), values):
        near.setdefault(device, []).append(Neighbour(*neighbour))
    return {
        device: Surroundings(near.get(device, ()), below if covered is None else covered, serial or 0)
        for device, serial, below, covered in connection.execute(_before(dialect), values).all()
    }


_own = checkpoints.c
_ASKED = GivenRows(device=String(), hash=String(), previous=String(), number=BigInteger(), serial=Integer())
_IN_CHAINS = GivenRows(device=String(), chain=Integer(), previous=String(), number=BigInteger(), epoch=String())
_DEVICES = GivenRows(device=String())
_newest_chain = select(func.max(_own.chain)).where(_own.device_id == bindparam("device")).scalar_subquery()
_NUMBERS = (
    select(_own.number)
    .where(_own.device_id == bindparam("device"), _own.chain == _newest_chain)
    .distinct()
    .order_by(_own.number)
)
_NEW_SECRETS = Addition(
    log_secrets, ("device_id", "log_epoch", "secret"), lambda insertion: insertion.on_conflict_do_nothing()
)
"""Made once, as those below: to make a statement costs several times what it costs to execute it."""


@cache
def _chain_of(dialect: str) -> Select[Any]:
    given, before, older = _ASKED.table(dialect), checkpoints.alias(), checkpoints.alias()
    of_previous = select(before.c.chain).where(before.c.device_id == given.c.device, before.c.hash == given.c.previous)
    newest_one = select(func.max(older.c.chain)).where(
        older.c.device_id == given.c.device, older.c.serial <= given.c.serial
    )
    joined = func.coalesce(of_previous.scalar_subquery(), newest_one.scalar_subquery(), given.c.serial)
    chain = case((given.c.number == 1, given.c.serial), else_=joined)
    same = and_(_own.device_id == given.c.device, _own.hash == given.c.hash)
    query = select(given.c.device, _own.number, _own.kind, _own.finding, chain)
    return query.select_from(given.outerjoin(checkpoints, same))


@cache
def _before(dialect: str) -> Select[Any]:
    given, older, followed = _IN_CHAINS.table(dialect), checkpoints.alias(), checkpoints.alias()
    in_chain = (older.c.device_id == given.c.device, older.c.chain == given.c.chain, older.c.number < given.c.number)
    serial = select(func.max(older.c.serial)).where(*in_chain)
    below = select(func.max(older.c.last)).where(*in_chain, older.c.log_epoch == given.c.epoch)
    covered = select(followed.c.last).where(
        followed.c.device_id == given.c.device, followed.c.chain == given.c.chain,
        followed.c.hash == given.c.previous, followed.c.log_epoch == given.c.epoch,
    )  # fmt: skip
    columns = (each.scalar_subquery() for each in (serial, below, covered))
    return select(given.c.device, *columns).select_from(given)


@cache
def _near(dialect: str) -> Select[Any]:
    given = _IN_CHAINS.table(dialect)
    near = _own.number.between(given.c.number - 1, given.c.number + 1)
    same = and_(_own.device_id == given.c.device, _own.chain == given.c.chain, near)
    query = select(given.c.device, _own.number, _own.hash, _own.previous)
    return query.select_from(given.join(checkpoints, same))


@cache
def _counts(dialect: str) -> Select[Any]:
    """Select of devices the newest number of their newest chain, and how many different numbers it has."""
    given, newest_one = _DEVICES.table(dialect), checkpoints.alias()
    chain = select(func.max(newest_one.c.chain)).where(newest_one.c.device_id == given.c.device).scalar_subquery()
    same = and_(_own.device_id == given.c.device, _own.chain == chain)
    query = select(given.c.device, func.max(_own.number), func.count(_own.number.distinct()))
    return query.select_from(given.join(checkpoints, same)).group_by(given.c.device)


def _row(
    device: str, signed: SignedCheckpoint, now_ms: int, chain: int, kind: Misfit | None, finding: str | None
) -> tuple[Any, ...]:
    own = signed.checkpoint
    return (
        device, signed.hash, own.number, own.previous, own.log_epoch, own.first, own.last, own.hash, unix_ms(own.at),
        signed.serial, chain, signed.envelope.model_dump(mode="json"), now_ms, kind and kind.value, finding,
    )  # fmt: skip


_NEW = Addition(
    checkpoints,
    ("device_id", "hash", "number", "previous", "log_epoch", "first", "last", "play_hash", "at_ms", "serial", "chain",
     "envelope", "received_ms", "kind", "finding"),
    lambda insertion: insertion,
)  # fmt: skip
