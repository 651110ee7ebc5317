"""Who may do what somebody may not: names for refusals."""

from collections.abc import Collection

from sqlalchemy import or_, select

from sync.origin.persistence.database import OriginDatabase
from sync.origin.tables.people import people, rights
from sync.roles import EVERYTHING, Role, includes

MOST_ASKED = 5
"""The most names of one refusal."""


class WhomToAskStore:
    """Reads who has a role in a space."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def names(self, asks: Collection[tuple[str, str]]) -> tuple[str, ...]:
        """Return the names of people who have one of these roles in its space, or for everything, the first ones.

        Of keys none: a program is not asked. A name that may be an address of e-mail is left out.
        """
        if not asks:
            return ()
        these = []
        for needed, space in asks:
            able = [role.value for role in Role if includes(role, Role(needed))]
            these.append(people.c.role.in_(able))
            if space != EVERYTHING:
                of_space = (rights.c.space_id == space, rights.c.role.in_(able), rights.c.person_id.is_not(None))
                these.append(people.c.id.in_(select(rights.c.person_id).where(*of_space)))
        query = select(people.c.name).where(or_(*these), ~people.c.name.contains("@"))
        query = query.order_by(people.c.name_key, people.c.id).limit(MOST_ASKED)
        async with self._database.reading() as connection:
            return tuple(await connection.scalars(query))
