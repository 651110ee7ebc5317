"""Roles of people and programs, and what each of them includes. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

EVERYTHING = "*"
"""What a role is given for that is not given for one space; no space has this id."""

DEFAULT_SPACE = "default"
"""The space that is always there: all lies in it that was not put into another one, and nobody needs to name it."""


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

    @classmethod
    def held(cls, role: Role | None, in_spaces: Iterable[Right]) -> "Rights":
        """Return the rights of who has a role for everything (None: none), and others in spaces."""
        return cls(frozenset((*(() if role is None else (Right(role),)), *in_spaces)))

    def allow(self, needed: Role, space: str = EVERYTHING) -> bool:
        """Return whether they include a role for everything, or at least in this space."""
        return any(includes(right.role, needed) for right in self.given if right.space in (EVERYTHING, space))

    def spaces(self, needed: Role) -> frozenset[str] | None:
        """Return the spaces in which they include a role; None: it is included for everything."""
        if self.allow(needed):
            return None
        return frozenset(right.space for right in self.given if includes(right.role, needed))

    @property
    def allowed(self) -> list[Role]:
        """All roles that they include for everything, the least first."""
        return [role for role in Role if self.allow(role)]

    @property
    def somewhere(self) -> list[Role]:
        """All roles that they include for everything or in some space, the least first."""
        return [role for role in Role if any(includes(right.role, role) for right in self.given)]

    @property
    def for_everything(self) -> Role | None:
        """The role that is given for everything, if there is one."""
        return next((right.role for right in self.given if right.space == EVERYTHING), None)

    @property
    def in_spaces(self) -> list[Right]:
        """What is given for spaces, by space and role."""
        return sorted((one for one in self.given if one.space != EVERYTHING), key=lambda one: (one.space, one.role))


NONE = Rights()
"""What a device may do of what needs a role, and who is not known."""


def refusal(rights: Rights, needed: Role, *, anywhere: bool = False) -> str:
    """Return why somebody with these rights may not do what needs a role, for everything or `anywhere`; whom to ask."""
    where = "" if anywhere or not rights.in_spaces or needed not in rights.somewhere else " for everything"
    return f"it needs the role {needed}{where}; you are {in_words(rights)}: ask an administrator"


def in_words(rights: Rights) -> str:
    """Return rights as a sentence names who has them: `a viewer and an editor in shop-7`."""
    places: dict[Role, set[str]] = {}
    for right in rights.given:
        places.setdefault(right.role, set()).add(right.space)
    held = ((role, places[role]) for role in Role if role in places)
    words = (with_article(role) + ("" if EVERYTHING in of else f" in {', '.join(sorted(of))}") for role, of in held)
    return " and ".join(words) or "somebody without a role"
