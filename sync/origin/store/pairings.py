"""The table of pairings: devices that ask to be let in, until they are, or their time is over."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Update, delete, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Conflict, NotFound
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.lists import PAIRINGS
from sync.origin.persistence.pages import Page, PageRequest, read_page
from sync.origin.store.devices import add_device
from sync.origin.store.row_checks import raise_if_wrong
from sync.origin.store.spaces.caller_rights import caller_rights
from sync.origin.store.spaces.visible_rows import check_role, seen
from sync.origin.tables.devices import devices, pairings
from sync.origin.tables.plans import channels
from sync.roles import DEFAULT_SPACE, Role
from sync.runtime.state_table import StateTable

NOT_WAITING = "this pairing does not wait: ask to be paired again"


class PairingStep(StrEnum):
    """How far a device that asks to be let in has come."""

    WAITING = "waiting"  # a person must enter the code that its screen shows
    APPROVED = "approved"  # it is a device now; nobody has its token yet
    REFUSED = "refused"  # its proof of the enrolment key was wrong; no poll and no code lets it in
    DELIVERED = "delivered"  # it has its token; no other poll gets one
    EXPIRED = "expired"  # no query returns it any more; never stored, the row is deleted later


PAIRING_STATES = StateTable(
    "pairing",
    PairingStep.WAITING,
    {
        PairingStep.WAITING: {
            PairingStep.APPROVED: "a person enters its code, or it knows the enrolment key",
            PairingStep.REFUSED: "its proof of the enrolment key is wrong",
            PairingStep.EXPIRED: "nobody approves it in time",
        },
        PairingStep.APPROVED: {
            PairingStep.DELIVERED: "the device polls and gets its token",
            PairingStep.EXPIRED: "the device does not poll in time",
        },
        PairingStep.REFUSED: {PairingStep.EXPIRED: "its time is over"},
        PairingStep.DELIVERED: {PairingStep.EXPIRED: "its time is over"},
        PairingStep.EXPIRED: {},
    },
)
_OPEN = (PairingStep.WAITING, PairingStep.APPROVED)
_COUNTED = (PairingStep.WAITING, PairingStep.REFUSED)
"""The steps of pairings that anybody can cause."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """One attempt of a device to belong to this origin; `channel` and `device` are set once it is approved."""

    id: str
    name: str
    step: PairingStep
    channel: str | None
    device: str | None
    expires_ms: int


@dataclass(frozen=True, slots=True)
class PairingLimits:
    """The most pairings that wait or were refused: in all, and of one client."""

    most: int
    most_of_one: int


@dataclass(frozen=True, slots=True)
class Admission:
    """What a device gets when it is let in; `token_hash` belongs to a token nobody knows until delivery."""

    device: str
    channel: str
    name: str | None
    token_hash: str
    now_ms: int


class PairingStore:
    """Pairings that have not expired."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def create(
        self, pairing: Pairing, *, code: str, secret_hash: str, now_ms: int, client: str, limits: PairingLimits
    ) -> Pairing | None:
        """Store a new pairing, or return the open one with this secret; None if this client has too many.

        If there are too many in all, the oldest one of the client that has the most goes.
        """
        async with self._database.writing() as connection:
            await connection.execute(delete(pairings).where(pairings.c.expires_ms <= now_ms))
            open_one = select(pairings).where(pairings.c.secret == secret_hash, pairings.c.state.in_(_OPEN))
            row = (await connection.execute(open_one)).first()
            if row is not None:
                return _pairing(row)
            if not await _has_room(connection, client, limits):
                return None
            values = {"id": pairing.id, "name": pairing.name, "state": pairing.step, "expires_ms": pairing.expires_ms}
            await connection.execute(insert(pairings).values(**values, code=code, secret=secret_hash, client=client))
            return pairing

    async def page(self, asked: PageRequest, now_ms: int) -> Page[Pairing]:
        """Return a page of the pairings that wait for a person, the longest waiting first.

        They lie in no space yet: who has roles in spaces only sees none, and needs the code that a screen shows.
        """
        is_seen = literal(caller_rights().allow(Role.VIEWER))
        waits = (pairings.c.state == PairingStep.WAITING, pairings.c.expires_ms > now_ms, is_seen)
        async with self._database.reading() as connection:
            return (await read_page(connection, PAIRINGS, select(pairings), asked, *waits)).of(_pairing)

    async def get(self, pairing: str, secret_hash: str, now_ms: int) -> Pairing | None:
        """Return the pairing that has this secret; None if it expired or the secret is wrong."""
        found = select(pairings).where(pairings.c.id == pairing, pairings.c.secret == secret_hash)
        async with self._database.reading() as connection:
            row = (await connection.execute(found.where(pairings.c.expires_ms > now_ms))).first()
            return None if row is None else _pairing(row)

    async def approve_by_code(self, code: str, admission: Admission, *, first_channel: str) -> None:
        """Let in the device that shows `code`; only `first_channel` need not exist yet: screens may come before it.

        Raises:
            Rejected: there is no such channel, or one may not see it.
            Forbidden: one is no technician in its space.
            NotFound: no device waits with this code.
            Conflict: two do. A code has 40 bits, so one of them was made to match, and neither can be trusted.
        """
        async with self._database.writing() as connection:
            found = select(pairings).where(
                pairings.c.code == code,
                pairings.c.state == PairingStep.WAITING,
                pairings.c.expires_ms > admission.now_ms,
            )
            rows = list(await connection.execute(found))
            if not rows:
                raise NotFound(
                    "no device waits with this code: read the code on the screen again, it changes after some minutes"
                )
            if len(rows) > 1:
                raise Conflict("two devices claim this code, so one is an impostor: restart yours to get another code")
            await _check_channel(connection, admission.channel, first_channel)
            await _approve(connection, rows[0], admission)

    async def approve(self, pairing: str, admission: Admission) -> None:
        """Let in the device of a waiting pairing, which proved to know the enrolment key.

        Raises:
            NotFound: it is not waiting.
        """
        async with self._database.writing() as connection:
            found = select(pairings).where(pairings.c.id == pairing, pairings.c.state == PairingStep.WAITING)
            row = (await connection.execute(found)).first()
            if row is None:
                raise NotFound(NOT_WAITING)
            await _approve(connection, row, admission)

    async def refuse(self, pairing: str) -> bool:
        """Close a waiting pairing, whose device does not know the enrolment key; tell whether it was waiting."""
        async with self._database.writing() as connection:
            return (await connection.execute(_move(pairing, PairingStep.REFUSED))).rowcount == 1

    async def deliver(self, pairing: Pairing, token_hash: str) -> bool:
        """Make the device's token valid; True for exactly one caller, who hands out the token."""
        async with self._database.writing() as connection:
            done = await connection.execute(_move(pairing.id, PairingStep.DELIVERED))
            if done.rowcount != 1 or pairing.device is None:
                return False
            token = update(devices).where(devices.c.id == pairing.device).values(token_hash=token_hash)
            await connection.execute(token)
            return True


async def _has_room(connection: AsyncConnection, client: str, limits: PairingLimits) -> bool:
    counted = pairings.c.state.in_(_COUNTED)
    of_client = func.count().filter(pairings.c.client == client)
    of_one, in_all = (await connection.execute(select(of_client, func.count()).where(counted))).one()
    if of_one >= limits.most_of_one:
        return False
    if in_all >= limits.most:
        by_number = select(pairings.c.client).where(counted).group_by(pairings.c.client).order_by(func.count().desc())
        of_most = select(pairings.c.id).where(counted, pairings.c.client == by_number.limit(1).scalar_subquery())
        oldest = await connection.scalar(of_most.order_by(pairings.c.expires_ms).limit(1))
        await connection.execute(delete(pairings).where(pairings.c.id == oldest))
    return True


async def _check_channel(connection: AsyncConnection, channel: str, first_channel: str) -> None:
    """Check that one may have screens play a channel; the first one lies in the default space before it is made."""
    lies = select(channels.c.space_id.label("space"), seen(channels).label("is_seen")).where(channels.c.id == channel)
    row = (await connection.execute(lies.with_for_update(read=True, key_share=True))).first()
    if row is not None and row.is_seen:
        check_role("channel", channel, row.space, Role.TECHNICIAN, is_seen=True)
    elif row is not None or channel != first_channel or not caller_rights().allow(Role.TECHNICIAN, DEFAULT_SPACE):
        raise_if_wrong([("channel", f"there is no channel {channel}")])


async def _approve(connection: AsyncConnection, row: Row[Any], admission: Admission) -> None:
    change = _move(row.id, PairingStep.APPROVED)
    done = await connection.execute(change.values(channel_id=admission.channel, device_id=admission.device))
    if done.rowcount == 0:  # two people approved it at once, on PostgreSQL
        raise NotFound("this device does not wait any more: somebody else has just let it in")
    space = await connection.scalar(select(channels.c.space_id).where(channels.c.id == admission.channel))
    await add_device(
        connection,
        id=admission.device,
        space_id=space or DEFAULT_SPACE,
        name=admission.name or row.name,
        channel_id=admission.channel,
        channels=[admission.channel],
        token_hash=admission.token_hash,
        paired_ms=admission.now_ms,
    )


def _move(pairing: str, after: PairingStep) -> Update:
    allowed = pairings.c.state.in_(PAIRING_STATES.before(after))
    return update(pairings).where(pairings.c.id == pairing, allowed).values(state=after)


def _pairing(row: Row[Any]) -> Pairing:
    return Pairing(
        id=row.id,
        name=row.name,
        step=PairingStep(row.state),
        channel=row.channel_id,
        device=row.device_id,
        expires_ms=row.expires_ms,
    )
