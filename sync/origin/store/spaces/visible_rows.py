"""Which rows the rights that count show and let change: conditions of queries, and refusals in words."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, FromClause, Table, or_, select, true

from sync.errors import Forbidden, NotFound
from sync.origin.store.spaces.caller_rights import caller_rights
from sync.origin.tables.media import media
from sync.origin.tables.people import lent_media, lent_playlists
from sync.origin.tables.plans import playlists
from sync.roles import Role, with_article

LENT: Mapping[FromClause, Table] = {playlists: lent_playlists, media: lent_media}
"""The tables of what can be lent, and which table says to whom."""


def seen(table: Table) -> ColumnElement[bool]:
    """Return the condition of the rows that may be seen: those of one's spaces, and those lent to them."""
    spaces = caller_rights().spaces(Role.VIEWER)
    if spaces is None:
        return true()
    own = table.c.space_id.in_(spaces)
    if (lent := LENT.get(table)) is None:
        return own
    return or_(own, table.c.id.in_(select(lent.c.thing_id).where(lent.c.space_id.in_(spaces))))


def changeable(table: Table, role: Role = Role.EDITOR) -> ColumnElement[bool]:
    """Return the condition of the rows for which one has a role."""
    spaces = caller_rights().spaces(role)
    return true() if spaces is None else table.c.space_id.in_(spaces)


def check_role(kind: str, id: str, space: str, needed: Role, *, is_seen: bool) -> None:
    """Check that one has a role in the space of a thing.

    Raises:
        NotFound: one may not even see it.
        Forbidden: one may not do this with it.
    """
    if caller_rights().allow(needed, space):
        return
    if not is_seen:
        raise NotFound(f"there is no {kind} {id}")
    raise Forbidden(
        f"you may not do this with {kind} {id}: it needs {with_article(needed)} in its space"
        f"{named_space(space)}: ask one, or an administrator"
    )


def named_space(space: str) -> str:
    """Return ` NAME` of a space that one may see, else nothing."""
    return f" {space}" if caller_rights().allow(Role.VIEWER, space) else ""
