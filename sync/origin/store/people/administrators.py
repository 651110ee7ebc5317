"""Keeps at least one administrator: a key, or an account that has a password."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Conflict
from sync.origin.tables.people import keys, people
from sync.roles import Role

TURN = "administrators"
"""The name of the turn that takes who may leave less of them, so that not each leaves the other one."""

_KEYS = select(func.count()).select_from(keys).where(keys.c.role == Role.ADMINISTRATOR)
_PEOPLE = (
    select(func.count())
    .select_from(people)
    .where(people.c.role == Role.ADMINISTRATOR, people.c.password_hash.is_not(None))
)


async def check_one_stays(connection: AsyncConnection) -> None:
    """Refuse what the caller's transaction did so far if nobody would be left who may do everything.

    Raises:
        Conflict: there would be no administrator.
    """
    if not (await connection.scalar(_KEYS) or await connection.scalar(_PEOPLE)):
        raise Conflict(
            "this is the last administrator, and one has to stay: make another account (which has set its password) "
            "or key an administrator first"
        )
