"""Who acts: the person, key, device or command on whose behalf this origin does something at the moment.

It is a context variable, so it passes through all calls down to the store that writes it. The guard sets it for each
request, a command for itself; where nobody set it, the origin acts by itself. A new task and a thread of the database
inherit who acts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    """What acts."""

    PERSON = "person"  # an account
    KEY = "key"
    DEVICE = "device"
    COMMAND_LINE = "command line"  # on the machine of the origin
    ORIGIN = "origin"  # by itself, such as when a time has come
    UNKNOWN = "unknown"  # somebody who did not say who it is, such as before a log-in


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts; `address`: from where, empty if that is not known."""

    kind: ActorKind
    id: str
    name: str
    address: str = ""


ORIGIN = Actor(ActorKind.ORIGIN, "origin", "origin")

_acting: ContextVar[Actor] = ContextVar("acting", default=ORIGIN)


def current_actor() -> Actor:
    """Return who acts."""
    return _acting.get()


def set_actor(actor: Actor) -> None:
    """Have `actor` act from now on, in the task of the caller and in what it starts."""
    _acting.set(actor)


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Have `actor` act inside the block."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)
