"""Rights in spaces as people send and see them."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field

from sync.roles import Right, Role
from sync.wire.value_types import Identifier, Wire

MOST_RIGHTS = 200


class SpaceRight(Wire):
    """A role in one space."""

    role: Role
    space: Identifier


GivenRights = Annotated[tuple[SpaceRight, ...], Field(max_length=MOST_RIGHTS)]
"""What somebody may do in spaces."""


def is_empty(value: Any) -> bool:
    """Return whether a field says nothing: where there is one space only, nobody sees the word."""
    return not value


def rights_of(sent: Iterable[SpaceRight]) -> frozenset[Right]:
    """Return the rights that were sent."""
    return frozenset(Right(one.role, one.space) for one in sent)


def shown_rights(given: Iterable[Right]) -> tuple[SpaceRight, ...]:
    """Return rights as they are shown, by space and role."""
    ordered = sorted(given, key=lambda one: (one.space, one.role))
    return tuple(SpaceRight(role=one.role, space=one.space) for one in ordered)
