"""Which rows the rights that count show and let change: conditions of queries, and refusals in words."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Alias, ColumnElement, FromClause, Table, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Forbidden, NotFound, Rejected
from sync.origin.store.spaces.caller_rights import caller_rights
from sync.origin.tables.devices import devices
from sync.origin.tables.media import media
from sync.origin.tables.people import lent_media, lent_playlists, spaces
from sync.origin.tables.plans import campaigns, channels, playlists
from sync.roles import DEFAULT_SPACE, EVERYTHING, Role, with_article

LENT: Mapping[FromClause, Table] = {playlists: lent_playlists, media: lent_media}
"""The tables of what can be lent, and which table says to whom."""


def seen(table: FromClause) -> ColumnElement[bool]:
    """Return the condition of the rows that may be seen: those of one's spaces, and those lent to them.

    `table` is one of things, or an alias of one.
    """
    spaces = caller_rights().spaces(Role.VIEWER)
    if spaces is None:
        return true()
    own = table.c.space_id.in_(spaces)
    if (lent := LENT.get(table.element if isinstance(table, Alias) else table)) is None:
        return own
    return or_(own, table.c.id.in_(select(lent.c.thing_id).where(lent.c.space_id.in_(spaces))))


def of_seen_channel(channel: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition of the rows about channels that may be seen; `channel` has the id of the channel."""
    if caller_rights().spaces(Role.VIEWER) is None:
        return true()
    return channel.in_(select(channels.c.id).where(seen(channels)))


def of_seen_device(device: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition of the rows about screens that may be seen, removed or not; `device` has the id."""
    if caller_rights().spaces(Role.VIEWER) is None:
        return true()
    return device.in_(select(devices.c.id).where(seen(devices)))


def of_no_hidden_campaign(campaign: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition of the rows about no campaign, one that may be seen, or one that was removed."""
    if caller_rights().spaces(Role.VIEWER) is None:
        return true()
    hidden = select(campaigns.c.id).where(~seen(campaigns))
    return or_(campaign.is_(None), campaign.not_in(hidden))


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
        f"{named_space(space)}: ask one, or an administrator",
        asks=[(needed, space)],
    )


async def check_shown_in(connection: AsyncConnection, what: str, shows_in: ColumnElement[bool]) -> None:
    """Refuse a change that would show in channels for which one is no editor; `shows_in` is the condition of channels.

    Raises:
        Forbidden: there are such channels; they are named as far as one may see them.
    """
    if caller_rights().spaces(Role.EDITOR) is None:
        return
    others = select(channels.c.id, seen(channels).label("is_seen"), channels.c.space_id)
    rows = (await connection.execute(others.where(shows_in, ~changeable(channels)))).all()
    if rows:
        named = ", ".join(named_users((row.id, row.is_seen) for row in rows))
        asks = sorted({(Role.EDITOR.value, row.space_id) for row in rows})
        raise Forbidden(f"{what} shows in {named}: ask an editor of that space, or an administrator", asks=asks)


def check_everywhere(channel: str | None) -> None:
    """Refuse a campaign without a channel, which shows on all of them, for who is an editor in some spaces only.

    Raises:
        Forbidden: it has none.
    """
    if channel is None and caller_rights().spaces(Role.EDITOR) is not None:
        raise Forbidden(
            "a campaign without a channel shows on all channels, of other spaces too: name a channel of yours, or ask "
            "an administrator",
            asks=[(Role.EDITOR, EVERYTHING)],
        )


def named_users(users: Iterable[tuple[str, bool]], kind: str = "channel") -> list[str]:
    """Return the names of what uses something, given with whether one may see it; the others are told once."""
    known = list(users)
    hidden = [] if all(is_seen for _, is_seen in known) else [f"a {kind} of another space"]
    return sorted({name for name, is_seen in known if is_seen}) + hidden


async def space_for_new(connection: AsyncConnection, asked: str | None, needed: Role = Role.EDITOR) -> str:
    """Return the space of a new thing: the one that is asked for, else the only one in which one has the role.

    Raises:
        Rejected: there is no such space, or several could be meant.
        Forbidden: one does not have the role there.
    """
    rights = caller_rights()
    if asked is None:
        able = rights.spaces(needed)
        if able is None or DEFAULT_SPACE in able:
            return DEFAULT_SPACE
        if len(able) == 1:
            return next(iter(able))
        raise Rejected(f"say in which space: ?space= one of {', '.join(sorted(able))}", fields={"space": "is missing"})
    known = select(spaces.c.id).where(spaces.c.id == asked).with_for_update(read=True, key_share=True)
    if not rights.allow(Role.VIEWER, asked) or await connection.scalar(known) is None:
        raise Rejected(f"there is no space {asked}", fields={"space": "there is no such space"})
    if not rights.allow(needed, asked):
        asks = [(needed, asked)]
        raise Forbidden(f"you are no {needed} in the space {asked}: ask one, or an administrator", asks=asks)
    return asked


def usable(table: Table, space: str) -> ColumnElement[bool]:
    """Return the condition of the rows that something in a space may use: those that lie in it, or are lent to it."""
    lent = LENT[table]
    return or_(table.c.space_id == space, table.c.id.in_(select(lent.c.thing_id).where(lent.c.space_id == space)))


def not_usable(kind: str, name: str, used_in: str) -> str:
    """Return why a thing that one may see cannot be used in a space."""
    return f"{kind} {name} lies in another space: have it lent to the space {used_in}"


def shown_space(space: str) -> str | None:
    """Return a space as answers have it: None for the default one, and for one that one may not see.

    So nobody sees the word who has no other than the default one.
    """
    return None if space == DEFAULT_SPACE or not caller_rights().allow(Role.VIEWER, space) else space


def named_space(space: str) -> str:
    """Return ` NAME` of a space that one may see, else nothing."""
    return f" {space}" if caller_rights().allow(Role.VIEWER, space) else ""
