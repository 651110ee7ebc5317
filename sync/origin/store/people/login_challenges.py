"""The table of challenges: what browsers were asked to answer, each once and for a short time."""

from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Unauthenticated
from sync.origin.persistence.database import OriginDatabase
from sync.origin.tables.people import login_challenges, people


class Purpose(StrEnum):
    """What a challenge is for; an answer for another purpose does not count."""

    LOG_IN = "log_in"
    ADD_PASSKEY = "add_passkey"
    PROVIDER = "provider"  # to log in at the provider of identities


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge by its hash, for the browser with a cookie of this hash; `person`: of whom, once that is known."""

    hash: str = field(repr=False)
    purpose: Purpose
    browser: str = field(repr=False)
    expires_ms: int
    person: str | None = None


class ChallengeStore:
    """Stores challenges. All origins of a database know them, so any may get the answer, and one only takes it."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def add(self, challenge: Challenge, now_ms: int, *, password_hash: str | None = None) -> None:
        """Add a challenge; those that have expired are deleted. One of a person is for who knew this password.

        Raises:
            Unauthenticated: the password was changed meanwhile.
        """
        async with self._database.writing() as connection:
            if challenge.person is not None:
                found = select(people.c.password_hash).where(people.c.id == challenge.person).with_for_update()
                if password_hash is None or await connection.scalar(found) != password_hash:
                    raise Unauthenticated("the password was changed meanwhile: log in with the new one")
            await connection.execute(delete(login_challenges).where(login_challenges.c.expires_ms <= now_ms))
            await connection.execute(
                insert(login_challenges).values(
                    hash=challenge.hash,
                    purpose=challenge.purpose,
                    browser=challenge.browser,
                    person_id=challenge.person,
                    expires_ms=challenge.expires_ms,
                )
            )

    async def take(self, hash: str, purpose: Purpose, browser: str, now_ms: int) -> bool:
        """Use a challenge up; return whether this browser was asked that for this purpose, and has not answered yet."""
        async with self._database.writing() as connection:
            return await taken(connection, hash, purpose, browser, now_ms)


async def taken(
    connection: AsyncConnection, hash: str, purpose: Purpose, browser: str, now_ms: int, person: str | None = None
) -> bool:
    """Use a challenge of a person, or of nobody yet, up; return whether it was there for this browser."""
    asked = (login_challenges.c.hash == hash) & (login_challenges.c.browser == browser)
    fits = (login_challenges.c.purpose == purpose) & (login_challenges.c.expires_ms > now_ms)
    whose = login_challenges.c.person_id.is_not_distinct_from(person)
    return (await connection.execute(delete(login_challenges).where(asked, fits, whose))).rowcount == 1


async def withdraw_challenges(connection: AsyncConnection, person: str) -> None:
    """Delete all challenges of a person: what was asked of who knew the old password counts no more."""
    await connection.execute(delete(login_challenges).where(login_challenges.c.person_id == person))
