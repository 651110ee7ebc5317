"""Roles of people and programs, and what each of them includes. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

EVERYTHING = "everything"
"""The one space that there is: it holds all playlists, media, campaigns, channels and devices."""


class Role(StrEnum):
    """What somebody is there for; an operation names the least role that it needs."""

    VIEWER = "viewer"  # sees everything but secrets
    EDITOR = "editor"  # changes what is to be shown: media, playlists, schedules, campaigns
    PUBLISHER = "publisher"  # also sends it out to the screens, and decides which plays count
    TECHNICIAN = "technician"  # looks after screens: pairings, devices, their keys; not what they show
    ADMINISTRATOR = "administrator"  # may do everything; keys and people too


_INCLUDED: Mapping[Role, frozenset[Role]] = {
    Role.VIEWER: frozenset({Role.VIEWER}),
    Role.EDITOR: frozenset({Role.VIEWER, Role.EDITOR}),
    Role.PUBLISHER: frozenset({Role.VIEWER, Role.EDITOR, Role.PUBLISHER}),
    Role.TECHNICIAN: frozenset({Role.VIEWER, Role.TECHNICIAN}),
    Role.ADMINISTRATOR: frozenset(Role),
}


def includes(held: Role, needed: Role) -> bool:
    """Return whether who has the role `held` may do what needs the role `needed`."""
    return needed in _INCLUDED[held]


def with_article(role: Role) -> str:
    """Return a role as a sentence names it: `an editor`."""
    return f"{'an' if role[0] in 'aeiou' else 'a'} {role}"


@dataclass(frozen=True, slots=True)
class Right:
    """A role in a space."""

    role: Role
    space: str = EVERYTHING


@dataclass(frozen=True, slots=True)
class Rights:
    """All that somebody may do."""

    given: frozenset[Right] = frozenset()

    @classmethod
    def of(cls, *roles: Role) -> "Rights":
        """Return the rights of who has these roles for everything."""
        return cls(frozenset(map(Right, roles)))

    def allow(self, needed: Role) -> bool:
        """Return whether they include a role, for everything."""
        return any(includes(right.role, needed) for right in self.given if right.space == EVERYTHING)

    @property
    def allowed(self) -> list[Role]:
        """All roles that they include for everything, the least first."""
        return [role for role in Role if self.allow(role)]


NONE = Rights()
"""What a device may do of what needs a role, and who is not known."""


def refusal(rights: Rights, needed: Role) -> str:
    """Return why somebody with these rights may not do what needs a role, and whom to ask."""
    held: Iterable[Role] = sorted({right.role for right in rights.given}, key=list(Role).index)
    is_one = " and ".join(map(with_article, held)) or "somebody without a role"
    return f"it needs the role {needed}; you are {is_one}: ask an administrator"
