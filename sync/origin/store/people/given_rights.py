"""The table of rights in spaces: of each account and key what it may do there."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Rejected
from sync.origin.tables.people import rights, spaces
from sync.roles import Right, Role

OF_KEYS: Column[Any] = rights.c.key_id
OF_PEOPLE: Column[Any] = rights.c.person_id


def shown_rights(role: Role | None, in_spaces: Iterable[Right]) -> dict[str, Any]:
    """Return rights as the audit log has them."""
    ordered = sorted(in_spaces, key=lambda one: (one.space, one.role))
    given = [{"space": one.space, "role": one.role.value} for one in ordered]
    return {"role": None if role is None else role.value, "rights": given}


async def read_rights(
    connection: AsyncConnection, of: Column[Any], ids: Iterable[str]
) -> Mapping[str, frozenset[Right]]:
    """Return what accounts or keys may do in spaces, by their ids; who may do nothing in one is not in it."""
    query = select(of.label("whose"), rights.c.role, rights.c.space_id).where(of.in_(list(ids)))
    found = dict[str, set[Right]]()
    for row in await connection.execute(query):
        found.setdefault(row.whose, set()).add(Right(Role(row.role), row.space_id))
    return {whose: frozenset(given) for whose, given in found.items()}


async def give_rights(
    connection: AsyncConnection, of: Column[Any], id: str, role: Role | None, given: Iterable[Right]
) -> None:
    """Give an account or key these rights in spaces, in place of those that it had; `role` is the one for everything.

    Raises:
        Rejected: there is no such space, or it would have no role at all.
    """
    wanted = sorted(set(given), key=lambda one: (one.space, one.role))
    if role is None and not wanted:
        raise Rejected("a role is needed, for everything or in a space", fields={"role": "is missing"})
    await _check_spaces(connection, wanted)
    await connection.execute(delete(rights).where(of == id))
    if wanted:
        rows = [{of.name: id, "space_id": one.space, "role": one.role.value} for one in wanted]
        await connection.execute(insert(rights), rows)


async def _check_spaces(connection: AsyncConnection, wanted: Sequence[Right]) -> None:
    """Refuse spaces that there are not; those that there are stay until the transaction ends."""
    asked = select(spaces.c.id).where(spaces.c.id.in_({one.space for one in wanted}))
    known = set((await connection.scalars(asked.with_for_update(read=True))).all())
    wrong = [(f"rights.{n}.space", one.space) for n, one in enumerate(wanted) if one.space not in known]
    if wrong:
        fields = {field: f"there is no space {space}" for field, space in wrong}
        raise Rejected(f"there is no space {', '.join(space for _, space in wrong)}", fields=fields)
